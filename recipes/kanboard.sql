-- bugevents on Kanboard's own tables.  Run it as the owner of Kanboard's database and tables, once the extension is there.
--
-- Times are seconds since 1970; 0 stands for nobody.  Groups are members of projects as well as users, and a row of
-- project_has_groups is many memberships: so audiences name the people that belong to a project by a group.
BEGIN;
SET LOCAL search_path = public;
CREATE SCHEMA IF NOT EXISTS bugevents_kanboard;

CREATE OR REPLACE FUNCTION bugevents_kanboard.people(project int) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT ARRAY['admin', 'project:' || project] || (
        SELECT coalesce(array_agg(DISTINCT 'user:' || g.user_id), '{}')
          FROM public.project_has_groups p JOIN public.group_has_users g USING (group_id) WHERE p.project_id = project) $$;

SELECT bugevents.attach('projects', 'project', columns => '{
        "created_at": "NULL::timestamptz", "updated_at": "to_timestamp(nullif(row.last_modified, 0))"}',
    audience => 'bugevents_kanboard.people(row.id)', extra => '{is_active,identifier}');

SELECT bugevents.attach('tasks', 'bug_report', columns => '{
        "creator_id": "nullif(row.creator_id, 0)", "assignee_id": "nullif(row.owner_id, 0)",
        "status": "CASE WHEN row.is_active THEN (SELECT c.title FROM public.columns c WHERE c.id = row.column_id) ELSE ''closed'' END",
        "created_at": "to_timestamp(row.date_creation)", "updated_at": "to_timestamp(row.date_modification)"}',
    audience => 'bugevents_kanboard.people(row.project_id)',
    extra => '{color_id,column_id,swimlane_id,category_id,position,score,time_spent,time_estimated}');

SELECT bugevents.attach('comments', 'comment', columns => '{
        "bug_report_id": "task_id", "content": "comment", "project_id": "(SELECT t.project_id FROM public.tasks t WHERE t.id = row.task_id)",
        "created_at": "to_timestamp(row.date_creation)", "updated_at": "to_timestamp(row.date_modification)"}',
    audience => '(SELECT bugevents_kanboard.people(t.project_id) FROM public.tasks t WHERE t.id = row.task_id)');

SELECT bugevents.attach('users', 'user', columns => '{
        "email": {"column": "email", "admin": true}, "role": "CASE row.role WHEN ''app-admin'' THEN ''admin'' ELSE ''user'' END",
        "status": "CASE WHEN row.is_active THEN ''active'' ELSE ''disabled'' END",
        "created_at": "NULL::timestamptz", "updated_at": "NULL::timestamptz"}', extra => '{name}');

SELECT bugevents.attach('project_has_users', 'membership');

SELECT bugevents.follow('columns', 'tasks', 'SELECT t.id FROM public.tasks t WHERE t.column_id = row.id'),
    bugevents.follow('tasks', 'comments', 'SELECT c.id FROM public.comments c WHERE c.task_id = row.id'),
    bugevents.follow('project_has_groups', 'projects', 'SELECT row.project_id'),
    bugevents.follow('project_has_groups', 'tasks', 'SELECT t.id FROM public.tasks t WHERE t.project_id = row.project_id'),
    bugevents.follow('project_has_groups', 'comments',
        'SELECT c.id FROM public.tasks t JOIN public.comments c ON c.task_id = t.id WHERE t.project_id = row.project_id'),
    bugevents.follow('group_has_users', 'projects', 'SELECT p.project_id FROM public.project_has_groups p WHERE p.group_id = row.group_id'),
    bugevents.follow('group_has_users', 'tasks',
        'SELECT t.id FROM public.project_has_groups p JOIN public.tasks t USING (project_id) WHERE p.group_id = row.group_id'),
    bugevents.follow('group_has_users', 'comments', 'SELECT c.id FROM public.project_has_groups p JOIN public.tasks t USING (project_id)
        JOIN public.comments c ON c.task_id = t.id WHERE p.group_id = row.group_id');
COMMIT;
