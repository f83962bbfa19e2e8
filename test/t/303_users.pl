# The database decides: role and status of a users table, at connect and live.
use strict;
use warnings;
use BugEvents::Server;
use Test::More;

my $server = BugEvents::Server->start_new('users', conf => "bugevents.gateways = 2\n");
$server->sql(<<~'END');
	ALTER TABLE users ALTER id RESTART WITH 1000;
	INSERT INTO users (id, username, role, status) VALUES
		(1, 'ada', 'admin', 'active'), (2, 'bob', 'user', 'active'), (3, 'eve', 'user', 'inactive'), (4, 'max', 'user', 'active');
	END

sub wait_until { return BugEvents::Server::wait_until(@_); }

# The error that a connection is refused or closed with, and its close code.
sub end_of
{
	my ($ws) = @_;
	my @seen;

	$ws->wait_close(undef, \@seen);
	my ($error) = map { $_->{payload}{code} } grep { $_->{type} eq 'error' } @seen;
	return ($error // 'none') . ' ' . ($ws->close_code // 'dropped');
}

sub refused { my ($user, %o) = @_; return end_of($server->connect($user, raw => 1, %o)); }

sub role_of
{
	my ($ws) = @_;

	return $server->sql("SELECT role FROM bugevents.connections WHERE id = '$ws->{ready}{payload}{connection_id}'");
}

# How many of the events about a new user arrive.
sub sees_users
{
	my ($ws) = @_;

	$server->sql("INSERT INTO users (username) VALUES ('u' || random())");
	return scalar(grep { $_->{type} eq 'user' && $_->{action} eq 'created' } $server->events_before_fence($ws));
}

# At connect.
is(refused('3'), 'user_inactive 1008', 'an inactive user is refused');
my $ada = $server->connect('1', role => 'admin');
my $bob = $server->connect('2', role => 'admin');
my $plain = $server->connect('1');
is($ada->{ready}{payload}{role}, 'admin', 'an admin by token and table');
is($bob->{ready}{payload}{role}, 'user', 'by the token alone: the lower role');
is($plain->{ready}{payload}{role}, 'user', 'by the table alone: the lower role');
wait_until(sub { role_of($bob) eq 'user' }, 'the view to show the lower role');
is(role_of($ada), 'admin', 'bugevents.connections shows the role that counts');
my $stranger = $server->connect('no such user', role => 'admin');
is(sees_users($ada), 1, 'an admin sees users');
is(sees_users($_), 0, 'others do not') for $bob, $plain;
cmp_ok(sees_users($stranger), '>', 1, 'of whom the table does not have, the token decides');
ok($server->connect(q{'; DROP TABLE users; --}), 'an odd user id');
ok($server->connect('99999999999999999999'), 'one that is out of range');
ok($server->connect('01'), 'one that is a number, but no id as it is written');

# Live.
$server->sql("UPDATE users SET role = 'admin' WHERE id = 2");
is(sees_users($bob), 1, 'promoted');
wait_until(sub { role_of($bob) eq 'admin' }, 'the view to show the promotion');
$server->sql("UPDATE users SET role = 'user' WHERE id = 2");
is(sees_users($bob), 0, 'demoted');
$server->sql("BEGIN; UPDATE users SET status = 'inactive' WHERE id = 2; ROLLBACK");
is(sees_users($bob), 0, 'what is rolled back closes nobody');
$server->sql("UPDATE users SET status = 'inactive' WHERE id = 2");
is(end_of($bob), 'user_inactive 1008', 'deactivated: closed');
is(refused('2'), 'user_inactive 1008', '... and refused');
$server->sql("UPDATE users SET status = 'active' WHERE id = 2");
my @bobs = map { $server->connect('2') } 1 .. 6;
pass('active again: let in');
$server->sql('DELETE FROM users WHERE id = 2');
is(end_of($_), 'user_inactive 1008', 'deleted: closed, over both gateways') for @bobs;

# require_user.
my @unknown = ($stranger, $server->connect('2'));
$server->set('bugevents.require_user' => 'on');
is(end_of($_), 'forbidden 1008', 'require_user turns out who is not known') for @unknown;
is(refused('nobody', role => 'admin'), 'forbidden 1008', '... and refuses, admins as well') for 1 .. 4;
ok($server->connect('4'), 'who is known is let in');

# A second table of users: the lower of both.
my $staff = <<'END';
SELECT bugevents.attach('%s', 'user', filter => 'row.login <> ''ghost''', columns => '{
	"id": "login", "username": "login", "email": {"column": "mail", "admin": true},
	"role": "%s", "status": "CASE WHEN gone IS NULL THEN ''active'' ELSE ''gone'' END",
	"created_at": "null::date", "updated_at": "null::date"}')
END
$server->sql(<<~'END');
	CREATE TABLE staff (login text, mail text, boss boolean, gone date);
	INSERT INTO staff VALUES ('1', 'a', true, null), ('x', 'b', true, null), ('y', 'c', false, '2026-01-01');
	END
$server->sql(sprintf $staff, 'staff', "CASE WHEN boss THEN ''admin'' ELSE ''clerk'' END");
is(end_of($ada), 'access_changed 1012', 'attaching a table of users has everybody looked up anew');
my $since = $ada->{ready}{payload};
$ada = $server->resume('1', $since->{seq}, $since->{stream}, role => 'admin');
ok($ada->{ready}{payload}{resumed}, '... who can resume');
is($server->connect('x', role => 'admin')->{ready}{payload}{role}, 'admin', 'an admin by an expression');
is(refused('y'), 'user_inactive 1008', 'inactive by an expression');
$server->sql("INSERT INTO staff VALUES ('ghost', '', true, null)");
is(refused('ghost'), 'forbidden 1008', 'the filter holds for looking up, too');
$server->sql("UPDATE staff SET boss = false WHERE login = '1'");
wait_until(sub { role_of($ada) eq 'clerk' }, 'the lower role of two tables');
$server->sql("UPDATE staff SET login = 'ghost' WHERE login = '1'");
wait_until(sub { role_of($ada) eq 'admin' }, 'the row to leave');
pass('a row that leaves the filter counts no more');
$server->sql("UPDATE users SET status = 'inactive' WHERE id = 1");
is(end_of($ada), 'user_inactive 1008', 'inactive in one of the tables');

# Names change, columns too.
$server->sql('ALTER TABLE staff RENAME TO personnel; CREATE SCHEMA s; ALTER TABLE personnel SET SCHEMA s; ALTER TABLE s.personnel RENAME login TO name');
my $before = $server->log_size;
is(refused('x'), 'internal_error 1011', 'an expression over a column that was renamed: nobody is let in');
$server->wait_log(qr/WARNING:  bugevents could not look up who connects: column row.login does not exist/, $before);
$server->sql('ALTER TABLE s.personnel RENAME name TO login; ALTER TABLE s.personnel RENAME mail TO email');
is($server->connect('x', role => 'admin')->{ready}{payload}{role}, 'admin', 'a renamed table is followed');

# What can't be looked up is refused, not let in; the stream waits for no lock.
my $session = $server->session;
my $watcher = $server->connect('4');
$session->query_safe('BEGIN; LOCK TABLE s.personnel');
$before = $server->log_size;
is(refused('x'), 'internal_error 1011', 'a locked table: refused');
$server->sql("INSERT INTO projects (name) VALUES ('meanwhile')");
is($watcher->next_event->{payload}{name}, 'meanwhile', '... while the stream goes on');
$server->wait_log(qr/could not look up \d+ clients? in time/, $before);
$session->query_safe('COMMIT');
$session->quit;
ok($server->connect('x'), 'afterwards all is well');
$staff =~ s/"mail"/"email"/;
$server->sql(sprintf $staff, 's.personnel', '(1 / (length(login) - 1))::text');
is(refused('x'), 'internal_error 1011', 'an error for one user');
ok($server->connect('4'), '... is nobody else\'s');
$server->sql("CREATE FUNCTION sleepy() RETURNS text STABLE LANGUAGE sql AS 'SELECT ''user'' FROM pg_sleep(30)'");
$server->sql(sprintf $staff, 's.personnel', 'sleepy()');
is(refused('x'), 'internal_error 1011', 'what takes too long is cancelled');
my $writes = 'sly()';
$server->sql("CREATE SEQUENCE seq; CREATE FUNCTION sly() RETURNS text STABLE LANGUAGE sql AS 'SELECT setval(''seq'', 5)::text'");
$server->sql(sprintf $staff, 's.personnel', $writes);
is(refused('x'), 'internal_error 1011', 'what writes is refused');
is($server->sql('SELECT last_value FROM seq'), '1', '... and did not');

# Detached, truncated, dropped.
my $max = $server->connect('4');
$server->sql("SELECT bugevents.detach('s.personnel')");
is(end_of($max), 'access_changed 1012', 'detaching has everybody looked up anew');
is(refused('x'), 'forbidden 1008', '... by what remains');
$max = $server->connect('4');
$server->sql('TRUNCATE users CASCADE');
is(end_of($max), 'access_changed 1012', 'so has TRUNCATE');
is(refused('4'), 'forbidden 1008', '... with nobody in the table');
$server->sql('DROP TABLE users CASCADE');
$server->set('bugevents.require_user' => 'off');
wait_until(sub { my $ws = $server->connect('4', raw => 1); ($ws->next_json // {})->{type} eq 'connection' }, 'require_user to be off');
is($server->connect('4', role => 'admin')->{ready}{payload}{role}, 'admin', 'without a table the token decides');
unlike($server->log_since(0), qr/dispatcher.*exited with exit code|PANIC|TRAP/, 'the dispatcher lived through it');
$server->node->stop;
done_testing();
