# Roles and memberships that stand in other tables than the one that decides: a connection is what
# they say, from their change's place in the stream on.
use strict;
use warnings;
use BugEvents::Server;
use Test::More;

my $server = BugEvents::Server->start_new('followed', tracker => 0);
$server->sql(<<~'END');
	CREATE TABLE people (id int PRIMARY KEY, username text, email text, created_at timestamptz, updated_at timestamptz);
	CREATE TABLE roles (user_id int, role text);
	CREATE INDEX ON roles (user_id);
	CREATE TABLE locked (user_id int PRIMARY KEY);
	CREATE TABLE bugs (id int PRIMARY KEY, title text, description text, status text, priority text, assignee_id int, project_id int,
		created_at timestamptz, updated_at timestamptz);
	INSERT INTO people (id, username) VALUES (1, 'ada'), (2, 'bob');
	INSERT INTO roles VALUES (1, 'admin'), (2, 'admin');
	INSERT INTO bugs (id, title) VALUES (1, 'begin');
	SELECT bugevents.attach('people', 'user', columns => '{
			"role": "coalesce((SELECT max(r.role) FROM roles AS r WHERE r.user_id = row.id), ''user'')",
			"status": "CASE WHEN EXISTS (SELECT FROM locked AS l WHERE l.user_id = row.id) THEN ''inactive'' ELSE ''active'' END"}'),
		bugevents.attach('bugs', 'bug_report', audience => 'admin'),
		bugevents.follow('roles', 'people', 'SELECT row.user_id'),
		bugevents.follow('locked', 'people', 'SELECT row.user_id');
	END

my $ada = $server->connect('1', role => 'admin');
my $bob = $server->connect('2', role => 'admin');

sub titles { return join ' ', map { $_->{payload}{title} } grep { $_->{type} eq 'bug_report' } $server->events_before_fence($_[0], $_[1]); }

$server->sql("UPDATE bugs SET title = 'both'");
my $mark = $server->fence;
is(titles($ada, $mark), 'both', 'an admin sees it');
is(titles($bob, $mark), 'both', 'another one does, too');

# In one transaction, and the role first: what follows isn't for who lost it.
$server->sql("BEGIN; DELETE FROM roles WHERE user_id = 2; UPDATE bugs SET title = 'secret'; COMMIT; UPDATE bugs SET title = 'later'");
$mark = $server->fence;
is(titles($ada, $mark), 'secret later', 'a role that is taken away in another table');
is(titles($bob, $mark), '', '... takes effect at once');
$server->sql("INSERT INTO roles VALUES (2, 'admin'); UPDATE bugs SET title = 'again'");
$mark = $server->fence;
is(titles($bob, $mark), 'again', '... and so does one that is given');

$server->sql("INSERT INTO locked VALUES (2); UPDATE bugs SET title = 'last'");

my @last;
is($bob->wait_close(undef, \@last), 1008, 'who is locked elsewhere is closed');
ok(!grep({ ($_->{payload}{title} // '') eq 'last' } @last), '... before what comes then');

is(titles($ada, $server->fence), 'again last', 'others stay');

# Many at once: all are looked up anew.
$server->sql('INSERT INTO people (id) SELECT i FROM generate_series(1000, 11005) i');
$server->sql("INSERT INTO roles SELECT id, 'user' FROM people WHERE id >= 1000");
$server->fence;
is($ada->wait_close, 1012, 'beyond the bound, clients are looked up anew');
ok($server->connect('1', role => 'admin')->{ready}, '... and come back');

$server->node->stop;
done_testing();
