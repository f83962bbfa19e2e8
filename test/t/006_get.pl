# What clients ask of the database: get and list.
use strict;
use warnings;
use BugEvents::Server;
use JSON::PP ();
use Test::More;

my $server = BugEvents::Server->start_new('get', conf => "bugevents.message_rate = 0\nbugevents.request_timeout = 300ms\nbugevents.state_cache_size = 1MB\n");
$server->sql(<<~'END');
	INSERT INTO users (username, email, role) VALUES ('ada', 'ada@example.org', 'admin'), ('bob', 'bob@example.org', 'user');
	INSERT INTO projects (name) VALUES ('one'), ('two');
	INSERT INTO bug_reports (title, status, project_id, creator_id)
		SELECT 'bug ' || n, CASE WHEN n % 2 = 0 THEN 'open' ELSE 'closed' END, 1 + n % 2, 1 FROM generate_series(1, 250) n;
	INSERT INTO comments (bug_report_id, user_id, content) SELECT 1 + n % 3, 1, 'comment ' || n FROM generate_series(1, 9) n;

	CREATE TABLE hidden (id int PRIMARY KEY, name text, description text, owner int, created_at timestamptz, updated_at timestamptz);
	INSERT INTO hidden (id, name, owner) SELECT n, 'hidden ' || n, n % 3 FROM generate_series(1001, 1030) n;
	SELECT bugevents.attach('hidden', 'project', filter => 'row.id <> 1003', audience => $$'user:' || row.owner$$);
	CREATE TABLE gone (id text PRIMARY KEY, name text, description text, created_at timestamptz, updated_at timestamptz);
	SELECT bugevents.attach('gone', 'project', columns => '{"description": {"column": "description", "admin": true}}');
	INSERT INTO gone VALUES ('x"1', 'odd', 'secret');
	END
my $ada = $server->connect('1', role => 'admin');
my $bob = $server->connect('2');

my $asked = 0;

sub ask
{
	my ($ws, $type, %payload) = @_;

	$ws->send_json({ type => $type, id => ++$asked, payload => \%payload });
	# What isn't JSON, has no id to echo.
	return $ws->wait_for(sub { defined $_[0]{id} ? $_[0]{id} eq $asked : $_[0]{type} eq 'error' });
}

sub get { my ($ws, $type, $id) = @_; return ask($ws, 'get', type => $type, id => $id); }
sub code { my ($answer) = @_; return $answer->{type} eq 'error' ? $answer->{payload}{code} : 'none'; }

# One row.
my $row = get($bob, 'bug_report', 7);
is($row->{type}, 'reply', 'get is answered');
is_deeply([ @{ $row->{payload} }{qw(id title status)} ], [ 7, 'bug 7', 'closed' ], '... with the row as events have it');
like($row->{as_of}, qr/^\d+$/, '... and the seq that it is not older than');
is(get($bob, 'bug_report', '7')->{payload}{title}, 'bug 7', 'the id as a string');
is(get($bob, 'comment', 9)->{payload}{content}, 'comment 9', 'another type');
$server->sql("UPDATE bug_reports SET title = 'changed' WHERE id = 7");
is(get($bob, 'bug_report', 7)->{payload}{title}, 'changed', 'the row as it is now');
is(code(get($bob, 'bug_report', 100000)), 'not_found', 'one that is not there');

# Hostile ids.
for my $id ("1'; DROP TABLE users; --", '99999999999999999999', '', ' ', "7\0", 1.5, '-1', 'x' x 3000, "\x{1F600}")
{
	like(code(get($bob, 'bug_report', $id)), qr/^(not_found|invalid_message|invalid_field)$/, 'an odd id: ' . substr($id =~ s/[^ -~]/?/gr, 0, 30));
}
is(code(get($bob, $_->[0], $_->[1])), $_->[2], "get: $_->[3]")
	for [ 'bug', 1, 'invalid_field', 'no such type' ], [ 'bug_report', [], 'invalid_field', 'an id that is a list' ],
	[ 'bug_report', undef, 'invalid_field', 'an id that is null' ], [ 'membership', 1, 'not_found', 'a type with no table' ];
is(code(ask($bob, 'get')), 'missing_field', 'get: no type');
is(code(ask($bob, 'get', type => 'bug_report')), 'missing_field', 'get: no id');
is(code(get($bob, 'bug_report', 'x' x 5000)), 'invalid_message', 'get: too long');

# Who sees what is what events say.
is(get($bob, 'project', 1004)->{payload}{name}, 'hidden 1004', 'a row whose audience one is in');
is(code(get($bob, 'project', 1005)), 'not_found', '... and one whose one is not');
is(code(get($ada, 'project', 1005)), 'not_found', '... nor an admin, if they are not named');
is(code(get($bob, 'project', 1003)), 'not_found', 'a row that the filter leaves out');
is(code(get($bob, 'user', 1)), 'not_found', 'another user');
is(get($bob, 'user', 2)->{payload}{email}, 'bob@example.org', 'oneself');
is(get($ada, 'user', 2)->{payload}{username}, 'bob', 'any, as an admin');
is(get($ada, 'project', 'x"1')->{payload}{description}, 'secret', 'a field for admins');
is(get($bob, 'project', 'x"1')->{payload}{description}, undef, '... is not in what others get');

# Lists.
my $list = ask($bob, 'list', type => 'bug_report');
is(scalar @{ $list->{payload}{items} }, 100, 'a list has 100 rows if nothing is said');
is($list->{payload}{items}[0]{title}, 'bug 1', '... in the order of their ids');
like($list->{as_of}, qr/^\d+$/, '... and a seq');

sub whole_list
{
	my ($ws, %payload) = @_;
	my ($pages, @items) = (0);

	for (my $next; $pages == 0 || defined $next; $pages++)
	{
		my $answer = ask($ws, 'list', %payload, defined $next ? (after => $next) : ());
		die "list: " . code($answer) unless $answer->{type} eq 'reply';
		push @items, @{ $answer->{payload}{items} };
		$next = $answer->{payload}{next};
		die 'no end' if $pages > 1000;
	}
	return ($pages, @items);
}

my ($pages, @items) = whole_list($bob, type => 'bug_report', limit => 30);
is($pages, 9, 'page by page');
is(join(' ', map { $_->{id} } @items), join(' ', 1 .. 250), '... one gets them all, once');
(undef, @items) = whole_list($bob, type => 'bug_report', project_id => 2, limit => 7);
is(scalar(grep { $_->{project_id} == 2 } @items), 125, 'of a project');
is(scalar @items, 125, '... no other');
(undef, @items) = whole_list($bob, type => 'bug_report', project_id => '1', status => 'open', limit => 1000);
is(scalar @items, 125, 'of a status');
(undef, @items) = whole_list($bob, type => 'comment', bug_report_id => 2);
is(join(' ', map { $_->{content} } @items), 'comment 1 comment 4 comment 7', 'of a bug report');
(undef, @items) = whole_list($bob, type => 'project', limit => 4);
is(join(' ', sort map { $_->{name} } @items), join(' ', sort('one', 'two', 'odd', map { "hidden $_" } grep { $_ % 3 == 2 } 1001 .. 1030)),
	'of several tables, what may be seen');
(undef, @items) = whole_list($bob, type => 'bug_report', project_id => "1' OR true --");
is(scalar @items, 0, 'a project that can not be');
$server->sql("UPDATE bug_reports SET description = repeat('x', 300000) WHERE id <= 20");
(undef, @items) = whole_list($bob, type => 'bug_report', limit => 1000);
is(scalar @items, 250, 'large rows come in shorter pages');

is(code(ask($bob, 'list', type => 'bug_report', %$_)), 'invalid_field', 'list: wrong ' . join(' ', %$_))
	for { limit => 0 }, { limit => 1001 }, { limit => 'all' }, { after => 'here' }, { after => '1' }, { bug_report_id => 1 }, { project_id => {} };
is(code(ask($bob, 'list', type => 'bug_report', $_ => 1)), 'invalid_field', "list: a member that it has not: $_") for 'statsu', 'x' x 40, "\x{e9}", '';
is(code(ask($bob, 'list', type => 'project', status => 'open')), 'invalid_field', 'list: a filter that the type has not');

# What a page says of what is hidden: nothing.
$server->sql(<<~'END');
	CREATE TABLE vault (id int PRIMARY KEY, name text, description text, created_at timestamptz, updated_at timestamptz);
	INSERT INTO vault SELECT n, 'vault ' || n FROM generate_series(2000001, 2030000) AS n;
	SELECT bugevents.attach('vault', 'project', audience => $$CASE WHEN row.id % 10000 = 0 THEN 'all' ELSE 'admin' END$$);
	END
($pages, @items) = whole_list($bob, type => 'project', limit => 10);
is(join(' ', grep { /vault/ } map { $_->{name} } @items), 'vault 2010000 vault 2020000 vault 2030000', 'three rows among thirty thousand hidden ones');
cmp_ok($pages, '<=', 8, '... in bounded pages');
my @next = map { ask($bob, 'list', type => 'project', limit => 1)->{payload}{next} } 1, 2;
is(scalar(grep { /^[A-Za-z0-9_-]{100,}$/ } @next), 2, 'next is sealed');
isnt($next[0], $next[1], '... and another one each time');
is(code(ask($ada, 'list', type => 'project', limit => 1, after => $next[0])), 'invalid_field', "... for one's own use");
(undef, @items) = whole_list($ada, type => 'project', limit => 1000);
is(scalar(grep { $_->{name} =~ /vault/ } @items), 30000, 'who may see them all, does');
$server->sql('DROP TABLE vault');

# An answer comes behind the events that it may be based on.
my $lost = 0;
for my $n (1 .. 50)
{
	$server->sql("UPDATE bug_reports SET title = 'round $n' WHERE id = 8");
	$bob->send_json({ type => 'get', id => "r$n", payload => { type => 'bug_report', id => 8 } });
	my $seen = 0;
	while (my $message = $bob->next_json)
	{
		$seen = 1 if $message->{type} eq 'bug_report' && $message->{payload}{title} eq "round $n";
		last if ($message->{id} // '') eq "r$n";
	}
	$lost++ unless $seen;
}
is($lost, 0, 'the event of a change is there before an answer that shows it');

# What is slow delays neither the stream nor others for longer than the timeout.
my $lock = $server->session;
$lock->query_safe('BEGIN; LOCK TABLE bug_reports');
$bob->send_json({ type => 'get', id => 'slow', payload => { type => 'bug_report', id => 1 } });
$server->sql("INSERT INTO projects (name) VALUES ('meanwhile')");
is($bob->next_event->{payload}{name}, 'meanwhile', 'the stream goes on while a get waits for a lock');
my $slow = $bob->wait_for(sub { ($_[0]{id} // '') eq 'slow' });
is(code($slow), 'internal_error', '... which is given up after bugevents.request_timeout');
$lock->query_safe('ROLLBACK');
$lock->quit;
is(get($bob, 'bug_report', 1)->{payload}{id}, 1, '... and later it works');

# Many at once.
$bob->send_json({ type => 'get', id => "m$_", payload => { type => 'bug_report', id => $_ } }) for 1 .. 100;
my %codes;
$codes{ code($bob->wait_for(sub { ($_[0]{id} // '') =~ /^m/ })) }++ for 1 .. 100;
is(($codes{none} // 0) + ($codes{rate_limited} // 0), 100, 'a hundred at once: each gets an answer');
cmp_ok($codes{none}, '>=', 8, '... some of them the row');

# A kind of its own: got, listed and filtered like any other, live too.
$server->sql(<<~'END');
	CREATE TABLE tasks (num int PRIMARY KEY, title text, status text, project_id int, owner int, urgent boolean, secret text, price numeric);
	INSERT INTO tasks SELECT n, 'task ' || n, (ARRAY['open', 'done', 'late'])[1 + n % 3], n % 4, nullif(n % 5, 0), n % 2 = 0, 's' || n, n * 1.50 FROM generate_series(1, 300) n;
	SELECT bugevents.attach('tasks', 'task', columns => '{"title": "title", "status": "status", "project_id": "project_id", "owner_id": "owner",
		"urgent": "urgent", "price": "price", "secret": {"column": "secret", "admin": true}}', extra => '{shout=upper(row.title)}',
		audience => $$ARRAY[CASE WHEN row.project_id = 3 THEN 'user:1' ELSE 'all' END]$$);
	END

# Rows of tasks that a filter lets pass: their ids; or what the error names.
sub tasks
{
	my ($ws, %filter) = @_;
	my $answer = ask($ws, 'list', type => 'task', limit => 1000, %filter);

	return $answer->{payload}{field} if $answer->{type} eq 'error';
	return join ' ', map { $_->{id} } @{ $answer->{payload}{items} };
}

sub selected { return $server->sql("SELECT string_agg(num::text, ' ' ORDER BY num) FROM tasks WHERE project_id <> 3 AND $_[0]"); }

is(get($bob, 'task', 4)->{payload}{shout}, 'TASK 4', 'a row of a kind of its own');
ok(!exists get($bob, 'task', 4)->{payload}{secret}, '... without what admins see');
is(code(get($bob, 'task', 3)), 'not_found', '... nor one that is for somebody else');
is(tasks($bob, %{ $_->[0] }), selected($_->[1]), "where $_->[1]")
	for [ {}, 'true' ], [ { where => { status => [ 'open', 'late' ], owner_id => [ 2, undef ] } }, "status IN ('open', 'late') AND (owner = 2 OR owner IS NULL)" ],
	[ { where => { urgent => JSON::PP::true } }, 'urgent' ], [ { where => { urgent => 'true' } }, 'false' ],
	[ { where => { price => 4.5 } }, 'price = 4.5' ], [ { where => { id => [ '4', 5, 'x', '007' ] } }, 'num IN (4, 5)' ],
	[ { where => { id => ['99999999999999999999'] } }, 'false' ], [ { where => { owner_id => undef } }, 'owner IS NULL' ],
	[ { where => { shout => 'TASK 9' } }, 'num = 9' ], [ { where => { secret => 's4' } }, 'false' ], [ { where => { title => 'task 9', status => 'late' } }, 'false' ],
	[ { project_id => 1, status => 'done', any => [ { where => { owner_id => 1 } }, { where => { urgent => JSON::PP::false } } ] },
		"project_id = 1 AND status = 'done' AND (owner = 1 OR NOT urgent)" ],
	[ { any => [ { project_ids => [2] }, { types => ['project'] } ] }, 'project_id = 2' ];
is(tasks($ada, where => { secret => 's4' }), 4, 'an admin asks for what admins see');
is(tasks($bob, %{ $_->[0] }), $_->[1], "a list with $_->[2]")
	for [ { where => { statsu => 'open' } }, 'where', 'a field that there is not' ], [ { where => { status => {} } }, 'where', 'a value that is none' ],
	[ { any => [] }, 'any', 'no filter' ], [ { where => { status => [ map { "s$_" } 1 .. 900 ] } }, '', 'many values' ];
my $task_list = ask($bob, 'list', type => 'task', limit => 5, where => { status => 'open' });
is(scalar @{ $task_list->{payload}{items} }, 5, 'a page is full of what passes');

# What a column says spares the others being looked at, which are more than a page looks at.
$server->sql(<<~'END');
	CREATE TABLE many (id int PRIMARY KEY, n int, t text, b boolean, secret int);
	INSERT INTO many SELECT n, n, 't' || n, n = 11999, n FROM generate_series(1, 12000) n;
	SELECT bugevents.attach('many', 'many', columns => '{"secret": {"column": "secret", "admin": true}}', extra => '{n,t,b}');
	END
for my $where ({ n => 11999 }, { n => [ '11999', undef, 'x', JSON::PP::true, 1e300 ] }, { t => 't11999' }, { b => JSON::PP::true }, { n => 11999.0, t => [ 't11999', 7 ] })
{
	my $page = ask($bob, 'list', type => 'many', where => $where);

	is_deeply([ map({ $_->{id} } @{ $page->{payload}{items} }), $page->{payload}{next} ], [ 11999, undef ], 'one of many by ' . join(' and ', sort keys %$where));
}
my $blind = ask($bob, 'list', type => 'many', where => { secret => 11999 });
is_deeply([ scalar @{ $blind->{payload}{items} }, defined $blind->{payload}{next} ], [ 0, 1 ], 'but not by what only admins see: nothing tells how many rows have it');

# Events that came for a subscription: action and id of each.
sub events_for
{
	my ($ws, $filter, @statements) = @_;
	my @seen;

	ask($ws, 'subscribe', types => [ 'task', 'build' ], %$filter);
	$server->sql($_) for @statements;
	$server->sql("SELECT bugevents.send('build', 'end', '{}', 'user:2', project_id => '2', bug_report_id => '7')");
	until (@seen && $seen[-1] =~ /^end/)
	{
		my $event = $ws->wait_for(sub { defined $_[0]{seq} });

		push @seen, "$event->{action} " . ($event->{payload}{id} // $event->{payload}{table} // '');
	}
	pop @seen;
	return join ', ', @seen;
}

my %builds = (types => ['build']);
is(events_for($bob, { any => [ { where => { owner_id => 77 } }, \%builds ] }, 'UPDATE tasks SET owner = 77 WHERE num IN (1, 3)', "UPDATE tasks SET title = 'x' WHERE num = 1",
	'UPDATE tasks SET project_id = 3 WHERE num = 1', 'UPDATE tasks SET owner = 78 WHERE num = 2', 'UPDATE tasks SET owner = 77 WHERE num = 2',
	'UPDATE tasks SET owner = 78 WHERE num = 2', 'UPDATE tasks SET owner = 79 WHERE num = 2', "INSERT INTO tasks VALUES (900, 'new', 'open', 1, 77)", 'DELETE FROM tasks WHERE num = 900'),
	'updated 1, updated 1, moved_out 1, updated 2, updated 2, created 900, deleted 900', 'who follows what passes hears of a row that came, and that left');
is(events_for($bob, { any => [ { project_ids => [2], bug_report_ids => [7] }, { types => ['task'], project_ids => [1] } ] }, 'UPDATE tasks SET project_id = 1 WHERE num = 2',
	'UPDATE tasks SET project_id = 0 WHERE num = 2', "UPDATE tasks SET title = 'y' WHERE num = 2", "SELECT bugevents.send('build', 'other', '{}', project_id => '2')", 'TRUNCATE tasks'),
	'updated 2, updated 2, truncated public.tasks', 'lists of projects and bugs, for rows and for what send() publishes');
is(events_for($bob, { any => [ { types => ['task'], where => { owner_id => -1 } }, \%builds ] }, 'ALTER TABLE tasks ADD COLUMN unpublished int', 'ALTER TABLE tasks RENAME COLUMN owner TO holder',
	'ALTER TABLE tasks ALTER COLUMN secret TYPE varchar(20)', 'ALTER TABLE tasks ALTER COLUMN holder TYPE bigint', 'ALTER TABLE tasks RENAME COLUMN holder TO owner'),
	join(', ', ('changed public.tasks') x 3), 'who takes a type is told of its columns, but not of those for admins');
is($server->sql("SELECT string_agg(DISTINCT action, ' ' ORDER BY action) FROM bugevents.events(0, 100000) WHERE type = 'task'"), 'created deleted moved_out truncated updated',
	'the actions of a kind of its own');
$bob->send_json({ type => 'subscribe', id => ++$asked, payload => { where => { owner_id => [ 7, undef ] } } });
$bob->wait_for(sub { ($_[0]{id} // '') eq $asked });
BugEvents::Server::wait_until(sub { $server->sql("SELECT subscription FROM bugevents.connections WHERE user_id = '2'") eq '{"where": {"owner_id": ["7", null]}}' },
	'bugevents.connections to have the filter');
my $unseen = $server->sql("INSERT INTO tasks VALUES (1, 'a', 'open', 1, 8); SELECT bugevents.last_seq()");
BugEvents::Server::wait_until(sub { $server->sql("SELECT count(*) FROM bugevents.connections WHERE user_id = '2' AND cursor >= (SELECT max(seq) FROM bugevents.events($unseen - 5, 1000))") eq '1' }, 'the cursor');
like($server->sql("SELECT string_agg(detail, ' ') FROM bugevents.explain_delivery((SELECT max(seq) FROM bugevents.events($unseen - 5, 1000)), '2')"),
	qr/its subscription leaves it out: \{"where": \{"owner_id": \["7", null\]\}\}/, 'explain_delivery judges it');
ask($bob, 'subscribe');

# The responder ends.
sub responders { return $server->sql("SELECT string_agg(pid::text, ' ') FROM pg_stat_activity WHERE backend_type = 'bugevents responder'"); }
my $pid = responders();
like($pid, qr/^\d+$/, 'one responder runs');
my $dispatcher = $server->dispatcher_pid;
$server->sql("SELECT pg_terminate_backend($pid)");
BugEvents::Server::wait_until(sub { code(get($bob, 'bug_report', 1)) eq 'none' }, 'a new responder');
isnt(responders(), $pid, '... and another one when that was ended');
is($server->dispatcher_pid, $dispatcher, 'the dispatcher is the same');

# Nothing of what is written by an expression stays.
$server->sql(<<~'END');
	CREATE TABLE written (n int);
	CREATE FUNCTION insert_it() RETURNS text VOLATILE LANGUAGE sql AS 'INSERT INTO public.written VALUES (1) RETURNING n::text';
	CREATE FUNCTION write() RETURNS text STABLE LANGUAGE sql AS 'SELECT public.insert_it()';
	CREATE TABLE writing (id int PRIMARY KEY, name text, description text, created_at timestamptz, updated_at timestamptz);
	INSERT INTO writing VALUES (9001, 'a', 'b');
	SELECT bugevents.attach('writing', 'project', columns => '{"name": "public.write()"}');
	END
get($bob, 'project', 9001);
is($server->sql('SELECT count(*) FROM written'), 0, 'asking writes nothing');

# Rows and their stream: what a list has, as of one seq, and what is committed from then on.
sub listed
{
	my ($ws, %payload) = @_;
	my (%rows, $after);

	do
	{
		my $page = ask($ws, 'list', %payload, $after ? (after => $after) : ())->{payload};
		$rows{ $_->{id} } = $_ for @{ $page->{items} };
		$after = $page->{next};
	} while ($after);
	return \%rows;
}

sub state_of
{
	my ($ws, %payload) = @_;
	my $reply = ask($ws, 'subscribe', state => JSON::PP::true, %payload);
	my (%rows, $part);

	return code($reply) . ' ' . ($reply->{payload}{field} // '') if $reply->{type} eq 'error';
	do
	{
		$part = $ws->wait_for(sub { $_[0]{type} eq 'state' });
		die 'another seq' if $part->{as_of} != $reply->{payload}{seq};
		$rows{ $_->{id} } = $_ for @{ $part->{payload}{items} };
	} until ($part->{payload}{last});
	return \%rows;
}

for my $who ([ $ada, 'an admin' ], [ $bob, 'a user' ])
{
	for my $range ([ 'comment' ], [ 'comment', bug_report_id => 2 ], [ 'project' ], [ 'user' ], [ 'user', project_id => 1 ])
	{
		my ($type, %narrow) = @$range;
		my %state = (types => [$type], map { ("${_}s" => [ $narrow{$_} ]) } keys %narrow);
		my $listed = $type eq 'user' && %narrow ? {} : listed($who->[0], type => $type, %narrow);

		is_deeply(state_of($who->[0], %state), $listed, "state for $who->[1]: @$range, " . keys(%$listed) . ' rows');
	}
}
is(state_of($bob, types => ['membership']), 'invalid_field types', 'a type that no table is attached as');
is(state_of($bob, types => ['bug']), 'invalid_field types', 'no type');
is_deeply([ sort keys %{ state_of($bob, types => [ 'comment', 'bug_report' ], bug_report_ids => [ 3, 7 ]) } ], [ 2, 3, 5, 7, 8 ],
	'two types: two bugs, and three comments of one of them');
$server->sql("UPDATE bug_reports SET title = 'behind' WHERE id IN (6, 7); INSERT INTO comments (bug_report_id, content) VALUES (7, 'new')");
is_deeply([ map { $bob->wait_for(sub { $_[0]{type} =~ /^(bug_report|comment)$/ })->{payload}{id} } 1 .. 2 ], [ 7, 10 ], '... and what follows');
my $state = state_of($ada, types => ['bug_report'], bug_report_ids => [7]);
is_deeply($state->{7}, get($ada, 'bug_report', 7)->{payload}, 'what is known is kept current, and is what get says');
is_deeply(state_of($ada, types => ['comment']), listed($ada, type => 'comment'), '... to the last field');
BugEvents::Server::wait_until(sub { ($server->http("/metrics"))[1] =~ /^bugevents_row_cache_total\{result="hit"\} [1-9]/m }, 'the counters');

# More rows than there is memory for are kept on disk, and read from there.
sub spools
{
	return $server->sql(<<~'END');
		SELECT count(*) FROM pg_ls_dir('base', true, false) AS top(name), pg_ls_dir('base/pgsql_tmp', true, false) AS found(name)
		 WHERE top.name = 'pgsql_tmp' AND found.name LIKE '%.fileset'
		END
}

$server->sql(<<~'END');
	CREATE TABLE shards (id int PRIMARY KEY, n int, owner int, filler text);
	INSERT INTO shards SELECT n, 0, n % 3, repeat('x', 1000) FROM generate_series(1, 6000) n;
	SELECT bugevents.attach('shards', 'part', '{"n": "n", "filler": "filler"}', audience => $$CASE row.owner WHEN 0 THEN '{all}'::text[] ELSE ARRAY['user:' || row.owner] END$$);
	END
my $third = $server->connect('2');
my $part = state_of($third, types => ['part']);
is_deeply([ scalar keys %$part, join ' ', sort map { $_ % 3 } grep { $_ < 7 } keys %$part ], [ 4000, '0 0 2 2' ], 'a state of 6 MB with 1 MB of memory');
is(spools(), 1, '... is on disk');
$server->sql('UPDATE shards SET n = 1 WHERE id % 1000 = 0; DELETE FROM shards WHERE id = 3; UPDATE shards SET owner = 1 WHERE id = 6; INSERT INTO shards VALUES (7001, 2, 2, NULL)');
$third->wait_for(sub { $_[0]{type} eq 'part' && $_[0]{payload}{id} == 7001 });
my $again = state_of($third, types => ['part']);
is_deeply([ scalar keys %$again, @{$again}{ 3, 6 }, (grep { $again->{$_}{n} == 1 } sort keys %$again), $again->{7001}{n} ],
	[ 3999, undef, undef, 2000, 3000, 5000, 6000, 2 ], '... which events keep current');
$server->set('bugevents.state_disk_size' => '1MB');
$server->sql('TRUNCATE shards; INSERT INTO shards SELECT n, 0, 0, repeat(chr(64 + n % 20), 1000) FROM generate_series(1, 6000) n');
BugEvents::Server::wait_until(sub { state_of($third, types => ['part']) eq 'state_too_big ' }, 'more than bugevents.state_disk_size to be refused');
$server->set('bugevents.state_disk_size' => '10GB');
BugEvents::Server::wait_until(sub { my $state = state_of($third, types => ['part']); return ref $state && keys %$state == 6000 }, '... and no more');

# No row of a table that is detached, none of one that was dropped.
$server->sql("SELECT bugevents.detach('gone'); DROP TABLE hidden");
is(code(get($ada, 'project', 'x"1')), 'not_found', 'a detached table');
is(code(get($bob, 'project', 1004)), 'not_found', 'a dropped one');

ok(spools() > 0, 'there are rows on disk');
my ($gateway) = $server->gateway_pids;
kill 'KILL', $gateway;
$server->wait_new_gateway($gateway);
is(spools(), 0, 'a gateway that is gone leaves no files');

# Restart: the clients of the new server ask as before.
$server->node->restart;
$server->wait_ready;
$bob = $server->connect('2');
is(get($bob, 'bug_report', 3)->{payload}{id}, 3, 'after a restart');

done_testing();
