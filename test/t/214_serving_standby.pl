# A hot standby serves the stream of its primary: the same events under the same seqs, the last one
# without waiting for another; whoever reads there is let go by replay, and nobody is dropped for it.
# Promoted, the same processes go on with the same connections.
use strict;
use warnings;
use BugEvents::Document;
use BugEvents::Server;
use IPC::Run;
use List::Util qw(max);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $server = BugEvents::Server->start_new('primary', streaming => 1, projector => 1, conf => "bugevents.retention_size = '3MB'\nmax_wal_senders = 5\n");
my $primary = $server->node;
$primary->backup('backup', backup_options => [ '--checkpoint', 'fast' ]);
my $standby = BugEvents::Server->from_backup('standby', $server, 'backup', streaming => 1, conf => "max_standby_streaming_delay = 0\n");
$standby->node->start;
$standby->wait_ready;
my $stream = $server->sql('SELECT id FROM bugevents.stream');

sub catch_up { $primary->wait_for_catchup($standby->node, 'replay', $primary->lsn('insert')); return; }

# Another one behind it.
$standby->node->backup('second', backup_options => [ '--checkpoint', 'fast' ]);
my $second = BugEvents::Server->from_backup('second', $standby, 'second', streaming => 1);
$second->node->start;
$second->wait_ready;
my $behind = $second->connect('1');

# Everything that one gets, the other gets; nothing has to follow.
my $here = $server->connect('1');
my $there = $standby->connect('1');
is($there->{ready}{payload}{stream}, $stream, 'a standby serves the stream of its primary');
my @late;
for my $n (1 .. 30) {
	$server->sql("INSERT INTO projects (name) VALUES ('p$n')");
	my $first = $here->next_event;
	my $at = time;
	my $second = $there->next_event;
	push @late, 1000 * (time - $at);
	is_deeply($second, $first, "event $n is the same there") if $n % 10 == 0;
}
@late = sort { $a <=> $b } @late;
note sprintf 'ms behind the primary: median %.1f, the latest %.1f', $late[15], $late[-1];
cmp_ok($late[15], '<', 500, 'the last event comes without another one');
# A position is good at either.
my ($seq) = map { $_->{seq} } $server->events_before_fence($here);
$seq //= $server->sql('SELECT bugevents.last_seq()');
$server->sql("INSERT INTO projects (name) VALUES ('behind it')");
is($_->resume('1', $seq, $stream)->wait_for(sub { ($_[0]{payload}{name} // '') eq 'behind it' })->{type}, 'project', 'a client goes on at the other one') for $server, $standby;
is_deeply([ map { $_->{type} } $server->events_before_fence($there) ], [qw(fence project)], '... and those who are there miss nothing');

# What is asked; nothing is written.
$server->sql("INSERT INTO bug_reports (title, project_id) VALUES ('to be watched', 1)");
$server->events_before_fence($there);
sub ask { my ($ws, @request) = @_; return $ws->ask(@request); }
my $got = ask($there, 'get', type => 'project', id => 1);
is($got->{payload}{name}, 'p1', 'a standby answers what is asked');
cmp_ok($got->{as_of}, '>=', $seq, '... as of where it is');
is(ask($there, 'watch', bug_report_id => 1)->{payload}{code}, 'read_only', '... and writes nothing');

# Rights: who is deactivated, and who is connected there, is let go of.
$server->sql("INSERT INTO users (username, email, role) SELECT 'u' || g, 'u' || g || '\@example.org', 'user' FROM generate_series(1, 3) g");
$server->events_before_fence($there);
my $user = $standby->connect('2');
$server->sql('UPDATE users SET status = $$inactive$$ WHERE id = 2');
$user->wait_close;
is($user->close_reason, 'user_inactive', 'who is deactivated is let go of there, too');

# Replay stops: the standby is where it was, and says so.
my $mark = $standby->sql('SELECT pg_wal_replay_pause()');
$standby->node->poll_query_until('postgres', "SELECT pg_get_wal_replay_pause_state() = 'paused'") or die;
$server->sql("INSERT INTO projects (name) VALUES ('while it pauses')");
my ($ahead) = map { $_->{seq} } grep { ($_->{payload}{name} // '') eq 'while it pauses' } $server->events_before_fence($here);
my $early = $standby->connect('1', raw => 1, query => { since => $ahead, stream => $stream });
is($early->next_json->{payload}{code}, 'behind', 'a position that it has not reached is no reason for a resync');
$early->wait_close;
is($early->close_code, 1013, '... but to try again');
my $other = $standby->connect('1', raw => 1, query => { since => $ahead, stream => '11111111-2222-3333-4444-555555555555' });
is($other->next_json->{payload}{code}, 'behind', '... nor is one of an era that it may hear of');
$standby->set('bugevents.standby_lag_limit' => '200ms');
BugEvents::Server::wait_until(sub { ($standby->http('/ready'))[0] == 503 }, 'it to be unready');
like(($standby->http('/ready'))[1], qr/too far behind/, 'far behind, it is not ready');
is($standby->connect('1', raw => 1)->next_json->{payload}{code}, 'behind', '... and lets nobody in');
cmp_ok($standby->sql("SELECT value FROM bugevents.stats WHERE name = 'bugevents_standby_lag_seconds'"), '>', 0.2, '... by the metric that tells it');
$standby->set('bugevents.standby_lag_limit' => '60s');
$standby->wait_ready;

# History is dropped there as well, while it is read; replay isn't held up by that.
my $reader = $standby->resume('1', $seq, $stream);
$standby->sql('SELECT pg_wal_replay_resume()');
my $offset = $standby->log_size;
my $dropped = sub { $server->sql('SELECT dropped FROM bugevents.stream') };
my $begin = $dropped->();
my ($longest, $n) = (0, 0);
while ($dropped->() == $begin || $n < 60)
{
	my $at = time;
	$server->sql("SET synchronous_commit = on; INSERT INTO projects (name, description) VALUES ('large', repeat('x', 100000))");
	catch_up() if $n++ % 10 == 0;
	$longest = max($longest, time - $at);
	die 'retention drops nothing' if $n > 2000;
}
cmp_ok($longest, '<', 5, 'replay passes its readers');
my $last = $server->fence;
my %seen;
for my $ws ($there, $reader)
{
	my @names = map { $_->{payload}{name} // $_->{type} } $server->events_before_fence($ws, $last);
	is((grep { $_ eq 'large' } @names), $n, 'who reads there gets all');
}
unlike($standby->log_since($offset), qr/FATAL|bugevents.*(?:ended|ending)/, '... and nobody is dropped');

# A lock of what empties a segment, which is replayed long before that is done: the others are read.
$server->sql("INSERT INTO projects (name) VALUES ('into the one that is written')");
my ($oldest) = sort { $a->[1] <=> $b->[1] } map { [ $_, $server->sql("SELECT coalesce(max(last_seq), 0) FROM bugevents.journal_$_") ] } 0 .. 2;
my $locker = $server->session;
$locker->query_safe("SET lock_timeout = '10s'; BEGIN; LOCK TABLE bugevents.journal_$oldest->[0] IN ACCESS EXCLUSIVE MODE");
catch_up();
is($standby->sql("SELECT count(*) FROM pg_locks WHERE relation = 'bugevents.journal_$oldest->[0]'::regclass AND mode = 'AccessExclusiveLock' AND granted"), 1, 'a lock is replayed');
$server->sql("INSERT INTO projects (name) VALUES ('beside it')");
is($there->wait_for(sub { ($_[0]{payload}{name} // '') =~ /beside/ }, 30)->{payload}{name}, 'beside it', '... and what is elsewhere is read');
$locker->query_safe('COMMIT');
$locker->quit;
$last = $server->fence;
$server->events_before_fence($there, $last);

# In front of the two, as docs/standbys.md says.
my %port = map { $_ => PostgreSQL::Test::Cluster::get_free_port() } qw(haproxy nginx);
my $chapter = BugEvents::Document->new('docs/standbys.md', server => $server, replace => {
	8432 => $server->port, 8433 => $standby->port, 'bind :8080' => "bind 127.0.0.1:$port{haproxy}", 'listen 8081' => "listen 127.0.0.1:$port{nginx}" });
my $folder = $chapter->folder;
$chapter->follow('In front of them');
append_to_file("$folder/nginx.conf", <<~"END");
	daemon off;
	pid $folder/nginx.pid;
	error_log stderr;
	events {}
	http {
		access_log off;
		client_body_temp_path $folder/body;
		proxy_temp_path $folder/proxy;
		fastcgi_temp_path $folder/fastcgi;
		uwsgi_temp_path $folder/uwsgi;
		scgi_temp_path $folder/scgi;
		include $folder/standbys.conf;
	}
	END
my %front = (haproxy => [ 'haproxy', '-db', '-f', "$folder/standbys.cfg" ], nginx => [ 'nginx', '-e', 'stderr', '-c', "$folder/nginx.conf" ]);
local $ENV{PATH} = "$ENV{PATH}:/usr/sbin";
my ($words, %runs) = ('');
for my $name (sort keys %front)
{
	$runs{$name} = IPC::Run::start($front{$name}, '<', \'', '>&', \$words);
	BugEvents::Server::wait_until(sub { ((eval { BugEvents::WebSocket->http(port => $port{$name}, path => "/ready") })[0] // 0) == 200 }, $name, sub { $words });
}
sub behind_proxy { my ($name) = @_; return eval { BugEvents::WebSocket->connect(port => $port{$name}, token => $server->token('1'))->next_json->{action} } // ''; }
is(behind_proxy($_), 'ready', "$_ brings clients to one of them") for sort keys %front;

# Promoted: the connection goes on, in the same gateway.
my @gateways = $standby->gateway_pids;
my ($before) = map { $_->{seq} } $here->events_until(sub { $_[0]{type} eq 'fence' && $_[0]{payload}{mark} eq $last });
catch_up();
$primary->stop('immediate');
$standby->node->promote;
my $renamed = $there->wait_for(sub { $_[0]{type} eq 'connection' });
is($renamed->{action}, 'stream', 'promoted, a connection is told the name of the stream that goes on');
my $tip = $renamed->{payload}{seq};
isnt($renamed->{payload}{stream}, $stream, '... another one');
$standby->sql("INSERT INTO projects (name) VALUES ('first')");
my $first = $there->next_event;
is($first->{payload}{name}, 'first', '... and gets the next event');
cmp_ok($first->{seq}, '>', $tip, '... with a seq behind all others');
is_deeply([ $standby->gateway_pids ], \@gateways, '... of the same gateway');
is($standby->resume('1', @$_)->wait_for(sub { defined $_[0]{seq} && $_[0]{type} eq 'project' })->{payload}{name}, 'first', 'who comes with a position in either name resumes')
  for [ $tip, $stream ], [ $tip, $renamed->{payload}{stream} ];
is($behind->wait_for(sub { ($_[0]{action} // '') eq 'stream' })->{payload}{stream}, $renamed->{payload}{stream}, 'a standby behind it goes on as well');
is($behind->wait_for(sub { ($_[0]{payload}{name} // '') eq 'first' })->{seq}, $first->{seq}, '... with the same event');
is($second->resume('1', @$_)->wait_for(sub { defined $_[0]{seq} && $_[0]{type} eq 'project' })->{seq}, $first->{seq}, '... and takes the same positions')
  for [ $tip, $stream ], [ $tip, $renamed->{payload}{stream} ];
$second->node->stop;
ok($standby->node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'bugevents projector'}), 'the projector runs');
unlike($standby->log_since($offset), qr/PANIC|bugevents.*(?:ended|exited|terminat)/, 'nothing of ours ended');

for my $name (sort keys %front)
{
	BugEvents::Server::wait_until(sub { behind_proxy($name) eq 'ready' }, "$name to find the one that is left", sub { $words });
	is(join(' ', map { behind_proxy($name) } 1 .. 4), 'ready ready ready ready', "$name brings clients to the one that is left");
	$runs{$name}->kill_kill;
}

# Without a standby an idle server notes nothing.
$standby->set('bugevents.standby_lag_limit' => '40ms');
my $noted = q{SELECT at FROM bugevents.settled_mark};
my ($at, $same) = ('', 0);
for (1 .. 200)
{
	my $now = $standby->sql($noted);
	$same = $now eq $at ? $same + 1 : 0;
	$at = $now;
	last if $same > 30;
}
cmp_ok($same, '>', 30, 'an idle server without standbys notes nothing');
$standby->node->stop;
done_testing();
