# Program.pm - a program that a test talks with, by lines, for the TAP tests.
#
#   my $program = BugEvents::Program->start([ 'node', 'client.js' ], env => { HOME => $folder });
#   my ($seq) = $program->says(qr/^ready (\d+)\n/m);
#   $program->tell("close\n");
#   ok($program->finish, 'it ends well');
#
# Each wait has a bound of its own.  None belongs to the program's life: how long that is depends on
# what else the machine does.
package BugEvents::Program;

use strict;
use warnings;
use BugEvents::Server;
use Carp qw(confess);
use IPC::Run;

# Options: env (what is added to the environment), input (0: it has none)
sub start
{
	my ($class, $command, %o) = @_;
	my $self = bless {
		name => join(' ', @$command[ 0, 1 ]), in => '', out => '', err => '',
		bound => IPC::Run::timeout($BugEvents::Server::TIMEOUT),
	}, $class;
	local %ENV = (%ENV, %{ $o{env} // {} });

	$self->{run} = IPC::Run::start($command,
		'<', ($o{input} // 1) ? \$self->{in} : \'', '>', \$self->{out}, '2>', \$self->{err}, $self->{bound});
	return $self;
}

sub err { return $_[0]{err}; }
sub out { return $_[0]{out}; }

# Forget what it said so far.
sub forget { $_[0]{out} = ''; return; }

sub tell
{
	my ($self, $text) = @_;

	$self->{in} .= $text;
	$self->{run}->pump_nb;
	return;
}

# Let it say something until the condition holds; that it holds, or dies with what it said.
sub wait_for
{
	my ($self, $condition, $what) = @_;

	$self->{bound}->start;
	while (1)
	{
		my $result = $condition->();

		return $result if $result;
		confess("$self->{name} ended before $what: $self->{out}$self->{err}") if !$self->{run}->pumpable;
		eval { $self->{run}->pump; 1 } or confess("$self->{name}: waited in vain for $what: $@$self->{out}$self->{err}");
	}
}

# What the pattern captures, or 1, once what it said matches.
sub says
{
	my ($self, $pattern) = @_;
	my @captured;

	$self->wait_for(sub { @captured = $self->{out} =~ $pattern }, $pattern);
	return wantarray ? @captured : $captured[0];
}

# The next line that it says, without its end; undef when it has ended.
sub line
{
	my ($self) = @_;

	$self->wait_for(sub { $self->{out} =~ /\n/ || !$self->{run}->pumpable }, 'a line');
	return $self->{out} =~ s/^([^\n]*)\n// ? $1 : undef;
}

# Nothing more to tell: whether it ends well.
sub finish
{
	my ($self) = @_;

	$self->{bound}->start;
	return $self->{run}->finish;
}

1;
