-- Audiences: what is a principal, and what stands in a row adds nobody.
\set VERBOSITY terse
CREATE SCHEMA principals;
SET search_path = principals;
CREATE TABLE bugs (id int PRIMARY KEY, title text, description text, status text, priority text, assignee_id int,
    project_id text, code char(8), ref uuid, created_at timestamptz, updated_at timestamptz);

-- bugevents.principal()
SELECT bugevents.principal('project', 7), bugevents.principal('user', 'ada'), bugevents.principal('group', 'qa'::text);
SELECT bugevents.principal('project', '1 all'), bugevents.principal('user', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid), bugevents.principal('user', 'ab'::char(8));
SELECT bugevents.principal('project', NULL) IS NULL, bugevents.principal(NULL, 1) IS NULL, bugevents.principal('user', '') IS NULL, bugevents.principal('user', 7.50);
SELECT bugevents.principal('admin', '1');
SELECT bugevents.principal('projec', '1');
SELECT bugevents.principal('project', E'1\nall');
SELECT bugevents.principal('project', now());
SELECT bugevents.principal('project', 1.5::float8);
SELECT bugevents.principal('project', '{1}'::int[]);

CREATE FUNCTION audiences(mark bigint) RETURNS TABLE (action text, audience text) LANGUAGE sql AS
    $$ SELECT action, audience FROM bugevents.events(mark) ORDER BY seq $$;

-- one principal from a text: a project that is called so is nobody else
SELECT bugevents.attach('bugs', 'bug_report', audience => '''project:'' || row.project_id');
SELECT public.mark() \gset
INSERT INTO bugs (id, project_id) VALUES (1, '1'), (2, '1 all'), (3, '1,admin'), (4, '"1" all'), (5, NULL);
SELECT * FROM audiences(:mark);
SELECT public.mark() \gset
INSERT INTO bugs (id, project_id) VALUES (6, E'1\nall'), (7, ''), (8, E'1\tall');
INSERT INTO bugs (id, project_id) VALUES (9, '9');
SELECT * FROM audiences(:mark);

-- what isn't one is for admins only, counted and said
SELECT value AS refused FROM bugevents.stats WHERE name = 'bugevents_audiences_refused_total' \gset
SELECT bugevents.attach('bugs', 'bug_report', audience => '''admin project:'' || row.project_id');
SELECT bugevents.attach('bugs', 'bug_report', audience => 'row.title');
SELECT public.mark() \gset
INSERT INTO bugs (id, title) VALUES (11, 'all user:7'), (12, ' all'), (13, 'everyone'), (14, 'all'), (15, 'admin'), (16, 'group:a b');
SELECT * FROM audiences(:mark);
SELECT value - :refused AS refused FROM bugevents.stats WHERE name = 'bugevents_audiences_refused_total';

-- elements of an array are never split
SELECT bugevents.attach('bugs', 'bug_report', audience => $$ARRAY['admin', bugevents.principal('project', row.project_id), bugevents.principal('user', row.code), 'group:' || row.title]$$);
SELECT public.mark() \gset
INSERT INTO bugs (id, project_id, code, title) VALUES (21, '1 all', 'ab', 'x all'), (22, NULL, NULL, NULL), (23, 'all', 'a b', 'all,admin');
SELECT * FROM audiences(:mark);
SELECT public.mark() \gset
INSERT INTO bugs (id, title) VALUES (24, E'x\nall');
SELECT * FROM audiences(:mark);
SELECT bugevents.attach('bugs', 'bug_report', audience => $$string_to_array(row.title, '/')$$);
SELECT public.mark() \gset
INSERT INTO bugs (id, title) VALUES (25, 'user:7/all user:8'), (26, 'user:7/all'), (27, '');
SELECT * FROM audiences(:mark);

-- constants are lists
SELECT bugevents.attach('bugs', 'bug_report', audience => 'admin, user:7 group:qa');
SELECT public.mark() \gset
INSERT INTO bugs (id) VALUES (31);
SELECT * FROM audiences(:mark);

-- what attach warns of
\set VERBOSITY default
SELECT bugevents.attach('bugs', 'bug_report', audience => 'project:row.id');
SELECT bugevents.attach('bugs', 'bug_report', audience => 'project:{id}');
SELECT bugevents.attach('bugs', 'bug_report', audience => 'CASE WHEN row.title = ''a b'' THEN ''admin'' ELSE ''user:1, project:'' || row.project_id END');
SELECT bugevents.attach('bugs', 'bug_report', audience => 'CASE WHEN row.title = ''a b'' THEN ''admin'' ELSE ''project:'' || row.project_id END');
SELECT bugevents.attach('bugs', 'bug_report', audience => 'ARRAY[''project:a b'']');
\set VERBOSITY terse

-- many: up to 1 MB works, in any order, each once; more is for admins only
SELECT bugevents.attach('bugs', 'bug_report', audience =>
    $$(SELECT array_agg('user:' || n) FROM generate_series(1, row.assignee_id) AS n) || (SELECT array_agg('user:' || n) FROM generate_series(1, 3) AS n)$$);
SELECT public.mark() \gset
INSERT INTO bugs (id, assignee_id) VALUES (41, 10000);
UPDATE bugs SET assignee_id = 9999 WHERE id = 41;
UPDATE bugs SET assignee_id = 10000, title = 'all again' WHERE id = 41;
SELECT action, length(audience), md5(audience), cardinality(string_to_array(audience, ' ')) FROM bugevents.events(:mark);
SELECT public.mark() \gset
INSERT INTO bugs (id, assignee_id) VALUES (42, 90000);
SELECT action, length(audience) > 1024 * 1024 - 80000 AS large FROM bugevents.events(:mark);
SELECT public.mark() \gset
INSERT INTO bugs (id, assignee_id) VALUES (43, 100000), (44, 100001);
SELECT * FROM audiences(:mark);

SELECT bugevents.detach('bugs');
SET client_min_messages = warning;
DROP SCHEMA principals CASCADE;
RESET search_path;
