# The history of rows: who changed what when, and who reads it.
use strict;
use warnings;
use BugEvents::Projector qw(gathered);
use BugEvents::Server;
use Test::More;

my $server = BugEvents::Server->start_new('history', projector => 1);
$server->sql(<<~'END');
	INSERT INTO users (username, role) VALUES ('ada', 'admin'), ('bob', 'user'), ('cyd', 'user');
	CREATE TABLE members (user_id bigint, project_id bigint, PRIMARY KEY (user_id, project_id));
	INSERT INTO members VALUES (2, 1), (3, 2);
	SELECT bugevents.attach('members', 'membership');
	CREATE TABLE secret (LIKE bug_reports INCLUDING ALL);
	ALTER TABLE secret ADD COLUMN cost int;
	SELECT bugevents.attach('secret', 'bug_report', columns => '{"cost": {"admin": true}}', extra => '{cost}',
		audience => $$ARRAY['admin', bugevents.principal('project', row.project_id)]$$);
	CREATE TABLE builds (id int PRIMARY KEY, state text);
	SELECT bugevents.attach('builds', 'build', columns => '{"id": "id", "state": "state"}');
	END

sub entries
{
	my ($where) = @_;
	gathered($server);
	return $server->sql(<<~"END");
		SELECT string_agg(concat_ws(' ', action, coalesce(actor, '-'), changes), '; ' ORDER BY at, seq) FROM bugevents.history WHERE $where
		END
}

# One entry for each change of a row.
$server->sql(<<~'END');
	INSERT INTO bug_reports (title, creator_id) VALUES ('one', 2);
	BEGIN; SET LOCAL bugevents.actor = '2'; UPDATE bug_reports SET title = 'two' WHERE id = 1;
	UPDATE bug_reports SET status = 'closed', assignee_id = 3 WHERE id = 1; COMMIT;
	UPDATE bug_reports SET title = 'two' WHERE id = 1 AND false;
	BEGIN; INSERT INTO bug_reports (title) VALUES ('never'); DELETE FROM bug_reports WHERE title = 'never'; COMMIT;
	SET bugevents.actor = '3'; DELETE FROM bug_reports WHERE id = 1;
	INSERT INTO builds VALUES (1, 'red'); UPDATE builds SET state = 'green';
	SELECT bugevents.send('deploy', 'created', '{"id": 1}', key => '1');
	END
my $found = entries("entity = 'bug_report' AND id = '1'");
$found =~ s/, "updated_at": \[[^]]*\]|"updated_at": \[[^]]*\], //;
is($found, 'created -; updated 2 {"title": ["one", "two"], "status": ["open", "closed"], "assignee_id": [null, 3]}; deleted 3',
	'what became of a row: one entry for each change');
is(entries("entity = 'bug_report'") =~ s/;.*//r, 'created -', '... of rows that there were');
is(entries("entity = 'build'"), 'created 3; updated 3 {"state": ["red", "green"]}', 'kinds of their own');
is($server->sql("SELECT count(*) FROM bugevents.history WHERE entity = 'deploy'"), '0', '... but no event that is sent');
is($server->sql("SELECT count(*) FROM bugevents.history AS h JOIN bugevents.events(0, 100000) AS e USING (seq) WHERE h.entity = e.type AND h.at = e.committed_at"),
	$server->sql('SELECT count(*) FROM bugevents.history'), 'seq and time are those of the event');
$server->sql("SELECT bugevents.replay('builds')");
is(entries("entity = 'build'"), 'created 3; updated 3 {"state": ["red", "green"]}', 'a row that is told again has no new entry');

# Who reads it.
my %ws = map { $_ => $server->connect($_, role => $_ == 1 ? 'admin' : 'user') } 1, 2, 3;
my $asked = 0;

sub ask
{
	my ($who, %payload) = @_;

	$ws{$who}->send_json({ type => 'list', id => ++$asked, payload => { type => 'history', %payload } });
	my $answer = $ws{$who}->wait_for(sub { defined $_[0]{id} && $_[0]{id} eq $asked });
	return $answer->{type} eq 'error' ? $answer->{payload}{code} : $answer->{payload};
}

sub told
{
	my $answer = ask(@_);
	return ref $answer ? join ' ', map { $_->{action} . ($_->{changes} ? '(' . join(',', grep { $_ ne 'updated_at' } sort keys %{ $_->{changes} }) . ')' : '') } @{ $answer->{items} } : $answer;
}

$server->sql(<<~'END');
	INSERT INTO secret (id, title, project_id, cost) OVERRIDING SYSTEM VALUE VALUES (77, 'secret', 1, 1);
	UPDATE secret SET title = 'a', cost = 2 WHERE id = 77;
	UPDATE secret SET cost = 3 WHERE id = 77;
	UPDATE secret SET project_id = 2 WHERE id = 77;
	UPDATE secret SET title = 'b' WHERE id = 77;
	END
gathered($server);
my %bug = (entity => 'bug_report', id => 77);
is(told(1, %bug), 'updated(title) updated(project_id) updated(cost) updated(cost,title) created', 'an admin reads all of it, the newest first');
is(told(3, %bug), 'updated(title)', 'who sees the row reads what the events told');
is(told(2, %bug), 'not_found', "... who doesn't any more reads nothing");
$server->sql('UPDATE secret SET project_id = 1 WHERE id = 77');
gathered($server);
is(told(2, %bug), 'updated(title) created', '... and when he does again, of the time when he did, but not what is for admins');
my $item = ask(1, %bug, limit => 1)->{items}[0];
like($item->{at}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/, 'the form of an entry');
is_deeply([ @$item{qw(entity id actor action)}, $item->{changes}{project_id}, $item->{seq} > 0 ], [ 'bug_report', 77, undef, 'updated', [ 2, 1 ], 1 ], '... its members');
my ($next, @pages);
do
{
	my $page = ask(1, %bug, limit => 2, defined $next ? (after => $next) : ());
	push @pages, map { $_->{seq} } @{ $page->{items} };
	$next = $page->{next};
} while (defined $next);
is_deeply(\@pages, [ map { $_->{seq} } @{ ask(1, %bug)->{items} } ], '... in pages');
$server->sql('DELETE FROM secret');
gathered($server);
is(told(2, %bug), 'deleted updated(title) created', 'of a row that is gone, who saw it go');
is(told(3, %bug), 'not_found', '... and nobody else');
is(told(1, entity => 'bug_report', id => 12345), 'not_found', 'a row that never was');
is(told(1, entity => $_, id => 1), 'invalid_field', "entity '$_'") for 'history', 'deploy', 'x; DROP TABLE', '';
is(ask(1, %bug, $_ => 1), 'invalid_field', "'$_' is no member") for 'where', 'status', 'limits';
is(ask(1, %bug, after => '0:1.1'), 'invalid_field', 'a place that no list gave');
is(ask(1, %bug, limit => 0), 'invalid_field', 'limit 0');
is(told(2, entity => 'user', id => 3), 'not_found', 'users are for admins');

# What can't be written is set aside alone, and nothing with it.
my $log = $server->log_size;
$server->sql(<<~'END');
	ALTER TABLE bugevents.history ADD CONSTRAINT poison CHECK (id <> '666');
	INSERT INTO builds SELECT n, 'x' FROM generate_series(600, 700) AS n;
	END
BugEvents::Server::wait_until(sub { $server->sql("SELECT count(*) FROM bugevents.history WHERE entity = 'build' AND id::int BETWEEN 600 AND 700") eq '100' }, 'the others');
is($server->sql("SELECT string_agg(concat_ws(' ', type, action, sqlstate), ', ') FROM bugevents.projector_errors"), 'build created 23514', 'what is gathered and cannot be written is set aside alone');

# Old entries go; a person is forgotten.
$server->sql(<<~'END');
	INSERT INTO bugevents.history (entity, id, seq, at, action, audience) SELECT 'build', '1', 1, now() - interval '2 years', 'updated', 'all' FROM generate_series(1, 25000);
	SET bugevents.actor = '3'; INSERT INTO bug_reports (title, creator_id, assignee_id) VALUES ('x', 3, 3); UPDATE bug_reports SET assignee_id = 2, creator_id = NULL;
	END
gathered($server);
is($server->sql("SELECT string_agg(concat_ws(' ', what, rows), ', ') FROM bugevents.forget_user('3') WHERE what ~ '^history|people'"), 'people deleted 1, history deleted 1, history made anonymous 6',
	'forget_user() says what it did');
is($server->sql("SELECT count(*) FROM bugevents.history AS h WHERE actor = '3' OR entity = 'user' AND id = '3' OR h::text ~ '\\\\m3\\\\M' AND entity = 'bug_report' AND action = 'updated' AND changes ? 'assignee_id'"), '0', '... and nothing names that one any more');
is($server->sql("SELECT changes -> 'assignee_id' || (changes -> 'creator_id') FROM bugevents.history WHERE changes ? 'creator_id'"), '[null, 2, null, null]', '... among what changed');
$server->set('bugevents.projector', 'off');
BugEvents::Server::wait_until(sub { $server->sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'bugevents projector'") eq '0' }, 'no projector');
$server->set('bugevents.projector', 'on');
BugEvents::Server::wait_until(sub { $server->sql("INSERT INTO builds SELECT max(id) + 1, 'y' FROM builds; SELECT count(*) FROM bugevents.history WHERE at < now() - interval '1 year'") eq '0' }, 'all that is too old to be deleted');
$server->set('bugevents.history', 'off');
gathered($server);
my $count = $server->sql('SELECT count(*) FROM bugevents.history');
$server->sql("UPDATE builds SET state = 'z'");
gathered($server);
is($server->sql('SELECT count(*) FROM bugevents.history'), $count, 'bugevents.history = off keeps nothing');
$server->node->stop;
done_testing();
