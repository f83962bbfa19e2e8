-- The events of INSERT, UPDATE, DELETE and TRUNCATE.
CREATE TABLE projects (id int PRIMARY KEY, name text, description text, created_at timestamptz, updated_at timestamptz);
CREATE TABLE users (id int PRIMARY KEY, username text, email text, role text, status text,
    created_at timestamptz, updated_at timestamptz);
CREATE TABLE bugs (id int PRIMARY KEY, title text, description text, status text, priority text,
    assignee_id int REFERENCES users ON DELETE SET NULL, project_id int REFERENCES projects ON DELETE CASCADE,
    created_at timestamptz, updated_at timestamptz, secret text);
CREATE TABLE comments (id int PRIMARY KEY, bug_report_id int REFERENCES bugs ON DELETE CASCADE,
    user_id int, content text, edited bool, created_at timestamptz, updated_at timestamptz);
SELECT bugevents.attach('projects', 'project');
SELECT bugevents.attach('users', 'user');
SELECT bugevents.attach('bugs', 'bug_report');
SELECT bugevents.attach('comments', 'comment');
SELECT public.mark() \gset

-- created
INSERT INTO projects (id, name) VALUES (1, 'Apollo');
INSERT INTO users (id, username, role, status) VALUES (1, 'ada', 'admin', 'active'), (2, 'bob', 'user', 'active');
INSERT INTO bugs (id, title, status, project_id) VALUES (1, 'It crashes', 'open', 1);
INSERT INTO comments (id, bug_report_id, user_id, content, created_at) VALUES (1, 1, 1, 'me too', '2026-01-31 12:00:00.5+00');
SELECT type, action, audience, payload, changes FROM bugevents.events(:mark);

-- updated, status_changed, assigned, unassigned, in this order, one transaction
SELECT public.mark() \gset
UPDATE bugs SET title = 'It crashes hard', status = 'closed', assignee_id = 1;
SELECT type, action, changes, seq = max(seq) OVER () - 3 + row_number() OVER (ORDER BY seq) AS contiguous,
       min(xid::text) OVER () = max(xid::text) OVER () AS one_transaction FROM bugevents.events(:mark) ORDER BY seq;
SELECT public.mark() \gset
UPDATE bugs SET assignee_id = 2;
UPDATE bugs SET assignee_id = NULL;
UPDATE users SET status = 'inactive' WHERE id = 2;
UPDATE users SET email = 'ada@example.org' WHERE id = 1;
UPDATE comments SET edited = true;
UPDATE projects SET description = 'to the moon';
SELECT type, action, audience, changes FROM bugevents.events(:mark);

-- nothing of the payload changes: nothing is published
SELECT public.mark() \gset
UPDATE bugs SET title = title;
UPDATE bugs SET secret = 'hidden';
UPDATE bugs SET assignee_id = NULL WHERE assignee_id IS NULL;
UPDATE bugs SET title = 'x' WHERE false;
INSERT INTO projects (id) VALUES (1) ON CONFLICT DO NOTHING;
SELECT count(*) FROM bugevents.events(:mark);

-- upserts, COPY, MERGE, CTEs
INSERT INTO projects (id, name) VALUES (1, 'Apollo 2') ON CONFLICT (id) DO UPDATE SET name = excluded.name;
COPY projects (id, name) FROM stdin;
2	Gemini
3	Mercury
\.
MERGE INTO projects p USING (VALUES (2, 'Gemini 2'), (4, 'Vostok')) AS v (id, name) ON p.id = v.id
 WHEN MATCHED THEN UPDATE SET name = v.name
 WHEN NOT MATCHED THEN INSERT (id, name) VALUES (v.id, v.name);
WITH gone AS (DELETE FROM projects WHERE id > 2 RETURNING id)
UPDATE projects SET description = 'two are gone' WHERE id = 2;
SELECT type, action, payload ->> 'id' AS id, changes FROM bugevents.events(:mark);

-- savepoints, exceptions, rollback
SELECT public.mark() \gset
BEGIN;
UPDATE projects SET name = 'one' WHERE id = 1;
SAVEPOINT a;
UPDATE projects SET name = 'two' WHERE id = 1;
SAVEPOINT b;
UPDATE projects SET name = 'three' WHERE id = 1;
RELEASE b;
ROLLBACK TO a;
UPDATE projects SET name = 'four' WHERE id = 1;
DO $$
BEGIN
    BEGIN
        UPDATE projects SET name = 'five' WHERE id = 1;
        PERFORM 1 / 0;
    EXCEPTION WHEN division_by_zero THEN
        UPDATE projects SET name = 'six' WHERE id = 1;
    END;
END $$;
COMMIT;
BEGIN;
UPDATE projects SET name = 'never';
ROLLBACK;
SELECT type, action, changes FROM bugevents.events(:mark);

-- foreign keys: the cause before its consequences
SELECT public.mark() \gset
UPDATE bugs SET assignee_id = 1;
DELETE FROM users WHERE id = 1;
DELETE FROM projects WHERE id = 1;
SELECT type, action, payload ->> 'id' AS id, changes FROM bugevents.events(:mark);

-- a deleted row is the old row
SELECT public.mark() \gset
DELETE FROM users;
SELECT type, action, audience, payload, changes FROM bugevents.events(:mark);

-- truncate
SELECT public.mark() \gset
TRUNCATE projects, users CASCADE;
SELECT type, action, audience, payload, changes FROM bugevents.events(:mark);

-- who may only INSERT publishes as well
SELECT public.mark() \gset
GRANT INSERT ON projects TO regress_bugevents_user;
SET ROLE regress_bugevents_user;
INSERT INTO projects (id, name) VALUES (9, 'by a nobody');
RESET ROLE;
SELECT type, action, payload ->> 'name' AS name FROM bugevents.events(:mark);

-- replication applies in silence, unless attached with always
SELECT public.mark() \gset
SET session_replication_role = replica;
INSERT INTO projects (id, name) VALUES (10, 'silent');
RESET session_replication_role;
SELECT bugevents.attach('projects', 'project', always => true);
SET session_replication_role = replica;
INSERT INTO projects (id, name) VALUES (11, 'always');
TRUNCATE projects CASCADE;
RESET session_replication_role;
SELECT type, action, payload FROM bugevents.events(:mark);

-- filter: a view of the table
SELECT bugevents.attach('bugs', 'bug_report', filter => 'row.secret IS NULL');
SELECT public.mark() \gset
INSERT INTO bugs (id, title, secret) VALUES (1, 'public', NULL), (2, 'private', 'x');
UPDATE bugs SET title = title || '!';
UPDATE bugs SET secret = 'y' WHERE id = 1;
UPDATE bugs SET secret = NULL WHERE id = 2;
DELETE FROM bugs;
SELECT type, action, payload ->> 'title' AS title, changes FROM bugevents.events(:mark);

-- audience: constant, expressions, nonsense
SELECT public.mark() \gset
SELECT bugevents.attach('bugs', 'bug_report', audience => 'user:7 admin,project:3');
INSERT INTO bugs (id) VALUES (1);
SELECT bugevents.attach('bugs', 'bug_report', audience => '''project:'' || project_id');
INSERT INTO projects (id) VALUES (5);
INSERT INTO bugs (id, project_id) VALUES (2, 5), (3, NULL);
SELECT bugevents.attach('bugs', 'bug_report', audience => 'ARRAY[''user:'' || title, ''admin'', NULL]');
INSERT INTO bugs (id, title) VALUES (4, 'a b'), (5, E'x\ny'), (6, '');
SELECT bugevents.attach('bugs', 'bug_report', audience => 'title');
INSERT INTO bugs (id, title) VALUES (7, 'nobody at all'), (8, 'user:1, all'), (9, '');
TRUNCATE bugs CASCADE;
SELECT action, payload ->> 'id' AS id, replace(audience, E'\n', ' | ') FROM bugevents.events(:mark) WHERE type = 'bug_report';

-- extra columns
SELECT bugevents.attach('bugs', 'bug_report', extra => '{secret}');
SELECT public.mark() \gset
INSERT INTO bugs (id, secret) VALUES (1, 'not so secret');
UPDATE bugs SET secret = 'told';
SELECT action, payload, changes FROM bugevents.events(:mark);

DROP TABLE projects, users, bugs, comments CASCADE;
