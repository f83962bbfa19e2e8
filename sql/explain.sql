-- Why was there no event?
\set VERBOSITY terse
CREATE SCHEMA explain;
SET search_path = explain;
CREATE TABLE bugs (id int PRIMARY KEY, title text, description text, status text, priority text, assignee_id int,
    project_id int, created_at timestamptz, updated_at timestamptz);
CREATE FUNCTION why(t regclass, k text) RETURNS TABLE (finding text, verdict text, detail text) LANGUAGE sql
    AS $$ SELECT finding, verdict, regexp_replace(regexp_replace(detail, 'seq \d+', 'seq N', 'g'), ' at .*: ', ' at T: ') FROM bugevents.explain_change(t, k) $$;
-- only what isn't fine, and not what is always said
CREATE FUNCTION reasons(t regclass, k text) RETURNS TABLE (finding text, verdict text, detail text) LANGUAGE sql
    AS $$ SELECT * FROM explain.why(t, k) WHERE verdict <> 'fine' AND finding NOT IN ('event', 'events', 'update', 'truncate', 'transaction') $$;

-- not attached
INSERT INTO bugs (id, title, status) VALUES (9001, 'one', 'open'), (9002, 'two', 'draft');
SELECT * FROM why('bugs', '9001');

-- attached: nothing stands in the way, and what there was of the row
SELECT bugevents.attach('bugs', 'bug_report', filter => 'row.status <> ''draft''');
SELECT * FROM why('bugs', '9001');
UPDATE bugs SET title = title;
SELECT detail FROM why('bugs', '9001') WHERE finding LIKE 'event%';
UPDATE bugs SET title = 'uno', status = 'closed' WHERE id = 9001;
UPDATE bugs SET priority = 'low' WHERE id = 9001;
SELECT * FROM why('bugs', '9001') WHERE finding LIKE 'event%';
-- the last five of six
UPDATE bugs SET priority = 'high' WHERE id = 9001;
UPDATE bugs SET priority = 'low' WHERE id = 9001;
UPDATE bugs SET priority = 'none' WHERE id = 9001;
SELECT * FROM why('bugs', '9001') WHERE finding LIKE 'event%';
SELECT detail = format('seq %s at %s: updated', seq, committed_at) AS same
  FROM bugevents.explain_change('bugs', '9001'), bugevents.events((SELECT max(last_seq) - 1 FROM bugevents.journal)) AS e
 WHERE finding = 'event' AND e.type = 'bug_report' AND payload ->> 'priority' = 'none'
 ORDER BY detail DESC LIMIT 1;

-- the filter, as the row is now
SELECT * FROM reasons('bugs', '9002');
UPDATE bugs SET status = NULL WHERE id = 9002;
SELECT * FROM reasons('bugs', '9002');

-- who writes, and whether the trigger fires there
SET session_replication_role = replica;
SELECT * FROM reasons('bugs', '9001');
RESET session_replication_role;
ALTER TABLE bugs DISABLE TRIGGER "00_bugevents";
SELECT * FROM reasons('bugs', '9001');
ALTER TABLE bugs ENABLE REPLICA TRIGGER "00_bugevents";
SELECT * FROM reasons('bugs', '9001');
SET session_replication_role = replica;
SELECT * FROM reasons('bugs', '9001');
RESET session_replication_role;
SELECT bugevents.attach('bugs', 'bug_report', always => true);
SET session_replication_role = replica;
SELECT * FROM why('bugs', '9001') WHERE finding IN ('trigger', 'session');
RESET session_replication_role;

-- a row that is gone, or never was
DELETE FROM bugs WHERE id = 9001;
SELECT * FROM why('bugs', '9001') WHERE finding IN ('row', 'filter', 'event', 'events');
SELECT * FROM why('bugs', '0009007') WHERE finding IN ('row', 'events');
BEGIN;
INSERT INTO bugs (id, title) VALUES (9008, 'not yet');
SELECT detail FROM why('bugs', '9008') WHERE finding IN ('row', 'events');
ROLLBACK;
SELECT detail FROM why('bugs', '9008') WHERE finding IN ('row', 'events');

-- keys
SELECT finding, detail FROM why('bugs', '{"id": 9002}') WHERE finding = 'row';
SELECT detail FROM bugevents.explain_change('bugs', '9002'::jsonb) WHERE finding = 'row';
SELECT detail FROM bugevents.explain_change('bugs', '"9002"'::jsonb) WHERE finding = 'row';
SELECT * FROM bugevents.explain_change('bugs', 'x');
SELECT * FROM bugevents.explain_change('bugs', '');
SELECT * FROM bugevents.explain_change('bugs', '{"id": 9002, "title": "two"}');
SELECT * FROM bugevents.explain_change('bugs', '{"di": 9002}');
SELECT * FROM bugevents.explain_change('bugs', '{"id": null}');
SELECT * FROM bugevents.explain_change('bugs', '{"id": [9002]}');
SELECT * FROM bugevents.explain_change('bugs', '[9002]'::jsonb);
SELECT * FROM bugevents.explain_change('bugs', '{"id"');
SELECT count(*) FROM bugevents.explain_change(NULL, '1');
SELECT count(*) FROM bugevents.explain_change('bugs', NULL::text);

-- of several columns; the key of events made of them, even when the row is gone
CREATE TABLE members (project_id int, user_id text, PRIMARY KEY (user_id, project_id));
SELECT bugevents.attach('members', 'membership');
INSERT INTO members VALUES (9, 'explained');
SELECT detail FROM why('members', '{"user_id": "explained", "project_id": 9}') WHERE finding IN ('row', 'event', 'events');
DELETE FROM members;
SELECT detail FROM why('members', '{"project_id": "9", "user_id": "explained"}') WHERE finding IN ('row', 'event', 'events');
SELECT * FROM bugevents.explain_change('members', 'explained');

-- an id that comes from an expression; no primary key; neither
CREATE TABLE loose (n int, tag text, name text, description text, created_at timestamptz, updated_at timestamptz);
INSERT INTO loose VALUES (9001, 'b', 'x');
SELECT * FROM why('loose', '9001') WHERE finding = 'row';
SELECT bugevents.attach('loose', 'project', columns => '{"id": "n"}');
UPDATE loose SET name = 'y';
SELECT detail FROM why('loose', '9001') WHERE finding IN ('row', 'event', 'events');
SELECT bugevents.attach('loose', 'project', columns => '{"id": "row.n || ''-'' || row.tag"}');
SELECT * FROM why('loose', '9001') WHERE finding IN ('row', 'events');
ALTER TABLE loose ADD PRIMARY KEY (n);
UPDATE loose SET name = 'z';
SELECT detail FROM why('loose', '9001') WHERE finding IN ('row', 'event', 'events');
SELECT * FROM why('loose', '9002') WHERE finding IN ('row', 'events');

-- an expression that fails, and one that would write
SELECT bugevents.attach('loose', 'project', columns => '{"id": "n"}', filter => '1 / row.n > 0');
UPDATE loose SET n = 0;
SELECT * FROM reasons('loose', '0');
CREATE TABLE marks (n int);
CREATE FUNCTION write_mark() RETURNS boolean LANGUAGE sql AS 'INSERT INTO explain.marks VALUES (1) RETURNING true';
CREATE FUNCTION leave_mark() RETURNS boolean LANGUAGE sql STABLE AS 'SELECT explain.write_mark()';
SELECT bugevents.attach('loose', 'project', columns => '{"id": "n"}', filter => 'explain.leave_mark()');
SELECT * FROM reasons('loose', '0');
SELECT count(*) FROM marks;
INSERT INTO marks VALUES (2);

-- partitions
CREATE TABLE parted (id int, name text, description text, created_at timestamptz, updated_at timestamptz, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE parted_1 (description text, name text, id int NOT NULL, created_at timestamptz, updated_at timestamptz);
ALTER TABLE parted ATTACH PARTITION parted_1 FOR VALUES FROM (9010) TO (9020);
SELECT bugevents.attach('parted', 'project', filter => 'row.name <> ''x''');
INSERT INTO parted (id, name) VALUES (9011, 'one'), (9012, 'x');
SELECT * FROM why('parted', '9011') WHERE finding IN ('table', 'row', 'filter', 'event');
SELECT * FROM why('parted_1', '9012') WHERE finding IN ('table', 'row', 'filter', 'event');

-- what isn't a table
CREATE VIEW v AS SELECT 1 AS id;
SELECT * FROM bugevents.explain_change('v', '1');
SELECT * FROM bugevents.explain_change(0, '1');

-- rights: those of events(), and of the table
SET ROLE regress_bugevents_user;
SELECT * FROM bugevents.explain_change('pg_class', '1');
RESET ROLE;
GRANT EXECUTE ON FUNCTION bugevents.explain_change(regclass, text) TO regress_bugevents_user;
GRANT USAGE ON SCHEMA explain TO regress_bugevents_user;
SET ROLE regress_bugevents_user;
SELECT * FROM bugevents.explain_change('bugs', '9002');
RESET ROLE;
GRANT SELECT ON bugs TO regress_bugevents_user;
SET ROLE regress_bugevents_user;
SELECT detail FROM bugevents.explain_change('bugs', '9002') WHERE finding = 'row';
RESET ROLE;
ALTER TABLE bugs ENABLE ROW LEVEL SECURITY;
SET ROLE regress_bugevents_user;
SELECT * FROM bugevents.explain_change('bugs', '9002');
RESET ROLE;
SELECT detail FROM bugevents.explain_change('bugs', '9002') WHERE finding = 'row';
REVOKE EXECUTE ON FUNCTION bugevents.explain_change(regclass, text) FROM regress_bugevents_user;

-- what inherits from it since, and what it follows
CREATE TABLE base (id int PRIMARY KEY, name text, description text, created_at int, updated_at int);
CREATE TABLE words (id int, word text);
SELECT bugevents.attach('base', 'project', columns => '{"name": "(SELECT w.word FROM explain.words AS w WHERE w.id = row.id)"}');
SELECT bugevents.follow('words', 'base', 'SELECT row.id');
CREATE TABLE derived () INHERITS (base);
SELECT finding, detail FROM bugevents.explain_change('base', '1') WHERE finding IN ('inheritance', 'follows');
SELECT bugevents.unfollow('words', 'base');

-- the owner's code runs as the owner, whoever asks
CREATE FUNCTION who() RETURNS text LANGUAGE plpgsql STABLE AS $$ BEGIN RAISE NOTICE 'as %', current_user; RETURN current_user; END $$;
CREATE DOMAIN told AS int CHECK (explain.who() IS NOT NULL);
CREATE TABLE owned (id told[] PRIMARY KEY, name text, description text, created_at timestamptz, updated_at timestamptz);
SET client_min_messages = warning;
INSERT INTO owned VALUES ('{9013}', 'x');
RESET client_min_messages;
GRANT ALL ON SCHEMA explain TO regress_bugevents_owner;
ALTER TABLE owned OWNER TO regress_bugevents_owner;
SELECT bugevents.attach('owned', 'project', columns => '{"name": "explain.who()"}');
SELECT finding, detail FROM why('owned', '{9013}') WHERE finding IN ('row', 'events');
SELECT finding, detail FROM bugevents.explain_change('owned', '"{9013}"'::jsonb) WHERE finding = 'row';

-- who may see an event
SELECT v.verdict, count(*) FROM bugevents.explain_visibility('7', ARRAY(SELECT seq FROM bugevents.events(0, 100000) WHERE type = 'bug_report' AND payload ->> 'id' ~ '^90\d\d$')) AS v GROUP BY 1 ORDER BY 1;
SELECT * FROM bugevents.explain_visibility('7', ARRAY[0, NULL, 9000000000000000000]);

-- what is worth telling
SELECT name, raised, since, advice <> '' AS advice FROM bugevents.alerts WHERE name IN ('copied_cluster', 'queue_overflows') ORDER BY name;

SET client_min_messages = warning;
DROP SCHEMA explain CASCADE;
RESET search_path;
