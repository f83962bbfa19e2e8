-- attach() and detach(): what is mapped, and what is refused.
CREATE TABLE full_bugs (
    id bigint PRIMARY KEY, title text, description text, status text, priority text,
    creator_id bigint, assignee_id bigint, project_id bigint,
    created_at timestamptz, updated_at timestamptz, severity int, "odd ""name" text);
SELECT bugevents.attach('full_bugs', 'bug_report', extra => ARRAY['severity', 'odd "name']);
SELECT tbl, entity, columns, filter, audience, extra, always, decides FROM bugevents.attachments;
SELECT tgname, tgenabled, tgtype FROM pg_trigger WHERE tgrelid = 'full_bugs'::regclass ORDER BY 1;

-- again: replaces
SELECT bugevents.attach('full_bugs', 'bug_report', filter => 'severity > 3', audience => 'admin, user:7', always => true);
SELECT tbl, entity, filter, audience, extra, always FROM bugevents.attachments;
SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = 'full_bugs'::regclass ORDER BY 1;

-- a renamed column is followed, in the view as well
ALTER TABLE full_bugs RENAME COLUMN title TO headline;
SELECT columns ->> 'title' FROM bugevents.attachments;

SELECT bugevents.detach('full_bugs');
SELECT count(*) FROM bugevents.attachments;
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'full_bugs'::regclass;
SELECT bugevents.detach('full_bugs');
ALTER TABLE full_bugs RENAME COLUMN headline TO title;

-- a required field without a column
CREATE TABLE issues (
    num int PRIMARY KEY, summary text, body text, state text, prio int, owner_id int,
    project_id int, created_at timestamp, updated_at timestamp);
SELECT bugevents.attach('issues', 'bug_report');
SELECT bugevents.attach('issues', 'bug_report', columns => '{"id": "num"}');
SELECT bugevents.attach('issues', 'bug_report', columns => '{"id": "num", "title": "summary", "description": "body"}');
SELECT bugevents.attach('issues', 'bug_report', columns => '{
    "id": "num", "title": "summary", "description": "left(body, 100)", "status": "state",
    "priority": "CASE row.prio WHEN 1 THEN ''high'' ELSE ''low'' END", "assignee_id": "owner_id"}');
SELECT columns FROM bugevents.attachments;

-- mistakes in columns
SELECT bugevents.attach('issues', 'Defect');
SELECT bugevents.attach('issues', NULL);
SELECT bugevents.attach(NULL, 'bug_report');
SELECT bugevents.attach('issues', 'bug_report', columns => '[]');
SELECT bugevents.attach('issues', 'bug_report', columns => '"x"');
SELECT bugevents.attach('issues', 'bug_report', columns => '{"severity": "prio"}');
SELECT bugevents.attach('issues', 'bug_report', columns => '{"title": 7}');
SELECT bugevents.attach('issues', 'bug_report', columns => '{"title": null}');
SELECT bugevents.attach('issues', 'bug_report', columns => '{"title": {"a": "b"}}');
SELECT bugevents.attach('issues', 'bug_report', columns => '{"id": "nmu"}');
SELECT bugevents.attach('issues', 'bug_report', columns => '{"id": "row.nmu"}');
SELECT bugevents.attach('issues', 'bug_report', columns => '{"id": ""}');
SELECT bugevents.attach('issues', 'bug_report', columns => '{"id": "num +"}');
SELECT bugevents.attach('issues', 'bug_report', columns => '{"id": "num::point"}');
SELECT bugevents.attach('issues', 'bug_report', columns => '{"id": "1, 2"}');
SELECT bugevents.attach('issues', 'bug_report', columns => '{"id": "1), (2"}');
SELECT bugevents.attach('issues', 'bug_report', columns => '{"id": "1) FROM pg_class --"}');
SELECT bugevents.attach('issues', 'bug_report', columns => '{"id": "1); DROP TABLE issues; SELECT (1"}');
SELECT bugevents.attach('issues', 'bug_report', columns => '{"id": "1) UNION SELECT (2"}');
SELECT bugevents.attach('issues', 'bug_report', columns => '{"id": "row.*"}');
SELECT bugevents.attach('issues', 'bug_report', columns => '{"id": "generate_series(1, 2)"}');
SELECT bugevents.attach('issues', 'bug_report', columns => '{"id": "count(*)"}');
SELECT bugevents.attach('issues', 'bug_report', columns => '{"id": "row_number() OVER ()"}');
SELECT bugevents.attach('issues', 'bug_report', columns => '{"id": "(SELECT x FROM nowhere)"}');
SELECT bugevents.attach('issues', 'bug_report', columns => '{"id": "$99"}');

-- mistakes in filter, audience, extra
SELECT bugevents.attach('full_bugs', 'bug_report', filter => 'severity');
SELECT bugevents.attach('full_bugs', 'bug_report', filter => 'severity > ');
SELECT bugevents.attach('full_bugs', 'bug_report', filter => '');
SELECT bugevents.attach('full_bugs', 'bug_report', audience => 'severity');
SELECT bugevents.attach('full_bugs', 'bug_report', audience => 'everyone');
SELECT bugevents.attach('full_bugs', 'bug_report', audience => 'user:');
SELECT bugevents.attach('full_bugs', 'bug_report', extra => '{nothing}');
SELECT bugevents.attach('full_bugs', 'bug_report', extra => '{title}');
SELECT bugevents.attach('full_bugs', 'bug_report', extra => '{severity,severity}');
SELECT bugevents.attach('full_bugs', 'bug_report', extra => '{NULL}');
SELECT bugevents.attach('full_bugs', 'bug_report', extra => '{ctid}');
SELECT bugevents.attach('full_bugs', 'bug_report', always => NULL);
SELECT count(*) FROM bugevents.attachments;

-- what can't be attached
CREATE VIEW v AS SELECT * FROM full_bugs;
CREATE MATERIALIZED VIEW mv AS SELECT * FROM full_bugs;
CREATE TEMP TABLE tmp (LIKE full_bugs);
CREATE SEQUENCE s;
SELECT bugevents.attach('v', 'bug_report');
SELECT bugevents.attach('mv', 'bug_report');
SELECT bugevents.attach('tmp', 'bug_report');
SELECT bugevents.attach('s', 'bug_report');
-- PostgreSQL's own text differs by version.
\set VERBOSITY sqlstate
SELECT bugevents.attach('full_bugs_pkey', 'bug_report');
\set VERBOSITY default
SELECT bugevents.attach('pg_class', 'bug_report');
SELECT bugevents.attach('bugevents.journal_0', 'bug_report');
SELECT bugevents.attach(4294967295::oid::regclass, 'bug_report');

-- only the owner, who needs no other right on the table; who owns the database, see trust.sql
GRANT ALL ON full_bugs TO regress_bugevents_user;
GRANT EXECUTE ON FUNCTION bugevents.attach, bugevents.detach TO regress_bugevents_user;
ALTER TABLE full_bugs OWNER TO regress_bugevents_owner;
SET ROLE regress_bugevents_user;
SELECT bugevents.attach('full_bugs', 'bug_report');
SELECT bugevents.detach('full_bugs');
SELECT entity FROM bugevents.attachments;
CREATE TRIGGER mine AFTER INSERT ON full_bugs FOR EACH ROW EXECUTE FUNCTION bugevents.capture('{}');
RESET ROLE;
REVOKE EXECUTE ON FUNCTION bugevents.attach, bugevents.detach FROM regress_bugevents_user;
SELECT current_database() AS db, pg_get_userbyid(datdba) AS owner FROM pg_database WHERE datname = current_database() \gset
ALTER DATABASE :"db" OWNER TO regress_bugevents_owner;
SET ROLE regress_bugevents_owner;
SELECT bugevents.attach('full_bugs', 'bug_report');
SELECT bugevents.attach('full_bugs', 'bug_report', always => true);
SELECT current_user;
SELECT bugevents.detach('full_bugs');
SELECT bugevents.attach('full_bugs', 'bug_report');
RESET ROLE;
ALTER DATABASE :"db" OWNER TO :"owner";

-- a trigger of its own making
CREATE TRIGGER wrong BEFORE INSERT ON issues FOR EACH ROW EXECUTE FUNCTION bugevents.capture('{}');
INSERT INTO issues VALUES (1);
DROP TRIGGER wrong ON issues;
CREATE TRIGGER wrong AFTER INSERT ON issues FOR EACH ROW EXECUTE FUNCTION bugevents.capture('{}');
SELECT bugevents.detach('issues');
INSERT INTO issues VALUES (1);
CREATE TRIGGER wrong AFTER INSERT ON issues FOR EACH ROW EXECUTE FUNCTION bugevents.capture();
INSERT INTO issues VALUES (2);
DROP TRIGGER wrong ON issues;
SELECT bugevents.capture();

-- odd names
CREATE SCHEMA "Sch""ema";
CREATE TABLE "Sch""ema"."Pro'jects" (id int, name text, description text, created_at timestamptz, updated_at timestamptz);
SELECT bugevents.attach('"Sch""ema"."Pro''jects"', 'project', always => true);
SELECT public.mark() \gset
INSERT INTO "Sch""ema"."Pro'jects" VALUES (1, 'a');
TRUNCATE "Sch""ema"."Pro'jects";
SELECT type, action, payload FROM bugevents.events(:mark);
SELECT bugevents.detach('"Sch""ema"."Pro''jects"');

-- the extension stays as long as triggers depend on it
\set VERBOSITY terse
DROP EXTENSION bugevents;
\set VERBOSITY default
DROP SCHEMA "Sch""ema" CASCADE;
DROP TABLE full_bugs, issues, tmp CASCADE;
SELECT count(*) FROM bugevents.attachments;
