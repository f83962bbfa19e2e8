-- Of Bugzilla what the recipe touches: ada is in the security group, bob and eve are not.
CREATE TABLE profiles (userid serial PRIMARY KEY, login_name text, realname text DEFAULT '', is_enabled int DEFAULT 1);
CREATE TABLE groups (id serial PRIMARY KEY, name text);
CREATE TABLE user_group_map (user_id int, group_id int, isbless int DEFAULT 0, grant_type int DEFAULT 0);
CREATE TABLE group_group_map (member_id int, grantor_id int, grant_type int DEFAULT 0);
CREATE TABLE products (id serial PRIMARY KEY, name text, description text);
CREATE TABLE bugs (bug_id serial PRIMARY KEY, assigned_to int, bug_severity text DEFAULT 'normal', bug_status text, creation_ts timestamp, delta_ts timestamp DEFAULT '2026-01-01', short_desc text, priority text,
    product_id int, reporter int, version text, component_id int, resolution text DEFAULT '', target_milestone text, qa_contact int, status_whiteboard text DEFAULT '',
    reporter_accessible int DEFAULT 1, cclist_accessible int DEFAULT 1, estimated_time numeric DEFAULT 0, remaining_time numeric DEFAULT 0, lastdiffed timestamp);
CREATE TABLE bug_group_map (bug_id int, group_id int, UNIQUE (bug_id, group_id));
CREATE TABLE cc (bug_id int, who int, UNIQUE (bug_id, who));
CREATE TABLE longdescs (comment_id serial PRIMARY KEY, bug_id int, who int, bug_when timestamp DEFAULT '2026-01-01', work_time numeric DEFAULT 0, thetext text, isprivate int DEFAULT 0, type int DEFAULT 0);
CREATE TABLE bugs_activity (bug_id int, who int, bug_when timestamp, fieldid int, added text, removed text);
CREATE INDEX ON longdescs (bug_id);
INSERT INTO profiles (userid, login_name) VALUES (1, 'admin@example.org'), (2, 'ada@example.org'), (3, 'bob@example.org'), (4, 'eve@example.org');
INSERT INTO groups (id, name) VALUES (1, 'admin'), (2, 'security'), (3, 'insiders');
INSERT INTO user_group_map (user_id, group_id) VALUES (1, 1), (2, 2), (2, 3);
INSERT INTO group_group_map (member_id, grantor_id) VALUES (1, 2), (1, 3);
INSERT INTO products (id, name) VALUES (1, 'Web');

CREATE VIEW shown AS
SELECT 'bug_report' AS type, b.bug_id::text AS id, jsonb_build_object('title', b.short_desc, 'status', b.bug_status, 'priority', b.priority, 'assignee_id', b.assigned_to, 'resolution', b.resolution,
        'description', (SELECT l.thetext FROM longdescs l WHERE l.bug_id = b.bug_id ORDER BY l.comment_id LIMIT 1), 'status_whiteboard', b.status_whiteboard) AS payload FROM bugs b
UNION ALL SELECT 'comment', l.comment_id::text, jsonb_build_object('bug_report_id', l.bug_id, 'content', l.thetext, 'isprivate', l.isprivate)
    FROM longdescs l WHERE l.comment_id > (SELECT min(f.comment_id) FROM longdescs f WHERE f.bug_id = l.bug_id)
UNION ALL SELECT 'project', id::text, jsonb_build_object('name', name) FROM products
UNION ALL SELECT 'user', p.userid::text, jsonb_build_object('username', p.login_name, 'role', CASE WHEN EXISTS (SELECT FROM user_group_map m WHERE m.user_id = p.userid AND m.group_id = 1)
        THEN 'admin' ELSE 'user' END, 'status', CASE p.is_enabled WHEN 1 THEN 'active' ELSE 'disabled' END) FROM profiles p;
