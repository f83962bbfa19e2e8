# Questions are fair: who asks for much, or for what takes long, holds up nobody else.
use strict;
use warnings;
use BugEvents::Server;
use PostgreSQL::Test::Utils qw(slurp_file);
use Test::More;
use Time::HiRes qw(time usleep);

my $server = BugEvents::Server->start_new('fair', conf => <<~'END');
	bugevents.message_rate = 0
	bugevents.request_timeout = 3s
	bugevents.max_connections_per_user = 10
	END
$server->sql(<<~'END');
	INSERT INTO users (username) SELECT 'user ' || i FROM generate_series(1, 9) i;
	INSERT INTO projects (name) VALUES ('light');
	CREATE FUNCTION slow(text) RETURNS text STABLE LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep(0.3); RETURN $1; END$$;
	CREATE TABLE slow_ones (id int PRIMARY KEY, bug_report_id int, user_id int, content text, created_at timestamptz, updated_at timestamptz);
	SELECT bugevents.attach('slow_ones', 'comment', columns => '{"content": "public.slow(row.content)"}');
	SET session_replication_role = replica;
	INSERT INTO slow_ones (id, content) SELECT i, 'slow ' || i FROM generate_series(1, 100) i;
	END
my $bystander = $server->connect('1');
my $asked = 0;

sub ask_for { my ($ws, $type) = @_; $ws->send_json({ type => 'get', id => ++$asked, payload => { type => $type, id => 1 } }); return $asked; }

# How long a light question takes, at the worst, asked all the time for some seconds.
sub worst_answer
{
	my ($seconds) = @_;
	my $end = time + $seconds;
	my $worst = 0;

	while (time < $end)
	{
		my $began = time;
		my $id = ask_for($bystander, 'project');
		my $answer = $bystander->wait_for(sub { ($_[0]{id} // '') eq $id });

		return 1e9 if $answer->{type} ne 'reply';
		$worst = time - $began if time - $began > $worst;
		usleep(20_000);
	}
	return $worst;
}

# Connections that have all the questions open that they may; each is answered once by each.
sub greedy { my ($user, $n) = @_; return map { $server->connect($user) } 1 .. $n; }
sub ask_all { my ($type, @who) = @_; for my $ws (@who) { ask_for($ws, $type) for 1 .. 8; } return; }

# How many answers have come until now.
sub replies
{
	my (@who) = @_;
	my $n = -@who;

	for my $ws (@who)
	{
		$ws->send_json({ type => 'ping', id => 'now' });
		$ws->wait_for(sub { $n++ if $_[0]{type} eq 'reply'; ($_[0]{id} // '') eq 'now' });
	}
	return $n;
}

# A user's heavy questions.
cmp_ok(worst_answer(1), '<', 1, 'all is quiet');
my @one = greedy('2', 3);
ask_all('comment', @one);
cmp_ok(worst_answer(3), '<', 0.3, 'a light question is not behind the 24 heavy ones of another user');
is($server->sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'bugevents responder'"), 2, '... by two responders');
BugEvents::Server::wait_until(sub { ($server->http('/metrics'))[0] == 200 }, 'metrics');
my $began = time;
is(($server->http('/metrics'))[0], 200, 'the metrics');
cmp_ok(time - $began, '<', 0.3, '... do not wait for them either');

# Of two users.
my @two = greedy('3', 3);
ask_all('comment', @two);
cmp_ok(worst_answer(0.1), '<', 2, 'one who is not known to ask for much may have the other responder once');
cmp_ok(worst_answer(2), '<', 0.3, 'nor is it behind those of two users');
$_->drop for @one, @two;

# What waits for a lock waits outside.
my $lock = $server->session;
$lock->query_safe('BEGIN; LOCK TABLE bug_reports');
my @locked = map { $server->connect($_) } 4 .. 7;
ask_for($_, 'bug_report') for @locked;
cmp_ok(worst_answer(2), '<', 0.3, 'who asks for a row of a locked table holds up nobody');
$lock->query_safe('ROLLBACK');
is(join(' ', map { $_->wait_for(sub { ($_[0]{type} // '') eq 'error' })->{payload}{code} } @locked), 'not_found not_found not_found not_found',
	'... and is answered when it is free');
$lock->quit;

# Shares of time, not of requests: one who has three connections gets no more than one who has one.
$server->set('bugevents.responders' => 1);
BugEvents::Server::wait_until(sub { $server->sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'bugevents responder'") == 1 }, 'one responder');
my @many = greedy('8', 3);
my @few = greedy('9', 1);
ask_all('comment', @many);
ask_all('comment', @few);
$few[0]->wait_for(sub { $_[0]{type} eq 'reply' }) for 1 .. 6;
my $theirs = replies(@many);
cmp_ok($theirs, '>=', 4, "both users get answers, $theirs to 6");
cmp_ok($theirs, '<=', 9, '... and about as many');

# A flood of large answers that nobody reads takes a bounded amount of memory, and gives it back.
$_->drop for @many, @few, @locked;
$server->set('bugevents.responders' => 2);
$server->sql("INSERT INTO projects (name, description) SELECT 'large', repeat('large ', 1000) FROM generate_series(1, 1000)");
my @askers = map { $server->connect($_, rcvbuf => 4096) } (2 .. 9) x 2;

sub processes { return ((split /\n/, $server->sql("SELECT pid FROM pg_stat_activity WHERE backend_type IN ('bugevents dispatcher', 'bugevents responder')")), $server->gateway_pids); }
sub anonymous { my ($pid) = @_; return slurp_file("/proc/$pid/status") =~ /^RssAnon:\s+(\d+) kB/m ? $1 : die 'no RssAnon'; }
sub growth { my ($before) = @_; my $most = 0; for my $pid (processes()) { my $more = anonymous($pid) - ($before->{$pid} // 4096); $most = $more if $more > $most; } return $most; }

# Responders keep what they have read of catalogs: asked once, they are as they stay.
$bystander->send_json({ type => 'list', id => 'first', payload => { type => 'project', limit => 1000 } });
$bystander->wait_for(sub { ($_[0]{id} // '') eq 'first' });
my %before = map { $_ => anonymous($_) } processes();
my ($most, $left) = (0);
for my $round (1 .. 3)
{
	for my $ws (@askers) { $ws->send_json({ type => 'list', id => $_, payload => { type => 'project', limit => 1000 } }) for 1 .. 8; }
	for (1 .. 5)
	{
		my $more = growth(\%before);

		$most = $more if $more > $most;
		worst_answer(0.05);
	}
}
cmp_ok($most, '<', 32 * 1024, "384 lists of 6 MB that nobody reads: no process took more than $most kB");
$_->drop for @askers;
BugEvents::Server::wait_until(sub { ($left = growth(\%before)) < 4096 }, 'the memory to be given back');
cmp_ok($left, '<', 4096, "... and $left kB are left of it");

$server->node->stop;
done_testing();
