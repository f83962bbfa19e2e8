-- send(): events of one's own.
\set VERBOSITY terse
SELECT public.mark() \gset
SELECT bugevents.send('deploy', 'started', '{"version": "1.2", "é": "😀", "n": 1.50}');
SELECT bugevents.send('deploy', 'done', '{}', 'admin, user:7');
BEGIN;
SELECT bugevents.send('deploy', 'never', '{}');
ROLLBACK;
BEGIN;
SELECT bugevents.send('a', 'b', '{"n": 1}');
SAVEPOINT s;
SELECT bugevents.send('a', 'c', '{"n": 2}');
ROLLBACK TO s;
SELECT bugevents.send('a', 'd', '{"n": 3}', 'project:5 project:6');
COMMIT;
SET ROLE regress_bugevents_user;
SELECT bugevents.send('a', 'z', '{"by": "anyone"}');
RESET ROLE;
SELECT type, action, replace(audience, E'\n', ' | ') AS audience, payload, changes FROM bugevents.events(:mark);

-- refused
SELECT bugevents.send(NULL, 'a', '{}');
SELECT bugevents.send('a', NULL, '{}');
SELECT bugevents.send('a', 'a', NULL);
SELECT bugevents.send('a', 'a', '{}', NULL);
SELECT bugevents.send('', 'a', '{}');
SELECT bugevents.send('A', 'a', '{}');
SELECT bugevents.send('1a', 'a', '{}');
SELECT bugevents.send('a-b', 'a', '{}');
SELECT bugevents.send('a', E'a\n', '{}');
SELECT bugevents.send(repeat('a', 63), 'ok', '{}');
SELECT bugevents.send(repeat('a', 64), 'a', '{}');
SELECT bugevents.send('bug_report', 'created', '{}');
SELECT bugevents.send('notification', 'created', '{}');
SELECT bugevents.send('alert', 'raised', '{}', 'admin');
SELECT bugevents.send('connection', 'ready', '{}');
SELECT bugevents.send('error', 'ready', '{}');
SELECT bugevents.send('reply', 'ready', '{}');
SELECT bugevents.send('a', 'a', '[]');
SELECT bugevents.send('a', 'a', '1');
SELECT bugevents.send('a', 'a', '{}', '');
SELECT bugevents.send('a', 'a', '{}', 'all everyone');
SELECT bugevents.send('a', 'a', '{}', 'user:');
SELECT bugevents.send('a', 'a', jsonb_build_object('x', repeat('x', 34000000)));
BEGIN READ ONLY;
SELECT bugevents.send('a', 'a', '{}');
ROLLBACK;

-- as large as a value may be, and as many in a minute as a session may
SET bugevents.max_value_size = 1000;
SELECT bugevents.send('a', 'large', jsonb_build_object('x', repeat('x', 991)));
\set VERBOSITY default
SELECT bugevents.send('a', 'large', jsonb_build_object('x', repeat('x', 992)));
\set VERBOSITY terse
RESET bugevents.max_value_size;
SELECT value AS refused FROM bugevents.stats WHERE name = 'bugevents_sends_refused_total' \gset
SET bugevents.send_rate = 2;
SELECT bugevents.send('a', 'first', '{}');
BEGIN;
SELECT bugevents.send('a', 'rolled_back', '{}');
ROLLBACK;
SELECT bugevents.send('a', 'beyond', '{}');
SELECT value - :refused AS refused FROM bugevents.stats WHERE name = 'bugevents_sends_refused_total';
SET bugevents.send_rate = 0;
SELECT bugevents.send('a', 'without', '{}');
RESET bugevents.send_rate;
SET ROLE regress_bugevents_user;
SET bugevents.send_rate = 0;
RESET ROLE;

-- behind a change of a row they keep their place, and need a file, not memory, however many they are
CREATE TABLE before_all (id int PRIMARY KEY, name text, description text, created_at int, updated_at int);
SELECT bugevents.attach('before_all', 'project');
CREATE FUNCTION send_many(part text, n int) RETURNS bigint LANGUAGE sql AS
    $$ SELECT count(*) FROM (SELECT bugevents.send('many', part, jsonb_build_object('n', i, 'x', repeat('x', 400000))) FROM generate_series(1, n) AS i OFFSET 0) AS s $$;
SELECT public.mark() \gset
BEGIN;
INSERT INTO before_all (id) VALUES (1);
SELECT send_many('first', 50);
SAVEPOINT a;
SELECT send_many('rolled_back', 30);
UPDATE before_all SET name = 'rolled back';
ROLLBACK TO a;
SELECT send_many('second', 30);
SAVEPOINT a;
SELECT send_many('third', 10);
RELEASE a;
INSERT INTO before_all (id) VALUES (2);
SELECT sum(total_bytes) < 40000000 AS bounded FROM pg_backend_memory_contexts WHERE name IN ('bugevents changes', 'bugevents pending events');
COMMIT;
SELECT action, count(*), sum((payload ->> 'n')::int), min(length(payload ->> 'x')), max(seq) - min(seq) + 1 AS in_a_row FROM bugevents.events(:mark, 100000) GROUP BY 1 ORDER BY min(seq);
-- what rolls back leaves nothing of it to the next
BEGIN;
INSERT INTO before_all (id) VALUES (3);
SELECT send_many('gone', 50);
ROLLBACK;
BEGIN;
INSERT INTO before_all (id) VALUES (4);
SELECT send_many('kept', 50);
COMMIT;
SELECT action, count(*), sum((payload ->> 'n')::int) FROM bugevents.events(:mark, 100000) WHERE action IN ('gone', 'kept') GROUP BY 1;
DROP TABLE before_all;
DROP FUNCTION send_many;

-- a project, a bug and a key: what filters and conflation go by
SELECT bugevents.send('build', 'done', '{}', project_id => '7', bug_report_id => '12', key => 'main');
SELECT bugevents.send('build', 'done', '{}', key => repeat('x', 256));
SELECT bugevents.send('schema', 'changed', '{}');
