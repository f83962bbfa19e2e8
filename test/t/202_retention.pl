# The journal stays within its bounds; who comes too late is told so.
use strict;
use warnings;
use BugEvents::Server;
use Test::More;

my $server = BugEvents::Server->start_new('retention', conf => "bugevents.retention = '1h'\nautovacuum = off\n");

sub insert
{
	my ($n) = @_;

	$server->sql("INSERT INTO projects (name, description) SELECT 'p', repeat('x', 1000) FROM generate_series(1, $n)");
	return;
}

sub number { return $server->sql("SELECT $_[0]"); }

sub dropped { return number('dropped FROM bugevents.stream'); }

my $ws = $server->connect('1');
my ($stream, $begin) = @{ $ws->{ready}{payload} }{qw(stream seq)};

# Time: what is older than retention goes, what is younger stays.
insert(10);
my $kept = $server->connect('1')->{ready}{payload}{seq};
is(dropped(), 0, 'nothing is dropped within retention');
$server->set('bugevents.retention' => '1s');
BugEvents::Server::wait_until(sub { insert(1); return dropped() >= $kept }, 'old events to be dropped');
is(number("count(*) FROM bugevents.events(0, 100000) WHERE seq <= $kept"), 0, 'old events go');
$server->set('bugevents.retention' => '1h');

# Live clients don't notice.
my @live = $server->events_before_fence($ws);
cmp_ok(scalar @live, '>=', 10, 'a live client got everything');
my $last = 0;
is(scalar(grep { my $bad = $_->{seq} <= $last; $last = $_->{seq}; $bad } @live), 0, '... in order');

# Who comes too late is told so, by SQL and by WebSocket.
my ($status, $out, $error) = $server->node->psql('postgres', "SELECT count(*) FROM bugevents.events($begin)");
like($error, qr/not complete any more.*Retention has dropped/s, 'events() says that history is gone');
my ($gateway) = $server->gateway_pids;
kill 'KILL', $gateway;
$server->wait_new_gateway($gateway);
my $late = $server->resume('1', $begin, $stream);
my $told = $late->wait_for(sub { $_[0]{type} eq 'error' });
is($told->{payload}{code}, 'resync_required', 'a client that resumes too late is told');
is($told->{payload}{oldest}, dropped(), '... where the history begins');
insert(1);
is(scalar(grep { $_->{type} eq 'project' } $server->events_before_fence($late)), 1, '... and then live');

# Exactly at the edge it is still exact.
my $edge = $server->resume('1', dropped(), $stream);
my $all = number("count(*) FROM bugevents.events(0, 100000) WHERE type = 'project'");
is(scalar(grep { $_->{type} eq 'project' } $server->events_before_fence($edge)), $all, 'resume at the edge');

# From the moment of a drop on nobody gets a stream with a hole in it.
{
	my $since = $server->connect('1')->{ready}{payload}{seq};

	insert(20);
	($gateway) = $server->gateway_pids;
	kill 'KILL', $gateway;		# the next one knows nothing of it
	$server->wait_new_gateway($gateway);
	$server->set('bugevents.retention' => '1s');
	BugEvents::Server::wait_until(sub { insert(1); return dropped() > $since }, 'history to be dropped');
	my $at_once = $server->resume('1', $since, $stream);
	my $first = $at_once->next_json;
	is($first->{payload}{code}, 'resync_required', 'who resumes right behind the drop is told')
	  or diag("got seq $first->{seq} after $since");
	$server->set('bugevents.retention' => '1h');
}

# Size: the bound holds whatever is written, parts of large transactions included.
$server->set('bugevents.retention_size' => '6MB');
my $size = q{sum(pg_total_relation_size('bugevents.' || t)) FROM unnest('{journal_0,journal_1,journal_2}'::text[]) t};
my $before = dropped();
for my $round (1 .. 3)
{
	$before = dropped();
	BugEvents::Server::wait_until(sub { insert(500); return dropped() > $before }, 'size to drop history');
	BugEvents::Server::wait_until(sub { number($size) < 8 * 1024 * 1024 }, 'the journal to shrink');
	pass("the journal keeps to its size, round $round");
	BugEvents::Server::wait_until(sub { number(q{value FROM bugevents.stats WHERE name = 'bugevents_journal_bytes'}) < 9 * 1024 * 1024 },
		'the metric to say so');
	pass('... as bugevents.stats says a moment later');
}

$server->sql('SET bugevents.spill_size = 64; '
	. "INSERT INTO projects (name) SELECT repeat('y', 200) FROM generate_series(1, 5000)");
cmp_ok(number('count(*) FROM bugevents.journal_part'), '>', 0, 'a large transaction leaves parts');
BugEvents::Server::wait_until(sub { insert(500); return number('count(*) FROM bugevents.journal_part') == 0 },
	'the parts to go');
is(number('count(*) FROM bugevents.journal_parted'), 0, '... with what leads to them');

# ... and so does their space: it counts as the journal's.  Not while another writes
# parts; then vacuum, which knows, makes room for those to come.
my $journal = q{sum(pg_total_relation_size(oid)) FROM pg_class WHERE relnamespace = 'bugevents'::regnamespace AND relname ~ '^journal_(\d|part|parted)$'};
my $large = 'SET bugevents.spill_size = 64; '
  . q{INSERT INTO projects (name) SELECT repeat('y', 400) FROM generate_series(1, 20000)};
$server->sql($large);
cmp_ok(number($journal), '>', 10 * 1024 * 1024, 'a transaction larger than the journal may be');
$last = number('max(last_seq) FROM bugevents.journal');
BugEvents::Server::wait_until(sub { insert(500); return dropped() >= $last }, 'it to be dropped');
BugEvents::Server::wait_until(sub { number($journal) < 8 * 1024 * 1024 }, 'its space to be given back');
pass('... is dropped, with its space');
$server->set('bugevents.retention_size' => '0');
$server->sql("BEGIN; $large; ROLLBACK");
$before = dropped();
$server->set('bugevents.retention_size' => '10MB');
BugEvents::Server::wait_until(sub { number($journal) < 8 * 1024 * 1024 }, 'the space of a rolled back one');
is(dropped(), $before, 'the space of one that rolled back is given back, and no history for it');
my $writer = $server->session;
# So that it is published in pieces, which are there before it commits.
$writer->query_safe("BEGIN; SET bugevents.netting_limit = 1000; $large");
BugEvents::Server::wait_until(
	sub {
		$server->sql($large) if number('count(*) FROM bugevents.journal_part') == 0;
		insert(500);
		return number(q{n_tup_del > 0 FROM pg_stat_user_tables WHERE relname = 'journal_part'}) eq 't';
	},
	'the statistics to tell of deleted parts');
pass('while parts are written, vacuum is told of those that were deleted');
$writer->query_safe('ROLLBACK');
$writer->quit;

# A reader delays the drop, and nobody waits behind it.
my $reader = $server->session;
$reader->query_safe('BEGIN; SELECT count(*) FROM bugevents.journal');
$before = dropped();
insert(500) for 1 .. 12;
pass('writers go on while somebody reads the journal');
$reader->query_safe('COMMIT');
$reader->quit;
BugEvents::Server::wait_until(sub { dropped() > $before }, 'history to be dropped after the reader');
pass('history is dropped when the reader is done');

# A consumer is waited for, within a bound of its own and retention_size; what it missed is an error.
sub lost { return ($server->node->psql('postgres', q{SELECT count(*) FROM bugevents.consume('slow')}))[2]; }
sub consumers { return $server->sql(qq{SELECT value FROM bugevents.stats WHERE name = 'bugevents_consumer$_[0]'}); }
my $position = $server->sql(q{SELECT bugevents.set_consumer('slow', bugevents.last_seq())});
$server->set('bugevents.retention_size' => '0');
$server->set('bugevents.retention' => '1s');
BugEvents::Server::wait_until(sub { insert(1); return number(q{value >= 4 FROM bugevents.stats WHERE name = 'bugevents_journal_oldest_seconds'}) eq 't' }, 'old events to stay');
cmp_ok(dropped(), '<=', $position, 'what a consumer has not read is kept beyond retention');
cmp_ok(consumers('_lag_seq'), '>', 0, '... and the metric says how far it is behind');
is(consumers('s'), 1, '... and how many there are');
cmp_ok($server->sql(q{SELECT count(*) FROM bugevents.consume('slow', 1000000)}), '>=', 4, 'it reads them all');
BugEvents::Server::wait_until(sub { insert(1); return dropped() > $position }, 'what was consumed to be dropped');
pass('... and then they go');
$server->set('bugevents.consumer_retention' => '1s');
$position = $server->sql(q{SELECT position FROM bugevents.consumers});
BugEvents::Server::wait_until(sub { insert(1); return dropped() > $position }, 'events to be dropped before they are consumed');
like(lost(), qr/ERROR:  consumer "slow" has missed events\nDETAIL:  It has read up to seq $position, .*\nHINT: .*SELECT bugevents.set_consumer\('slow'\)/, 'beyond bugevents.consumer_retention it misses events, and is told');
like(lost(), qr/has missed/, '... until it is said where to go on');
$server->set('bugevents.retention' => '1h'); # or it is late again
$server->sql(q{SELECT bugevents.set_consumer('slow')});
is(lost(), '', '... with the oldest event, as the hint says');
$server->set('bugevents.retention' => '1s');
$server->set('bugevents.consumer_retention' => '1h');
$server->set('bugevents.retention_size' => '6MB');
$position = $server->sql(q{SELECT position FROM bugevents.consumers});
BugEvents::Server::wait_until(sub { insert(500); return dropped() > $position }, 'size to drop what a consumer has not read');
pass('bugevents.retention_size holds whoever reads');
$server->sql(q{SELECT bugevents.drop_consumer('slow')});
$server->set('bugevents.retention' => '1h');
$server->set('bugevents.retention_size' => '10MB');

# Where retention has left nothing, the last position is good all the same.
$server->set('bugevents.retention' => '1s');
BugEvents::Server::wait_until(sub { number('count(*) FROM bugevents.journal') == 0 }, 'all of the journal to be dropped');
$server->set('bugevents.retention' => '1h');
my $empty = $server->connect('1')->{ready}{payload}{seq};
$server->node->restart;
$server->wait_ready;
ok($server->resume('1', $empty, $stream)->{ready}{payload}{resumed}, 'resume over a restart with an empty journal');
$stream = $server->sql('SELECT id FROM bugevents.stream');

# Over a restart seqs go on and the right segment is written.
my $tip = $server->connect('1')->{ready}{payload}{seq};
$server->node->restart;
$server->wait_ready;
insert(3);
my $after = $server->resume('1', $tip, $stream);
is(scalar(grep { $_->{type} eq 'project' } $server->events_before_fence($after)), 3, 'resume over a restart');

$server->node->stop;
done_testing();
