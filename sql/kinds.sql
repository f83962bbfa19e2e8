-- Kinds of one's own: any table, its fields, what is published of its rows; extra and quiet fields of any kind.
CREATE SCHEMA kinds;
SET search_path = kinds;
CREATE TABLE tasks (num int PRIMARY KEY, title text, status text, project_id int, bug_report_id bigint, owner text,
    secret text, a int, b int, updated_at timestamptz, hidden boolean DEFAULT false);

-- The primary key is the id; of the columns only those that are named are published.
SELECT bugevents.attach('tasks', 'task');
SELECT tbl, entity, columns, extra, quiet, decides FROM bugevents.attachments;
SELECT public.mark() \gset
INSERT INTO tasks VALUES (1, 'one', 'open', 7, 12, 'ada', 's', 2, 3);
UPDATE tasks SET title = 'uno';
UPDATE tasks SET num = 2;
DELETE FROM tasks;
SELECT type, action, audience, payload, changes FROM bugevents.events(:mark);

-- Columns, expressions, fields for admins, extra columns and expressions, quiet fields.
SELECT bugevents.attach('tasks', 'task', columns => '{"title": "title", "state": "upper(row.status)", "status": "status", "project_id": "project_id",
        "owner": {"column": "owner", "admin": true}, "secret": {"admin": true}}',
    extra => '{bug_report_id, total=row.a + row.b, is_large=row.a=row.b, secret, updated_at}', quiet => '{updated_at,total}', filter => 'NOT row.hidden');
SELECT columns, extra, quiet FROM bugevents.attachments;
SELECT public.mark() \gset
INSERT INTO tasks VALUES (1, 'one', 'open', 7, 12, 'ada', 's', 2, 3);
UPDATE tasks SET title = 'uno', status = 'done', updated_at = '2026-01-31 12:00Z';
UPDATE tasks SET updated_at = '2026-02-28 12:00Z';
UPDATE tasks SET a = 20, hidden = false;
UPDATE tasks SET a = 3, title = 'I';
UPDATE tasks SET owner = 'bob';
UPDATE tasks SET hidden = true;
UPDATE tasks SET hidden = false;
TRUNCATE tasks;
SELECT type, action, replace(audience, E'\n', ' | ') AS audience, payload, changes FROM bugevents.events(:mark);

-- All columns there are, but not under another name what only admins see, nor what comes later.
SELECT bugevents.attach('tasks', 'task', columns => '{"key": {"column": "secret", "admin": true}, "who": "owner", "owner": {"admin": true}}', extra => '{twice=row.a * 2,*}');
ALTER TABLE tasks ADD COLUMN later int DEFAULT 7;
SELECT columns, extra FROM bugevents.attachments;
SELECT public.mark() \gset
INSERT INTO tasks VALUES (1, 'one', 'open', 7, 12, 'ada', 's', 2, 3);
SELECT type, action, payload FROM bugevents.events(:mark);

-- Attached again as the view says, it is the same.
CREATE TEMP TABLE before AS SELECT columns, extra, quiet FROM bugevents.attachments;
SELECT bugevents.attach('tasks', 'task', columns => columns, extra => extra, quiet => quiet) FROM before;
SELECT * FROM before EXCEPT SELECT columns, extra, quiet FROM bugevents.attachments;
ALTER TABLE tasks DROP COLUMN later;

-- An audience: who loses sight of a row is told which one it was.
SELECT bugevents.attach('tasks', 'task', columns => '{"title": "title"}', audience => $$ARRAY['admin', bugevents.principal('project', row.project_id)]$$);
SELECT public.mark() \gset
UPDATE tasks SET project_id = 8;
SELECT action, replace(audience, E'\n', ' | ') AS audience, payload FROM bugevents.events(:mark);

-- The built-in ones take expressions and quiet fields as well.
CREATE TABLE places (id int PRIMARY KEY, name text, description text, created_at timestamptz, updated_at timestamptz, x int);
SELECT bugevents.attach('places', 'project', extra => '{double=row.x * 2}', quiet => '{updated_at}');
SELECT public.mark() \gset
INSERT INTO places VALUES (1, 'here', NULL, NULL, NULL, 2);
UPDATE places SET updated_at = '2026-01-31 12:00Z';
UPDATE places SET x = 3;
SELECT action, payload, changes FROM bugevents.events(:mark);

-- What is published of a table is told when it changes: a column goes, comes back, gets another name or type; what is attached anew.
CREATE TABLE shapes (id int PRIMARY KEY, label varchar(20), size int, hidden text, unpublished text);
SELECT public.mark() \gset
SELECT bugevents.attach('shapes', 'shape', columns => '{"name": "label", "hidden": {"column": "hidden", "admin": true}}', extra => '{size,double=row.size * 2}');
ALTER TABLE shapes ADD COLUMN more int;
ALTER TABLE shapes RENAME COLUMN unpublished TO still_not;
ALTER TABLE shapes ALTER COLUMN still_not TYPE varchar(7), ALTER COLUMN size SET DEFAULT 7;
ALTER TABLE shapes RENAME COLUMN label TO caption;
ALTER TABLE shapes ALTER COLUMN size TYPE bigint;
ALTER TABLE shapes ALTER COLUMN hidden TYPE varchar(9);
ALTER TABLE shapes RENAME TO forms;
BEGIN;
ALTER TABLE forms DROP COLUMN hidden;
ROLLBACK;
ALTER TABLE forms DROP COLUMN caption;
ALTER TABLE forms ADD COLUMN caption text;
SELECT bugevents.attach('forms', 'shape', columns => '{"name": "caption", "hidden": {"column": "hidden", "admin": true}}', extra => '{more}', audience => 'user:7');
SELECT bugevents.attach('forms', 'form');
SELECT bugevents.detach('forms');
SELECT type, action, replace(audience, E'\n', ' | ') AS audience, payload FROM bugevents.events(:mark);

-- What is refused.
SELECT bugevents.attach('tasks', 'Task');
SELECT bugevents.attach('tasks', '');
SELECT bugevents.attach('tasks', repeat('a', 64));
SELECT bugevents.attach('tasks', 'schema');
SELECT bugevents.attach('tasks', 'notification');
SELECT bugevents.attach('tasks', 'project_stats');
CREATE TABLE pairs (a int, b int, PRIMARY KEY (a, b));
SELECT bugevents.attach('pairs', 'pair');
SELECT bugevents.attach('pairs', 'pair', columns => '{"id": "row.a || ''-'' || row.b", "a": "a"}', extra => '{b}');
SELECT public.mark() \gset
INSERT INTO pairs VALUES (1, 2);
UPDATE pairs SET b = 3;
SELECT type, action, payload, changes FROM bugevents.events(:mark);
SELECT bugevents.attach('tasks', 'task', columns => '{"id": {"admin": true}}');
SELECT bugevents.attach('tasks', 'task', columns => '{"status": {"column": "status", "admin": true}}');
SELECT bugevents.attach('tasks', 'task', columns => '{"nothing": {"admin": true}}');
SELECT bugevents.attach('tasks', 'task', columns => '{"title": "titel"}');
SELECT bugevents.attach('tasks', 'task', columns => '{"truncated": "title"}');
SELECT bugevents.attach('tasks', 'task', columns => '{"": "title"}');
SELECT bugevents.attach('tasks', 'task', columns => '{"title": "title"}', extra => '{title}');
SELECT bugevents.attach('tasks', 'task', extra => '{title,title}');
SELECT bugevents.attach('tasks', 'task', extra => '{title,title=1}');
SELECT bugevents.attach('tasks', 'task', extra => '{=1}');
SELECT bugevents.attach('tasks', 'task', extra => '{"a b=1"}');
SELECT bugevents.attach('tasks', 'task', extra => '{x=}');
SELECT bugevents.attach('tasks', 'task', extra => '{x=random()}');
SELECT bugevents.attach('tasks', 'task', extra => '{truncated=1}');
SELECT bugevents.attach('tasks', 'task', extra => '{id=1}');
SELECT bugevents.attach('tasks', 'task', extra => '{status}', columns => '{"status": {"admin": true}}');
SELECT bugevents.attach('tasks', 'task', extra => '{x=1}', columns => '{"x": "title"}');
SELECT bugevents.attach('tasks', 'task', quiet => '{title}');
SELECT bugevents.attach('tasks', 'task', quiet => '{id}');
SELECT bugevents.attach('tasks', 'task', quiet => '{NULL}');
CREATE TABLE people (id int PRIMARY KEY, username text, email text, role text, status text, created_at timestamptz, updated_at timestamptz);
SELECT bugevents.attach('people', 'user', quiet => '{role}');
SELECT bugevents.attach('people', 'user', quiet => '{status}');

-- What a table is attached as, nobody can send; its owner may attach it without owning the database, and decides nothing.
SELECT bugevents.send('task', 'created', '{"id": 1}');
GRANT ALL ON SCHEMA kinds TO regress_bugevents_owner;
GRANT EXECUTE ON FUNCTION bugevents.attach(regclass, text, jsonb, text, text, text[], boolean, text[]) TO regress_bugevents_owner;
SET ROLE regress_bugevents_owner;
CREATE TABLE mine (id int PRIMARY KEY, x int);
SELECT bugevents.attach('mine', 'mine', extra => '{*}');
SELECT bugevents.attach('mine', 'task');
SELECT bugevents.attach('mine', 'project', columns => '{"name": "x", "description": "x", "created_at": "null", "updated_at": "null"}');
RESET ROLE;
SELECT tbl, entity, decides FROM bugevents.attachments WHERE entity = 'mine';
SELECT bugevents.detach('tasks');
SELECT bugevents.send('task', 'created', '{"id": 1}');
REVOKE EXECUTE ON FUNCTION bugevents.attach(regclass, text, jsonb, text, text, text[], boolean, text[]) FROM regress_bugevents_owner;
DROP SCHEMA kinds CASCADE;
