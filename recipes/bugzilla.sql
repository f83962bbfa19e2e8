-- bugevents on Bugzilla's own tables.  Run it as the owner of Bugzilla's database and tables, once the extension is there.
--
-- Bugzilla writes a new bug first and then, in the same transaction, the groups that it is confined to.  Who may see
-- it is asked when the transaction commits, so nobody else ever hears of it.
BEGIN;
SET LOCAL search_path = public;
CREATE SCHEMA IF NOT EXISTS bugevents_bugzilla;

-- Somebody is in a group by user_group_map, or by a group in it (group_group_map, grant_type 0).
CREATE OR REPLACE FUNCTION bugevents_bugzilla.in_group(who int, wanted int) RETURNS boolean LANGUAGE sql STABLE AS $$
    WITH RECURSIVE up(g) AS (
        SELECT group_id FROM public.user_group_map WHERE user_id = who AND isbless = 0
        UNION SELECT m.grantor_id FROM up JOIN public.group_group_map m ON m.member_id = up.g AND m.grant_type = 0)
    SELECT EXISTS (SELECT FROM up WHERE g = wanted) $$;

-- A bug in groups is for those who are in all of them, and for who has to do with it; a private comment for those of them
-- who are in the insiders' group (the parameter insidergroup; here the group of that name).
CREATE OR REPLACE FUNCTION bugevents_bugzilla.people(bug int, private boolean) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN NOT private AND NOT EXISTS (SELECT FROM public.bug_group_map WHERE bug_id = bug) THEN '{all}'
        ELSE (SELECT array_append(array_agg('user:' || p.userid), 'admin') FROM public.profiles p, public.bugs b
            WHERE b.bug_id = bug AND (NOT private OR EXISTS (SELECT FROM public.groups g WHERE g.name = 'insiders' AND bugevents_bugzilla.in_group(p.userid, g.id)))
              AND (p.userid IN (b.assigned_to, b.qa_contact) OR b.reporter_accessible = 1 AND p.userid = b.reporter
                OR b.cclist_accessible = 1 AND EXISTS (SELECT FROM public.cc WHERE cc.bug_id = bug AND cc.who = p.userid)
                OR NOT EXISTS (SELECT FROM public.bug_group_map m WHERE m.bug_id = bug AND NOT bugevents_bugzilla.in_group(p.userid, m.group_id)))) END $$;

SELECT bugevents.attach('bugs', 'bug_report', columns => '{
        "id": "bug_id", "title": "short_desc", "status": "bug_status", "creator_id": "reporter", "assignee_id": "assigned_to", "project_id": "product_id",
        "description": "(SELECT l.thetext FROM public.longdescs l WHERE l.bug_id = row.bug_id ORDER BY l.comment_id LIMIT 1)",
        "created_at": "row.creation_ts AT TIME ZONE current_setting(''TimeZone'')", "updated_at": "row.delta_ts AT TIME ZONE current_setting(''TimeZone'')"}',
    audience => 'bugevents_bugzilla.people(row.bug_id, false)',
    extra => '{bug_severity,resolution,component_id,version,target_milestone,status_whiteboard,estimated_time,remaining_time}');

-- The first comment of a bug is its description.
SELECT bugevents.attach('longdescs', 'comment', columns => '{
        "id": "comment_id", "bug_report_id": "bug_id", "user_id": "who", "content": "thetext",
        "project_id": "(SELECT b.product_id FROM public.bugs b WHERE b.bug_id = row.bug_id)",
        "created_at": "row.bug_when AT TIME ZONE current_setting(''TimeZone'')", "updated_at": "row.bug_when AT TIME ZONE current_setting(''TimeZone'')"}',
    filter => 'row.type <> 1 AND EXISTS (SELECT FROM public.longdescs l WHERE l.bug_id = row.bug_id AND l.comment_id < row.comment_id)',
    audience => 'bugevents_bugzilla.people(row.bug_id, row.isprivate = 1)', extra => '{isprivate,work_time}');

SELECT bugevents.attach('products', 'project', columns => '{"created_at": "NULL::timestamptz", "updated_at": "NULL::timestamptz"}');

SELECT bugevents.attach('profiles', 'user', columns => '{
        "id": "userid", "username": "login_name", "email": {"column": "login_name", "admin": true},
        "role": "CASE WHEN EXISTS (SELECT FROM public.groups g WHERE g.name = ''admin'' AND bugevents_bugzilla.in_group(row.userid, g.id)) THEN ''admin'' ELSE ''user'' END",
        "status": "CASE row.is_enabled WHEN 1 THEN ''active'' ELSE ''disabled'' END", "created_at": "NULL::timestamptz", "updated_at": "NULL::timestamptz"}');

-- Who comes to a group, or leaves it, may see other bugs: all that are confined to some group.
CREATE OR REPLACE FUNCTION bugevents_bugzilla.confined() RETURNS SETOF int LANGUAGE sql STABLE AS $$
    SELECT DISTINCT bug_id FROM public.bug_group_map $$;

SELECT bugevents.follow('bug_group_map', 'bugs', 'SELECT row.bug_id'),
    bugevents.follow('cc', 'bugs', 'SELECT row.bug_id'),
    bugevents.follow('longdescs', 'bugs', 'SELECT row.bug_id'),
    bugevents.follow('user_group_map', 'bugs', 'SELECT bugevents_bugzilla.confined()'),
    bugevents.follow('group_group_map', 'bugs', 'SELECT bugevents_bugzilla.confined()'),
    bugevents.follow('bug_group_map', 'longdescs', 'SELECT l.comment_id FROM public.longdescs l WHERE l.bug_id = row.bug_id'),
    bugevents.follow('cc', 'longdescs', 'SELECT l.comment_id FROM public.longdescs l WHERE l.bug_id = row.bug_id'),
    bugevents.follow('bugs', 'longdescs', 'SELECT l.comment_id FROM public.longdescs l WHERE l.bug_id = row.bug_id'),
    bugevents.follow('user_group_map', 'longdescs', 'SELECT l.comment_id FROM public.longdescs l
        WHERE l.isprivate = 1 OR l.bug_id IN (SELECT bugevents_bugzilla.confined())'),
    bugevents.follow('group_group_map', 'longdescs', 'SELECT l.comment_id FROM public.longdescs l
        WHERE l.isprivate = 1 OR l.bug_id IN (SELECT bugevents_bugzilla.confined())'),
    bugevents.follow('user_group_map', 'profiles', 'SELECT row.user_id'),
    bugevents.follow('group_group_map', 'profiles', 'SELECT p.userid FROM public.profiles p');
COMMIT;
