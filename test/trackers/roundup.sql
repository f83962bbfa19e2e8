-- Of Roundup's classic template what the recipe touches.
CREATE TABLE _status (id int PRIMARY KEY, _name text, __retired__ int DEFAULT 0);
CREATE TABLE _priority (id int PRIMARY KEY, _name text, __retired__ int DEFAULT 0);
CREATE TABLE _user (id int PRIMARY KEY, _username text, _address text, _phone text, _roles text, _actor int, _activity timestamp DEFAULT '2026-01-01', _creation timestamp DEFAULT '2026-01-01',
    __retired__ int DEFAULT 0);
CREATE TABLE _issue (id int PRIMARY KEY, _title text, _status int, _priority int, _assignedto int, _creator int, _actor int, _activity timestamp DEFAULT '2026-01-01',
    _creation timestamp DEFAULT '2026-01-01', __retired__ int DEFAULT 0);
CREATE TABLE _msg (id int PRIMARY KEY, _author int, _content text, _summary text, _date timestamp DEFAULT '2026-01-01', _activity timestamp DEFAULT '2026-01-01', __retired__ int DEFAULT 0);
CREATE TABLE issue_messages (linkid int, nodeid int);
CREATE INDEX ON issue_messages (linkid);
CREATE TABLE issue_nosy (linkid int, nodeid int);
CREATE TABLE issue__journal (nodeid int, date timestamp, tag text, action text, params text);
INSERT INTO _status VALUES (1, 'unread'), (2, 'chatting'), (3, 'resolved');
INSERT INTO _priority VALUES (1, 'critical'), (2, 'bug');
INSERT INTO _user (id, _username, _address, _roles) VALUES (1, 'admin', 'a@example.org', 'Admin'), (2, 'anonymous', NULL, 'Anonymous'), (3, 'ada', 'ada@example.org', 'User'), (4, 'bob', 'bob@example.org', 'User');

CREATE VIEW shown AS
SELECT 'bug_report' AS type, i.id::text, jsonb_build_object('title', i._title, 'status', s._name, 'priority', p._name, 'assignee_id', i._assignedto,
        'description', (SELECT m._content FROM issue_messages l JOIN _msg m ON m.id = l.linkid WHERE l.nodeid = i.id ORDER BY m.id LIMIT 1)) AS payload
    FROM _issue i LEFT JOIN _status s ON s.id = i._status LEFT JOIN _priority p ON p.id = i._priority WHERE i.__retired__ = 0
UNION ALL SELECT 'comment', m.id::text, jsonb_build_object('bug_report_id', l.nodeid, 'user_id', m._author, 'content', m._content)
    FROM issue_messages l JOIN _msg m ON m.id = l.linkid WHERE m.__retired__ = 0 AND m.id > (SELECT min(f.linkid) FROM issue_messages f WHERE f.nodeid = l.nodeid)
UNION ALL SELECT 'user', id::text, jsonb_build_object('username', _username, 'email', _address, 'role', CASE WHEN _roles ~ 'Admin' THEN 'admin' ELSE 'user' END,
        'status', CASE __retired__ WHEN 0 THEN 'active' ELSE 'retired' END) FROM _user;
