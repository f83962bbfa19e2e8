-- Partitioned tables: rows are seen as rows of the attached table.
\set VERBOSITY terse
CREATE TABLE bugs (id int, title text, description text, status text, priority text, assignee_id int, project_id int,
    created_at timestamptz, updated_at timestamptz) PARTITION BY LIST (project_id);
CREATE TABLE bugs_1 PARTITION OF bugs FOR VALUES IN (1);

-- a partition whose columns are in another order, with holes
CREATE TABLE bugs_2 (junk int, updated_at timestamptz, created_at timestamptz, project_id int, junk2 text, assignee_id int, priority text, status text,
    description text, title text, id int);
ALTER TABLE bugs_2 DROP COLUMN junk, DROP COLUMN junk2;
ALTER TABLE bugs ATTACH PARTITION bugs_2 FOR VALUES IN (2);
SELECT bugevents.attach('bugs', 'bug_report', columns => '{"status": "upper(row.status)"}');
SELECT tbl, entity FROM bugevents.attachments;
SELECT public.mark() \gset
INSERT INTO bugs (id, title, status, project_id) VALUES (1, 'a', 'open', 1), (2, 'b', 'open', 2);
INSERT INTO bugs_2 (id, title, project_id) VALUES (3, 'c', 2);
UPDATE bugs SET title = title || '!';
SELECT action, payload, changes FROM bugevents.events(:mark);

-- partitions made and attached later, and levels below
SELECT public.mark() \gset
CREATE TABLE bugs_3 PARTITION OF bugs FOR VALUES IN (3);
CREATE TABLE bugs_x (LIKE bugs) PARTITION BY RANGE (id);
CREATE TABLE bugs_x1 (id int, updated_at timestamptz, title text, description text, status text, priority text, assignee_id int, project_id int, created_at timestamptz);
ALTER TABLE bugs_x ATTACH PARTITION bugs_x1 FOR VALUES FROM (0) TO (100);
ALTER TABLE bugs ATTACH PARTITION bugs_x DEFAULT;
INSERT INTO bugs (id, title, status, project_id) VALUES (4, 'd', 'open', 3), (5, 'e', 'open', 77);
SELECT action, payload ->> 'title' AS title, payload ->> 'status' AS status, payload ->> 'project_id' AS project_id FROM bugevents.events(:mark);

-- a row that moves to another partition is updated; with another key it is another one
SELECT public.mark() \gset
UPDATE bugs SET project_id = 2 WHERE id = 1;
BEGIN;
UPDATE bugs SET project_id = 1 WHERE id = 1;
UPDATE bugs SET title = 'there', project_id = 77 WHERE id = 1;
UPDATE bugs SET title = 'and back', project_id = 2 WHERE id = 1;
COMMIT;
UPDATE bugs SET project_id = 1, id = 11 WHERE id = 1;
UPDATE bugs SET project_id = 2, id = 1, title = 'a!' WHERE id = 11;
SELECT action, payload ->> 'id' AS id, payload ->> 'project_id' AS project_id, changes FROM bugevents.events(:mark);

-- one that is inserted and then moves has the place of the insert
SELECT public.mark() \gset
BEGIN;
INSERT INTO bugs (id, title, project_id) VALUES (12, 'moves', 1);
UPDATE bugs SET title = 'changed' WHERE id = 2;
UPDATE bugs SET project_id = 77 WHERE id = 12;
COMMIT;
SELECT action, payload ->> 'id' AS id, payload ->> 'project_id' AS project_id FROM bugevents.events(:mark);
DELETE FROM bugs WHERE id = 12;
UPDATE bugs SET title = 'b!' WHERE id = 2;

-- the columns of the root change, those of the leaves follow
SELECT public.mark() \gset
ALTER TABLE bugs RENAME COLUMN title TO headline;
UPDATE bugs SET headline = 'renamed' WHERE id IN (2, 5);
SELECT action, payload ->> 'title' AS title, changes FROM bugevents.events(:mark);

-- truncate, detach, attach, drop: of one partition, each row is told
SELECT public.mark() \gset
TRUNCATE bugs_1, bugs_2;
INSERT INTO bugs (id, headline, status, project_id) VALUES (1, 'again', 'open', 2), (6, 'f', 'open', 3), (7, 'g', 'open', 3);
BEGIN;
UPDATE bugs SET headline = 'F' WHERE id = 6;
INSERT INTO bugs (id, headline, project_id) VALUES (8, 'unseen', 3);
ALTER TABLE bugs DETACH PARTITION bugs_3;
INSERT INTO bugs_3 (id, project_id) VALUES (9, 3);
COMMIT;
SELECT action, payload ->> 'id' AS id, payload ->> 'title' AS title, changes FROM bugevents.events(:mark);
SELECT public.mark() \gset
ALTER TABLE bugs ATTACH PARTITION bugs_3 FOR VALUES IN (3);
CREATE ROLE regress_bugevents_nobody;
SET ROLE regress_bugevents_nobody;
TRUNCATE bugs_3;
DROP TABLE bugs_3;
RESET ROLE;
DROP ROLE regress_bugevents_nobody;
BEGIN;
DROP TABLE bugs_3;
ROLLBACK;
BEGIN;
SAVEPOINT a;
TRUNCATE bugs_3;
ROLLBACK TO a;
UPDATE bugs SET headline = 'still there' WHERE id = 6;
COMMIT;
DROP TABLE bugs_3;
SELECT action, payload ->> 'id' AS id, payload ->> 'title' AS title, changes FROM bugevents.events(:mark);

-- many rows, and what goes with a schema: read it again; the whole of it
SELECT public.mark() \gset
CREATE TABLE bugs_3 PARTITION OF bugs FOR VALUES IN (3);
INSERT INTO bugs (id, project_id) SELECT i, 3 FROM generate_series(20000, 30000) i;
TRUNCATE bugs_3;
CREATE SCHEMA parts;
CREATE TABLE parts.bugs_5 PARTITION OF bugs FOR VALUES IN (5);
INSERT INTO bugs (id, project_id) VALUES (1, 5);
DROP SCHEMA parts CASCADE;
TRUNCATE bugs;
ALTER TABLE bugs DETACH PARTITION bugs_3;
SELECT action, payload - 'id' FROM bugevents.events(:mark, 100000) WHERE action <> 'created';

-- always reaches the partitions
SELECT bugevents.attach('bugs', 'bug_report', columns => '{"title": "headline"}', always => true);
SELECT tgrelid::regclass, tgenabled FROM pg_trigger WHERE tgname = '00_bugevents' ORDER BY tgrelid::regclass::text COLLATE "C";
CREATE TABLE bugs_4 PARTITION OF bugs FOR VALUES IN (4);
SELECT public.mark() \gset
SET session_replication_role = replica;
INSERT INTO bugs (id, project_id) VALUES (1, 1), (4, 4);
RESET session_replication_role;
SELECT action, payload -> 'id' AS id FROM bugevents.events(:mark);

-- a partition isn't attached by itself, below or above an attached table
SELECT bugevents.attach('bugs_1', 'bug_report', columns => '{"title": "headline"}');
SELECT bugevents.attach('bugs_x', 'bug_report', columns => '{"title": "headline"}');
SELECT bugevents.detach('bugs_1');
SELECT bugevents.detach('bugs');
SELECT count(*) FROM pg_trigger WHERE tgname LIKE '00_bugevents%';
SELECT bugevents.attach('bugs_x1', 'bug_report', columns => '{"title": "headline"}');
SELECT bugevents.attach('bugs', 'bug_report', columns => '{"title": "headline"}');
SELECT public.mark() \gset
INSERT INTO bugs (id, project_id) VALUES (1, 1), (2, 99);
SELECT action, payload -> 'id' AS id FROM bugevents.events(:mark);
DROP TABLE bugs, bugs_3;

-- inheritance: no trigger tells of the children's rows, so it is refused; each by itself is fine
CREATE TABLE parent (id int, name text, description text, created_at timestamptz, updated_at timestamptz);
CREATE TABLE child (more int) INHERITS (parent);
SELECT bugevents.attach('parent', 'project');
SELECT bugevents.attach('child', 'project');
SELECT public.mark() \gset
INSERT INTO parent (id) VALUES (1);
INSERT INTO child (id) VALUES (2);
UPDATE parent SET name = 'x';
SELECT action, payload -> 'id' AS id FROM bugevents.events(:mark);
DROP TABLE parent CASCADE;

-- a table that is dropped
CREATE TABLE gone (id int, name text, description text, created_at timestamptz, updated_at timestamptz);
SELECT bugevents.attach('gone', 'project');
SELECT public.mark() \gset
INSERT INTO gone (id) VALUES (1);
BEGIN;
INSERT INTO gone (id) VALUES (2);
DROP TABLE gone;
COMMIT;
SELECT action, payload FROM bugevents.events(:mark);
