# Who somebody is, the verifier says, and nobody else: a gateway that was taken over acts for
# nobody but its live clients.  And what becomes of clients when the verifier is killed or hangs.
use strict;
use warnings;
use BugEvents::Pipe;
use BugEvents::Server;
use JSON::PP qw(decode_json);
use PostgreSQL::Test::Utils;
use Test::More;

my ($libdir) = run_command([ 'pg_config', '--pkglibdir' ]);
plan skip_all => "$libdir can't be written to" if !-w $libdir;

my $server = BugEvents::Server->new('verifier', conf => "bugevents.gateways = 2\nbugevents.max_connections_per_user = 10\n");
my $pipe = BugEvents::Pipe->take_over($server, 2);
my $verdict = BugEvents::Pipe::numbers('BevVerdict', 'BEV_');
my $verb = BugEvents::Pipe::numbers('BevVerb', 'BEV_VERB_');
my $answer = BugEvents::Pipe::numbers('BevAnswerKind', 'BEV_ANSWER_');
my $use = BugEvents::Pipe::numbers('BevTokenUse', 'BEV_TOKEN_');

$server->node->start;
$pipe->begin;
$server->create;
$server->sql(<<'END');
	SELECT bugevents.detach('bug_reports');
	SELECT bugevents.attach('bug_reports', 'bug_report', audience => 'bugevents.principal(''project'', row.project_id)');
	CREATE TABLE plans (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text);
	SELECT bugevents.attach('plans', 'plan', columns => '{"name":"name"}', audience => 'admin');
	CREATE TABLE members (id bigint PRIMARY KEY, user_id bigint, project_id bigint);
	SELECT bugevents.attach('members', 'membership');
	INSERT INTO users (username, role) VALUES ('one', 'user'), ('two', 'user'), ('three', 'admin'), ('four', 'user'), ('five', 'user');
	INSERT INTO projects (name) VALUES ('open'), ('secret');
	INSERT INTO bug_reports (title, project_id) VALUES ('seen', 1), ('unseen', 2);
	INSERT INTO members VALUES (1, 1, 1), (2, 2, 2), (3, 5, 1);
END

#
# The gateway's words
#

my $client = 0;
sub show { my ($token) = @_; $pipe->say(OPEN => pack('Qa40a64', ++$client, "id$client", '127.0.0.1') . $token); return $client; }
sub admitted
{
	my ($number, $said, $unread, $as_of, $expires, $ends, $admin, $projects, $user, $role) = unpack 'QLlQqqLLZ256Z64', $pipe->hear('ADMIT');

	return ($said, "$user $role $admin");
}
sub enter
{
	my ($user, %o) = @_;
	my $number = show($server->token($user, %o));
	my ($said) = admitted();

	die "user $user was not admitted: $said" if $said != $verdict->{ADMITTED};
	return $number;
}

my $request = 0;
# (error's code, or the kind of the answer; how many records; the rest)
sub answered
{
	my ($number, $asked, $kind, $seq, $count, $unused, $code) = unpack 'QLLQLLZ24', my $body = $pipe->hear('ANSWER');

	die "an answer to $asked, not $request" if $asked != $request;
	return ($kind == $answer->{ERROR} ? $code : $kind, $count, substr($body, 80));
}
sub ask
{
	my ($number, $what, $payload) = @_;

	$pipe->say(ASK => pack('QLL', $number, ++$request, $verb->{$what}) . $payload);
	return answered();
}
sub shown
{
	my ($number, $what, $token) = @_;

	$pipe->say(TOKEN => pack('QLL', $number, ++$request, $use->{$what}) . $token);
	return (answered())[0];
}

# It is ended for what it says, and begins again.
sub ended_for
{
	my ($name, $kind, $body) = @_;
	my $log = $server->log_size;

	$pipe->say($kind => $body);
	ok($pipe->is_ended, "ended: $name");
	$server->wait_log(qr/ending bugevents gateway 2 \(PID \d+\): it broke the protocol/, $log);
	$pipe->begin;
	return;
}

# A name of a user isn't even in what it may say; a token is, and it has to be good.
my %bad = (
	'signed with another secret' => $server->token('3', role => 'admin', secret => 'x' x 64),
	'not signed' => $server->token('3', role => 'admin', alg => 'none'),
	'of nobody' => $server->token('3', claims => { sub => undef }),
	'nothing' => '',
);
for my $name (sort keys %bad)
{
	show($bad{$name});
	is((admitted())[0], $verdict->{BAD_TOKEN}, "a token $name is no good");
}
show($server->token('1', ttl => -100));
is((admitted())[0], $verdict->{EXPIRED_TOKEN}, 'nor one that has expired');
show($server->token('1'));
is_deeply([ admitted() ], [ $verdict->{ADMITTED}, '1 user 0' ], 'a good one is whose the verifier says');
my $one = $client;

# Rows, by the one rule.
is((ask($one, GET => '{"type":"bug_report","id":1}'))[1], 1, 'get: a row that the user sees');
is((ask($one, GET => '{"type":"bug_report","id":2}'))[1], 0, '... and none that the user does not');
is((ask($one, GET => '{"type":"user","id":3}'))[1], 0, '... nor one for admins');
my (undef, $rows, $rest) = ask($one, LIST => '{"type":"bug_report","limit":100}');
is($rows, 1, 'list: those that the user sees');
unlike($rest, qr/unseen/, '... and nothing of the others');
(undef, $rows, $rest) = ask($one, LIST => '{"type":"user","limit":100}');
is($rows, 1, '... of those for admins its own');
unlike($rest, qr/"email"[^}]*"two"|"username":"two"/, '... and nothing of the others');
is((ask($one, WATCH => '{"bug_report_id":1}'))[0], $answer->{OBJECT}, 'watch: a bug that the user sees');
is((ask($one, WATCH => '{"bug_report_id":2}'))[0], 'not_found', '... and none that the user does not');

# What admins may.
is((ask($one, $_ => '{"connection_id":"id1"}'))[0], 'forbidden', lc $_) for qw(CONNECTIONS DISCONNECT);
my $false_admin = enter('2', role => 'admin');
is((ask($false_admin, CONNECTIONS => '{}'))[0], 'forbidden', 'nor an admin by the token alone');
is((ask($false_admin, GET => '{"type":"user","id":3}'))[1], 0, '... for whom no row is more than for others');
is(shown(0, METRICS => $server->token('1')), 'forbidden', 'metrics: not with a user\'s token');
is(shown(0, METRICS => $server->token('2', role => 'admin')), 'forbidden', '... nor with one that the tables contradict');
is(shown(0, METRICS => $bad{'not signed'}), 'invalid_token', '... nor with one that is no good');
is(shown(0, METRICS => $server->token('3', role => 'admin')), $answer->{TEXT}, '... but with an admin\'s');

# Others' notifications.
$server->sql("INSERT INTO bugevents.notifications (user_id, type, message) VALUES ('2', 'welcome', 'hello')");
my $notification = $server->sql('SELECT max(id) FROM bugevents.notifications');
is((ask($one, READ => qq({"notification_id":$notification})))[0], 'not_found', 'read: not another one\'s notification');
is((ask($one, NOTIFICATIONS => '{"type":"notification","limit":10}'))[1], 0, '... which are not listed either');

# As many of a user's as a user may have, whichever tokens it shows.
my @verdicts = map { show($server->token('5', ttl => 600 + $_)); (admitted())[0] } 1 .. 12;
is(join(' ', @verdicts), join(' ', ($verdict->{ADMITTED}) x 10, ($verdict->{TOO_MANY_CONNECTIONS}) x 2), "no more connections of a user than there may be");
$pipe->say(CLOSED => pack('QQa64', $_, 1000, '')) for $client - 11 .. $client - 2;

# Another token.
is(shown($one, RENEWS => $server->token('2')), 'forbidden', 'renewal: not by another one\'s token');
is(shown($one, RENEWS => $bad{'not signed'}), 'invalid_token', '... nor by one that is no good');
is(shown($one, RENEWS => $server->token('1', ttl => 7200)), $answer->{GRANT}, '... but by the same user\'s');

# A grant ends with its token, whatever the gateway does.
my $brief = enter('4', ttl => 2);
is((ask($brief, READ_ALL => '{}'))[0], $answer->{OBJECT}, 'a token that ends soon is good');
my $code = '';
BugEvents::Server::wait_until(sub { ($code) = ask($brief, READ_ALL => '{}'); $code ne $answer->{OBJECT} }, 'the end of a token');
is($code, 'token_expired', '... and then nothing is done in its name');

# Who is shut out by the tables, though its connection is kept open.
my $five = enter('5');
$server->sql("UPDATE users SET status = 'inactive' WHERE username = 'five'");
is((ask($five, $_->[0] => $_->[1]))[0], 'forbidden', "who isn't active any more: " . lc $_->[0])
  for [ GET => '{"type":"bug_report","id":1}' ], [ LIST => '{"type":"bug_report","limit":9}' ], [ READ_ALL => '{}' ],
  [ NOTIFICATIONS => '{"type":"notification","limit":10}' ], [ WATCH => '{"bug_report_id":1}' ];

ended_for('a role that the token does not give', ROLE => pack('Qa64', $one, 'admin'));
is($server->sql('SELECT count(*) FROM bugevents.connections WHERE gateway = 2'), '0', '... with all that was granted to its clients');
# What is for admins alone comes while one is connected, whom the verifier and the tables say is one.
my $secrets = 0;
# Write some, and see whether the gateway is sent the content of it, live.
sub is_sent
{
	my $mark = 'secret' . ++$secrets;
	my $text = '';

	$server->sql("INSERT INTO users (username, email) VALUES ('$mark', '$mark\@example.org'); INSERT INTO plans (name) VALUES ('$mark\@example')");
	$server->sql("INSERT INTO projects (name) VALUES ('behind $mark')");
	$text .= $pipe->hear('EVENTS') until $text =~ /behind $mark/;
	die "nothing of $mark" if $text !~ /usercreatedadmin.*plancreatedadmin/s;
	my $found = () = $text =~ /$mark\@example/g;
	die "half of $mark" if $found == 1;
	return $found ? 1 : 0;
}
my $asker = enter('1');
# The same of history, all there is.
my $fetches = 0;
sub is_in_history
{
	my ($mark) = @_;
	my $text = '';

	$pipe->{seen} = {};
	$pipe->say(FETCH => pack('LLQQ', ++$fetches, 1 << 20, 0, $server->sql('SELECT max(seq) FROM bugevents.events()')));
	$pipe->hear('FETCHED');
	$text = join '', @{ $pipe->{seen}{ $BugEvents::Pipe::KIND{EVENTS} } };
	die 'no history' if $text !~ /behind secret1/;
	return $text =~ /$mark\@example/ ? 1 : 0;
}
# And of the rows that are kept for clients.
sub is_in_rows
{
	my ($mark) = @_;
	my (undef, $count, $rest) = ask($asker, STATE => '{"type":"plan"}');

	die 'no rows' if $count != $secrets;
	return $rest =~ /$mark\@example/ ? 1 : 0;
}
sub scope { return (unpack 'QLL', $pipe->hear('SCOPE'))[1]; }

ok(!is_sent(), 'for admins: not sent while none is connected');
ok(!is_in_history('secret1'), '... not in history either');
ok(!is_in_rows('secret1'), '... nor among rows');
my $brief_admin = enter('3', role => 'admin', ttl => 3);
ok(is_sent(), '... but with one');
ok(is_in_history('secret1') && is_in_rows('secret1'), '... in history and among rows, too');
is(scope(), 0, '... until its token ends, though the gateway says nothing of it');
ok(!is_sent() && !is_in_history('secret2') && !is_in_rows('secret2'), '... then not any more');
enter('2', role => 'admin');
ok(!is_sent(), '... nor with an admin by the token alone');
my $admin = enter('3', role => 'admin');
ok(is_sent(), '... again with a real one');
$server->sql("UPDATE users SET role = 'user' WHERE id = 3");
ok(!is_sent(), '... until the tables say otherwise');
$server->sql("UPDATE users SET role = 'admin' WHERE id = 3");
ok(is_sent(), '... as long as they do');
$pipe->say(CLOSED => pack('QQa64', $admin, 1000, ''));
is(scope(), 0, '... and until it goes');
ok(!is_sent(), '... then not any more');
my $renewed = enter('3');
ok(!is_sent(), '... nor with an admin whose token says less');
is(shown($renewed, RENEWS => $server->token('3', role => 'admin')), $answer->{GRANT}, '... until it shows another one');
ok(is_sent(), '... which counts');
$pipe->say(CLOSED => pack('QQa64', $renewed, 1000, ''));
is(scope(), 0, '... as long as it is there');
# Of two tables that have somebody the lower counts, and when its row goes, the other one.
$server->sql("CREATE TABLE staff (LIKE users INCLUDING ALL); INSERT INTO staff (id, username, role) OVERRIDING SYSTEM VALUE VALUES (3, 'three', 'user');
	SELECT bugevents.attach('staff', 'user')");
my $twofold = enter('3', role => 'admin');
ok(!is_sent(), '... nor with one whom another table has as less');
$server->sql('DELETE FROM staff');
ok(is_sent(), '... until it has not');
$server->sql("INSERT INTO staff (id, username, role) OVERRIDING SYSTEM VALUE VALUES (3, 'three', 'user')");
ok(!is_sent(), '... any more');
$server->sql("UPDATE users SET username = 'third' WHERE id = 3");
ok(!is_sent(), '... whatever the other one says meanwhile');
$server->sql("BEGIN; DELETE FROM users WHERE id = 3; DELETE FROM staff; COMMIT");
ok(!is_sent(), '... and nobody is an admin whom no table has any more');
$server->sql("SELECT bugevents.detach('staff')");

ended_for('sockets by a configuration that is to come', LISTEN => pack('L', 1000));
ended_for('a question of nobody', ASK => pack('QLL', 999, 1, $verb->{GET}) . '{"type":"bug_report","id":1}');
my $gone = enter('1');
$pipe->say(CLOSED => pack('QQa64', $gone, 1000, ''));
ended_for('a question of one who has gone', ASK => pack('QLL', $gone, 1, $verb->{GET}) . '{"type":"bug_report","id":1}');

#
# The verifier
#

my $verifier = $server->verifier_pid;
my $memory = sub
{
	my ($pid) = @_;
	my $found = 0;

	open(my $maps, '<', "/proc/$pid/maps") or return;
	open(my $mem, '<:raw', "/proc/$pid/mem") or return;
	for (<$maps>)
	{
		/^([0-9a-f]+)-([0-9a-f]+) rw/ or next;
		my ($from, $to) = (hex $1, hex $2);

		sysseek($mem, $from, 0) or next;
		sysread($mem, my $bytes, $to - $from) or next;
		$found ||= index($bytes, $server->{secret}) >= 0;
	}
	return $found ? 'secret' : 'none';
};
my ($real) = grep { PostgreSQL::Test::Utils::slurp_file("/proc/$_/cmdline") =~ /bugevents-gateway(?:\.real)?\0001\0/ } $server->gateway_pids;
SKIP:
{
	skip 'processes can\'t be looked into', 2 if !defined $memory->($verifier);
	is($memory->($verifier), 'secret', 'the verifier has the secret');
	is($memory->($real), 'none', '... and a gateway has not');
}

my %files = map { $_ => readlink("/proc/$verifier/fd/$_") } grep { !/\D/ } map { s{.*/}{}r } glob("/proc/$verifier/fd/*");
is(scalar(grep { /socket/ } values %files), 1, 'the verifier has one socket: its pipe');
is_deeply([ grep { $_ > 3 } keys %files ], [], '... and nothing else of ours');
like(slurp_file("/proc/$verifier/status"), qr/^Seccomp:\s+2$/m, '... and a filter');

sub port_client { return BugEvents::WebSocket->connect(port => $server->port, token => $server->token($_[0]), raw => 1); }

# Killed: those who are in don't notice, those who come wait a moment.
my $in = $server->connect('1');
my $log = $server->log_size;
kill 'KILL', $verifier;
ok($server->connect('2'), 'killed: a newcomer is let in, by another one');
$server->wait_log(qr/bugevents verifier \(PID $verifier\) ended: .*signal 9/, $log);
isnt($server->verifier_pid, $verifier, '... which was started');
$server->sql("INSERT INTO projects (name) VALUES ('while it was away')");
is($in->next_event->{payload}{name}, 'while it was away', '... who is in goes on');

# Stopped: it is found out, and replaced.
$verifier = $server->verifier_pid;
$log = $server->log_size;
kill 'STOP', $verifier;
my $newcomer = $server->connect('2', raw => 1);
$server->sql("INSERT INTO projects (name) VALUES ('while it hangs')");
is($in->next_event->{payload}{name}, 'while it hangs', 'stopped: who is in goes on');
is($newcomer->next_json->{action}, 'ready', '... and a newcomer is let in at last');
$server->wait_log(qr/ending bugevents verifier \(PID $verifier\): it does not answer/, $log);
isnt($server->verifier_pid, $verifier, '... since another one was started');

# It can't be had at all: who comes is told.
# In its place is one that ends here, and elsewhere is the real one.
my $program = "$libdir/bugevents-verifier";
my $mark = $server->node->data_dir . '/no_verifier';
append_to_file($mark, '');
rename $program, "$program.real" or die $!;
append_to_file($program, qq(#!/bin/sh\ntest -e no_verifier && exit 1\nexec "\$0.real"\n));
chmod 0755, $program;
kill 'KILL', $server->verifier_pid;
$newcomer = $server->connect('2', raw => 1);
is($newcomer->next_json->{payload}{code}, 'internal_error', 'there is none: a newcomer is told so');
$server->sql("INSERT INTO projects (name) VALUES ('without one')");
is($in->next_event->{payload}{name}, 'without one', '... who is in goes on');
rename "$program.real", $program or die $!;
unlink $mark;
BugEvents::Server::wait_until(sub { $server->verifier_pid && eval { $server->connect('2') } }, 'a verifier');
pass('... and it is started once it is there again');
# Listening sockets: one set for a configuration, where that says.  Nobody accepts on these, so they come last.
$log = $server->log_size;
$pipe->say(LISTEN => pack('L', 1)) for 1 .. 3;
show('');
admitted();
is(() = $server->log_since($log) =~ /gateway 2 listening on/g, 1, 'sockets: however often it asks, one set');
like($server->log_since($log), qr/gateway 2 listening on 127\.0\.0\.1:@{[ $server->port ]}$/m, '... where all of them listen');
unlike($server->log_since(0), qr/PANIC|TRAP|terminating any other active server processes/, 'nothing crashed');
$server->node->stop;
done_testing();
