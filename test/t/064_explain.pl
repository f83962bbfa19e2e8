# Why did my event not arrive: what can be said of a change, and of a delivery.
use strict;
use warnings;
use BugEvents::Server;
use Test::More;

my $server = BugEvents::Server->start_new('explain', conf => "bugevents.gateways = 2\n");
my $node = $server->node;

# The findings of a query: name => [ [ verdict, detail ], ... ].
sub findings
{
	my ($query, $database) = @_;
	my %found;

	for (split /\n/, $node->safe_psql($database // 'postgres', "SELECT * FROM $query"))
	{
		my ($finding, $verdict, $detail) = split /\|/, $_, 3;
		push @{ $found{$finding} }, [ $verdict, $detail ];
	}
	return \%found;
}

sub change { return findings("bugevents.explain_change('$_[0]', '$_[1]')", $_[2]); }
sub is_finding
{
	my ($found, $finding, $verdict, $detail, $what) = @_;
	my ($one) = @{ $found->{$finding} // [] };

	is($one && $one->[0], $verdict, "$what: $finding is $verdict");
	like($one ? $one->[1] : '', $detail, '... and says why') if $detail;
	return;
}

#
# explain_change: where nothing is captured at all
#

$server->sql("INSERT INTO projects (name) VALUES ('p')");
$node->safe_psql('postgres', 'CREATE DATABASE other');
$node->safe_psql('other', 'CREATE TABLE t (id int PRIMARY KEY); CREATE EXTENSION bugevents');
is_finding(change('t', 1, 'other'), 'database', 'reason', qr/^bugevents\.database is "postgres", and this is "other"$/, 'another database');
$server->set('bugevents.enabled', 'off');
BugEvents::Server::wait_until(sub { change('projects', 1)->{enabled}[0][0] eq 'reason' }, 'the switch');
pass('off is a reason');
$server->set('bugevents.enabled', 'on');
$server->wait_ready;
is_finding(change('projects', 1), 'enabled', 'fine', undef, 'on again');
is_finding(change('projects', 1), 'events', 'note', qr/^the journal has 1 of project 1; retention has dropped/, 'another stream');

# Not preloaded: it says so, instead of failing like everything else.
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''\n");
$node->restart;
is_finding(change('projects', 1), 'library', 'reason', qr/shared_preload_libraries/, 'not preloaded');
$node->stop;
done_testing();
