-- follow(): what attached tables look up elsewhere.
\set VERBOSITY terse
CREATE SCHEMA follow;
SET search_path = follow;
CREATE TABLE states (id int PRIMARY KEY, name text, secret boolean DEFAULT false);
CREATE TABLE bugs (id int PRIMARY KEY, title text, state int, created_at int, updated_at int);
INSERT INTO states VALUES (1, 'new'), (2, 'open'), (3, 'closed');
INSERT INTO bugs VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 2), (4, 'd', 3);
SELECT bugevents.attach('bugs', 'bug_report',
    columns => '{"description": "null", "status": "(SELECT s.name FROM states AS s WHERE s.id = row.state)", "priority": "1", "assignee_id": "null", "project_id": "null"}',
    audience => '(SELECT CASE WHEN s.secret THEN ''admin'' ELSE ''all'' END FROM states AS s WHERE s.id = row.state)');
CREATE FUNCTION seen(mark bigint) RETURNS TABLE (event text, status text, changes jsonb, audience text) LANGUAGE sql AS $$
    SELECT type || ' ' || action || coalesce(' ' || (payload ->> 'id'), ''), payload ->> 'status', changes, replace(audience, E'\n', ' ')
      FROM bugevents.events(mark, 100000) ORDER BY seq
$$;

-- refused
SELECT bugevents.follow('states', 'states', 'select 1');
SELECT bugevents.follow('pg_class', 'bugs', 'select 1');
SELECT bugevents.follow('states', 'bugs', 'delete from bugs');
SELECT bugevents.follow('states', 'bugs', 'select 1; select 2');
SELECT bugevents.follow('states', 'bugs', 'select 1, 2');
SELECT bugevents.follow('states', 'bugs', 'select row.nothing');
SELECT bugevents.follow('states', 'bugs', 'select random()');
SELECT bugevents.follow('states', 'bugs', 'select 1) AS k (key), LATERAL (select 2');
SET ROLE regress_bugevents_user;
SELECT bugevents.follow('follow.states', 'follow.bugs', 'select 1');
RESET ROLE;
SELECT * FROM bugevents.follows;

-- a renamed state, one that is deleted, one that makes bugs secret
SELECT bugevents.follow('states', 'bugs', 'select b.id from bugs b where b.state = row.id');
SELECT lookup, tbl, keys FROM bugevents.follows;
SELECT public.mark() \gset
UPDATE states SET name = 'OPEN' WHERE id = 2;
UPDATE states SET name = 'OPEN' WHERE id = 2;
UPDATE states SET secret = true WHERE id = 3;
DELETE FROM states WHERE id = 1;
INSERT INTO states VALUES (1, 'new again');
SELECT * FROM seen(:mark);

-- together with rows of the table itself: each once
SELECT public.mark() \gset
BEGIN;
UPDATE bugs SET title = 'B' WHERE id = 2;
UPDATE states SET name = 'o' WHERE id = 2;
UPDATE bugs SET title = 'BB' WHERE id = 2;
UPDATE bugs SET state = 1 WHERE id = 4;
INSERT INTO bugs VALUES (5, 'e', 2);
SAVEPOINT a;
UPDATE states SET name = 'never';
ROLLBACK TO a;
UPDATE states SET name = 'n' WHERE id = 1;
COMMIT;
SELECT * FROM seen(:mark);

-- there and back, or by a key that moves: nothing, or both
SELECT public.mark() \gset
BEGIN;
UPDATE states SET name = 'x' WHERE id = 2;
UPDATE states SET name = 'o' WHERE id = 2;
COMMIT;
UPDATE states SET id = 20 WHERE id = 2;
UPDATE bugs SET state = 20 WHERE state = 2;
SELECT * FROM seen(:mark);

-- keys that can't be had, and too many of them
SELECT public.mark() \gset
SELECT bugevents.follow('states', 'bugs', 'select 1 / (row.id - 20)');
UPDATE states SET name = 'y' WHERE id = 20;
SELECT bugevents.follow('states', 'bugs', 'select b.id from bugs b where b.state = row.id');
INSERT INTO bugs SELECT i, 'many', 3 FROM generate_series(20000, 30000) i;
SELECT * FROM seen(:mark) WHERE event LIKE '%reload%';
SELECT public.mark() \gset
UPDATE states SET name = 'y' WHERE id = 3;
SELECT event, count(*) FROM seen(:mark) GROUP BY 1 HAVING event LIKE '%reload%' OR count(*) > 1 ORDER BY 1;

-- as many as may be, found by the old row and by the new one; and one among many whose expression fails
DELETE FROM bugs WHERE id > 29990;
SELECT count(*) FROM bugs WHERE state = 3;
SELECT public.mark() \gset
UPDATE states SET name = 'yes' WHERE id = 3;
SELECT event, count(*) FROM (SELECT split_part(event, ' ', 2) AS event FROM seen(:mark)) AS s GROUP BY 1 ORDER BY 1;
DELETE FROM bugs WHERE id >= 20003;
SELECT bugevents.attach('bugs', 'bug_report',
    columns => '{"description": "null", "status": "(SELECT CASE WHEN row.id = 20001 THEN (1 / (row.id - 20001))::text ELSE s.name END FROM states AS s WHERE s.id = row.state)", "priority": "1", "assignee_id": "null", "project_id": "null"}');
SELECT public.mark() \gset
UPDATE states SET name = 'no' WHERE id = 3;
SELECT * FROM seen(:mark) WHERE event ~ '2000[0-9]' ORDER BY event;
SELECT bugevents.attach('bugs', 'bug_report',
    columns => '{"description": "null", "status": "(SELECT s.name FROM states AS s WHERE s.id = row.state)", "priority": "1", "assignee_id": "null", "project_id": "null"}',
    audience => '(SELECT CASE WHEN s.secret THEN ''admin'' ELSE ''all'' END FROM states AS s WHERE s.id = row.state)');
DELETE FROM bugs WHERE id >= 20000;

-- a lookup that is emptied, or rewritten: what it gave before can't be told, so everyone reads again
SELECT public.mark() \gset
BEGIN;
ALTER TABLE states ALTER COLUMN id TYPE bigint;
UPDATE states SET name = 'z' WHERE id = 20;
COMMIT;
TRUNCATE states;
SELECT * FROM seen(:mark);
INSERT INTO states VALUES (1, 'one'), (3, 'three'), (20, 'twenty');

-- what is looked up is replaced by the transaction, followed or not: what it gave before can't be told
CREATE TABLE labels (bug int, label text);
INSERT INTO labels VALUES (1, 'db'), (10, 'db');
CREATE TABLE nowhere AS SELECT 1 AS id;
CREATE MATERIALIZED VIEW marked AS SELECT bug, label FROM labels;
CREATE VIEW labelled AS SELECT bug, label FROM labels;
CREATE FUNCTION label(int) RETURNS text LANGUAGE sql STABLE AS 'SELECT l.label FROM follow.labels AS l WHERE l.bug = $1';
CREATE PROCEDURE labels_by(expression text) LANGUAGE sql AS $$SELECT bugevents.attach('bugs', 'bug_report',
    columns => jsonb_build_object('description', expression, 'status', 'null', 'priority', '1', 'assignee_id', 'null', 'project_id', 'null'))$$;
CALL labels_by('(SELECT l.label FROM labels AS l WHERE l.bug = row.id)');
SELECT public.mark() \gset
BEGIN;
TRUNCATE labels;
UPDATE bugs SET state = 3 WHERE id = 1;
COMMIT;
SELECT * FROM seen(:mark);
INSERT INTO labels VALUES (1, 'ui'), (10, 'ui');
SELECT public.mark() \gset
BEGIN;
SAVEPOINT a;
TRUNCATE labels;
ROLLBACK TO a;
UPDATE bugs SET title = 'kept' WHERE id = 1;
COMMIT;
SELECT * FROM seen(:mark);
SELECT public.mark() \gset
BEGIN;
CREATE TEMP TABLE draft (id int);
TRUNCATE draft;
DROP TABLE draft;
TRUNCATE nowhere;
UPDATE bugs SET title = 'drafted' WHERE id = 1;
COMMIT;
SELECT * FROM seen(:mark);
SELECT public.mark() \gset
CREATE TABLE labels_new AS SELECT bug, 'new' AS label FROM labels;
BEGIN;
ALTER TABLE labels RENAME TO labels_old;
ALTER TABLE labels_new RENAME TO labels;
UPDATE bugs SET state = 3 WHERE id = 1;
COMMIT;
SELECT * FROM seen(:mark);
CALL labels_by('(SELECT m.label FROM marked AS m WHERE m.bug = row.id)');
SELECT public.mark() \gset
BEGIN;
UPDATE bugs SET state = 1 WHERE id = 1;
REFRESH MATERIALIZED VIEW marked;
COMMIT;
SELECT * FROM seen(:mark);
CALL labels_by('(SELECT l.label FROM labelled AS l WHERE l.bug = row.id)');
SELECT public.mark() \gset
BEGIN;
CREATE OR REPLACE VIEW labelled AS SELECT bug, upper(label) AS label FROM labels_old;
UPDATE bugs SET state = 3 WHERE id = 1;
COMMIT;
SELECT * FROM seen(:mark);
CALL labels_by('label(row.id)');
SELECT public.mark() \gset
BEGIN;
CREATE OR REPLACE FUNCTION label(int) RETURNS text LANGUAGE sql STABLE AS 'SELECT upper(l.label) FROM follow.labels_old AS l WHERE l.bug = $1';
UPDATE bugs SET state = 1 WHERE id = 1;
COMMIT;
SELECT * FROM seen(:mark);
SELECT bugevents.attach('bugs', 'bug_report',
    columns => '{"description": "null", "status": "(SELECT s.name FROM states AS s WHERE s.id = row.state)", "priority": "1", "assignee_id": "null", "project_id": "null"}',
    audience => '(SELECT CASE WHEN s.secret THEN ''admin'' ELSE ''all'' END FROM states AS s WHERE s.id = row.state)');

-- what nobody reads of a lookup's row makes nobody judge anything, where that can be told
ALTER TABLE states ADD COLUMN touched int, ADD COLUMN owner int;
CREATE FUNCTION evaluated() RETURNS bigint LANGUAGE sql AS $$SELECT evaluated FROM bugevents.attachments WHERE tbl = 'follow.bugs'::regclass$$;
SELECT bugevents.follow('states', 'bugs', 'select b.id from bugs b where b.state = row.id');
UPDATE bugs SET title = 'planned' WHERE id = 1;
SELECT evaluated() AS before, public.mark() AS mark \gset
UPDATE states SET touched = 1;
UPDATE states SET touched = touched + 1, name = name, secret = secret WHERE id = 1;
SELECT evaluated() - :before AS evaluated FROM (SELECT count(*) FROM seen(:mark)) AS s (n) WHERE n = 0;
UPDATE states SET touched = 3, name = 'read' WHERE id = 1;
SELECT evaluated() > :before AS evaluated, array_agg(event) AS told FROM seen(:mark);
-- the keys read another one
SELECT bugevents.follow('states', 'bugs', 'select b.id from bugs b where b.state = row.id or b.id = row.owner');
SELECT evaluated() AS before, public.mark() AS mark \gset
UPDATE states SET touched = 4;
SELECT evaluated() - :before AS evaluated;
UPDATE states SET owner = 3 WHERE id = 3;
SELECT evaluated() > :before AS evaluated;
SELECT evaluated() AS before \gset
-- the row as a whole, and a function that may read any column
SELECT bugevents.follow('states', 'bugs', 'select b.id from bugs b where b.state = (to_jsonb(row) ->> ''id'')::int');
UPDATE states SET touched = 5;
SELECT evaluated() > :before AS evaluated;
SELECT bugevents.follow('states', 'bugs', 'select b.id from bugs b where b.state = row.id');
CREATE FUNCTION state_of(int) RETURNS text LANGUAGE plpgsql STABLE AS 'BEGIN RETURN (SELECT s.name || s.touched FROM follow.states AS s WHERE s.id = $1); END';
CALL labels_by('state_of(row.state)');
UPDATE bugs SET title = 'planned again' WHERE id = 1;
SELECT public.mark() \gset
UPDATE states SET touched = 6 WHERE id = 1;
SELECT count(*) > 0 AS told FROM seen(:mark);
SELECT bugevents.attach('bugs', 'bug_report',
    columns => '{"description": "null", "status": "(SELECT s.name FROM states AS s WHERE s.id = row.state)", "priority": "1", "assignee_id": "null", "project_id": "null"}',
    audience => '(SELECT CASE WHEN s.secret THEN ''admin'' ELSE ''all'' END FROM states AS s WHERE s.id = row.state)');

-- not any more
SELECT bugevents.unfollow('states', 'bugs');
SELECT public.mark() \gset
UPDATE states SET name = 'unheard';
SELECT * FROM seen(:mark);
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'states'::regclass;

-- roles and memberships that stand in other tables
CREATE TABLE people (id int PRIMARY KEY, username text, email text, created_at int, updated_at int);
CREATE TABLE roles (user_id int, role text) PARTITION BY LIST (role);
CREATE TABLE roles_admin PARTITION OF roles FOR VALUES IN ('admin');
CREATE TABLE roles_rest PARTITION OF roles DEFAULT;
INSERT INTO people VALUES (1, 'ada'), (2, 'bob');
INSERT INTO roles VALUES (1, 'admin');
SELECT bugevents.attach('people', 'user', columns => '{"role": "coalesce((SELECT r.role FROM roles AS r WHERE r.user_id = row.id), ''user'')",
    "status": "''active''"}');
SELECT bugevents.follow('roles', 'people', 'select row.user_id');
SELECT public.mark() \gset
UPDATE roles SET role = 'reader' WHERE user_id = 1;
BEGIN;
DELETE FROM roles WHERE user_id = 1;
INSERT INTO roles VALUES (2, 'admin');
UPDATE people SET email = 'b' WHERE id = 2;
COMMIT;
SELECT action, payload ->> 'id' AS id, payload ->> 'role' AS role, changes FROM bugevents.events(:mark);

-- what was followed still is when the table is attached anew; what is dropped is forgotten
SELECT bugevents.detach('people');
SELECT lookup, tbl FROM bugevents.follows;
SELECT bugevents.attach('people', 'user', columns => '{"role": "coalesce((SELECT r.role FROM roles AS r WHERE r.user_id = row.id), ''user'')",
    "status": "''active''", "username": "email"}');
SELECT public.mark() \gset
UPDATE roles SET role = 'reader' WHERE user_id = 2;
SELECT action, payload ->> 'id' AS id, payload ->> 'role' AS role, changes FROM bugevents.events(:mark);
CREATE TABLE ranks (user_id int);
SELECT bugevents.follow('ranks', 'people', 'select row.user_id');
DROP TABLE roles;
SELECT count(*) FROM bugevents.follows;
SELECT bugevents.follow('ranks', 'people', 'select row.user_id');
SELECT lookup, tbl FROM bugevents.follows;
SELECT bugevents.detach('people');
DROP SCHEMA follow CASCADE;
RESET search_path;
DELETE FROM bugevents.follows;
