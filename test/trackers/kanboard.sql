-- Of Kanboard what the recipe touches, with its cascades; project 1 is ada's, by a group.
CREATE TABLE users (id serial PRIMARY KEY, username text, name text, email text, role text DEFAULT 'app-user', is_active boolean DEFAULT true);
CREATE TABLE groups (id serial PRIMARY KEY, name text);
CREATE TABLE group_has_users (group_id int REFERENCES groups ON DELETE CASCADE, user_id int REFERENCES users ON DELETE CASCADE, UNIQUE (group_id, user_id));
CREATE TABLE projects (id serial PRIMARY KEY, name text, description text, identifier text, is_active boolean DEFAULT true, last_modified bigint DEFAULT 0);
CREATE TABLE project_has_users (project_id int REFERENCES projects ON DELETE CASCADE, user_id int REFERENCES users ON DELETE CASCADE, role text, UNIQUE (project_id, user_id));
CREATE TABLE project_has_groups (project_id int REFERENCES projects ON DELETE CASCADE, group_id int REFERENCES groups ON DELETE CASCADE, role text, UNIQUE (project_id, group_id));
CREATE TABLE columns (id serial PRIMARY KEY, title text, position int, project_id int REFERENCES projects ON DELETE CASCADE);
CREATE TABLE tasks (id serial PRIMARY KEY, title text, description text DEFAULT '', date_creation bigint DEFAULT 1000, date_modification bigint DEFAULT 1000, date_completed bigint, date_moved bigint,
    color_id text, project_id int REFERENCES projects ON DELETE CASCADE, column_id int REFERENCES columns ON DELETE CASCADE, owner_id int DEFAULT 0, creator_id int DEFAULT 0, position int,
    is_active boolean DEFAULT true, score int, category_id int DEFAULT 0, swimlane_id int DEFAULT 1, priority int DEFAULT 0, time_spent float DEFAULT 0, time_estimated float DEFAULT 0);
CREATE TABLE subtasks (id serial PRIMARY KEY, title text, task_id int REFERENCES tasks ON DELETE CASCADE);
CREATE TABLE comments (id serial PRIMARY KEY, task_id int REFERENCES tasks ON DELETE CASCADE, user_id int, date_creation bigint DEFAULT 1000, date_modification bigint DEFAULT 1000, comment text);
INSERT INTO users (id, username, role) VALUES (1, 'admin', 'app-admin'), (2, 'ada', 'app-user'), (3, 'bob', 'app-user');
INSERT INTO groups VALUES (1, 'team');
INSERT INTO group_has_users VALUES (1, 2);
INSERT INTO projects (id, name) VALUES (1, 'Board'), (2, 'Other');
INSERT INTO project_has_groups VALUES (1, 1, 'project-member');
INSERT INTO project_has_users VALUES (2, 3, 'project-member');
INSERT INTO columns (id, title, position, project_id) VALUES (1, 'Backlog', 1, 1), (2, 'Work', 2, 1), (3, 'Backlog', 1, 2);
SELECT setval('projects_id_seq', 20), setval('columns_id_seq', 20);

CREATE VIEW shown AS
SELECT 'bug_report' AS type, t.id::text, jsonb_build_object('title', t.title, 'status', CASE WHEN t.is_active THEN c.title ELSE 'closed' END, 'priority', t.priority,
        'assignee_id', nullif(t.owner_id, 0), 'project_id', t.project_id, 'position', t.position, 'column_id', t.column_id) AS payload
    FROM tasks t JOIN columns c ON c.id = t.column_id
UNION ALL SELECT 'comment', c.id::text, jsonb_build_object('bug_report_id', c.task_id, 'content', c.comment, 'project_id', t.project_id) FROM comments c JOIN tasks t ON t.id = c.task_id
UNION ALL SELECT 'project', id::text, jsonb_build_object('name', name, 'is_active', is_active) FROM projects
UNION ALL SELECT 'user', id::text, jsonb_build_object('username', username, 'status', CASE WHEN is_active THEN 'active' ELSE 'disabled' END) FROM users
UNION ALL SELECT 'membership', user_id || ':' || project_id, jsonb_build_object('user_id', user_id, 'project_id', project_id) FROM project_has_users;
