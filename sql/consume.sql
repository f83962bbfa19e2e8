-- Consumers: the events behind a position that moves with the transaction.
SELECT bugevents.set_consumer('one', bugevents.last_seq()) = bugevents.last_seq() AS begins_now;
SELECT bugevents.send('test', 'first', '{"n": 1}'), bugevents.send('other', 'second', '{"n": 2}', 'admin');
SELECT type, action, audience, payload, changes, replay FROM bugevents.consume('one');
SELECT count(*) FROM bugevents.consume('one');

-- once: what rolls back is taken back with the position
SELECT bugevents.send('test', 'third', '{}');
BEGIN;
SELECT action FROM bugevents.consume('one');
SELECT count(*) FROM bugevents.consume('one');
ROLLBACK;
BEGIN;
SAVEPOINT s;
SELECT action FROM bugevents.consume('one');
ROLLBACK TO s;
SELECT action FROM bugevents.consume('one');
COMMIT;
SELECT count(*) FROM bugevents.consume('one');

-- a few at a time, also of one transaction
SELECT count(bugevents.send('test', 'number_' || n, '{}')) FROM generate_series(1, 5) AS n;
SELECT array_agg(action) FROM bugevents.consume('one', 2);
SELECT array_agg(action) FROM bugevents.consume('one', 0);
SELECT array_agg(action) FROM bugevents.consume('one', 2);
SELECT array_agg(action) FROM bugevents.consume('one', 2);

-- of some types: what is passed over is behind the position, too
SELECT bugevents.send('other', 'passed', '{}'), bugevents.send('test', 'wanted', '{}'), bugevents.send('other', 'behind', '{}');
SELECT action FROM bugevents.consume('one', 1, '{test}');
SELECT action FROM bugevents.consume('one');
SELECT bugevents.send('other', 'passed', '{}');
SELECT action FROM bugevents.consume('one', 10, types => '{test}');

-- what others have in the making isn't there yet, and what one's own transaction has, neither
BEGIN;
SELECT bugevents.send('test', 'own', '{}');
SELECT count(*) FROM bugevents.consume('one', types => '{test}');
COMMIT;
SELECT action FROM bugevents.consume('one', types => '{test}');

-- one that isn't there begins with the oldest event
SELECT seq = (SELECT min(seq) FROM bugevents.events(0, 1)) AS oldest FROM bugevents.consume('two', 1);
SELECT name, position > 0 AS moved, lag > 0 AS behind, moved_at IS NOT NULL AS moved_at FROM bugevents.consumers ORDER BY name;
SELECT bugevents.set_consumer('two', bugevents.last_seq()) = position AS at_the_end, lag FROM bugevents.consumers WHERE name = 'one';
SELECT bugevents.drop_consumer('two'), bugevents.drop_consumer('two');

-- last_seq() is behind what was committed
SELECT bugevents.send('test', 'last', '{}');
SELECT max(seq) <= bugevents.last_seq() AS behind, max(seq) > bugevents.last_seq() - 100 AS near FROM bugevents.events(0, 1000000);

-- what isn't possible
\set VERBOSITY terse
SELECT * FROM bugevents.consume(NULL);
SELECT * FROM bugevents.consume('');
SELECT * FROM bugevents.consume('one', -1);
SELECT * FROM bugevents.consume('one', NULL);
SELECT * FROM bugevents.consume('one', 1, '{}');
SELECT * FROM bugevents.consume('one', 1, '{null}');
SELECT bugevents.set_consumer('one', 9223372036854775807);
SELECT bugevents.set_consumer('one', -1);
SELECT bugevents.set_consumer('', 1);
BEGIN READ ONLY;
SELECT * FROM bugevents.consume('one');
ROLLBACK;
SET ROLE regress_bugevents_user;
SELECT * FROM bugevents.consume('one');
SELECT bugevents.set_consumer('one');
SELECT bugevents.drop_consumer('one');
SELECT * FROM bugevents.consumers;
SELECT bugevents.last_seq() > 0 AS may;
RESET ROLE;
-- who may call it needs no more
GRANT EXECUTE ON FUNCTION bugevents.consume TO regress_bugevents_user;
SET ROLE regress_bugevents_user;
SELECT count(*) > 0 AS some FROM bugevents.consume('one');
RESET ROLE;
REVOKE EXECUTE ON FUNCTION bugevents.consume FROM regress_bugevents_user;
SELECT bugevents.drop_consumer('one');

-- Replay: rows as they are now.
CREATE TABLE replayed (id int PRIMARY KEY, name text, description text, created_at int, updated_at int, secret bool DEFAULT false)
    PARTITION BY RANGE (id);
CREATE TABLE replayed_1 PARTITION OF replayed FOR VALUES FROM (0) TO (10);
CREATE TABLE replayed_2 PARTITION OF replayed FOR VALUES FROM (10) TO (20);
INSERT INTO replayed SELECT n, 'row ' || n FROM generate_series(8, 12) AS n;
SELECT bugevents.replay('replayed');
SELECT bugevents.attach('replayed', 'project', filter => 'row.id <> 9', audience => $$ARRAY['admin', 'project:' || row.id]$$);
SELECT public.mark() AS mark \gset
SELECT bugevents.replay('replayed');
SELECT type, action, audience, payload, changes FROM bugevents.events(:mark) ORDER BY payload ->> 'id';
SELECT bugevents.set_consumer('replay', :mark) > 0 AS made;
SELECT count(*), bool_and(replay) AS replay FROM bugevents.consume('replay');
SELECT bugevents.replay('replayed', 'row.id > 10 and name like ''%2''');
SELECT payload ->> 'id' AS id, replay FROM bugevents.consume('replay');
UPDATE replayed SET name = 'new' WHERE id = 8;
SELECT payload ->> 'id' AS id, action, replay FROM bugevents.consume('replay');
-- more than a piece
INSERT INTO replayed SELECT n FROM generate_series(0, 7) AS n;
CREATE TABLE replayed_many (id int PRIMARY KEY, name text, description text, created_at int, updated_at int);
INSERT INTO replayed_many SELECT n FROM generate_series(1, 2500) AS n;
SELECT bugevents.attach('replayed_many', 'project');
SELECT bugevents.set_consumer('replay', bugevents.last_seq()) > 0 AS made;
BEGIN;
SELECT bugevents.replay('replayed_many');
ROLLBACK;
SELECT bugevents.replay('replayed_many', 'false');
SELECT bugevents.replay('replayed_many', NULL);
SELECT count(DISTINCT payload ->> 'id'), count(*) FROM bugevents.consume('replay', 10000);
SELECT bugevents.drop_consumer('replay');

SELECT bugevents.replay(NULL);
SELECT bugevents.replay('replayed', 'no_such_column');
SELECT bugevents.replay('replayed', 'true) UNION ALL SELECT (0, ''(0,1)''::tid');
SELECT bugevents.replay('replayed_1');
BEGIN;
UPDATE replayed SET name = 'changed' WHERE id = 8;
SELECT bugevents.replay('replayed');
ROLLBACK;
BEGIN READ ONLY;
SELECT bugevents.replay('replayed');
ROLLBACK;
SET ROLE regress_bugevents_user;
SELECT bugevents.replay('replayed');
RESET ROLE;
GRANT EXECUTE ON FUNCTION bugevents.replay TO regress_bugevents_user;
SET ROLE regress_bugevents_user;
SELECT bugevents.replay('replayed');
RESET ROLE;
REVOKE EXECUTE ON FUNCTION bugevents.replay FROM regress_bugevents_user;
\set VERBOSITY default
DROP TABLE replayed, replayed_many;
