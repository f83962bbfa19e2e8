# Who sees what: memberships from a table, rows that move, fields for admins; and
# resuming, which is judged by what holds when it happens.
use strict;
use warnings;
use BugEvents::Server;
use Test::More;

my $server = BugEvents::Server->start_new('members', conf => "bugevents.gateways = 2\n");
$server->sql(<<~'END');
	ALTER TABLE bug_reports ADD COLUMN estimate int;
	CREATE TABLE members (user_id bigint, project_id bigint, note text, PRIMARY KEY (user_id, project_id));
	INSERT INTO projects (name) VALUES ('one'), ('two'), ('three');
	INSERT INTO users (username, role, email) VALUES ('ada', 'admin', 'a@example.org'), ('bob', 'user', 'b@example.org'), ('eve', 'user', 'e@example.org');
	INSERT INTO members VALUES (2, 1), (3, 2);
	SELECT bugevents.attach('members', 'membership');
	SELECT bugevents.attach('users', 'user', columns => '{"email": {"column": "email", "admin": true}}', audience => 'all');
	SELECT bugevents.attach('bug_reports', 'bug_report', audience => 'ARRAY[''admin'', ''project:'' || project_id]', extra => '{estimate}',
		columns => '{"estimate": {"admin": true}}');
	END

my %ws = (
	ada => $server->connect('1', role => 'admin'),
	bob => $server->connect('2'),
	eve => $server->connect('3'),
	token => $server->connect('4', claims => { projects => [ 1, '3' ] }));

sub shown { my ($e) = @_; return "$e->{type} $e->{action}" . (defined $e->{payload}{id} ? " $e->{payload}{id}" : ''); }

# What each receives of a statement.
sub received_is
{
	my ($what, $sql, %expected) = @_;

	$server->sql($sql);
	my $mark = $server->fence;

	for my $who (sort keys %ws)
	{
		is_deeply([ map { shown($_) } $server->events_before_fence($ws{$who}, $mark) ], $expected{$who} // [], "$what: $who");
	}
	return;
}

received_is('a bug of project 1', "INSERT INTO bug_reports (title, project_id) VALUES ('b', 1)",
	ada => ['bug_report created 1'], bob => ['bug_report created 1'], token => ['bug_report created 1']);
received_is('it moves to project 2', 'UPDATE bug_reports SET project_id = 2, status = \'closed\'',
	ada => [ 'bug_report updated 1', 'bug_report status_changed 1' ], bob => ['bug_report moved_out 1'],
	eve => ['bug_report created 1'], token => ['bug_report moved_out 1']);
received_is('eve joins 1, and leaves 2 within a transaction',
	"BEGIN; UPDATE bug_reports SET title = '1'; INSERT INTO members VALUES (3, 1); DELETE FROM members WHERE (user_id, project_id) = (3, 2);"
	  . "UPDATE bug_reports SET title = '2'; UPDATE bug_reports SET project_id = 1; COMMIT",
	ada => [ 'bug_report updated 1', 'membership created', 'membership deleted' ],
	eve => [ 'membership created', 'membership deleted' ],
	bob => ['bug_report created 1'], token => ['bug_report created 1']);
received_is('a membership is moved to another project', 'UPDATE members SET project_id = 3 WHERE user_id = 3',
	ada => [ 'membership deleted', 'membership created' ], eve => [ 'membership deleted', 'membership created' ]);
received_is('bug 1 is deleted', 'DELETE FROM bug_reports',
	ada => ['bug_report deleted 1'], bob => ['bug_report deleted 1'], token => ['bug_report deleted 1']);
received_is('a membership goes to another user', 'UPDATE members SET user_id = 2 WHERE user_id = 3',
	ada => [ 'membership deleted', 'membership created' ], eve => ['membership deleted'], bob => ['membership created']);
received_is('a bug of project 3', "INSERT INTO bug_reports (title, project_id) VALUES ('c', 3)",
	ada => ['bug_report created 2'], bob => ['bug_report created 2'], token => ['bug_report created 2']);
received_is('what is rolled back makes nobody a member',
	"BEGIN; INSERT INTO members VALUES (3, 3); SAVEPOINT s; INSERT INTO members VALUES (3, 2); ROLLBACK; UPDATE bug_reports SET title = 'd'",
	map { ($_ => ['bug_report updated 2']) } qw(ada bob token));
received_is('a change of what is not published', "UPDATE members SET note = 'x'");

# Fields for admins.
$server->sql("UPDATE bug_reports SET estimate = 5; UPDATE bug_reports SET estimate = 6, title = 'e'; UPDATE users SET email = 'x', username = 'bobby' WHERE id = 2; UPDATE users SET email = 'y' WHERE id = 2");
my $mark = $server->fence;
my @admin = $server->events_before_fence($ws{ada}, $mark);
is_deeply([ map { $_->{payload}{estimate} // $_->{payload}{email} } @admin ], [ 5, 6, 'x', 'y' ], 'an admin sees all fields');
is_deeply([ map { $_->{changes}{estimate} // $_->{changes}{email} } @admin ], [ [ undef, 5 ], [ 5, 6 ], [ 'b@example.org', 'x' ], [ 'x', 'y' ] ], '... and their changes');
my @other = $server->events_before_fence($ws{bob}, $mark);
is_deeply([ map { shown($_) } @other ], [ map { shown($_) } @admin ], 'others get the events, since updated_at changes as well');
is(scalar(grep { exists $_->{payload}{estimate} || exists $_->{payload}{email} } @other), 0, '... nor the fields');
is_deeply([ map { [ sort grep { $_ ne 'updated_at' } keys %{ $_->{changes} } ] } @other ], [ [], ['title'], ['username'], [] ], '... nor their changes');
is_deeply([ map { $_->{seq} } @other ], [ map { $_->{seq} } @admin ], 'both renderings have one seq');

# Resuming: by the memberships of now, whatever held then.
my %ready = map { $_ => $ws{$_}{ready}{payload} } keys %ws;
sub resumed
{
	my ($who, $user, %o) = @_;
	my $again = $server->resume($user, $ready{$who}{seq}, $ready{$who}{stream}, %o);

	ok($again->{ready}{payload}{resumed}, "$who resumes");
	return map { shown($_) } grep { $_->{type} eq 'bug_report' } $server->events_before_fence($again);
}

is_deeply([ resumed('eve', '3') ], [], 'eve is a member of nothing now: no history of what she was in');
$server->sql('INSERT INTO members VALUES (3, 2)');
is_deeply([ resumed('eve', '3') ],
	[ 'bug_report created 1', 'bug_report moved_out 1' ], 'of project 2: that history');
$server->sql('DELETE FROM members WHERE user_id = 2');
is_deeply([ resumed('bob', '2') ], [], 'bob, a member no more, gets none of what he once saw');
$server->sql("UPDATE users SET role = 'user' WHERE id = 1");
is_deeply([ resumed('ada', '1', role => 'admin') ], [], 'nor does who is no admin any more');
my $again = $server->resume('1', $ready{ada}{seq}, $ready{ada}{stream}, role => 'admin');
my @users = grep { $_->{type} eq 'user' } $server->events_before_fence($again);
ok(@users && !grep({ exists $_->{payload}{email} } @users), '... and fields for admins are not in the history');
$_->drop for values %ws;

# A table whose rows have an id may have several for one membership.
$server->sql(<<~'END');
	CREATE TABLE roles (id int PRIMARY KEY, who text, project int, role text);
	SELECT bugevents.attach('roles', 'membership', columns => '{"user_id": "who", "project_id": "project"}', filter => 'row.role <> ''none''');
	INSERT INTO roles VALUES (1, '3', 3, 'reader'), (2, '3', 3, 'writer'), (3, '3', 1, 'none');
	END
my $eve = $server->connect('3');
sub sees
{
	my ($project) = @_;

	$server->sql("INSERT INTO bug_reports (title, project_id) VALUES ('x', $project)");
	return scalar(grep { $_->{type} eq 'bug_report' } $server->events_before_fence($eve));
}
is(sees(3), 1, 'a member by two rows');
is(sees(1), 0, '... not by one that the filter leaves out');
is(sees(2), 1, '... and by the other table');
$server->sql('DELETE FROM roles WHERE id = 1');
is(sees(3), 1, 'one row less: still a member');
$server->sql("UPDATE roles SET role = 'none' WHERE id = 2; UPDATE roles SET role = 'reader' WHERE id = 3");
is(sees(3), 0, 'none left: no more');
is(sees(1), 1, '... and one by a row that the filter lets in');
$server->sql('INSERT INTO roles SELECT g, \'3\', g, \'reader\' FROM generate_series(1000, 3000) g');
is(sees(1), 1, 'a member of two thousand projects');
my $many = $server->connect('3');
$server->sql('INSERT INTO projects (id, name) SELECT g, g FROM generate_series(1000, 3000) g');
$server->sql("INSERT INTO bug_reports (title, project_id) VALUES ('x', 3000)");
my $fence = $server->fence;
is(scalar(grep { $_->{type} eq 'bug_report' } $server->events_before_fence($_, $fence)), 1, '... before or after connecting') for $eve, $many;
$server->sql("SELECT bugevents.detach('roles')");
$eve->wait_close;
is($eve->close_reason, 'access_changed', 'detached');
$eve = $server->connect('3');
is(sees(1), 0, '... those memberships are gone');
is(sees(2), 1, '... not those of the other table');

# Rows that say the same, without an id: the primary key tells them apart, and losing one of two keeps the right.
$server->sql(<<~'END');
	CREATE TABLE hats (user_id bigint, project_id bigint, hat text, PRIMARY KEY (user_id, project_id, hat));
	INSERT INTO hats VALUES (3, 3, 'a'), (3, 3, 'b');
	SELECT bugevents.attach('hats', 'membership');
	CREATE TABLE heap (user_id bigint, project_id bigint);
	END
$eve->wait_close;
$eve = $server->connect('3');
is(sees(3), 1, 'a member by two rows without an id');
$server->sql("DELETE FROM hats WHERE hat = 'a'");
is(sees(3), 1, '... one of them goes');
$server->sql("INSERT INTO hats VALUES (3, 3, 'c'); DELETE FROM hats WHERE hat = 'b'");
is(sees(3), 1, '... and the other one, for a third');
$server->sql('DELETE FROM hats');
is(sees(3), 0, 'none left: no more');
is($server->sql(q{SELECT string_agg(payload ->> 'id', ' ' ORDER BY seq) FROM bugevents.events(0, 100000) WHERE type = 'membership' AND payload ->> 'id' LIKE '%"c"]'}),
	'[3, 3, "c"] [3, 3, "c"]', 'their id is the primary key');
my (undef, undef, $err) = $server->node->psql('postgres', "SELECT bugevents.attach('heap', 'membership')");
like($err, qr/the memberships in table "heap" can't be told apart/, 'rows that nothing tells apart are refused');
$server->sql("CREATE UNIQUE INDEX ON heap (user_id) WHERE project_id = 1");
isnt($server->node->psql('postgres', "SELECT bugevents.attach('heap', 'membership')"), 0, '... with an index that leaves rows out, too');
$server->sql("CREATE UNIQUE INDEX ON heap (project_id, user_id); SELECT bugevents.attach('heap', 'membership')");
pass('... but for a unique index on user and project');
$server->sql("SELECT bugevents.detach('hats'), bugevents.detach('heap')");
$eve->wait_close;

# Groups: a membership may be of any principal, and groups need no list of people in the audience.
$server->sql(<<~'END');
	CREATE TABLE teams (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, who bigint, team text);
	SELECT bugevents.attach('teams', 'membership', columns => '{"user_id": "who", "principal": "bugevents.principal(''group'', row.team)"}');
	SELECT bugevents.attach('bug_reports', 'bug_report', audience => $$ARRAY['project:' || project_id, bugevents.principal('group', row.title)]$$);
	INSERT INTO teams (who, team) VALUES (3, 'qa');
	END
sub sees_team
{
	my ($team) = @_;

	$server->sql("INSERT INTO bug_reports (title) VALUES ('$team')");
	return scalar(grep { $_->{type} eq 'bug_report' } $server->events_before_fence($eve));
}
$eve = $server->connect('3');
my $from = $eve->{ready}{payload};
is(sees_team('qa'), 1, 'a member of a group');
is(sees_team('ops'), 0, '... not of another one');
$server->sql("UPDATE teams SET team = 'ops'");
is(sees_team('qa') . sees_team('ops'), '01', 'moved to it, live');
my $resumed = $server->resume('3', $from->{seq}, $from->{stream});
is_deeply([ map { $_->{payload}{title} } grep { $_->{type} eq 'bug_report' } $server->events_before_fence($resumed) ],
	[ 'ops', 'ops' ], 'resuming is judged by the group of now');
$server->sql("INSERT INTO bug_reports (title) VALUES ('ops'); DELETE FROM teams; INSERT INTO bug_reports (title) VALUES ('ops')");
is(scalar(grep { $_->{type} eq 'bug_report' } $server->events_before_fence($eve)), 1, 'taken away in its place in the stream');
is($server->sql(q{SELECT string_agg(action || ' ' || audience || ' ' || (payload ->> 'principal'), ', ' ORDER BY seq) FROM bugevents.events(0, 100000) WHERE type = 'membership' AND payload ? 'principal'}),
	'created admin user:3 group:qa, updated admin user:3 group:ops, deleted admin user:3 group:ops', 'the membership is an event for its user');

# What is no such principal gives nothing.
$server->sql(q{SELECT bugevents.attach('teams', 'membership', columns => '{"user_id": "who", "principal": "row.team"}')});
$_->wait_close for $eve, $resumed;
$server->sql(q{INSERT INTO teams (who, team) VALUES (3, 'admin'), (3, 'all'), (3, E'group:a\nadmin'), (3, 'group:'), (3, ''), (3, NULL)});
$eve = $server->connect('3');
$server->sql("SELECT bugevents.send('secret', 'told', '{}', 'admin')");
is(scalar(grep { $_->{type} eq 'secret' } $server->events_before_fence($eve)), 0, 'a membership makes nobody an admin');
$server->sql(q{INSERT INTO teams (who, team) VALUES (3, 'admin'), (3, 'project:2')});
$server->sql("SELECT bugevents.send('secret', 'told', '{}', 'admin')");
is(scalar(grep { $_->{type} eq 'secret' } $server->events_before_fence($eve)), 0, '... nor later');
is(sees(2), 1, '... but a member of the project that it names');
$server->sql("SELECT bugevents.detach('teams')");
$eve->wait_close;

# Memberships in partitions, which go and come as a whole, or move from one to the other; a project of each.
$server->sql(<<~'END');
	CREATE TABLE split (id int, user_id bigint, project_id bigint, PRIMARY KEY (id, project_id)) PARTITION BY LIST (project_id);
	CREATE TABLE split_4 PARTITION OF split FOR VALUES IN (4);
	CREATE TABLE split_5 PARTITION OF split FOR VALUES IN (5);
	CREATE TABLE split_6 PARTITION OF split FOR VALUES IN (6);
	INSERT INTO projects (id, name) VALUES (4, 'four'), (5, 'five'), (6, 'six') ON CONFLICT DO NOTHING;
	SELECT bugevents.attach('split', 'membership');
	INSERT INTO split VALUES (1, 3, 4), (2, 3, 5), (3, 3, 6), (4, 2, 4);
	END
$eve = $server->connect('3');
my $all = sub { return join ' ', map { sees($_) } 4 .. 6 };
is($all->(), '1 1 1', 'memberships in partitions');
$server->sql('UPDATE split SET project_id = 5 WHERE project_id = 4');
is($all->(), '0 1 1', '... that move to another one');
$server->sql($_) for 'UPDATE split SET project_id = 4 WHERE project_id = 5', 'TRUNCATE split_6';
is($all->(), '1 0 0', '... and back, and TRUNCATE of one');
is($eve->close_reason, undef, '... without a reconnection');
$server->sql('ALTER TABLE split DETACH PARTITION split_4');
is($all->(), '0 0 0', 'DETACH');
$server->sql('ALTER TABLE split ATTACH PARTITION split_4 FOR VALUES IN (4)');
is($all->(), '1 0 0', 'ATTACH');
$server->sql('DROP TABLE split_4');
is($all->(), '0 0 0', 'DROP of a partition');
$server->sql('INSERT INTO split VALUES (5, 3, 5)');
is($all->(), '0 1 0', '... the others go on');
$server->sql('DROP TABLE split');
$eve->wait_close;
is($eve->close_reason, 'access_changed', 'DROP of all of it');
$server->sql("CREATE TABLE split (id int PRIMARY KEY, user_id bigint, project_id bigint); SELECT bugevents.attach('split', 'membership')");
$eve = $server->connect('3');
is($all->(), '0 0 0', '... a table of that name inherits nothing');
$server->sql("DROP TABLE split; DELETE FROM bug_reports WHERE project_id IN (4, 5, 6)");

# What a transaction changes before it takes a right away is not for whom it takes it from.
$server->sql(q{INSERT INTO members VALUES (3, 3)});
$eve = $server->connect('3');
$server->sql("BEGIN; INSERT INTO bug_reports (id, title, project_id) VALUES (31, 'not for eve', 3); SELECT bugevents.send('note', 'sent', '{}', 'project:3');"
	  . 'DELETE FROM members WHERE (user_id, project_id) = (3, 3); UPDATE bug_reports SET title = title WHERE id = 31; COMMIT');
is(join(', ', map { shown($_) } $server->events_before_fence($eve)), 'membership deleted', 'changed first, then taken: not for the one who leaves');
$server->sql("BEGIN; INSERT INTO bug_reports (id, title, project_id) VALUES (32, 'not for eve', 3); UPDATE users SET status = 'inactive' WHERE id = 3; COMMIT");
my @last;
$eve->wait_close(undef, \@last);
is(scalar(grep { $_->{type} eq 'bug_report' } @last), 0, '... nor for one who is no user any more');
$server->sql("UPDATE users SET status = 'active' WHERE id = 3; DELETE FROM bug_reports WHERE id IN (31, 32)");

# A right that a piece of a transaction gives and another one takes, with events in between.
$eve = $server->connect('3');
$server->sql("BEGIN; INSERT INTO members VALUES (3, 3); ALTER TABLE users ADD COLUMN spare int; INSERT INTO bug_reports (id, title, project_id) VALUES (30, 'x', 3);"
	  . 'ALTER TABLE users DROP COLUMN spare; DELETE FROM members WHERE (user_id, project_id) = (3, 3); DELETE FROM bug_reports WHERE id = 30; COMMIT');
my @seen;
$eve->wait_close(undef, \@seen);
is($eve->close_reason, 'access_changed', 'what a piece says of rights is not what they are');
is(scalar(grep { $_->{type} eq 'bug_report' } @seen), 0, '... and gives nobody an event');

# A filter that can't be evaluated lets nobody in.
$server->sql(<<~'END');
	CREATE TABLE doubts (id int PRIMARY KEY, who text, project int, n int);
	SELECT bugevents.attach('doubts', 'membership', columns => '{"user_id": "who", "project_id": "project"}', filter => '1 / row.n > 0');
	UPDATE users SET phone = 'x';
	SELECT bugevents.attach('users', 'user', filter => '1 / length(row.phone) > 0');
	END
$eve = $server->connect('3');
$server->sql(q{INSERT INTO doubts VALUES (1, '3', 1, 0)});
is(sees(1), 0, 'a filter that fails for a membership: not a member');
$server->sql(q{INSERT INTO doubts VALUES (2, '3', 3, 1)});
is(sees(3), 1, '... by one that it lets through');
$server->sql(q{UPDATE doubts SET n = 0 WHERE id = 2});
is(sees(3), 0, '... not any more when it fails');
$server->sql(q{UPDATE users SET phone = '', username = 'e' WHERE id = 3});
$eve->wait_close;
is($eve->close_reason, 'user_inactive', 'a filter that fails for a user: not an active one');
# A transaction that is published in parts: who is demoted in a later one has been told of those before it.
$server->sql("UPDATE users SET role = 'admin' WHERE id = 1; SELECT bugevents.attach('users', 'user', audience => 'all')");
my $ada = $server->connect('1', role => 'admin');
$server->sql(<<~'END');
	BEGIN;
	SET LOCAL bugevents.netting_limit = 2;
	INSERT INTO bug_reports (title, project_id) VALUES ('early', 3), ('early', 3);
	INSERT INTO bug_reports (title, project_id) VALUES ('late', 3);
	UPDATE users SET role = 'user' WHERE id = 1;
	COMMIT;
	INSERT INTO bug_reports (title, project_id) VALUES ('afterwards', 3);
	END
my @told;
$ada->wait_for(sub { push @told, $_[0]{payload}{title} if $_[0]{type} eq 'bug_report'; $_[0]{type} eq 'error' });
is("@told", 'early early', 'who is an admin no more with a later part of a transaction has had the earlier ones');
$ada->wait_close;
is($ada->close_reason, 'access_changed', '... is to be looked up again then');
$ada = $server->resume('1', $ada->{ready}{payload}{seq}, $ada->{ready}{payload}{stream}, role => 'admin');
is(scalar(grep { $_->{type} eq 'bug_report' && $_->{action} eq 'created' } $server->events_before_fence($ada)), 0, '... and gets nothing of it any more');

$server->node->stop;
done_testing();
