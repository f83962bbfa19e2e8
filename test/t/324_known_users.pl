# Who is known: once a table of users decides, whom it doesn't have is refused; whatever hides its rows, and however ids are written.
use strict;
use warnings;
use BugEvents::Server;
use Test::More;

my $server = BugEvents::Server->start_new('known', tracker => 0, conf => "bugevents.require_user = on\n");
my $node = $server->node;
is($server->sql("SELECT boot_val FROM pg_settings WHERE name = 'bugevents.require_user'"), 'on', 'it is so by default');

# The error that a connection is refused or closed with.
sub end_of
{
	my ($ws) = @_;
	my @seen;

	$ws->wait_close(undef, \@seen);
	return (map { $_->{payload}{code} } grep { $_->{type} eq 'error' } @seen)[0] // 'none';
}
sub refused { my ($user, %o) = @_; return end_of($server->connect($user, raw => 1, %o)); }

ok($server->connect('anybody', role => 'admin'), 'no table of users: the token decides');
$server->sql(<<~'END');
	CREATE TABLE members (user_id text, project_id text, PRIMARY KEY (user_id, project_id));
	SELECT bugevents.attach('members', 'membership');
	END
ok($server->connect('anybody'), 'a table of memberships makes nobody unknown');

# An owner's table under row level security, forced, with a policy that shows nobody, or whom a session's setting names.
$server->sql(<<~'END');
	CREATE ROLE app LOGIN;
	CREATE SCHEMA app AUTHORIZATION app;
	SET ROLE app;
	CREATE TABLE app.users (id int PRIMARY KEY, username text, email text, role text DEFAULT 'user', status text DEFAULT 'active',
		tenant text, gone boolean DEFAULT false, created_at timestamptz, updated_at timestamptz);
	ALTER TABLE app.users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
	CREATE POLICY tenants ON app.users USING (tenant = current_setting('app.tenant', true)) WITH CHECK (true);
	INSERT INTO app.users (id, role, status, tenant) VALUES (1, 'user', 'active', 'a'), (2, 'user', 'inactive', 'a'), (3, 'user', 'active', 'b');
	INSERT INTO app.users (id, gone) VALUES (4, true);
	END
is($node->safe_psql('postgres', 'SELECT count(*) FROM app.users', extra_params => [ '-U', 'app' ]), '0', 'its own owner sees no rows of a table');
$server->sql("SELECT bugevents.attach('app.users', 'user', filter => 'NOT row.gone')");
my $one = $server->connect('1', role => 'admin');
is($one->{ready}{payload}{role}, 'user', 'but they decide: who is no admin there is none');
is(refused('2'), 'user_inactive', '... who is not active is refused');
is(refused('5', role => 'admin'), 'forbidden', '... and whom the table does not have, as an admin, too');
is(refused('4'), 'forbidden', '... or the filter leaves out');
ok($server->connect('3'), '... and who is there is let in');
$server->sql("CREATE POLICY nobody ON app.users AS RESTRICTIVE USING (false)");
ok($server->connect('3'), 'a policy that comes later changes nothing');
$server->sql("SET row_security = off; ALTER ROLE app SET row_security = off; ALTER TABLE app.users OWNER TO app");
ok($server->connect('3'), '... nor does row_security');
$server->sql("UPDATE app.users SET status = 'inactive' WHERE id = 1");
is(end_of($one), 'user_inactive', 'live, as ever');
$server->sql('DELETE FROM app.users WHERE id = 3');
is(refused('3'), 'forbidden', 'who was deleted is unknown');
$server->sql("UPDATE app.users SET gone = true WHERE id = 1");
is(refused('1'), 'forbidden', '... and who has become hidden');
$server->sql("INSERT INTO app.users (id) VALUES (9)");
my $nine = $server->connect('9');
$server->sql("UPDATE app.users SET gone = true WHERE id = 9");
is(end_of($nine), 'user_inactive', 'whom the filter leaves out from now on is turned out');

# An audience that looks into a table under row level security doesn't depend on the writer's settings.
$server->sql(<<~'END');
	SET ROLE app;
	CREATE TABLE app.bugs (id int PRIMARY KEY, name text, description text, created_at timestamptz, updated_at timestamptz);
	RESET ROLE;
	SELECT bugevents.attach('app.bugs', 'project', audience => $$(SELECT bugevents.principal('user', u.id) FROM app.users AS u WHERE u.id = row.id)$$);
	INSERT INTO app.bugs (id) VALUES (2);
	END
is($server->sql(q{SELECT audience FROM bugevents.events() WHERE type = 'project'}), 'user:2', 'an audience sees what policies hide');
$server->sql("SELECT bugevents.detach('app.users')");

# Ids: the lookup, what happens live, and principals compare the text that payloads have.
my %type = (
	'int' => [ '7', '007', '+7', ' 7', '7 ', '7.0' ],
	'bigint' => [ '9007199254740993', '9007199254740993.0', '09007199254740993' ],
	'numeric' => [ '7.50', '7.5', '7.500' ],
	'char(8)' => [ 'ab', 'ab      ', 'AB' ],
	'varchar(8)' => [ 'Ada', 'ada', 'Ada ' ],
	'uuid' => [ 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}', 'a0eebc999c0b4ef8bb6d6bb9bd380a11' ],
	'text COLLATE anycase' => [ 'Ada', 'ada', 'ADA' ],
	'citext' => [ 'Ada', 'ada', 'ADA' ],
	'kind' => [ 'open', 'OPEN' ],
	'short' => [ 'ab', 'AB' ]);
$server->sql(<<~'END');
	CREATE COLLATION anycase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
	CREATE TYPE kind AS ENUM ('open', 'closed');
	CREATE DOMAIN short AS char(4);
	END
my $citext = $server->sql("SELECT count(*) FROM pg_available_extensions WHERE name = 'citext'");
$server->sql('CREATE EXTENSION citext') if $citext;
# Among thousands of others.
my %searched = ('int' => 'i', 'bigint' => 'i', 'uuid' => 'gen_random_uuid()', map { $_ => 'to_hex(i)' } 'char(8)', 'varchar(8)', 'text COLLATE anycase', 'citext', 'short');
for my $type (sort keys %type)
{
	next if $type eq 'citext' && !$citext;
	my ($id, @others) = @{ $type{$type} };

	$server->sql(<<~"END");
		CREATE TABLE people (id $type PRIMARY KEY, username text, email text, role text, status text, created_at timestamptz, updated_at timestamptz);
		INSERT INTO people (id, role, status) VALUES ('$id', 'user', 'active');
		@{[ $searched{$type} ? "INSERT INTO people (id) SELECT $searched{$type} FROM generate_series(4096, 9095) AS i; ANALYZE people;" : '' ]}
		CREATE TABLE belongs (user_id $type, project_id $type, PRIMARY KEY (user_id, project_id));
		INSERT INTO belongs VALUES ('$id', '$id');
		CREATE TABLE things (id int PRIMARY KEY, title text, description text, status text, priority text, assignee_id int, project_id $type,
			created_at timestamptz, updated_at timestamptz);
		SELECT bugevents.attach('people', 'user'), bugevents.attach('belongs', 'membership'),
			bugevents.attach('things', 'bug_report', audience => \$\$bugevents.principal('project', row.project_id)\$\$);
		END
	my $ws = $server->connect($id);
	ok($ws, "$type: $id is known");
	is(refused($_), 'forbidden', "... '$_' is not") for @others;
	if ($searched{$type})
	{
		my $scans = "SELECT sum(idx_scan) > 0, sum(seq_scan) FROM pg_stat_user_tables WHERE relname = 'people'";
		my ($before) = $server->sql($scans) =~ /(\d+)$/;

		BugEvents::Server::wait_until(sub { refused($others[0]); return $server->sql($scans) =~ /^t/ }, "$type: the index to be used");
		like($server->sql($scans), qr/\b$before$/, '... and found by the index, not by reading the table');
	}
	$server->sql("INSERT INTO things (id, project_id) VALUES (1, '$id')");
	is(scalar(grep { $_->{type} eq 'bug_report' } $server->events_before_fence($ws)), 1, '... a member');
	$server->sql("DELETE FROM belongs; INSERT INTO things (id, project_id) VALUES (2, '$id')");
	is(scalar(grep { $_->{type} eq 'bug_report' } $server->events_before_fence($ws)), 0, '... until it ends');
	$server->sql("UPDATE people SET status = 'inactive'");
	is(end_of($ws), 'user_inactive', '... and turned out when it is deactivated');
	$server->sql('DROP TABLE people, belongs, things');
}

# An audience of 60,000 people reaches who is named in it, live and resumed; and a large one that changes, who is lost and gained.
$server->sql(<<~'END');
	CREATE TABLE people (id int PRIMARY KEY, username text, email text, role text DEFAULT 'user', status text DEFAULT 'active', created_at timestamptz, updated_at timestamptz);
	INSERT INTO people (id) VALUES (7), (59999), (60001);
	CREATE TABLE crowds (id int PRIMARY KEY, name text, description text, n int, created_at timestamptz, updated_at timestamptz);
	SELECT bugevents.attach('people', 'user'),
		bugevents.attach('crowds', 'project', audience => $$(SELECT array_agg('user:' || n) FROM generate_series(8, row.n) AS n)$$);
	END
my %crowd = map { $_ => $server->connect($_) } 7, 59999, 60001;
sub received
{
	my ($sql) = @_;

	$server->sql($sql);
	my $mark = $server->fence;
	return join '; ', map { my $who = $_; map { "$who $_->{action}" } grep { $_->{type} eq 'project' } $server->events_before_fence($crowd{$who}, $mark) } sort { $a <=> $b } keys %crowd;
}
is(received('INSERT INTO crowds (id, n) VALUES (1, 60000)'), '59999 created', 'a crowd: who is named, and nobody else');
is(received("UPDATE crowds SET name = 'x'"), '59999 updated', '... again');
is(received('UPDATE crowds SET n = 60001'), '60001 created', 'one more');
is(received('UPDATE crowds SET n = 30000'), '59999 moved_out; 60001 moved_out', 'half of them');
my $ready = $crowd{59999}{ready}{payload};
my $crowd = $server->resume('59999', $ready->{seq}, $ready->{stream});
is(join(' ', map { $_->{action} } grep { $_->{type} eq 'project' } $server->events_before_fence($crowd)), 'created updated moved_out', 'the same, resumed');

# Types that have no such text.
for my $type ('timestamptz', 'float8', 'bytea', 'jsonb', 'int[]', 'money')
{
	my (undef, undef, $err) = $node->psql('postgres', <<~"END");
		CREATE TEMP TABLE t (x int); DROP TABLE IF EXISTS odd;
		CREATE TABLE odd (id $type, username text, email text, role text, status text, created_at timestamptz, updated_at timestamptz);
		SELECT bugevents.attach('odd', 'user');
		END
	like($err, qr/field "id" of entity "user" can't be of type/, "$type is no type for ids");
}

$node->stop;
done_testing();
