-- create_tracker(): the tables of a tracker, attached.
\set VERBOSITY terse
SELECT bugevents.create_tracker('My Tracker');
SELECT tbl, entity, columns ->> 'project_id' AS project_id FROM bugevents.attachments ORDER BY tbl::text COLLATE "C";
SELECT bugevents.create_tracker('My Tracker');
SELECT bugevents.create_tracker(NULL);
SET search_path = "My Tracker";
SELECT public.mark() \gset
INSERT INTO projects (name) VALUES ('Apollo');
INSERT INTO users (username, email, role) VALUES ('ada', 'ada@example.org', 'admin'), ('bob', 'bob@example.org', 'user');
INSERT INTO bug_reports (title, creator_id, project_id) VALUES ('It crashes', 2, 1);
INSERT INTO comments (bug_report_id, user_id, content) VALUES (1, 1, 'me too');
UPDATE bug_reports SET status = 'closed', assignee_id = 1;
UPDATE bug_reports SET status = 'closed';
DELETE FROM users WHERE username = 'ada';
DELETE FROM projects;
SELECT type, action, payload - 'created_at' - 'updated_at' AS payload, changes - 'updated_at' AS changes FROM bugevents.events(:mark);

-- updated_at is the database's
INSERT INTO projects (name, updated_at) VALUES ('old', '2000-01-01');
UPDATE projects SET name = 'old' WHERE name = 'old';
SELECT updated_at = '2000-01-01' AS kept FROM projects WHERE name = 'old';
UPDATE projects SET description = 'new' WHERE name = 'old';
SELECT updated_at > now() - interval '1 minute' AS current FROM projects WHERE name = 'old';

-- refused by the tables
INSERT INTO users (username, role) VALUES ('eve', 'root');
INSERT INTO users (username, status) VALUES ('eve', 'asleep');
INSERT INTO comments (bug_report_id, content) VALUES (99, 'nowhere');
RESET search_path;
DROP SCHEMA "My Tracker" CASCADE;

-- by who owns the database and a schema, and nothing else
CREATE SCHEMA mine AUTHORIZATION regress_bugevents_owner;
SELECT current_database() AS db, pg_get_userbyid(datdba) AS owner FROM pg_database WHERE datname = current_database() \gset
SET ROLE regress_bugevents_owner;
SELECT bugevents.create_tracker('mine');
RESET ROLE;
ALTER DATABASE :"db" OWNER TO regress_bugevents_owner;
REVOKE CREATE ON DATABASE :"db" FROM regress_bugevents_owner;
SET ROLE regress_bugevents_owner;
SELECT bugevents.create_tracker('elsewhere');
SELECT bugevents.create_tracker('mine');
INSERT INTO mine.projects (name) VALUES ('by its owner');
SELECT bugevents.detach('mine.projects');
RESET ROLE;
ALTER DATABASE :"db" OWNER TO :"owner";
SELECT tbl FROM bugevents.attachments ORDER BY tbl::text COLLATE "C";
DROP SCHEMA mine CASCADE;
