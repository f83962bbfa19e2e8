# The JavaScript client under node, through restarts, cut connections and expiring tokens.
use strict;
use warnings;
use BugEvents::Program;
use BugEvents::Server;
use JSON::PP;
use Test::More;

my $server = BugEvents::Server->start_new('js', conf => "bugevents.gateways = 2\nbugevents.ping_interval = 1s\n");
my @said;
my $client;

# What a token that is asked for is like: by the reason.
my %grant;

sub start
{
	my (@position) = @_;

	@said = ();
	$client = BugEvents::Program->start([ 'node', 'test/clients/js_client.mjs', 'http://127.0.0.1:' . $server->port . '/ws', @position ]);
	return;
}

sub order { my ($request) = @_; $client->tell(encode_json($request) . "\n"); return; }
sub token { my (%o) = @_; order({ token => $server->token('1', %o) }); return; }

# What it says until the condition holds for something it said; that is returned.
sub heard
{
	my ($what, $condition) = @_;

	while (1)
	{
		my $line = decode_json($client->line // die "no $what; it said: " . encode_json(\@said) . $client->err);

		push @said, $line;
		token(%{ $grant{ $line->{wants} } // {} }) if $line->{wants};
		return $line->{$what} if exists $line->{$what} && (!$condition || $condition->($line->{$what}));
	}
}

sub answer { order($_[0]); return heard('answer'); }
my $marks = 0;

# Every event since the last time, up to a mark put now.
sub events
{
	my $mark = 'mark ' . ++$marks;

	$server->sql("SELECT bugevents.send('mark', 'put', '{\"mark\": \"$mark\"}')");
	heard('event', sub { $_[0][2] eq $mark });
	my @events = map { $_->{event} } grep { exists $_->{event} } @said;

	@said = ();
	pop @events;
	return @events;
}

sub names { return join ' ', map { $_->[2] } @_; }
my $written = 0;
sub write_some { my ($n) = @_; $server->sql('INSERT INTO projects (name) VALUES (' . ++$written . ')') for 1 .. $n; return; }

start();
is(heard('wants'), 'connect', 'a token is asked for');
is(heard('ready')->{resumed}, JSON::PP::false, 'ready');
write_some(3);
is(names(events()), '1 2 3', 'events');

# Cut off: by the database, by the gateway's death, by a restart, in mid-write.
my @all;
for my $cut (
	[ 'disconnect()', sub { $server->sql('SELECT bugevents.disconnect(id) FROM bugevents.connections') } ],
	[ 'the gateways are killed', sub { kill 'KILL', $server->gateway_pids } ],
	[ 'the server is restarted', sub { $server->node->restart } ],
	[ 'the server is killed', sub { $server->node->stop('immediate'); $server->node->start } ])
{
	my ($what, $act) = @$cut;

	write_some(5);
	$act->();
	$server->wait_ready;
	write_some(5);
	my @events = events();
	push @all, @events;
	is(names(@events), join(' ', $written - 9 .. $written), "$what: all events, once, in order");
}
is(join(' ', map { $_->[0] } @all), join(' ', sort { $a <=> $b } map { $_->[0] } @all), 'seqs ascend over all of it');

# Requests.
is(answer({ do => 'get', type => 'project', id => 2 })->{row}{name}, '2', 'get');
is(scalar @{ answer({ do => 'list', type => 'project', limit => 10 }) }, $written, 'list, page by page');
order({ do => 'get', type => 'project', id => 1e9 });
is(heard('failed'), 'not_found', 'an error of a request');
is(answer({ do => 'subscribe', filter => { types => [ 'mark', 'bug_report' ] } }), 'subscribed', 'subscribe');
write_some(2);
$server->sql("INSERT INTO bug_reports (title) VALUES ('bug')");
is(names(events()), '1', 'narrowed');
kill 'KILL', $server->gateway_pids;
heard('ready');
write_some(2);
$server->sql("INSERT INTO bug_reports (title) VALUES ('bug')");
is(names(events()), '2', '... still after it came back');

# A collection, beside all that: what leaves its filter is gone, over the gateways' deaths as well.
$server->sql("INSERT INTO bug_reports (id, title, status) OVERRIDING SYSTEM VALUE SELECT n, n, CASE WHEN n % 2 = 0 THEN 'closed' ELSE 'open' END FROM generate_series(101, 110) n");
is(answer({ do => 'collect', type => 'bug_report', filter => { where => { status => ['closed'] } } }), '102 104 106 108 110', 'a collection');
$server->sql("UPDATE bug_reports SET status = 'open' WHERE id = 104");
heard('rows', sub { $_[0] eq '102 106 108 110' });
pass('... without what left its filter');
$server->sql("DELETE FROM bug_reports WHERE id = 102; UPDATE bug_reports SET status = 'closed' WHERE id IN (101, 103)");
kill 'KILL', $server->gateway_pids;
$server->wait_ready;
$server->sql("UPDATE bug_reports SET status = 'open' WHERE id = 101; DELETE FROM bug_reports WHERE id = 110");
heard('rows', sub { $_[0] eq '103 106 108' });
pass('... as the table is, over a killed gateway');
$server->sql('TRUNCATE bug_reports CASCADE');
heard('rows', sub { $_[0] eq '' });
pass('... also when that is truncated');

# A token that ends soon is renewed in the connection.
%grant = (connect => { ttl => 50 }, renew => { role => 'admin' });
kill 'KILL', $server->gateway_pids;
is(heard('wants', sub { $_[0] eq 'renew' }), 'renew', 'a token that ends soon: another one is asked for');
BugEvents::Server::wait_until(sub { $server->sql("SELECT role FROM bugevents.connections") eq 'admin' }, 'the new role');
pass('a token is renewed ahead of its end');

# A bad token, then a good one; then somebody who may not come again.
%grant = (connect => { secret => 'x' x 40 });
kill 'KILL', $server->gateway_pids;
is(heard('error', sub { $_[0] eq 'invalid_token' }), 'invalid_token', 'a bad token is told');
%grant = ();
ok(heard('ready'), '... and another one asked for');
$server->sql("INSERT INTO users (id, username, status) OVERRIDING SYSTEM VALUE VALUES (1, 'ada', 'inactive')");
is(heard('close'), 'user_inactive', 'no use to go on: the end');
$client->finish;
is($client->err, '', 'and nothing was thrown');
$server->sql("UPDATE users SET status = 'active'");

# From a position that was kept; one that is gone.
my ($stream, $seq) = split /\|/, $server->sql('SELECT id, (SELECT max(last_seq) FROM bugevents.journal) FROM bugevents.stream');
write_some(2);
%grant = ();
start(encode_json({ stream => $stream, seq => 0 + $seq }));
is(names(events()), join(' ', $written - 1, $written), 'from a position that was kept');
is(answer({ do => 'close' }), 'closed', 'close');
$client->finish;
start(encode_json({ stream => '00000000-0000-0000-0000-000000000000', seq => 5 }));
ok(heard('resync')->{seq}, 'a position of another stream: resync');
write_some(1);
is(names(events()), $written, '... and on it goes');
answer({ do => 'close' });
$client->finish;
done_testing();
