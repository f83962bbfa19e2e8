# Texts that clients choose go through the pipe and into views and the log.  None of them
# ends a gateway, which would end everybody's connections.
use strict;
use warnings;
use BugEvents::Server;
use Test::More;

my $server = BugEvents::Server->start_new('texts', conf => "bugevents.log_connections = on\n");
my @gateways = $server->gateway_pids;
my $watcher = $server->connect('1');
my @odd = ("a\nb", "a\rb", "\x01", "\x1b[31m", "\x7f", "\t");

for my $text (@odd)
{
	my $name = sprintf '%vd', $text;
	my $role = $server->connect('2', role => $text, raw => 1);

	is($role->next_json->{payload}{code}, 'invalid_token', "a role $name: refused");
	$role->drop;
	for my $list (qw(types actions project_ids bug_report_ids))
	{
		my $ws = $server->connect('3');

		$ws->send_json({ type => 'subscribe', id => 1, payload => { $list => [ 'x', $text ] } });
		my $answer = $ws->next_json;
		is_deeply([ $answer->{type}, @{ $answer->{payload} }{qw(code field)} ], [ 'error', 'invalid_field', $list ], "$list with $name: refused");
		$ws->finish;
	}
}

# What is odd, but text, is shown.
my $text = "\x{e9}\x{1F600}\"'\\;--";
my $ws = $server->connect($text, role => $text);
$ws->send_json({ type => 'subscribe', payload => { types => [$text] } });
BugEvents::Server::wait_until(sub {
		$server->sql("SELECT count(*) FROM bugevents.connections WHERE subscription -> 'types' ->> 0 = user_id AND role = user_id") == 1;
	}, 'the subscription in the view');
pass('other characters are shown as they are');

$server->sql("INSERT INTO projects (name) VALUES ('still here')");
is($watcher->next_event->{payload}{name}, 'still here', 'who was connected from the beginning still is');
is_deeply([ $server->gateway_pids ], \@gateways, 'the gateway is the same');
unlike($server->log_since(0), qr/broke the protocol/, '... and broke no protocol');
$server->node->stop;
done_testing();
