# Pipe.pm - a gateway that was taken over: the test itself speaks on its pipe.
#
#   my $pipe = BugEvents::Pipe->take_over($server, 2);      # before the server starts gateway 2
#   $pipe->begin;                                           # once it has
#   $pipe->say(OPEN => pack(...));
#   my $body = $pipe->hear('ADMIT');
#
# The program is put aside in the private installation; in its place is a relay, which joins the pipe
# of the gateway of that number to a socket of ours.  The others are real ones.
package BugEvents::Pipe;

use strict;
use warnings;
use Carp qw(croak);
use Fcntl qw(LOCK_EX);
use IO::Select;
use IO::Socket::UNIX;
use PostgreSQL::Test::Utils;

my $text = slurp_file('src/common/pipe/message.h');
our ($VERSION_OF_PIPE) = $text =~ /^#define BEV_PIPE_VERSION (\d+)/m;

# The kinds of messages: those that stand without a number count on from the one before.
our %KIND;
{
	my ($body) = $text =~ /^typedef enum BevMessageKind\n\{(.*?)^\}/ms;
	my $number = 0;

	for ($body =~ /BEV_MSG_(\w+(?: = \d+)?)/g)
	{
		my ($name, $is) = split / = /;

		$number = $is // $number + 1;
		$KIND{$name} = $number;
	}
}

# Of another enum: { name without the prefix => number }.
sub numbers
{
	my ($enum, $prefix) = @_;
	my ($body) = $text =~ /^typedef enum $enum\n\{(.*?)^\}/ms;
	my $number = 0;

	$body =~ s{/\*.*?\*/}{}gs;
	return { map { $_ => $number++ } $body =~ /\b$prefix(\w+)/g };
}

# Tests that put a program of the installation aside do so one after the other: it is shared.
my $lock;
sub lock_programs
{
	my ($libdir) = @_;

	open($lock, '>', "$libdir/bugevents-programs.lock") or die $!;
	flock($lock, LOCK_EX) or die $!;
	return;
}

sub take_over
{
	my ($class, $server, $number) = @_;
	my ($libdir) = run_command([ 'pg_config', '--pkglibdir' ]);
	my $program = "$libdir/bugevents-gateway";
	my $path = $server->node->data_dir . '/relay';
	lock_programs($libdir);
	my $listener = IO::Socket::UNIX->new(Local => $path, Listen => 5) or die "$path: $!";

	rename $program, "$program.real" or die "$program: $!" if !-e "$program.real";
	open(my $file, '>', $program) or die "$program: $!";
	print $file _relay($number);
	close $file;
	chmod 0755, $program;
	return bless { pid => $$, program => $program, listener => $listener, buffer => '' }, $class;
}

# It runs in the data directory; elsewhere it is the real one.
sub _relay
{
	my ($number) = @_;

	return <<"END";
#!/usr/bin/perl
use strict;
use warnings;
use IO::Select;
use IO::Socket::UNIX;

my (\$number) = \@ARGV;
exec "\$0.real", \@ARGV if \$number != $number || !-S 'relay';
open(my \$pipe, '+<&=', 3) or die \$!;
binmode \$pipe;
\$pipe->blocking(1);
my \$test = IO::Socket::UNIX->new(Peer => 'relay') or exit 1;
my \$select = IO::Select->new(\$pipe, \$test);
while (1)
{
	for my \$from (\$select->can_read)
	{
		my \$to = \$from == \$pipe ? \$test : \$pipe;

		exit 0 if !sysread(\$from, my \$bytes, 65536);
		while (length \$bytes)
		{
			my \$n = syswrite(\$to, \$bytes) // exit 1;
			substr(\$bytes, 0, \$n, '');
		}
	}
}
END
}

sub DESTROY
{
	my ($self) = @_;

	# Children that are forked for programs have one, too.
	rename "$self->{program}.real", $self->{program} if $self->{pid} == $$ && -e "$self->{program}.real";
	return;
}

# The gateway was started (again): say hello.
sub begin
{
	my ($self) = @_;

	die 'no gateway came' if !IO::Select->new($self->{listener})->can_read($BugEvents::Server::TIMEOUT);
	$self->{socket} = $self->{listener}->accept or die $!;
	$self->{buffer} = '';
	$self->say(HELLO => pack('LL', $VERSION_OF_PIPE, $$));
	return;
}

sub say
{
	my ($self, $kind, $body) = @_;
	my $bytes = pack('LL', length $body, $KIND{$kind} // croak("no kind $kind")) . $body;

	$self->{socket}->send($bytes);
	return;
}

# The next message: (kind, body); nothing when the dispatcher has ended it.
sub _next
{
	my ($self, $timeout) = @_;
	my $end = time + ($timeout // $BugEvents::Server::TIMEOUT);

	while (1)
	{
		if (length $self->{buffer} >= 8)
		{
			my ($size, $kind) = unpack 'LL', $self->{buffer};

			if (length $self->{buffer} >= 8 + $size)
			{
				my $body = substr($self->{buffer}, 8, $size);

				substr($self->{buffer}, 0, 8 + $size, '');
				return ($kind, $body);
			}
		}
		die 'waited in vain for a message of the dispatcher' if time > $end;
		next if !IO::Select->new($self->{socket})->can_read(1);
		sysread($self->{socket}, my $bytes, 1 << 20) or return;
		$self->{buffer} .= $bytes;
	}
}

# The body of the next message of this kind; others, which the test doesn't wait for, go by, and are
# kept by their kinds in {seen}.
sub hear
{
	my ($self, $wanted) = @_;

	while (my ($kind, $body) = $self->_next)
	{
		return $body if $kind == $KIND{$wanted};
		push @{ $self->{seen}{$kind} }, $body;
	}
	return;
}

# Was this the end of the gateway?
sub is_ended
{
	my ($self) = @_;

	while (my ($kind) = $self->_next) { }
	return 1;
}

1;
