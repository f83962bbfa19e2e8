-- Of Redmine 5 what the recipe touches, with a public and a private project.
CREATE TABLE projects (id serial PRIMARY KEY, name text, description text, homepage text DEFAULT '', is_public boolean DEFAULT true, parent_id int,
    created_on timestamp DEFAULT '2026-01-01', updated_on timestamp DEFAULT '2026-01-01', identifier text, status int DEFAULT 1, lft int, rgt int);
CREATE TABLE enabled_modules (id serial PRIMARY KEY, project_id int, name text);
CREATE TABLE issue_statuses (id serial PRIMARY KEY, name text, is_closed boolean DEFAULT false);
CREATE TABLE enumerations (id serial PRIMARY KEY, name text, type text);
CREATE TABLE users (id serial PRIMARY KEY, login text DEFAULT '', firstname text DEFAULT '', lastname text DEFAULT '', admin boolean DEFAULT false,
    status int DEFAULT 1, last_login_on timestamp, created_on timestamp DEFAULT '2026-01-01', updated_on timestamp DEFAULT '2026-01-01', type text);
CREATE TABLE email_addresses (id serial PRIMARY KEY, user_id int, address text, is_default boolean DEFAULT false, notify boolean DEFAULT true);
CREATE TABLE groups_users (group_id int, user_id int);
CREATE TABLE roles (id serial PRIMARY KEY, name text, builtin int DEFAULT 0, permissions text, issues_visibility text DEFAULT 'default');
CREATE TABLE members (id serial PRIMARY KEY, user_id int, project_id int, created_on timestamp);
CREATE TABLE member_roles (id serial PRIMARY KEY, member_id int, role_id int, inherited_from int);
CREATE TABLE issues (id serial PRIMARY KEY, tracker_id int DEFAULT 1, project_id int, subject text, description text, due_date date, category_id int, status_id int,
    assigned_to_id int, priority_id int, fixed_version_id int, author_id int, lock_version int DEFAULT 0, created_on timestamp DEFAULT '2026-01-01',
    updated_on timestamp DEFAULT '2026-01-01', start_date date, done_ratio int DEFAULT 0, estimated_hours float, parent_id int, root_id int, lft int, rgt int,
    is_private boolean DEFAULT false, closed_on timestamp);
CREATE TABLE journals (id serial PRIMARY KEY, journalized_id int, journalized_type text DEFAULT 'Issue', user_id int, notes text, created_on timestamp DEFAULT '2026-01-01',
    private_notes boolean DEFAULT false);
CREATE TABLE journal_details (id serial PRIMARY KEY, journal_id int, property text, prop_key text, old_value text, value text);
INSERT INTO users (id, login, admin, type) VALUES (1, 'admin', true, 'User'), (2, 'manager', false, 'User'), (3, 'developer', false, 'User'), (4, 'stranger', false, 'User'), (9, '', false, 'Group');
INSERT INTO groups_users VALUES (9, 3);
INSERT INTO email_addresses (user_id, address, is_default) SELECT id, login || '@example.org', true FROM users WHERE type = 'User';
INSERT INTO roles (id, name, builtin, permissions, issues_visibility) VALUES (1, 'Manager', 0, E'---\n- :view_issues\n- :view_private_notes\n', 'all'),
    (2, 'Developer', 0, E'---\n- :view_issues\n', 'default'), (3, 'Non member', 1, E'---\n- :view_issues\n', 'default');
INSERT INTO issue_statuses (id, name) VALUES (1, 'New'), (2, 'In Progress'), (3, 'Closed');
INSERT INTO enumerations (id, name, type) VALUES (1, 'Normal', 'IssuePriority'), (2, 'High', 'IssuePriority');
INSERT INTO projects (id, name, is_public, identifier) VALUES (1, 'Open', true, 'open'), (2, 'Closed', false, 'closed');
INSERT INTO enabled_modules (project_id, name) VALUES (1, 'issue_tracking'), (2, 'issue_tracking'), (2, 'wiki');
INSERT INTO members (id, user_id, project_id) VALUES (1, 2, 1), (2, 2, 2), (3, 3, 2);
INSERT INTO member_roles (member_id, role_id) VALUES (1, 1), (2, 1), (3, 2);
SELECT setval('users_id_seq', 20), setval('roles_id_seq', 20), setval('projects_id_seq', 20), setval('members_id_seq', 20);

CREATE VIEW shown AS
SELECT 'bug_report' AS type, i.id::text, jsonb_build_object('title', i.subject, 'description', i.description, 'status', s.name, 'priority', e.name, 'project_id', i.project_id,
        'assignee_id', i.assigned_to_id, 'done_ratio', i.done_ratio, 'parent_id', i.parent_id, 'is_private', i.is_private) AS payload
    FROM issues i LEFT JOIN issue_statuses s ON s.id = i.status_id LEFT JOIN enumerations e ON e.id = i.priority_id
UNION ALL SELECT 'comment', j.id::text, jsonb_build_object('bug_report_id', i.id, 'content', j.notes, 'user_id', j.user_id, 'project_id', i.project_id, 'private_notes', j.private_notes)
    FROM journals j LEFT JOIN issues i ON i.id = j.journalized_id WHERE j.notes <> ''
UNION ALL SELECT 'project', id::text, jsonb_build_object('name', name, 'status', status, 'is_public', is_public) FROM projects
UNION ALL SELECT 'user', u.id::text, jsonb_build_object('username', u.login, 'email', e.address, 'role', CASE WHEN u.admin THEN 'admin' ELSE 'user' END,
        'status', (ARRAY['active', 'registered', 'locked'])[u.status])
    FROM users u LEFT JOIN email_addresses e ON e.user_id = u.id AND e.is_default WHERE u.type = 'User'
UNION ALL SELECT 'membership', m.id::text, jsonb_build_object('user_id', m.user_id, 'project_id', m.project_id)
    FROM members m WHERE EXISTS (SELECT FROM member_roles r WHERE r.member_id = m.id);
