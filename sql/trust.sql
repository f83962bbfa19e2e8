-- Who may attach, and whose tables are believed.
CREATE SCHEMA trust;
SET search_path = trust;
CREATE TABLE people (id int PRIMARY KEY, username text, email text, role text, status text, created_at timestamptz, updated_at timestamptz);
CREATE TABLE members (user_id int, project_id int, PRIMARY KEY (user_id, project_id));
CREATE TABLE bugs (id int PRIMARY KEY, title text, description text, status text, priority text, assignee_id int, project_id int, created_at timestamptz, updated_at timestamptz);
CREATE TABLE states (id int);
ALTER TABLE people OWNER TO regress_bugevents_owner;
ALTER TABLE members OWNER TO regress_bugevents_owner;
ALTER TABLE bugs OWNER TO regress_bugevents_owner;
ALTER TABLE states OWNER TO regress_bugevents_owner;
GRANT USAGE ON SCHEMA trust TO regress_bugevents_owner, regress_bugevents_user;

-- not everybody, not even who owns the tables
SET ROLE regress_bugevents_owner;
SELECT bugevents.attach('bugs', 'bug_report');
SELECT bugevents.detach('bugs');
SELECT bugevents.follow('states', 'bugs', 'select row.id');
SELECT bugevents.unfollow('states', 'bugs');
SELECT bugevents.create_tracker('trust');
RESET ROLE;

-- who was granted it, but nothing that is believed; and no table of others
SELECT current_database() AS db, pg_get_userbyid(datdba) AS owner FROM pg_database WHERE datname = current_database() \gset
CREATE ROLE regress_bugevents_dba;
ALTER DATABASE :"db" OWNER TO regress_bugevents_dba;
GRANT EXECUTE ON FUNCTION bugevents.attach, bugevents.detach TO regress_bugevents_owner, regress_bugevents_user;
SET ROLE regress_bugevents_owner;
SELECT bugevents.attach('people', 'user');
SELECT bugevents.attach('members', 'membership');
SELECT bugevents.attach('bugs', 'bug_report');
SET ROLE regress_bugevents_user;
SELECT bugevents.attach('people', 'user');
SELECT bugevents.detach('people');
RESET ROLE;
REVOKE EXECUTE ON FUNCTION bugevents.attach, bugevents.detach FROM regress_bugevents_owner, regress_bugevents_user;
SELECT count(*) FROM bugevents.attachments;

-- a superuser: it is kept who did it
SELECT bugevents.attach('people', 'user');
SELECT tbl, decides, attached_by = current_user AS by_me FROM bugevents.attachments;
SELECT bugevents.decides('people'), bugevents.decides('bugs'), bugevents.decides(0);

-- who owns the database, and is no superuser
ALTER DATABASE :"db" OWNER TO regress_bugevents_owner;
SET ROLE regress_bugevents_owner;
SELECT bugevents.attach('people', 'user');
SELECT bugevents.attach('members', 'membership');
SELECT bugevents.attach('bugs', 'bug_report');
SELECT bugevents.follow('states', 'bugs', 'select row.id');
SELECT bugevents.unfollow('states', 'bugs');
RESET ROLE;
SELECT tbl, decides, attached_by FROM bugevents.attachments ORDER BY tbl::text;

-- it was so when it was attached, and a dump keeps it: another owner of the database changes nothing
ALTER DATABASE :"db" OWNER TO :"owner";
SELECT tbl, decides, attached_by FROM bugevents.attachments ORDER BY tbl::text;

-- as 0.1.0 attached tables: it noted of some whether they decide, and the owner stands for who attached the others
SET client_min_messages = warning;
SELECT bugevents.detach(tbl) FROM bugevents.attachments;
RESET client_min_messages;
CREATE FUNCTION old(tbl regclass, entity text, decides boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM bugevents.attach(tbl, entity);
    EXECUTE (SELECT format('DROP TRIGGER %I ON %s; ', tgname, tbl) ||
                    replace(replace(pg_get_triggerdef(oid), format('"by": "%s"', current_user), format('"at": "%s"', current_user)), ', "decides": true',
                            CASE WHEN decides THEN ', "decides": true' ELSE '' END)
               FROM pg_trigger WHERE tgrelid = tbl AND tgname = '00_bugevents');
END $$;
SELECT old('people', 'user', false), old('members', 'membership', true), old('bugs', 'bug_report', false);
CREATE TABLE more (LIKE bugs);
SELECT old('more', 'bug_report', false);
SELECT tbl, decides, attached_by FROM bugevents.attachments ORDER BY tbl::text;

-- what doesn't decide is published, and says nothing of anybody: the end of the second is one of attaching
SELECT public.mark() \gset
INSERT INTO people (id, role, status) VALUES (1, 'admin', 'active');
INSERT INTO bugs (id) VALUES (1);
SELECT bugevents.detach('people');
SELECT bugevents.detach('members');
SELECT type, action FROM bugevents.events(:mark);

SET client_min_messages = warning;
DROP SCHEMA trust CASCADE;
DROP ROLE regress_bugevents_dba;
RESET search_path;
