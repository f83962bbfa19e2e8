-- bugevents on Trac 1.x's own tables.  Run it as the owner of Trac's database and tables, once the extension is there, with the
-- schema of the environment in search_path where "public" stands below.
--
-- One environment is one project; ids of users are their names; times are microseconds since 1970 in a bigint.
BEGIN;
SET LOCAL search_path = public;
CREATE SCHEMA IF NOT EXISTS bugevents_trac;

CREATE OR REPLACE FUNCTION bugevents_trac.moment(microseconds bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
    SELECT timestamptz 'epoch' + nullif(microseconds, 0) * interval '1 microsecond' $$;

-- permission has rows (user or group, action) and (user, group) alike.
CREATE OR REPLACE FUNCTION bugevents_trac.is_admin(name text) RETURNS boolean LANGUAGE sql STABLE AS $$
    WITH RECURSIVE has(what) AS (
        SELECT p.action FROM public.permission p WHERE p.username IN (name, 'authenticated', 'anonymous')
        UNION SELECT p.action FROM has JOIN public.permission p ON p.username = has.what)
    SELECT EXISTS (SELECT FROM has WHERE what = 'TRAC_ADMIN') $$;

SELECT bugevents.attach('ticket', 'bug_report', columns => '{
        "title": "summary", "assignee_id": "nullif(row.owner, '''')", "creator_id": "reporter", "project_id": "nullif(row.component, '''')",
        "created_at": "bugevents_trac.moment(row.time)", "updated_at": "bugevents_trac.moment(row.changetime)"}',
    extra => '{type,component,severity,milestone,version,resolution,keywords,cc}');

-- A comment is a change of the field "comment"; its key is (ticket, time, field).
SELECT bugevents.attach('ticket_change', 'comment', columns => '{
        "id": "row.ticket || '':'' || row.time", "bug_report_id": "ticket", "user_id": "author", "content": "newvalue",
        "project_id": "(SELECT nullif(t.component, '''') FROM public.ticket t WHERE t.id = row.ticket)",
        "edited": "EXISTS (SELECT FROM public.ticket_change c WHERE c.ticket = row.ticket AND c.time = row.time AND c.field LIKE ''\\_comment%'')",
        "created_at": "bugevents_trac.moment(row.time)", "updated_at": "bugevents_trac.moment(row.time)"}',
    filter => $$row.field = 'comment' AND row.newvalue <> ''$$);

SELECT bugevents.attach('component', 'project', columns => '{
        "id": "name", "created_at": "NULL::timestamptz", "updated_at": "NULL::timestamptz"}', extra => '{owner}');

-- Known users are authenticated sessions.
SELECT bugevents.attach('session', 'user', columns => '{
        "id": "sid", "username": "sid",
        "email": {"column": "(SELECT a.value FROM public.session_attribute a WHERE a.sid = row.sid AND a.authenticated = 1 AND a.name = ''email'')", "admin": true},
        "role": "CASE WHEN bugevents_trac.is_admin(row.sid) THEN ''admin'' ELSE ''user'' END",
        "status": "''active''", "created_at": "NULL::timestamptz", "updated_at": "NULL::timestamptz"}',
    filter => 'row.authenticated = 1');

-- A permission is a user's, or a group's, whose members are found by permissions again: all who are known are asked then.
SELECT bugevents.follow('permission', 'session', $$SELECT s.sid FROM public.session s WHERE s.authenticated = 1 AND (s.sid = row.username
        OR row.username IN ('authenticated', 'anonymous') OR EXISTS (SELECT FROM public.permission p WHERE p.action = row.username))$$),
    bugevents.follow('session_attribute', 'session', $$SELECT row.sid WHERE row.authenticated = 1 AND row.name = 'email'$$),
    bugevents.follow('ticket', 'ticket_change', $$SELECT c.ticket || ':' || c.time FROM public.ticket_change c WHERE c.ticket = row.id AND c.field = 'comment'$$);
COMMIT;
