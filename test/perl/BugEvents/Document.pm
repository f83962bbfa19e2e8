# Document.pm - the fenced blocks of a document, done as a reader would do them.
#
#   my $guide = BugEvents::Document->new('docs/integration.md', server => $server,
#       replace => { 8432 => $server->port });
#   $guide->follow('The database');      # the blocks of this section, each a result
#   $guide->finish;                      # each block of the document was done
#
# What is done with a block:
#
#   sh		run by bash in a folder of the document's own; it must succeed
#   sql		run by psql in the database that the server serves
#   ini		put into postgresql.conf
#   text, json		nothing: it shows something
#   any other		written to the file that its first line names: "# NAME: what it is"
#
# A query in a table's row counts as a block of sql.
#
# One of sh whose first line is "# In a terminal of its own:" runs until the end, and is skipped where what
# it runs isn't installed.  Those whose first line
# has "not run by the tests" or is "# As root:" (script/deb-smoke runs them) are left out.
package BugEvents::Document;

use strict;
use warnings;
use BugEvents::Server;
use Carp qw(croak);
use Cwd qw(getcwd);
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

# Options: server, replace (text => text, in every block), database (postgres).
sub new
{
	my ($class, $file, %o) = @_;

	return bless {
		file => $file,
		sections => _read($file),
		server => $o{server},
		replace => $o{replace} // {},
		folder => PostgreSQL::Test::Utils::tempdir(),
		source => getcwd(),
		running => [],
	}, $class;
}

# More to be replaced.
sub replace
{
	my ($self, %more) = @_;

	@{ $self->{replace} }{ keys %more } = values %more;
	return;
}

sub folder { return $_[0]{folder}; }

# What the last block printed.
sub output { return $_[0]{output}; }

# The next block of a section, as it stands there: one that shows something.
sub shown
{
	my ($self, $heading) = @_;
	my ($section) = grep { $_->{heading} eq $heading } @{ $self->{sections} };

	return $self->next_block($section)->{text};
}

# What was said by the last of the terminals; by all of them.
sub terminal { return $_[0]{running}[-1]; }
sub terminals { return @{ $_[0]{running} }; }

sub follow
{
	my ($self, $heading) = @_;
	my ($section) = grep { $_->{heading} eq $heading } @{ $self->{sections} };

	croak("$self->{file} has no section \"$heading\"") if !$section;
	$self->next_block($section) while @{ $section->{blocks} };
	return;
}

# The blocks of a section up to the one that contains the text.
sub follow_to
{
	my ($self, $heading, $text) = @_;
	my ($section) = grep { $_->{heading} eq $heading } @{ $self->{sections} };

	croak("no \"$text\" in the section \"$heading\" of $self->{file}")
	  if !$section || !grep { index($_->{text}, $text) >= 0 } @{ $section->{blocks} };
	while (my $block = $self->next_block($section))
	{
		last if index($block->{text}, $text) >= 0;
	}
	return;
}

sub next_block
{
	my ($self, $section) = @_;
	my $block = shift @{ $section->{blocks} } // return;
	my $text = $block->{text};
	my ($command) = grep { !/^#/ } split /\n/, $text;
	my $what = "$self->{file}:$block->{line}: " . ($command // '');

	$text =~ s/\Q$_\E/$self->{replace}{$_}/g for sort keys %{ $self->{replace} };
	if ($block->{language} =~ /^(?:text|json)$/ || $text =~ /\A(?:# As root:|(?i).*not run by the tests)/) { }
	elsif ($block->{language} eq 'sh' && $text =~ /\A# In a terminal of its own:\n(\S+)/ && !_is_installed($1)) { SKIP: { skip("$1 is not installed", 1); } }
	elsif ($block->{language} eq 'sh' && $text =~ /\A# In a terminal of its own:\n/) { $self->_open_terminal($text, $what); }
	elsif ($block->{language} eq 'sh') { $self->_run_shell($text, $what); }
	elsif ($block->{language} eq 'sql') { $self->_run_sql($text, $what); }
	elsif ($block->{language} eq 'ini') { $self->{server}->node->append_conf('postgresql.conf', $text); }
	else { $self->_write($text, $what); }
	return $block;
}

sub finish
{
	my ($self) = @_;
	my @left = map { "$self->{file}:$_->{line}" } map { @{ $_->{blocks} } } @{ $self->{sections} };

	is("@left", '', "every block of $self->{file} was done");
	close_terminals();
	return;
}

# Also when the test dies: nothing is left running.
my @open;
sub close_terminals { $_->{run}->kill_kill for splice @open; return; }
END { local $?; close_terminals() if @open && $open[0]{opened_by} == $$; }

#
# Inside
#

sub _read
{
	my ($file) = @_;
	my @sections = ({ heading => '', blocks => [] });
	my $block;

	open(my $in, '<', $file) or croak("$file: $!");
	while (my $line = <$in>)
	{
		if ($block && $line =~ /^```\s*$/)
		{
			push @{ $sections[-1]{blocks} }, $block;
			undef $block;
		}
		elsif ($block) { $block->{text} .= $line; }
		elsif ($line =~ /^```(\S+)/) { $block = { language => $1, line => $. + 1, text => '' }; }
		elsif ($line =~ /^```/) { croak("$file:$.: a block without a language"); }
		elsif ($line =~ /^\|/)
		{
			push @{ $sections[-1]{blocks} }, map { { language => 'sql', line => $., text => $_ } } $line =~ /`(SELECT [^`]+)`/g;
		}
		elsif ($line =~ /^#+ (.*)/) { push @sections, { heading => $1, blocks => [] }; }
	}
	croak("$file: a block that does not end") if $block;
	return \@sections;
}

sub _is_installed
{
	my ($program) = @_;

	return scalar grep { -x "$_/$program" } split /:/, $ENV{PATH};
}

sub _environment
{
	my ($self) = @_;
	my $node = $self->{server}->node;

	return ($node->_get_env, PGDATA => $node->data_dir, PGDATABASE => 'postgres', DATABASE => $self->{server}{database},
		SOURCE => $self->{source}, HOME => $self->{folder});
}

sub _shell
{
	my ($text) = @_;

	return [ 'bash', '-euo', 'pipefail', '-c', $text ];
}

sub _run_shell
{
	my ($self, $text, $what) = @_;
	my $out = '';
	local %ENV = $self->_environment;

	IPC::Run::run(_shell("cd '$self->{folder}'\n$text"), '<', \'', '>&', \$out, IPC::Run::timeout($BugEvents::Server::TIMEOUT));
	is($?, 0, $what) or diag($out);
	$self->{output} = $out;
	return;
}

sub _open_terminal
{
	my ($self, $text, $what) = @_;
	my $terminal = { out => '', opened_by => $$ };
	local %ENV = $self->_environment;

	$terminal->{run} = IPC::Run::start(_shell("cd '$self->{folder}'\n$text"), '<', \'', '>&', \$terminal->{out});
	push @{ $self->{running} }, $terminal;
	push @open, $terminal;
	pass($what);
	return;
}

sub _run_sql
{
	my ($self, $text, $what) = @_;
	my ($status, $out, $err) = $self->{server}->node->psql($self->{server}{database}, $text, on_error_stop => 1);

	is($status, 0, $what) or diag($err);
	$self->{output} = $out;
	return;
}

sub _write
{
	my ($self, $text, $what) = @_;
	my ($name) = $text =~ m{\A(?:#|//|<!--|<\?php //) ([\w.]+)} or croak("$what: no name of a file in the first line");

	append_to_file("$self->{folder}/$name", $text);
	return;
}

# Wait until the terminal said something.
sub wait_said
{
	my ($terminal, $pattern) = @_;

	BugEvents::Server::wait_until(sub { $terminal->{run}->pump_nb; $terminal->{out} =~ $pattern },
		"\"$pattern\" in a terminal", sub { $terminal->{out} });
	return;
}

1;
