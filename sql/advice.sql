-- What attach() warns of: what is valid, and probably not meant.
CREATE SCHEMA advice;
SET search_path = advice;
CREATE TABLE people (id int PRIMARY KEY, username text, email text, role text, status int, created_at timestamptz, updated_at timestamptz);

-- a status that is a number locks everybody out, with rows and without
SELECT bugevents.attach('people', 'user');
INSERT INTO people (id, role, status) SELECT n, 'user', 1 FROM generate_series(1, 5) AS n;
SELECT bugevents.attach('people', 'user');
-- mapped, with an admin: nothing to say
UPDATE people SET role = 'admin' WHERE id = 1;
SELECT bugevents.attach('people', 'user', columns => '{"status": "CASE row.status WHEN 1 THEN ''active'' ELSE ''inactive'' END"}');
-- of whom the filter lets through
SELECT bugevents.attach('people', 'user', columns => '{"status": "CASE row.status WHEN 1 THEN ''active'' ELSE ''inactive'' END"}', filter => 'row.id > 1');
SELECT bugevents.attach('people', 'user', columns => '{"status": "''enabled''"}');
-- what can't be evaluated isn't looked at
SELECT bugevents.attach('people', 'user', columns => '{"status": "(1 / (row.status - 1))::text"}');
SELECT bugevents.detach('people');

-- what expressions look up elsewhere, and nobody follows
CREATE TABLE teams (id int PRIMARY KEY, name text, secret boolean);
CREATE TABLE states (id int PRIMARY KEY, name text);
CREATE TABLE bugs (id int PRIMARY KEY, title text, state int, team int, parent int, created_at timestamptz, updated_at timestamptz);
CREATE FUNCTION attach_bugs() RETURNS void LANGUAGE sql AS $sql$
    SELECT bugevents.attach('advice.bugs', 'bug_report', filter => 'NOT EXISTS (SELECT FROM advice.bugs AS p WHERE p.id = row.parent)',
        columns => '{"description": "NULL", "priority": "NULL", "assignee_id": "NULL", "project_id": "team", "status": "(SELECT s.name FROM advice.states AS s WHERE s.id = row.state)"}',
        audience => '(SELECT CASE WHEN t.secret THEN ''admin'' ELSE ''all'' END FROM advice.teams AS t WHERE t.id = row.team)')
$sql$;
SELECT attach_bugs();
SELECT bugevents.follow('teams', 'bugs', 'SELECT b.id FROM advice.bugs AS b WHERE b.team = row.id');
SELECT attach_bugs();
SELECT bugevents.follow('states', 'bugs', 'SELECT b.id FROM advice.bugs AS b WHERE b.state = row.id');
SELECT attach_bugs();
SELECT bugevents.unfollow('teams', 'bugs'), bugevents.unfollow('states', 'bugs');
SELECT bugevents.detach('bugs');

-- users that have to be found at each connect
CREATE TABLE members (id int PRIMARY KEY, user_id int, project_id int);
SELECT bugevents.attach('members', 'membership');
CREATE INDEX partial ON members (user_id) WHERE project_id = 1;
CREATE INDEX second ON members (project_id, user_id);
SELECT bugevents.attach('members', 'membership');
CREATE INDEX first ON members (user_id, project_id);
SELECT bugevents.attach('members', 'membership');
SELECT bugevents.attach('members', 'membership', columns => '{"user_id": "row.user_id"}');
SELECT bugevents.detach('members');

-- ids of type uuid, char(n) and text, each with an index: nothing to say
CREATE TABLE keys (u uuid PRIMARY KEY, c char(8) UNIQUE, t text UNIQUE, project_id int);
SELECT bugevents.attach('keys', 'membership', columns => jsonb_build_object('id', 'u', 'user_id', k)) FROM unnest('{u,c,t}'::text[]) AS k;
SELECT bugevents.detach('keys');

-- uuids as texts: each is another id as it is written; one that is written in two ways is refused
CREATE TABLE guids (user_id text, project_id text, PRIMARY KEY (user_id, project_id));
INSERT INTO guids VALUES ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'p'), ('not-a-uuid', 'A0EEBC99'), ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1', 'q');
SELECT bugevents.attach('guids', 'membership');
INSERT INTO guids VALUES ('{B0EEBC999C0B4EF8BB6D6BB9BD380A11}', '1');
SELECT bugevents.attach('guids', 'membership');
INSERT INTO guids VALUES ('B0EEBC99-9C0B4EF8-BB6D6BB9-BD380A11', '2');
SELECT bugevents.attach('guids', 'membership');
SELECT bugevents.attach('guids', 'membership', filter => 'length(row.project_id) > 1');
DELETE FROM guids;
INSERT INTO guids VALUES ('1', 'c0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'), ('1', 'C0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11');
SELECT bugevents.attach('guids', 'membership');
SELECT bugevents.attach('guids', 'membership', columns => '{"user_id": "user_id", "project_id": "project_id::uuid"}');
SELECT bugevents.attach('guids', 'membership', columns => '{"project_id": "row.project_id::uuid"}');
DROP TABLE guids;

-- comments that are for more people than their bugs, whichever is attached first
CREATE TABLE confined (id int PRIMARY KEY, title text, description text, status text, priority text, assignee_id int, project_id int, created_at timestamptz, updated_at timestamptz);
CREATE TABLE remarks (id int PRIMARY KEY, bug_report_id int, user_id int, content text, created_at timestamptz, updated_at timestamptz);
SELECT bugevents.attach('confined', 'bug_report', audience => 'all'), bugevents.attach('remarks', 'comment');
SELECT bugevents.attach('confined', 'bug_report', filter => 'row.project_id > 1');
SELECT bugevents.attach('remarks', 'comment', audience => 'all');
SELECT bugevents.attach('remarks', 'comment', audience => 'admin');
SELECT bugevents.attach('confined', 'bug_report', audience => 'bugevents.principal(''project'', row.project_id)');
DROP TABLE confined, remarks;

-- rows that are got and listed without an index
CREATE TABLE heap (id int, name text, description text, created_at timestamptz, updated_at timestamptz);
SELECT bugevents.attach('heap', 'project');
CREATE INDEX behind ON heap (name, id);
SELECT bugevents.attach('heap', 'project', columns => '{"id": "row.id"}');
CREATE INDEX before ON heap (id, name);
SELECT bugevents.attach('heap', 'project');
DROP TABLE heap;

-- cancelled while users are counted: it is caught as any other error is, and the limit on the counting ends with it
CREATE TABLE slow_users (id int PRIMARY KEY, status text, role text);
INSERT INTO slow_users VALUES (1, 'active', 'admin');
CREATE FUNCTION slowly(status text) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM pg_sleep(60);
    RETURN status;
END $$;
SET statement_timeout = 300;
DO $$
BEGIN
    BEGIN
        INSERT INTO slow_users VALUES (2, 'active', 'user');
        PERFORM bugevents.attach('slow_users', 'user', columns =>
            '{"username": "NULL", "email": "NULL", "created_at": "NULL", "updated_at": "NULL", "status": "advice.slowly(status)"}');
    EXCEPTION WHEN query_canceled THEN
        SET LOCAL statement_timeout = 0;
        RAISE NOTICE 'cancelled';
    END;
    INSERT INTO slow_users VALUES (3, 'active', 'user');
    PERFORM pg_sleep(0.5);
END $$;
RESET statement_timeout;
SELECT array_agg(id ORDER BY id) FROM slow_users;
SELECT count(*) FROM bugevents.attachments WHERE tbl = 'slow_users'::regclass;
DROP TABLE slow_users;

-- a tracker is empty, and that is no news; what its comments look up may be followed
SELECT bugevents.create_tracker('advised');
SET client_min_messages = warning;
DROP SCHEMA advice, advised CASCADE;
RESET search_path;
