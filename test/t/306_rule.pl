# What each user received, beside a plain SQL statement of the rule, over random data:
# roles and memberships that change, rows that are hidden, move and go, clients that
# leave and resume.
use strict;
use warnings;
use BugEvents::Server;
use Test::More;

use constant { USERS => 6, PROJECTS => 4, PHASES => 8, STEPS => 40 };

my $seed = $ENV{BUGEVENTS_SEED} // int(rand(2**31));
srand $seed;
note "seed $seed";

my $server = BugEvents::Server->start_new('rule', conf => "bugevents.gateways = 2\nbugevents.window_size = 1MB\n", tracker => 0);
$server->sql(<<~'END');
	CREATE TABLE people (id int PRIMARY KEY, username text, email text, role text, status text, created_at timestamptz, updated_at timestamptz);
	CREATE TABLE members (user_id int, project_id int, rid int GENERATED ALWAYS AS IDENTITY, PRIMARY KEY (user_id, project_id));
	CREATE TABLE bugs (id int PRIMARY KEY, title text, description text, status text, priority text, assignee_id int,
		project_id int, hidden boolean NOT NULL DEFAULT false, owner int, secret int, created_at timestamptz, updated_at timestamptz);
	SELECT bugevents.attach('people', 'user');
	SELECT bugevents.attach('members', 'membership');
	SELECT bugevents.attach('bugs', 'bug_report', extra => '{secret}', columns => '{"secret": {"admin": true}}',
		audience => $$CASE WHEN row.hidden THEN '{admin}' WHEN row.project_id = 0 THEN '{all}'
			ELSE ARRAY['admin', bugevents.principal('project', row.project_id), bugevents.principal('user', row.owner)] END$$);

	-- What happened, in order, written by triggers of the test's own.
	CREATE TABLE past (n bigint GENERATED ALWAYS AS IDENTITY, xid xid8 DEFAULT pg_current_xact_id(), tbl name, old jsonb, new jsonb);
	CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN INSERT INTO past (tbl, old, new) VALUES (TG_TABLE_NAME, to_jsonb(OLD), to_jsonb(NEW)); RETURN NULL; END $$;
	CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON people FOR EACH ROW EXECUTE FUNCTION note();
	CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON members FOR EACH ROW EXECUTE FUNCTION note();
	CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON bugs FOR EACH ROW EXECUTE FUNCTION note();

	-- The same, each row once in a transaction: where it was changed first, as it was before and is
	-- afterwards.  A row with another key is another row, one that comes again under its key the same.
	-- What takes a right away does so (stands) ahead of all that its transaction changed.
	CREATE TABLE net (n bigint, stands numeric, tbl name, old jsonb, new jsonb);
	CREATE PROCEDURE net() LANGUAGE sql AS $$
		WITH keyed AS (
			SELECT *, coalesce(old, new) ->> CASE tbl WHEN 'members' THEN 'rid' ELSE 'id' END AS rid FROM past),
		chains AS (
			SELECT min(n) AS n, xid, tbl, (array_agg(old ORDER BY n))[1] AS old, (array_agg(new ORDER BY n DESC))[1] AS new
			FROM keyed GROUP BY xid, tbl, rid),
		named AS (
			SELECT *, CASE tbl WHEN 'members' THEN (old ->> 'user_id') || ':' || (old ->> 'project_id') ELSE old ->> 'id' END AS old_key,
				CASE tbl WHEN 'members' THEN (new ->> 'user_id') || ':' || (new ->> 'project_id') ELSE new ->> 'id' END AS new_key
			FROM chains WHERE old IS NOT NULL OR new IS NOT NULL),
		went AS (SELECT n, xid, tbl, old_key AS key, old FROM named WHERE old_key IS NOT NULL AND old_key IS DISTINCT FROM new_key),
		came AS (SELECT n, xid, tbl, new_key AS key, new FROM named WHERE new_key IS NOT NULL AND old_key IS DISTINCT FROM new_key),
		rows AS (
			SELECT n, xid, tbl, old, new FROM named WHERE old_key = new_key
			UNION ALL SELECT least(went.n, came.n), xid, tbl, old, new FROM went FULL JOIN came USING (xid, tbl, key)),
		started AS (SELECT xid, min(n) - 0.5 AS ahead FROM past GROUP BY xid)
		INSERT INTO net
		SELECT n, CASE WHEN tbl = 'members' AND new IS NULL OR tbl = 'people' AND old ->> 'role' = 'admin' AND new ->> 'role' <> 'admin' THEN ahead ELSE n END,
			tbl, old, new
		FROM rows JOIN started USING (xid)
	$$;

	-- Who was connected when: what happened in (after, upto] was judged by how things
	-- stood at judged (null: when it happened).
	CREATE TABLE spells (who int, token_admin boolean, token_projects int[], after bigint, upto bigint, judged bigint);

	-- The rule.
	CREATE FUNCTION is_admin(s spells, at bigint) RETURNS boolean STABLE LANGUAGE sql AS $$
		SELECT s.token_admin AND (SELECT p.new ->> 'role' = 'admin' FROM net p
			WHERE p.tbl = 'people' AND (p.new ->> 'id')::int = s.who AND p.stands <= at ORDER BY stands DESC LIMIT 1) $$;
	CREATE FUNCTION is_member(s spells, project int, at bigint) RETURNS boolean STABLE LANGUAGE sql AS $$
		SELECT project = ANY (s.token_projects) OR coalesce((
			SELECT (p.new ->> 'user_id')::int = s.who AND (p.new ->> 'project_id')::int = project FROM net p
			 WHERE p.tbl = 'members' AND p.stands <= at AND (s.who, project) IN
				(((p.old ->> 'user_id')::int, (p.old ->> 'project_id')::int), ((p.new ->> 'user_id')::int, (p.new ->> 'project_id')::int))
			 ORDER BY stands DESC LIMIT 1), false) $$;
	CREATE FUNCTION sees(s spells, b jsonb, at bigint) RETURNS boolean STABLE LANGUAGE sql AS $$
		SELECT b IS NOT NULL AND CASE
			WHEN (b ->> 'hidden')::boolean THEN is_admin(s, at)
			WHEN b ->> 'project_id' = '0' THEN true
			ELSE is_admin(s, at) OR is_member(s, (b ->> 'project_id')::int, at) OR coalesce((b ->> 'owner')::int = s.who, false) END $$;
	CREATE VIEW due AS
		SELECT s.who, p.n, d.ord, d.action, coalesce(p.new, p.old) ->> 'id' AS id,
			CASE WHEN d.action <> 'moved_out' AND is_admin(s, t.at) THEN 'full' ELSE 'open' END AS rendering
		FROM spells s JOIN net p ON p.tbl = 'bugs' AND p.n > s.after AND p.n <= s.upto
		CROSS JOIN LATERAL (SELECT coalesce(s.judged, p.n) AS at) t
		CROSS JOIN LATERAL (SELECT sees(s, p.old, t.at) AS before, sees(s, p.new, t.at) AS now) v
		CROSS JOIN LATERAL (SELECT p.old ->> 'title' IS DISTINCT FROM p.new ->> 'title' OR p.old ->> 'project_id' IS DISTINCT FROM p.new ->> 'project_id'
			OR p.old ->> 'status' IS DISTINCT FROM p.new ->> 'status'
			OR (is_admin(s, t.at) AND p.old ->> 'secret' IS DISTINCT FROM p.new ->> 'secret') AS visibly) c
		CROSS JOIN LATERAL (VALUES
			(1, 'deleted', p.new IS NULL AND v.before), (2, 'moved_out', p.new IS NOT NULL AND v.before AND NOT v.now),
			(3, 'created', v.now AND NOT v.before), (4, 'updated', v.now AND v.before AND c.visibly),
			(5, 'status_changed', v.now AND v.before AND p.old ->> 'status' IS DISTINCT FROM p.new ->> 'status')
		) d (ord, action, holds)
		WHERE d.holds;
	END
$server->sql('INSERT INTO people (id, username, role, status) SELECT g, g, CASE WHEN g <= 2 THEN \'admin\' ELSE \'user\' END, \'active\' FROM generate_series(1, ' . USERS . ') g');

my $session = $server->session;
my ($next_bug, @clients) = (1);
my %got = map { $_ => [] } 1 .. USERS;

sub pick { return $_[ rand @_ ]; }
sub some_user { return 1 + int rand USERS; }
sub some_project { return int rand(PROJECTS + 1); }

# One random statement; those that concern a row that isn't there do nothing.
sub statement
{
	my ($user, $project, $bug) = (some_user(), some_project(), 1 + int rand($next_bug + 1));
	my $of_bug = "UPDATE bugs SET %s WHERE id = $bug";

	return pick(
		(sub { 'INSERT INTO bugs (id, title, status, project_id, owner) VALUES (' . $next_bug++ . ", 't', 'open', $project, " . pick('null', $user) . ')' }) x 4,
		(sub { sprintf $of_bug, "project_id = $project" }) x 4,
		sub { sprintf $of_bug, "project_id = $project, status = '" . pick(qw(open closed)) . "', title = '" . rand() . "'" },
		sub { sprintf $of_bug, "status = '" . pick(qw(open closed)) . "'" },
		sub { sprintf $of_bug, "title = '" . rand() . "'" },
		sub { sprintf $of_bug, 'secret = ' . int rand 5 },
		sub { sprintf $of_bug, 'secret = ' . int(rand 5) . ", title = '" . rand() . "'" },
		sub { sprintf $of_bug, "secret = coalesce(secret, 0) + 1, project_id = $project" },
		sub { sprintf $of_bug, 'hidden = NOT hidden' },
		sub { sprintf $of_bug, 'owner = ' . pick('null', $user) },
		sub { "DELETE FROM bugs WHERE id = $bug" },
		(sub { "INSERT INTO members (user_id, project_id) VALUES ($user, $project) ON CONFLICT DO NOTHING" }) x 4,
		(sub { "DELETE FROM members WHERE (user_id, project_id) = ($user, $project)" }) x 3,
		sub { "UPDATE members SET project_id = $project WHERE user_id = $user AND NOT EXISTS (SELECT FROM members WHERE (user_id, project_id) = ($user, $project))"
			  . ' AND project_id = (SELECT min(project_id) FROM members WHERE user_id = ' . $user . ')' },
		sub { "UPDATE members SET user_id = $user WHERE project_id = $project AND NOT EXISTS (SELECT FROM members WHERE (user_id, project_id) = ($user, $project))"
			  . ' AND user_id = (SELECT min(user_id) FROM members WHERE project_id = ' . $project . ')' },
		sub { "UPDATE people SET role = '" . pick(qw(admin user)) . "' WHERE id = $user" },
		sub { "UPDATE people SET email = '" . rand() . "' WHERE id = $user" })->();
}

sub transaction
{
	my @statements = map { statement() } 1 .. 1 + rand 4;

	@statements = (@statements[ 0 .. $#statements / 2 ], 'SAVEPOINT s', statement(), 'ROLLBACK TO s', @statements[ $#statements / 2 + 1 .. $#statements ])
	  if rand() < 0.2;
	return join('; ', 'BEGIN', @statements, rand() < 0.9 ? 'COMMIT' : 'ROLLBACK');
}

sub now { return $server->sql('SELECT coalesce(max(n), 0) FROM past'); }

# Note what a client received up to a fence.  That is where it would resume: behind its last
# bug report there may be events that were not for it then, but would be now.
sub read_up
{
	my ($user, $ws, $mark) = @_;

	for my $event ($ws->events_until(sub { $_[0]{type} eq 'fence' && $_[0]{payload}{mark} eq $mark }))
	{
		$ws->{reached} = $event->{seq};
		next if $event->{type} ne 'bug_report';
		push @{ $got{$user} }, join ' ', $event->{action}, $event->{payload}{id},
			exists $event->{payload}{secret} || exists(($event->{changes} // {})->{secret}) ? 'full' : 'open';
	}
	return;
}

my %token = map { $_ => [ $_ % 2 ? 'admin' : 'user', $_ == 3 ? [ 1, 2 ] : [] ] } 1 .. USERS;
sub arrive
{
	my ($user, $left) = @_;
	my ($role, $projects) = @{ $token{$user} };
	my %o = (role => $role, claims => { projects => $projects });

	my $ws = $left ? $server->resume($user, $left->{reached}, $left->{ready}{payload}{stream}, %o) : $server->connect($user, %o);

	die "user $user could not resume" if $left && !$ws->{ready}{payload}{resumed};
	return $ws;
}

sub spell
{
	my ($user, $after, $upto, $judged) = @_;
	my ($role, $projects) = @{ $token{$user} };

	$server->sql(sprintf "INSERT INTO spells VALUES ($user, %s, '{%s}', $after, $upto, %s)",
		$role eq 'admin' ? 'true' : 'false', join(',', @$projects), $judged // 'null');
	return;
}

# Between two phases some leave, others come back; meanwhile nothing happens.
my (%in, %out, %since);
for my $phase (0 .. PHASES)
{
	my $now = now();

	for my $user (1 .. USERS)
	{
		if ($in{$user} && rand() < 0.4 && $phase < PHASES)
		{
			spell($user, $since{$user}, $now);
			$out{$user} = delete $in{$user};
			$out{$user}->drop;
			$since{$user} = $now;
		}
		elsif (!$in{$user})
		{
			$in{$user} = arrive($user, $out{$user});
			$in{$user}{reached} = $in{$user}{ready}{payload}{seq};
			spell($user, $since{$user}, $now, $now) if $out{$user};
			$since{$user} = $now;
		}
	}
	my $mark = $server->fence;
	read_up($_, $in{$_}, $mark) for keys %in;
	last if $phase == PHASES;
	$session->query_safe(transaction()) for 1 .. STEPS;
	$mark = $server->fence;
	read_up($_, $in{$_}, $mark) for keys %in;
}
spell($_, $since{$_}, now()) for keys %in;

$server->sql('CALL net()');
my %due = map { $_ => [] } 1 .. USERS;
for my $row (split /\n/, $server->sql("SELECT who, concat_ws(' ', action, id, rendering) FROM due ORDER BY who, n, ord"))
{
	my ($user, $what) = split /\|/, $row;
	push @{ $due{$user} }, $what;
}
# Where two lists begin to differ, with the seed that leads there again.
sub diag_difference
{
	my ($left, $right) = @_;
	my $i = 0;

	$i++ while $i < @$left && $i < @$right && $left->[$i] eq $right->[$i];
	for my $list ($left, $right)
	{
		diag join ', ', map { $list->[$_] // 'end' } ($i > 3 ? $i - 3 : 0) .. $i + 5;
	}
	diag "BUGEVENTS_SEED=$seed";
	return;
}

my %kinds;
for my $user (1 .. USERS)
{
	is_deeply($got{$user}, $due{$user}, "user $user received what the rule says: " . @{ $due{$user} } . ' events')
	  or diag_difference($got{$user}, $due{$user});
	$kinds{ join ' ', (split / /)[ 0, 2 ] }++ for @{ $due{$user} };
}
is(scalar(keys %kinds), 9, 'all kinds of events came up') or diag join ', ', sort keys %kinds;
$session->quit;
$server->node->stop;
done_testing();
