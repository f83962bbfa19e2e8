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
