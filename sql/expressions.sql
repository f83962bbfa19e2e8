-- SQL expressions over the row.
\set VERBOSITY terse
CREATE SCHEMA tracker;
SET search_path = tracker;
CREATE TABLE states (id int PRIMARY KEY, name text);
INSERT INTO states VALUES (1, 'open'), (2, 'closed');
CREATE TABLE defects (id int PRIMARY KEY, title text, state_id int, "select" text, big text, updated_at timestamptz DEFAULT '2026-01-01 00:00:00+00');
SELECT bugevents.attach('defects', 'bug_report', columns => '{
    "description": "null::text", "status": "(SELECT name FROM states WHERE states.id = row.state_id)", "priority": "length(row.\"select\")",
    "assignee_id": "CASE WHEN state_id = 2 THEN 7 END", "project_id": "''12''::int8 -- a comment", "created_at": "date ''2026-01-31''"}');
RESET search_path;
SELECT public.mark() \gset
INSERT INTO tracker.defects (id, title, state_id, "select") VALUES (1, 'a', 1, 'four');
UPDATE tracker.defects SET state_id = 2;
UPDATE tracker.defects SET "select" = 'five';
DELETE FROM tracker.defects;
SELECT action, payload, changes FROM bugevents.events(:mark);

-- a looked-up row of the same statement is seen
SELECT public.mark() \gset
WITH s AS (INSERT INTO tracker.states VALUES (3, 'new') RETURNING id)
INSERT INTO tracker.defects (id, title, state_id) SELECT 2, 'b', id FROM s;
SELECT payload ->> 'status' AS status FROM bugevents.events(:mark);

-- the table's owner evaluates, whoever writes
GRANT USAGE ON SCHEMA tracker TO regress_bugevents_user, regress_bugevents_owner;
GRANT INSERT ON tracker.defects TO regress_bugevents_user;
SELECT public.mark() \gset
CREATE FUNCTION tracker.whoami() RETURNS text LANGUAGE sql STABLE AS 'SELECT current_user || '' '' || current_setting(''search_path'')';
ALTER TABLE tracker.defects OWNER TO regress_bugevents_owner;
SET search_path = tracker;
SELECT bugevents.attach('defects', 'bug_report', columns => '{
    "description": "whoami()", "status": "state_id", "priority": "1", "assignee_id": "null::int", "project_id": "null", "created_at": "updated_at"}');
SET ROLE regress_bugevents_user;
INSERT INTO defects (id, title) VALUES (3, 'c');
SELECT current_user, current_setting('search_path');
RESET ROLE;
SELECT payload ->> 'description' AS description FROM bugevents.events(:mark);

-- an owner without the right to look something up: a warning, and null
SELECT public.mark() \gset
SELECT bugevents.attach('defects', 'bug_report', columns => '{
    "description": "(SELECT name FROM states WHERE id = row.state_id)", "status": "state_id", "priority": "upper(title)", "assignee_id": "null::int", "project_id": "null", "created_at": "updated_at"}',
    filter => 'title <> ''hidden''', audience => '''user:7''');
INSERT INTO defects (id, title, state_id) VALUES (4, 'd', 1);
SELECT audience, payload FROM bugevents.events(:mark);
GRANT SELECT ON states TO regress_bugevents_owner;
SELECT public.mark() \gset
INSERT INTO defects (id, title, state_id) VALUES (5, 'd', 1), (6, 'hidden', 1);
SELECT audience, payload FROM bugevents.events(:mark);

-- an error at run time is a warning; the writer goes on, in its transaction
SELECT public.mark() \gset
SELECT bugevents.attach('defects', 'bug_report', columns => '{
    "description": "1 / state_id", "status": "state_id", "priority": "(SELECT id FROM states WHERE states.id >= row.state_id)", "assignee_id": "null::int", "project_id": "null", "created_at": "updated_at"}',
    filter => 'state_id <> 99');
BEGIN;
INSERT INTO defects (id, title, state_id) VALUES (7, 'zero', 0);
INSERT INTO defects (id, title, state_id) VALUES (8, 'many', 1);
INSERT INTO defects (id, title, state_id) VALUES (9, 'fine', 3);
INSERT INTO defects (id, title, state_id) VALUES (10, 'filtered', 99);
UPDATE defects SET state_id = 0 WHERE id = 9;
COMMIT;
SELECT action, audience, payload ->> 'title' AS title, payload -> 'description' AS description, payload -> 'priority' AS priority, changes FROM bugevents.events(:mark);

-- a volatile function is refused, however deep it is, and one that writes all the same fails
CREATE TABLE log (t text);
GRANT ALL ON log TO regress_bugevents_owner;
CREATE FUNCTION writes(t text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO tracker.log VALUES (t); RETURN t; END $$;
SELECT bugevents.attach('defects', 'bug_report', columns => '{
    "description": "writes(title)", "status": "state_id", "priority": "1", "assignee_id": "null::int", "project_id": "null", "created_at": "updated_at"}');
SELECT bugevents.attach('defects', 'bug_report', columns => '{
    "description": "''x''", "status": "state_id", "priority": "1", "assignee_id": "null::int", "project_id": "null", "created_at": "updated_at"}',
    filter => 'EXISTS (WITH w AS (SELECT writes(s.name) AS t FROM states AS s) SELECT FROM w WHERE w.t = row.title)');
CREATE FUNCTION sly(t text) RETURNS text LANGUAGE sql STABLE AS 'SELECT tracker.writes(t)';
SELECT bugevents.attach('defects', 'bug_report', columns => '{
    "description": "sly(title)", "status": "state_id", "priority": "1", "assignee_id": "null::int", "project_id": "null", "created_at": "updated_at"}');
SELECT public.mark() \gset
INSERT INTO defects (id, title) VALUES (11, 'four');
SELECT payload -> 'description' AS description, payload -> 'priority' AS priority FROM bugevents.events(:mark);
SELECT * FROM log;

-- the old row sees what was before, the new one what is now
SELECT bugevents.attach('defects', 'bug_report', columns => '{
    "description": "(SELECT s.name FROM states AS s WHERE s.id = row.state_id)", "status": "state_id", "priority": "1", "assignee_id": "null::int", "project_id": "null", "created_at": "updated_at"}');
INSERT INTO states VALUES (7, 'seven'), (8, 'eight');
INSERT INTO defects (id, title, state_id) VALUES (20, 'moves', 7), (21, 'goes', 8);
SELECT public.mark() \gset
BEGIN;
UPDATE defects SET title = 'moved' WHERE id = 20;
UPDATE states SET name = 'SEVEN' WHERE id = 7;
SAVEPOINT s;
UPDATE states SET name = 'never';
ROLLBACK TO s;
DELETE FROM states WHERE id = 8;
DELETE FROM defects WHERE id = 21;
INSERT INTO defects (id, title, state_id) VALUES (22, 'comes', 9);
INSERT INTO states VALUES (9, 'nine');
COMMIT;
SELECT action, payload -> 'title' AS title, payload -> 'description' AS description, changes FROM bugevents.events(:mark);

-- the whole row; a changed table under a kept plan
SELECT bugevents.attach('defects', 'bug_report', columns => '{
    "description": "to_jsonb(row) - ''big''", "status": "row IS NULL", "priority": "(row::defects).title", "assignee_id": "null::int", "project_id": "null", "created_at": "updated_at"}');
SELECT public.mark() \gset
INSERT INTO defects (id, title) VALUES (30, 'x');
ALTER TABLE defects ADD COLUMN added int DEFAULT 5;
INSERT INTO defects (id, title) VALUES (31, 'y');
UPDATE defects SET title = 'z' WHERE id = 30;
ALTER TABLE defects DROP COLUMN state_id;
INSERT INTO defects (id, title) VALUES (32, 'y');
SELECT action, payload -> 'description' AS description, payload -> 'status' AS status, payload -> 'priority' AS priority FROM bugevents.events(:mark);

-- what an expression reads disappears: a warning, and null
SELECT bugevents.attach('defects', 'bug_report', columns => '{
    "description": "row.added", "status": "big", "priority": "1", "assignee_id": "null::int", "project_id": "null", "created_at": "updated_at"}');
SELECT public.mark() \gset
ALTER TABLE defects DROP COLUMN added;
INSERT INTO defects (id, title) VALUES (33, 'y');
ALTER TABLE defects DROP COLUMN title;
INSERT INTO defects (id) VALUES (34);
SELECT payload FROM bugevents.events(:mark);

-- what takes too long costs its value only
CREATE FUNCTION slow() RETURNS int LANGUAGE plpgsql STABLE AS 'BEGIN PERFORM pg_sleep(600); RETURN 1; END';
ALTER TABLE defects ADD COLUMN title text;
SELECT bugevents.attach('defects', 'bug_report', columns => '{
    "description": "slow()", "status": "row.big", "priority": "1 + 1", "assignee_id": "null::int", "project_id": "null", "created_at": "updated_at"}');
SELECT public.mark() \gset
INSERT INTO defects (id) VALUES (35), (36);
SELECT payload -> 'id' AS id, payload -> 'description' AS description, payload -> 'priority' AS priority FROM bugevents.events(:mark);

-- of whatever kind: it costs nobody a write, and is counted until the table is attached anew
SELECT tbl, errors, last_error, last_error_at > now() - interval '1 hour' AS lately FROM bugevents.attachments;
CREATE TABLE failing (id int PRIMARY KEY, name text, description text, n int, created_at int, updated_at int);
CREATE FUNCTION fails(n int) RETURNS int LANGUAGE plpgsql STABLE AS 'BEGIN RETURN 1 / n; END';
CREATE TABLE looked_at (id int PRIMARY KEY, name text);
SELECT bugevents.attach('failing', 'project', columns => '{"description": "(SELECT l.name FROM looked_at AS l WHERE l.id = row.n)", "created_at": "2 * fails(n)"}',
    filter => 'fails(row.n) < 2', audience => 'CASE WHEN fails(row.n) = 1 THEN ''all'' ELSE ''user:1'' END');
CREATE FUNCTION failures() RETURNS TABLE (errors bigint, last_error text) LANGUAGE sql AS
    $$ SELECT errors, last_error FROM bugevents.attachments WHERE tbl = 'failing'::regclass $$;
SELECT * FROM failures();
SELECT public.mark() \gset
INSERT INTO failing (id, name, n) VALUES (1, 'fine', 1);
SELECT * FROM failures();
INSERT INTO failing (id, name, n) VALUES (2, 'all fail but the description', 0);
SELECT * FROM failures();
ALTER TABLE looked_at DROP COLUMN name;
INSERT INTO failing (id, name, n) VALUES (3, 'the description fails', 1);
SELECT * FROM failures();
DROP FUNCTION fails;
BEGIN;
INSERT INTO failing (id, name, n) VALUES (4, 'everything fails', 1), (5, 'again', 1);
DELETE FROM failing WHERE id = 2;
ROLLBACK;
INSERT INTO failing (id, name, n) VALUES (6, 'everything fails', 1);
SELECT * FROM failures();
UPDATE failing SET n = 1;
DELETE FROM failing;
SELECT action, audience, payload ->> 'name' AS name, payload -> 'description' AS description, payload -> 'created_at' AS twice FROM bugevents.events(:mark);
SELECT verdict, regexp_replace(detail, 'last at .*: CASE', 'last at ...: CASE') AS detail FROM bugevents.explain_change('failing', '{"id": 1}') WHERE finding = 'expressions';
SELECT value > 10 AS counted FROM bugevents.stats WHERE name = 'bugevents_expression_errors_total';
GRANT USAGE ON SCHEMA tracker TO regress_bugevents_user;
SET ROLE regress_bugevents_user;
SELECT errors > 10 AS errors, last_error FROM bugevents.attachments WHERE tbl = 'tracker.failing'::regclass;
RESET ROLE;
SELECT bugevents.attach('failing', 'project');
SELECT * FROM failures();

-- a content of whatever size is cut, not refused
SELECT bugevents.attach('failing', 'project', columns => '{"description": "repeat(row.name, 2)", "created_at": "repeat(row.name, 4)", "updated_at": "repeat(row.name, 40)"}');
SELECT public.mark() \gset
INSERT INTO failing (id, name) VALUES (7, repeat('0123456789', 3000000));
SELECT length(payload ->> 'name') AS name, length(payload ->> 'description') AS description, payload -> 'truncated' AS truncated FROM bugevents.events(:mark);
SELECT * FROM failures();

-- nor has an expression more memory than its share, in one piece or in many
CREATE FUNCTION pile(int) RETURNS int IMMUTABLE LANGUAGE sql AS $$SELECT length(string_agg(repeat(repeat('x', 10000), 1000 * $1), '')) FROM generate_series(1, 4)$$;
SELECT bugevents.attach('failing', 'project', columns => '{"description": "length(repeat(row.name, 9000000 * row.n))", "created_at": "tracker.pile(row.n)"}');
SELECT public.mark() \gset
INSERT INTO failing (id, name, n) VALUES (8, '0123456789', 10);
SELECT * FROM failures();
INSERT INTO failing (id, name, n) VALUES (9, '0123456789', 0);
SELECT action, payload -> 'description' AS description, payload -> 'created_at' AS pile FROM bugevents.events(:mark);
SELECT length(repeat(repeat('x', 100000), 3000)) AS limited_no_more;

-- nor more of the disk
CREATE FUNCTION heap(int) RETURNS int IMMUTABLE LANGUAGE sql AS $$SELECT sum(length(t))::int FROM (SELECT repeat('x', 500000) || i FROM generate_series(1, 100 * $1) AS i ORDER BY 1 OFFSET 0) AS s (t)$$;
SELECT bugevents.attach('failing', 'project', columns => '{"description": "NULL", "created_at": "tracker.heap(row.n)"}');
SELECT public.mark() \gset
INSERT INTO failing (id, name, n) VALUES (10, 'x', 3);
SELECT * FROM failures();
INSERT INTO failing (id, name, n) VALUES (11, 'x', 1);
SELECT payload -> 'created_at' AS heap FROM bugevents.events(:mark);
SELECT tracker.heap(3) AS limited_no_more;

DROP SCHEMA tracker CASCADE;
RESET search_path;
