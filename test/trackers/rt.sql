-- Of Request Tracker 5 what the recipe touches: a queue for all staff (group 20), and one for nobody but its role holders.
CREATE TABLE principals (id serial PRIMARY KEY, principaltype text, disabled int DEFAULT 0);
CREATE TABLE users (id int PRIMARY KEY, name text, emailaddress text, mobilephone text, creator int, created timestamp DEFAULT '2026-01-01', lastupdated timestamp DEFAULT '2026-01-01');
CREATE TABLE groups (id int PRIMARY KEY, name text, domain text, instance int);
CREATE TABLE groupmembers (id serial PRIMARY KEY, groupid int, memberid int);
CREATE TABLE cachedgroupmembers (id serial PRIMARY KEY, groupid int, memberid int, via int, immediateparentid int, disabled int DEFAULT 0);
CREATE TABLE acl (id serial PRIMARY KEY, principaltype text, principalid int, rightname text, objecttype text, objectid int);
CREATE TABLE queues (id serial PRIMARY KEY, name text, description text, disabled int DEFAULT 0, created timestamp DEFAULT '2026-01-01', lastupdated timestamp DEFAULT '2026-01-01');
CREATE TABLE tickets (id serial PRIMARY KEY, effectiveid int DEFAULT 0, ismerged int, queue int, type text, owner int DEFAULT 0, subject text DEFAULT '[no subject]', priority int DEFAULT 0,
    timeworked int DEFAULT 0, status text, due timestamp, started timestamp, resolved timestamp, lastupdatedby int, lastupdated timestamp, creator int, created timestamp DEFAULT '2026-01-01');
CREATE TABLE transactions (id serial PRIMARY KEY, objecttype text, objectid int, type text, field text, oldvalue text, newvalue text, creator int, created timestamp);
CREATE TABLE attachments (id serial PRIMARY KEY, transactionid int, parent int DEFAULT 0, subject text, filename text, contenttype text, contentencoding text, content text, creator int,
    created timestamp DEFAULT '2026-01-01');
CREATE INDEX ON attachments (transactionid);
INSERT INTO principals (id, principaltype) VALUES (1, 'User'), (6, 'User'), (11, 'User'), (12, 'User'), (13, 'User'), (14, 'User'), (20, 'Group'), (21, 'Group');
INSERT INTO users (id, name, emailaddress) VALUES (1, 'RT_System', ''), (6, 'Nobody', ''), (11, 'root', 'root@example.org'), (12, 'agent', 'agent@example.org'),
    (13, 'customer', 'customer@example.org'), (14, 'stranger', 'stranger@example.org');
INSERT INTO groups VALUES (20, 'Staff', 'UserDefined', NULL), (21, 'Admins', 'UserDefined', NULL);
INSERT INTO cachedgroupmembers (groupid, memberid) VALUES (20, 12), (21, 11);
INSERT INTO queues (id, name) VALUES (1, 'General'), (2, 'Secret');
INSERT INTO acl (principaltype, principalid, rightname, objecttype, objectid) VALUES ('Group', 21, 'SuperUser', 'RT::System', 1), ('Group', 20, 'ShowTicket', 'RT::Queue', 1),
    ('Group', 20, 'ShowTicketComments', 'RT::Queue', 1), ('Group', 20, 'SeeQueue', 'RT::Queue', 1), ('Requestor', 0, 'ShowTicket', 'RT::System', 1);
SELECT setval('principals_id_seq', 100);

CREATE VIEW shown AS
SELECT 'bug_report' AS type, t.id::text, jsonb_build_object('title', t.subject, 'status', t.status, 'priority', t.priority, 'assignee_id', CASE WHEN t.owner NOT IN (0, 6) THEN t.owner END,
        'project_id', t.queue, 'effectiveid', t.effectiveid, 'timeworked', t.timeworked, 'description', (SELECT a.content FROM transactions x JOIN attachments a ON a.transactionid = x.id
            WHERE x.objectid = t.id AND x.type = 'Create' LIMIT 1)) AS payload
    FROM tickets t WHERE t.status <> 'deleted' AND t.ismerged IS NULL
UNION ALL SELECT 'comment', a.id::text, jsonb_build_object('bug_report_id', x.objectid, 'content', a.content, 'project_id', t.queue)
    FROM attachments a JOIN transactions x ON x.id = a.transactionid JOIN tickets t ON t.id = x.objectid WHERE x.type IN ('Comment', 'Correspond') AND a.contenttype = 'text/plain'
UNION ALL SELECT 'project', id::text, jsonb_build_object('name', name, 'disabled', disabled) FROM queues WHERE disabled <> 2
UNION ALL SELECT 'user', u.id::text, jsonb_build_object('username', u.name, 'email', u.emailaddress, 'role', CASE WHEN EXISTS (
            SELECT FROM cachedgroupmembers m WHERE m.memberid = u.id AND m.groupid = 21) THEN 'admin' ELSE 'user' END, 'status', CASE p.disabled WHEN 0 THEN 'active' ELSE 'disabled' END)
    FROM users u JOIN principals p USING (id) WHERE u.name NOT IN ('RT_System', 'Nobody');
