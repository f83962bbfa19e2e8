-- bugevents on Redmine 5's own tables.  Run it as the owner of Redmine's database and tables, once the extension is there.
--
-- Names of statuses and priorities, visibility and addresses stand in other tables: functions look them up, and
-- follow() says which rows depend on them.  Roles that may see all issues are asked for by name only where an issue is
-- private; else its audience is the project, whose members are those who may see issues.
BEGIN;
SET LOCAL search_path = public;
CREATE SCHEMA IF NOT EXISTS bugevents_redmine;

-- Does a role have a permission?  roles.permissions is YAML: "- :view_issues".
CREATE OR REPLACE FUNCTION bugevents_redmine.permits(role public.roles, permission text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT role.permissions ~ ('- :' || permission || '\M') $$;

-- Members of a project with a permission, of roles that see so many issues.
CREATE OR REPLACE FUNCTION bugevents_redmine.members(project int, permission text, visibility text[]) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT coalesce(array_agg(DISTINCT 'user:' || m.user_id), '{}')
      FROM public.members m JOIN public.member_roles mr ON mr.member_id = m.id JOIN public.roles r ON r.id = mr.role_id
     WHERE m.project_id = project AND bugevents_redmine.permits(r, permission) AND r.issues_visibility = ANY (visibility) $$;

-- A user, or everybody in a group: assigned_to_id may be either.
CREATE OR REPLACE FUNCTION bugevents_redmine.people(principal int) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT coalesce(array_agg('user:' || id), '{}')
      FROM (SELECT principal AS id WHERE principal IS NOT NULL
            UNION SELECT g.user_id FROM public.groups_users g WHERE g.group_id = principal) AS p $$;

-- Of some people those who have a role that may see issues of the project, though perhaps their own ones only: who
-- wrote an issue, or has it, sees it as long as that is so.
CREATE OR REPLACE FUNCTION bugevents_redmine.involved(project int, who text[]) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN p.is_public AND EXISTS (SELECT FROM public.roles r WHERE r.builtin = 1 AND bugevents_redmine.permits(r, 'view_issues')) THEN who
           ELSE ARRAY(SELECT unnest(who) INTERSECT SELECT unnest(bugevents_redmine.members(project, 'view_issues', '{all,default,own}'))) END
      FROM public.projects p WHERE p.id = project $$;

-- Who sees a project as such: everybody if it is public, active or closed; else its members.
CREATE OR REPLACE FUNCTION bugevents_redmine.project_audience(project int, is_public boolean, status int) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN status NOT IN (1, 5) THEN '{admin}' WHEN is_public THEN '{all}' ELSE ARRAY['admin', 'project:' || project] END $$;

-- Is there nothing to be seen of its issues?  A project that is being deleted loses its modules first.
CREATE OR REPLACE FUNCTION bugevents_redmine.is_closed(p public.projects) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT p.status NOT IN (1, 5) OR NOT EXISTS (SELECT FROM public.enabled_modules e WHERE e.project_id = p.id AND e.name = 'issue_tracking') $$;

CREATE OR REPLACE FUNCTION bugevents_redmine.issue_audience(project int, is_private boolean, author int, assignee int) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN bugevents_redmine.is_closed(p) THEN '{admin}'
        WHEN is_private THEN ARRAY['admin'] || bugevents_redmine.involved(project, ARRAY['user:' || author] || bugevents_redmine.people(assignee))
            || bugevents_redmine.members(project, 'view_issues', '{all}')
        WHEN p.is_public AND EXISTS (SELECT FROM public.roles r WHERE r.builtin = 1 AND bugevents_redmine.permits(r, 'view_issues') AND r.issues_visibility <> 'own')
            THEN '{all}'
        ELSE ARRAY['admin', 'project:' || project] || bugevents_redmine.involved(project, ARRAY['user:' || author] || bugevents_redmine.people(assignee)) END
      FROM public.projects p WHERE p.id = project $$;

-- Who sees a note: who sees the issue; private ones of them only who may see private notes, and the author.  What this can't
-- do: show a private note to its author where he is no member and the project is public.
CREATE OR REPLACE FUNCTION bugevents_redmine.note_audience(issue int, author int, private boolean) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN private THEN ARRAY['admin'] || ARRAY(
               SELECT unnest(bugevents_redmine.involved(i.project_id, ARRAY['user:' || author]) || bugevents_redmine.members(i.project_id, 'view_private_notes', '{all,default}'))
               INTERSECT SELECT unnest(bugevents_redmine.involved(i.project_id, ARRAY['user:' || i.author_id] || bugevents_redmine.people(i.assigned_to_id))
                   || bugevents_redmine.members(i.project_id, 'view_issues', CASE WHEN i.is_private THEN '{all}'::text[] ELSE '{all,default}' END)))
           ELSE bugevents_redmine.issue_audience(i.project_id, i.is_private, i.author_id, i.assigned_to_id) END
      FROM public.issues i WHERE i.id = issue $$;

SELECT bugevents.attach('projects', 'project', columns => '{
        "created_at": "row.created_on AT TIME ZONE ''UTC''", "updated_at": "row.updated_on AT TIME ZONE ''UTC''"}',
    audience => 'bugevents_redmine.project_audience(row.id, row.is_public, row.status)',
    extra => '{identifier,is_public,status,parent_id,homepage}');

SELECT bugevents.attach('issues', 'bug_report', columns => '{
        "title": "subject", "creator_id": "author_id", "assignee_id": "assigned_to_id",
        "status": "(SELECT s.name FROM public.issue_statuses s WHERE s.id = row.status_id)",
        "priority": "(SELECT e.name FROM public.enumerations e WHERE e.id = row.priority_id)",
        "created_at": "row.created_on AT TIME ZONE ''UTC''", "updated_at": "row.updated_on AT TIME ZONE ''UTC''"}',
    audience => 'bugevents_redmine.issue_audience(row.project_id, row.is_private, row.author_id, row.assigned_to_id)',
    extra => '{tracker_id,status_id,priority_id,category_id,fixed_version_id,parent_id,start_date,due_date,done_ratio,estimated_hours,is_private}');

-- A journal is a comment as far as it has notes; changes of fields are told by the issue.
SELECT bugevents.attach('journals', 'comment', columns => '{
        "bug_report_id": "journalized_id", "content": "notes",
        "project_id": "(SELECT i.project_id FROM public.issues i WHERE i.id = row.journalized_id)",
        "created_at": "row.created_on AT TIME ZONE ''UTC''", "updated_at": "row.created_on AT TIME ZONE ''UTC''"}',
    filter => $$row.journalized_type = 'Issue' AND row.notes <> ''$$,
    audience => 'bugevents_redmine.note_audience(row.journalized_id, row.user_id, row.private_notes)',
    extra => '{private_notes}');

-- Groups and the anonymous user are in users, too.
SELECT bugevents.attach('users', 'user', columns => '{
        "username": "login",
        "email": {"column": "(SELECT e.address FROM public.email_addresses e WHERE e.user_id = row.id AND e.is_default)", "admin": true},
        "role": "CASE WHEN row.admin THEN ''admin'' ELSE ''user'' END",
        "status": "CASE row.status WHEN 1 THEN ''active'' WHEN 2 THEN ''registered'' WHEN 3 THEN ''locked'' ELSE ''none'' END",
        "created_at": "row.created_on AT TIME ZONE ''UTC''", "updated_at": "row.updated_on AT TIME ZONE ''UTC''"}',
    filter => $$row.type = 'User'$$, extra => '{firstname,lastname}');

-- Belonging to a project means: with a role that may see its issues.
SELECT bugevents.attach('members', 'membership', filter => 'EXISTS (
    SELECT FROM public.member_roles mr JOIN public.roles r ON r.id = mr.role_id WHERE mr.member_id = row.id
       AND bugevents_redmine.permits(r, ''view_issues'') AND r.issues_visibility IN (''all'', ''default''))');

SELECT bugevents.follow('issue_statuses', 'issues', 'SELECT i.id FROM public.issues i WHERE i.status_id = row.id'),
    bugevents.follow('enumerations', 'issues', 'SELECT i.id FROM public.issues i WHERE i.priority_id = row.id'),
    bugevents.follow('projects', 'issues', 'SELECT i.id FROM public.issues i WHERE i.project_id = row.id'),
    bugevents.follow('enabled_modules', 'issues', 'SELECT i.id FROM public.issues i WHERE i.project_id = row.project_id'),
    bugevents.follow('groups_users', 'issues', 'SELECT i.id FROM public.issues i WHERE i.assigned_to_id = row.group_id'),
    bugevents.follow('member_roles', 'issues',
        $$SELECT i.id FROM public.members m JOIN public.issues i USING (project_id) WHERE m.id = row.member_id
           AND (i.is_private OR 'user:' || m.user_id = ANY (ARRAY['user:' || i.author_id] || bugevents_redmine.people(i.assigned_to_id)))$$),
    bugevents.follow('issues', 'journals', $$SELECT j.id FROM public.journals j WHERE j.journalized_id = row.id AND j.journalized_type = 'Issue'$$),
    bugevents.follow('projects', 'journals', $$
        SELECT j.id FROM public.issues i JOIN public.journals j ON j.journalized_id = i.id AND j.journalized_type = 'Issue' WHERE i.project_id = row.id$$),
    bugevents.follow('enabled_modules', 'journals', $$
        SELECT j.id FROM public.issues i JOIN public.journals j ON j.journalized_id = i.id AND j.journalized_type = 'Issue' WHERE i.project_id = row.project_id$$),
    bugevents.follow('member_roles', 'journals', $$
        SELECT j.id FROM public.members m JOIN public.issues i USING (project_id) JOIN public.journals j ON j.journalized_id = i.id AND j.journalized_type = 'Issue'
         WHERE m.id = row.member_id AND (i.is_private OR j.private_notes OR
            'user:' || m.user_id = ANY (ARRAY['user:' || i.author_id] || bugevents_redmine.people(i.assigned_to_id)))$$),
    bugevents.follow('email_addresses', 'users', 'SELECT row.user_id'),
    bugevents.follow('member_roles', 'members', 'SELECT row.member_id'),
    bugevents.follow('roles', 'members', 'SELECT mr.member_id FROM public.member_roles mr WHERE mr.role_id = row.id');
COMMIT;
