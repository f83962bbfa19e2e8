-- bugevents on Request Tracker 5's own tables.  Run it as the owner of RT's database and tables, once the extension is there.
--
-- Rights are granted to groups, and everybody and everything is in groups (cachedgroupmembers has who is in which, through others,
-- too): so audiences name the people.  Whoever disables somebody writes principals, not users.
BEGIN;
SET LOCAL search_path = public;
CREATE SCHEMA IF NOT EXISTS bugevents_rt;

-- Everybody with a right: on all, on a queue, or on a ticket by a role in it (requestor, cc, owner).
CREATE OR REPLACE FUNCTION bugevents_rt.holders(queue int, ticket int, wanted text) RETURNS text[] LANGUAGE sql STABLE AS $$
    WITH granted AS (
        SELECT a.principalid, a.principaltype FROM public.acl a WHERE a.rightname IN (wanted, 'SuperUser')
           AND (a.objecttype = 'RT::System' OR a.objecttype = 'RT::Queue' AND a.objectid = queue))
    SELECT array_append(array_agg(DISTINCT 'user:' || m.memberid), 'admin') FROM public.cachedgroupmembers m
     WHERE m.disabled = 0 AND EXISTS (SELECT FROM public.users u WHERE u.id = m.memberid) AND m.groupid IN (
        SELECT g.principalid FROM granted g WHERE g.principaltype = 'Group'
        UNION ALL SELECT r.id FROM public.groups r JOIN granted g ON g.principaltype = r.name
         WHERE r.domain = 'RT::Ticket-Role' AND r.instance = ticket OR r.domain = 'RT::Queue-Role' AND r.instance = queue) $$;

CREATE OR REPLACE FUNCTION bugevents_rt.is_admin(who int) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM public.acl a JOIN public.cachedgroupmembers m ON m.groupid = a.principalid AND m.disabled = 0
        WHERE a.rightname = 'SuperUser' AND a.objecttype = 'RT::System' AND m.memberid = who) $$;

CREATE OR REPLACE FUNCTION bugevents_rt.ticket_of(transaction bigint) RETURNS int LANGUAGE sql STABLE AS $$
    SELECT t.objectid FROM public.transactions t WHERE t.id = transaction AND t.objecttype = 'RT::Ticket' $$;

CREATE OR REPLACE FUNCTION bugevents_rt.attachments_of(ticket int) RETURNS SETOF int LANGUAGE sql STABLE AS $$
    SELECT a.id FROM public.transactions t JOIN public.attachments a ON a.transactionid = t.id WHERE t.objecttype = 'RT::Ticket' AND t.objectid = ticket $$;

-- Tickets that a group has to do with: by its role in one, or by rights in their queue or in all.
CREATE OR REPLACE FUNCTION bugevents_rt.tickets_of(grp int) RETURNS SETOF int LANGUAGE sql STABLE AS $$
    SELECT g.instance FROM public.groups g WHERE g.id = grp AND g.domain = 'RT::Ticket-Role'
    UNION SELECT t.id FROM public.tickets t WHERE EXISTS (
        SELECT FROM public.groups g JOIN public.acl a ON a.principalid = g.id OR g.domain = 'RT::Queue-Role' AND g.instance = t.queue AND a.principaltype = g.name
         WHERE g.id = grp AND (a.objecttype = 'RT::System' OR a.objecttype = 'RT::Queue' AND a.objectid = t.queue)) $$;

SELECT bugevents.attach('queues', 'project', columns => '{
        "created_at": "row.created AT TIME ZONE ''UTC''", "updated_at": "row.lastupdated AT TIME ZONE ''UTC''"}',
    filter => 'row.disabled <> 2', audience => $$bugevents_rt.holders(row.id, NULL, 'SeeQueue')$$, extra => '{disabled}');

-- Owner 6 is Nobody.  A merged ticket goes on as another (effectiveid); one that is deleted stays in the table, with that status.
SELECT bugevents.attach('tickets', 'bug_report', columns => '{
        "title": "subject", "creator_id": "creator", "assignee_id": "nullif(nullif(row.owner, 6), 0)", "project_id": "queue",
        "description": "(SELECT a.content FROM public.transactions t JOIN public.attachments a ON a.transactionid = t.id WHERE t.objecttype = ''RT::Ticket'' AND t.objectid = row.id AND t.type = ''Create'' AND a.contenttype = ''text/plain'' ORDER BY a.id LIMIT 1)",
        "created_at": "row.created AT TIME ZONE ''UTC''", "updated_at": "row.lastupdated AT TIME ZONE ''UTC''"}',
    filter => $$row.type = 'ticket' AND row.status <> 'deleted' AND coalesce(row.ismerged, 0) = 0$$,
    audience => $$bugevents_rt.holders(row.queue, row.id, 'ShowTicket')$$,
    extra => '{due,timeworked,effectiveid}');

-- A comment is a transaction; its text is an attachment, written behind it.
SELECT bugevents.attach('attachments', 'comment', columns => '{
        "bug_report_id": "bugevents_rt.ticket_of(row.transactionid)", "user_id": "creator",
        "content": "CASE WHEN row.contentencoding IN (''none'', '''') OR row.contentencoding IS NULL THEN row.content END",
        "project_id": "(SELECT t.queue FROM public.tickets t WHERE t.id = bugevents_rt.ticket_of(row.transactionid))",
        "created_at": "row.created AT TIME ZONE ''UTC''", "updated_at": "row.created AT TIME ZONE ''UTC''"}',
    filter => $$row.contenttype = 'text/plain' AND coalesce(row.filename, '') = '' AND EXISTS (
        SELECT FROM public.transactions t WHERE t.id = row.transactionid AND t.objecttype = 'RT::Ticket' AND t.type IN ('Comment', 'Correspond'))$$,
    audience => $$(SELECT bugevents_rt.holders(k.queue, k.id, CASE t.type WHEN 'Comment' THEN 'ShowTicketComments' ELSE 'ShowTicket' END)
        FROM public.transactions t JOIN public.tickets k ON k.id = t.objectid WHERE t.id = row.transactionid)$$,
    extra => '{transactionid}');

SELECT bugevents.attach('users', 'user', columns => '{
        "username": "name", "email": {"column": "emailaddress", "admin": true}, "phone": {"column": "mobilephone", "admin": true},
        "role": "CASE WHEN bugevents_rt.is_admin(row.id) THEN ''admin'' ELSE ''user'' END",
        "status": "(SELECT CASE p.disabled WHEN 0 THEN ''active'' ELSE ''disabled'' END FROM public.principals p WHERE p.id = row.id)",
        "created_at": "row.created AT TIME ZONE ''UTC''", "updated_at": "row.lastupdated AT TIME ZONE ''UTC''"}',
    filter => $$row.name NOT IN ('RT_System', 'Nobody')$$);

SELECT bugevents.follow('principals', 'users', 'SELECT row.id'),
    bugevents.follow('acl', 'users', $$SELECT m.memberid FROM public.cachedgroupmembers m WHERE m.groupid = row.principalid AND row.rightname = 'SuperUser'$$),
    bugevents.follow('cachedgroupmembers', 'users', $$
        SELECT row.memberid WHERE EXISTS (SELECT FROM public.acl a WHERE a.principalid = row.groupid AND a.rightname = 'SuperUser')$$),
    bugevents.follow('cachedgroupmembers', 'tickets', 'SELECT bugevents_rt.tickets_of(row.groupid)'),
    bugevents.follow('cachedgroupmembers', 'attachments', 'SELECT bugevents_rt.attachments_of(t) FROM bugevents_rt.tickets_of(row.groupid) AS t'),
    bugevents.follow('acl', 'queues', $$SELECT q.id FROM public.queues q WHERE row.objecttype = 'RT::System' OR row.objecttype = 'RT::Queue' AND q.id = row.objectid$$),
    bugevents.follow('acl', 'tickets', $$SELECT t.id FROM public.tickets t WHERE row.objecttype = 'RT::System' OR row.objecttype = 'RT::Queue' AND t.queue = row.objectid$$),
    bugevents.follow('acl', 'attachments', $$
        SELECT bugevents_rt.attachments_of(t.id) FROM public.tickets t WHERE row.objecttype = 'RT::System' OR row.objecttype = 'RT::Queue' AND t.queue = row.objectid$$),
    bugevents.follow('cachedgroupmembers', 'queues', $$
        SELECT q.id FROM public.queues q WHERE EXISTS (SELECT FROM public.acl a WHERE a.principalid = row.groupid AND (a.objecttype = 'RT::System' OR a.objectid = q.id))$$),
    bugevents.follow('attachments', 'tickets', 'SELECT bugevents_rt.ticket_of(row.transactionid)'),
    bugevents.follow('tickets', 'attachments', 'SELECT bugevents_rt.attachments_of(row.id)');
COMMIT;
