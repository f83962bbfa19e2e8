-- bugevents on Roundup's classic template.  Run it as the owner of Roundup's database and tables, once the extension is there.
--
-- The text of a message is a file outside the database (db/files/msg) unless Roundup was told otherwise; then here is its summary.
-- Nothing is ever deleted: __retired__ becomes the id.  A message is written before it is linked to its issue, and the link
-- is what makes it a comment, so the link is what is attached; it follows the message.
BEGIN;
SET LOCAL search_path = public;

SELECT bugevents.attach('_issue', 'bug_report', columns => '{
        "title": "_title", "creator_id": "_creator", "assignee_id": "_assignedto", "project_id": "NULL::int",
        "description": "(SELECT coalesce(m._content, m._summary) FROM public.issue_messages l JOIN public._msg m ON m.id = l.linkid WHERE l.nodeid = row.id ORDER BY m.id LIMIT 1)",
        "status": "(SELECT s._name FROM public._status s WHERE s.id = row._status)",
        "priority": "(SELECT p._name FROM public._priority p WHERE p.id = row._priority)",
        "created_at": "row._creation AT TIME ZONE ''UTC''", "updated_at": "row._activity AT TIME ZONE ''UTC''"}',
    filter => 'row.__retired__ = 0');

-- The first message of an issue is its description.
SELECT bugevents.attach('issue_messages', 'comment', columns => '{
        "id": "linkid", "bug_report_id": "nodeid",
        "user_id": "(SELECT m._author FROM public._msg m WHERE m.id = row.linkid)",
        "content": "(SELECT coalesce(m._content, m._summary) FROM public._msg m WHERE m.id = row.linkid)",
        "created_at": "(SELECT m._date AT TIME ZONE ''UTC'' FROM public._msg m WHERE m.id = row.linkid)",
        "updated_at": "(SELECT m._activity AT TIME ZONE ''UTC'' FROM public._msg m WHERE m.id = row.linkid)"}',
    filter => 'EXISTS (SELECT FROM public.issue_messages f WHERE f.nodeid = row.nodeid AND f.linkid < row.linkid)
               AND EXISTS (SELECT FROM public._msg m WHERE m.id = row.linkid AND m.__retired__ = 0)');

-- Retired users stay in the table, so that they are refused: by status, not by a filter.
SELECT bugevents.attach('_user', 'user', columns => '{
        "username": "_username", "email": {"column": "_address", "admin": true}, "phone": {"column": "_phone", "admin": true},
        "role": "CASE WHEN ''Admin'' = ANY (regexp_split_to_array(row._roles, ''\\s*,\\s*'')) THEN ''admin'' ELSE ''user'' END",
        "status": "CASE WHEN row.__retired__ = 0 THEN ''active'' ELSE ''retired'' END",
        "created_at": "row._creation AT TIME ZONE ''UTC''", "updated_at": "row._activity AT TIME ZONE ''UTC''"}');

SELECT bugevents.follow('_status', '_issue', 'SELECT i.id FROM public._issue i WHERE i._status = row.id'),
    bugevents.follow('_priority', '_issue', 'SELECT i.id FROM public._issue i WHERE i._priority = row.id'),
    bugevents.follow('issue_messages', '_issue', 'SELECT row.nodeid'),
    bugevents.follow('issue_messages', 'issue_messages', 'SELECT l.linkid FROM public.issue_messages l WHERE l.nodeid = row.nodeid'),
    bugevents.follow('_msg', '_issue', 'SELECT l.nodeid FROM public.issue_messages l WHERE l.linkid = row.id'),
    bugevents.follow('_msg', 'issue_messages', 'SELECT row.id');
COMMIT;
