# Statements.pm - SQL in a session of its own, as psql does it, without psql: that took most of a test's time.
#
#   my $text = BugEvents::Statements::run($node, 'postgres', 'SELECT 1; SELECT 2');     # "1\n2"
#
# What comes out is psql's, unaligned and tuples only; an error dies with what safe_psql() says.  Undef where that
# can't be: with psql's own commands, COPY, or a server that doesn't let us in at once; psql is for these.
package BugEvents::Statements;

use strict;
use warnings;
use IO::Socket::UNIX;

sub run
{
	my ($node, $database, $sql) = @_;
	my $statements = _split($sql) // return;
	my $session = _open($node, $database) // return;
	my $out = '';

	$out .= _execute($session, $_, $sql) for @$statements;
	_send($session, 'X', '');
	chomp $out;
	return $out;
}

# At semicolons, as psql does; undef: it takes psql.
sub _split
{
	my ($sql) = @_;
	my @statements = ('');
	my $depth = 0;

	return if $sql =~ /\\|\bCOPY\b|\bLISTEN\b|\bBEGIN\s+ATOMIC\b/i || !utf8::downgrade($sql, 1);
	while ($sql =~ /\G('(?:[^']++|'')*+'|"[^"]*+"|\$(\w*)\$.*?\$\2\$|--[^\n]*+|\/\*.*?\*\/|[^'"\$();\/-]++|.)/gs)
	{
		my $token = $1;

		$depth += $token eq '(' ? 1 : $token eq ')' ? -1 : 0;
		if ($token eq ';' && $depth == 0) { push @statements, ''; }
		elsif ($token !~ /\A--/) { $statements[-1] .= $token; }
	}
	return [ grep { /\S/ } @statements ];
}

sub _open
{
	my ($node, $database) = @_;
	my %parameters = (
		user => scalar getpwuid($>), database => $database,
		application_name => $0 =~ s{.*/}{}r, options => $ENV{PGOPTIONS} // '');

	return if $node->host !~ m{^/} || grep { defined $ENV{$_} } qw(PGUSER PGCLIENTENCODING PGTZ PGDATESTYLE);
	my $socket = IO::Socket::UNIX->new(Peer => $node->host . '/.s.PGSQL.' . $node->port) // return;
	my $body = pack('N', 3 << 16) . join('', map { "$_\0" } %parameters) . "\0";

	syswrite $socket, pack('N', 4 + length $body) . $body;
	while (my ($kind, $body) = _receive($socket))
	{
		return $socket if $kind eq 'Z';
		return if $kind eq 'E' || ($kind eq 'R' && unpack('N', $body) != 0);
	}
	return;
}

# What it gives; dies with what psql would have said of $all.
sub _execute
{
	my ($session, $statement, $all) = @_;
	my ($out, $said, $error) = ('', '', undef);

	_send($session, 'Q', "$statement\0");
	while (my ($kind, $body) = _receive($session))
	{
		if ($kind eq 'D') { $out .= _row($body) . "\n"; }
		elsif ($kind eq 'N') { $said .= _message($body); }
		elsif ($kind eq 'E') { $error = $said .= _message($body); }
		elsif ($kind eq 'Z')
		{
			print "#### Begin standard error\n$said#### End standard error\n" if $said ne '';
			die "error running SQL: '$error'\nwith sql '$all'" if defined $error;
			return $out;
		}
	}
	$said .= "server closed the connection unexpectedly\n\tThis probably means the server terminated abnormally\n";
	die "connection error: '${said}connection to server was lost'\nwith sql '$all'";
}

sub _row
{
	my ($body) = @_;
	my ($n, $at) = (unpack('n', $body), 2);
	my @values;

	for (1 .. $n)
	{
		my $length = unpack('l>', substr($body, $at, 4));

		push @values, $length < 0 ? '' : substr($body, $at + 4, $length);
		$at += 4 + ($length < 0 ? 0 : $length);
	}
	return join '|', @values;
}

sub _message
{
	my ($body) = @_;
	my %field = map { substr($_, 0, 1) => substr($_, 1) } grep { length } split /\0/, $body;
	my $text = "psql:<stdin>:1: $field{S}:  $field{M}\n";

	$text .= "DETAIL:  $field{D}\n" if defined $field{D};
	$text .= "HINT:  $field{H}\n" if defined $field{H};
	$text .= "CONTEXT:  $field{W}\n" if defined $field{W} && $field{V} =~ /^(?:ERROR|FATAL|PANIC)$/;
	return $text;
}

sub _send
{
	my ($session, $kind, $body) = @_;
	my $message = $kind . pack('N', 4 + length $body) . $body;
	local $SIG{PIPE} = 'IGNORE';

	while (length $message)
	{
		my $n = syswrite $session, $message;

		next if !defined $n && $!{EINTR};
		return if !defined $n;
		substr($message, 0, $n, '');
	}
	return;
}

# A message's kind and body; nothing: the connection has ended.
sub _receive
{
	my ($session) = @_;
	my $head = _read($session, 5) // return;
	my ($kind, $length) = unpack 'a1N', $head;
	my $body = _read($session, $length - 4) // return;

	return ($kind, $body);
}

sub _read
{
	my ($session, $size) = @_;
	my $bytes = '';

	while (length $bytes < $size)
	{
		my $n = sysread $session, $bytes, $size - length $bytes, length $bytes;

		next if !defined $n && $!{EINTR};
		return if !$n;
	}
	return $bytes;
}

1;
