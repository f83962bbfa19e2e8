-- Who may see what: tables that decide, audiences that change, fields for admins.
CREATE SCHEMA access;
SET search_path = access;
CREATE TABLE people (id int PRIMARY KEY, username text, email text, phone text, role text, status text,
    salary int, created_at timestamptz, updated_at timestamptz);
CREATE TABLE members (user_id int, project_id int, PRIMARY KEY (user_id, project_id));
CREATE TABLE bugs (id int PRIMARY KEY, title text, description text, status text, priority text, assignee_id int,
    project_id int, hidden boolean DEFAULT false, secret text, created_at timestamptz, updated_at timestamptz);

-- attaching and detaching what decides are events
SELECT public.mark() \gset
SELECT bugevents.attach('people', 'user', extra => '{salary}', columns =>
    '{"email": {"column": "email", "admin": true}, "phone": {"column": "nullif(row.phone, '''')", "admin": true}, "username": {"admin": false}, "salary": {"admin": true}}');
SELECT bugevents.attach('members', 'membership');
SELECT bugevents.attach('bugs', 'bug_report', audience => 'CASE WHEN row.hidden THEN ''{admin}'' ELSE ARRAY[''admin'', ''project:'' || row.project_id] END', extra => '{secret}', columns => '{"secret": {"admin": true}}');
SELECT tbl, entity, columns, extra, decides FROM bugevents.attachments ORDER BY 1;
SELECT type, action, audience, payload FROM bugevents.events(:mark);

-- mistakes
SELECT bugevents.attach('people', 'user', columns => '{"id": {"admin": true}}');
SELECT bugevents.attach('people', 'user', columns => '{"status": {"column": "status", "admin": true}}');
SELECT bugevents.attach('people', 'user', columns => '{"email": {"column": "nothing", "admin": true}}');
SELECT bugevents.attach('people', 'user', columns => '{"email": {"admin": 1}}');
SELECT bugevents.attach('people', 'user', columns => '{"email": {"column": ["email"]}}');
SELECT bugevents.attach('people', 'user', columns => '{"email": ["email"]}');
SELECT bugevents.attach('people', 'user', columns => '{"email": {"colum": "email"}}');
SELECT bugevents.attach('people', 'user', columns => '{"salary": {"admin": true}}');
SELECT bugevents.attach('people', 'user', extra => '{salary}', columns => '{"salary": {"column": "salary", "admin": true}}');
SELECT bugevents.attach('people', 'user', extra => '{salary}', columns => '{"salary": "salary"}');
SELECT bugevents.attach('bugs', 'bug_report', columns => '{"project_id": {"admin": true}}');
SELECT bugevents.attach('bugs', 'bug_report', columns => '{"assignee_id": {"admin": true}}');
SELECT bugevents.attach('bugs', 'membership');
SELECT bugevents.send('membership', 'created', '{"user_id": 1, "project_id": 7}');
SELECT bugevents.send('user', 'updated', '{"id": 1, "role": "admin", "status": "active"}');

-- fields for admins: what is published to all, and whom it is for
SELECT public.mark() \gset
INSERT INTO people VALUES (1, 'ada', 'ada@example.org', '1', 'admin', 'active', 10);
UPDATE people SET email = 'ada@example.com';
UPDATE people SET email = 'ada@example.net', username = 'Ada';
UPDATE people SET status = 'inactive', salary = 11;
DELETE FROM people;
SELECT type, action, audience, payload - '{created_at,updated_at}'::text[] AS payload, changes FROM bugevents.events(:mark);

-- memberships: each is for admins and the member; moving one is a goodbye
SELECT public.mark() \gset
INSERT INTO members VALUES (1, 7);
UPDATE members SET project_id = 8;
UPDATE members SET user_id = 2;
DELETE FROM members;
INSERT INTO members VALUES (3, 9);
TRUNCATE members;
SELECT type, action, audience, payload, changes FROM bugevents.events(:mark);

-- a row that moves
SELECT public.mark() \gset
INSERT INTO bugs (id, title, status, project_id) VALUES (1, 'one', 'open', 7);
UPDATE bugs SET project_id = 8, title = 'uno', status = 'closed';
UPDATE bugs SET secret = 's';
UPDATE bugs SET secret = 't', project_id = 7;
UPDATE bugs SET hidden = true;
UPDATE bugs SET hidden = true, title = 'eins';
UPDATE bugs SET hidden = false;
DELETE FROM bugs;
SELECT type, action, audience, payload - '{description,priority,assignee_id,created_at,updated_at}'::text[] AS payload, changes FROM bugevents.events(:mark);

-- from and to everyone; nobody loses what everyone sees
SELECT bugevents.attach('bugs', 'bug_report', audience => 'string_to_array(row.description, '' '')');
SELECT public.mark() \gset
INSERT INTO bugs (id, title, description) VALUES (1, 'x', 'all');
UPDATE bugs SET description = 'user:1 project:7';
UPDATE bugs SET description = 'project:7 user:1 user:2';
UPDATE bugs SET description = 'project:7';
UPDATE bugs SET description = 'all user:5';
UPDATE bugs SET description = 'all';
UPDATE bugs SET id = 2;
SELECT action, audience, payload -> 'id' AS id, payload -> 'title' IS NOT NULL AS whole, changes FROM bugevents.events(:mark);

-- whether the filter lets a row through is not known: for admins only
CREATE TABLE drafts (id int PRIMARY KEY, name text, n int, draft boolean, created_at timestamptz, updated_at timestamptz);
SELECT bugevents.attach('drafts', 'project', columns => '{"description": "(1 / row.n)::text"}', filter => '1 / row.n > 0 AND NOT row.draft');
SELECT public.mark() \gset
INSERT INTO drafts (id, name, n, draft) VALUES (1, 'shown', 1, false), (2, 'hidden', 1, true);
INSERT INTO drafts (id, name, n, draft) VALUES (3, 'hidden and broken', 0, true);
UPDATE drafts SET n = 0, name = 'shown and broken' WHERE id = 1;
DELETE FROM drafts WHERE id = 3;
SELECT action, audience, payload -> 'name' AS name, payload -> 'description' AS description FROM bugevents.events(:mark);
SELECT bugevents.detach('drafts');

-- detaching is an event, too; what doesn't decide says nothing
SELECT public.mark() \gset
SELECT bugevents.detach('people');
SELECT bugevents.detach('members');
SELECT bugevents.detach('bugs');
SELECT type, action FROM bugevents.events(:mark);
DROP SCHEMA access CASCADE;
RESET search_path;
