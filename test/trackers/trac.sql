-- Of Trac 1.x what the recipe touches.
CREATE TABLE ticket (id serial PRIMARY KEY, type text, "time" bigint, changetime bigint, component text, severity text, priority text, owner text, reporter text, cc text, version text,
    milestone text, status text, resolution text, summary text, description text, keywords text);
CREATE TABLE ticket_change (ticket int, "time" bigint, author text, field text, oldvalue text, newvalue text, PRIMARY KEY (ticket, "time", field));
CREATE TABLE ticket_custom (ticket int, name text, value text, PRIMARY KEY (ticket, name));
CREATE TABLE component (name text PRIMARY KEY, owner text, description text);
CREATE TABLE milestone (name text PRIMARY KEY, due bigint, completed bigint, description text);
CREATE TABLE session (sid text, authenticated int, last_visit int, PRIMARY KEY (sid, authenticated));
CREATE TABLE session_attribute (sid text, authenticated int, name text, value text, PRIMARY KEY (sid, authenticated, name));
CREATE TABLE permission (username text, action text, PRIMARY KEY (username, action));
INSERT INTO component VALUES ('core', 'ada', ''), ('web', 'bob', '');
INSERT INTO session VALUES ('ada', 1, 0), ('bob', 1, 0), ('0f3a', 0, 0);
INSERT INTO session_attribute VALUES ('ada', 1, 'email', 'ada@example.org');
INSERT INTO permission VALUES ('ada', 'admins'), ('admins', 'TRAC_ADMIN'), ('bob', 'TICKET_VIEW');

CREATE VIEW shown AS
SELECT 'bug_report' AS type, t.id::text, jsonb_build_object('title', t.summary, 'description', t.description, 'status', t.status, 'priority', t.priority, 'assignee_id', nullif(t.owner, ''),
        'project_id', nullif(t.component, ''), 'milestone', t.milestone, 'resolution', t.resolution, 'keywords', t.keywords) AS payload FROM ticket t
UNION ALL SELECT 'comment', c.ticket || ':' || c."time", jsonb_build_object('bug_report_id', c.ticket, 'user_id', c.author, 'content', c.newvalue, 'project_id', nullif(t.component, ''),
        'edited', (SELECT count(*) > 0 FROM ticket_change e WHERE e.ticket = c.ticket AND e."time" = c."time" AND e.field ~ '^_comment'))
    FROM ticket_change c LEFT JOIN ticket t ON t.id = c.ticket WHERE c.field = 'comment' AND c.newvalue <> ''
UNION ALL SELECT 'project', name, jsonb_build_object('name', name, 'owner', owner) FROM component
UNION ALL SELECT 'user', s.sid, jsonb_build_object('username', s.sid, 'email', a.value, 'role', CASE WHEN EXISTS (SELECT FROM permission p LEFT JOIN permission g ON g.username = p.action
            WHERE p.username = s.sid AND 'TRAC_ADMIN' IN (p.action, g.action)) THEN 'admin' ELSE 'user' END)
    FROM session s LEFT JOIN session_attribute a ON a.sid = s.sid AND a.authenticated = 1 AND a.name = 'email' WHERE s.authenticated = 1;
