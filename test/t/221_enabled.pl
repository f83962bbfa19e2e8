# bugevents.enabled: off at once, and on again without anybody missing something unawares.
use strict;
use warnings;
use BugEvents::Server;
use Test::More;

my $server = BugEvents::Server->start_new('enabled');
my $ws = $server->connect('1');
my ($stream, $seq) = @{ $ws->{ready}{payload} }{qw(stream seq)};

sub events { return $server->sql('SELECT count(*) FROM bugevents.journal'); }
sub status { return eval { ($server->http($_[0]))[0] } // 0; }

$server->sql("INSERT INTO projects (name) VALUES ('before')");
is($ws->next_event->{payload}{name}, 'before', 'on');

my $from = $server->log_size;
$server->set('bugevents.enabled' => 'off');
is($ws->wait_close, 1012, 'off: clients are closed with 1012');
$server->wait_log(qr/LOG:.*bugevents is disabled/, $from);
BugEvents::Server::wait_until(sub { $server->gateway_pids == 0 }, 'the gateways to end');
pass('... no gateway runs');
is(status('/health'), 0, '... and the port is closed');
my $before = events();

$server->sql("INSERT INTO projects (name) VALUES ('never'); SELECT bugevents.send('a', 'b', '{}'); TRUNCATE comments");
is(events(), $before, 'nothing is captured');

# A restart doesn't turn it on, and forgets nothing.
$from = $server->log_size;
$server->node->restart;
$server->wait_log(qr/LOG:.*bugevents is disabled/, $from);
my $spanning = $server->session;
$spanning->query_safe("BEGIN; INSERT INTO projects (name) VALUES ('a part, off')");
$before = events();
$server->sql("INSERT INTO projects (name) VALUES ('never')");
is(events(), $before, 'off after a restart, too');

# On again, but not before the last transaction that saw it off has ended.
$server->set('bugevents.enabled' => 'on');
$server->wait_log(qr/LOG:.*bugevents is enabled again/, $from);
BugEvents::Server::wait_until(sub { status('/ready') == 503 }, 'a gateway');
$spanning->query_safe("INSERT INTO projects (name) VALUES ('a part, on')");
is(status('/ready'), 503, 'on: not ready while a transaction from before runs');
$spanning->query_safe('COMMIT');
$server->wait_ready;
my $back = $server->resume('1', $seq, $stream);
is($back->{ready}{payload}{resumed}, JSON::PP::false, 'a position from before');
is($back->next_json->{payload}{code}, 'resync_required', '... is refused');
isnt($back->{ready}{payload}{stream}, $stream, 'it is another stream');
$server->sql("INSERT INTO projects (name) VALUES ('after')");
is_deeply([ map { $_->{payload}{name} } grep { $_->{type} eq 'project' } $server->events_before_fence($back) ], ['after'],
	'what is written from then on arrives, and no part of what was not');
$spanning->quit;

# Who reads the journal by SQL has only a seq, and is told as well.
my $last = $server->sql('SELECT max(last_seq) FROM bugevents.journal');
$from = $server->log_size;
$server->set('bugevents.enabled' => 'off');
$server->wait_log(qr/LOG:.*bugevents is disabled/, $from);
$server->sql("INSERT INTO projects (name) VALUES ('unheard')");
$server->set('bugevents.enabled' => 'on');
$server->wait_ready;
my ($status, $out, $error) = $server->node->psql('postgres', "SELECT count(*) FROM bugevents.events($last)");
like($error, qr/not complete any more/, 'events() refuses a seq from before');
$last = $server->sql('SELECT dropped FROM bugevents.stream');
$server->sql("INSERT INTO projects (name) VALUES ('heard')");
is($server->sql("SELECT string_agg(payload->>'name', ' ') FROM bugevents.events($last)"), 'heard', '... and goes on from where it says');
done_testing();
