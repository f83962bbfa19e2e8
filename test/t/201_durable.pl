# No client receives an event that a crash could still take back.
#
# With synchronous_commit off a commit returns before its WAL is on disk; here
# nobody else writes it out either, so only the dispatcher's own flush stands
# between what a client saw and what is there after the crash.
use strict;
use warnings;
use BugEvents::Server;
use Test::More;

my $server = BugEvents::Server->start_new('durable', conf => <<~'END');
	synchronous_commit = off
	wal_writer_delay = '10s'
	autovacuum = off
	bgwriter_delay = '10s'
	wal_buffers = '4MB'
	restart_after_crash = on
	END
my $node = $server->node;

for my $round (1 .. 3)
{
	my $ws = $server->connect('1');
	my ($stream, $since) = @{ $ws->{ready}{payload} }{qw(stream seq)};

	# The crash comes the moment that the last event is here.
	$server->sql("INSERT INTO projects (name) VALUES ('round $round, $_')") for 1 .. 5;
	my @seen = map { $ws->next_event } 1 .. 5;
	$node->stop('immediate');
	$node->start;
	$server->wait_ready;

	my %there = map { $_ => 1 } split /\n/, $server->sql("SELECT name FROM projects WHERE name LIKE 'round $round,%'");
	is_deeply([ grep { !$there{$_} } map { $_->{payload}{name} } @seen ], [],
		"round $round: every row that a client heard of is there after the crash");
	is(join(',', map { $_->{seq} } @seen),
		$server->sql("SELECT string_agg(seq::text, ',' ORDER BY seq) FROM bugevents.events($since, 100) WHERE payload->>'name' LIKE 'round $round,%'"),
		'... and in the journal, under the same seqs');

	# What comes later is later, and a client goes on from where it was.
	my $again = $server->resume('1', $seen[2]{seq}, $stream);
	$server->sql("INSERT INTO projects (name) VALUES ('after round $round')");
	my @got = $server->events_before_fence($again);
	is_deeply([ map { $_->{payload}{name} } @got ],
		[ "round $round, 4", "round $round, 5", "after round $round" ], '... and resume has no gap');
	cmp_ok($got[-1]{seq}, '>', $seen[-1]{seq}, '... no seq is given twice');
}

# Nor when the dispatcher fails between taking an event from the queue and writing it
# out: the gateways get it with their goodbye.  Only a dead walwriter writes nothing.
{
	my $ws = $server->connect('1');
	my $dispatcher = $server->dispatcher_pid;
	my $walwriter = $server->sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'");

	$server->sql('ALTER TABLE bugevents.journal_part ALTER n DROP NOT NULL');
	kill 'STOP', $dispatcher, $walwriter;
	$server->sql("INSERT INTO projects (name) VALUES ('before the error')");
	$server->sql("SET bugevents.spill_size = 64; INSERT INTO projects (name) SELECT 'unreadable' FROM generate_series(1, 500)");
	$server->sql('UPDATE bugevents.journal_part SET n = NULL');
	my $from = $server->log_size;
	kill 'CONT', $dispatcher;
	is($ws->next_event->{payload}{name}, 'before the error', 'a client hears of it');
	kill 'KILL', $walwriter;
	$server->wait_log(qr/all server processes terminated; reinitializing/, $from);
	BugEvents::Server::wait_until(sub { eval { $server->sql('SELECT 1') } }, 'the server');
	like($server->log_since($from), qr/ERROR:  unexpected null in column/, '... the dispatcher fails');
	is($server->sql("SELECT count(*) FROM projects WHERE name = 'before the error'"), 1, '... and it is there after a crash');
}
done_testing();
