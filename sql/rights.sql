-- Who may do what with the extension's objects, by the catalog.
\set VERBOSITY terse
CREATE VIEW public.members AS SELECT classid, objid FROM pg_depend
 WHERE deptype = 'e' AND refclassid = 'pg_extension'::regclass
   AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'bugevents');

-- every function: whose rights it has, what it sets, who may call it (besides its owner)
SELECT p.oid::regprocedure AS function, l.lanname AS language, p.prosecdef AS definer, p.proconfig AS settings,
       (SELECT string_agg(CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END, ' ')
          FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a WHERE a.grantee <> p.proowner) AS callers
  FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang
 WHERE (('pg_proc'::regclass), p.oid) IN (SELECT classid, objid FROM public.members)
 ORDER BY p.proname COLLATE "C", p.pronargs, p.oid::regprocedure::text COLLATE "C";

-- none may have its owner's rights, or run SQL, with the caller's search_path
SELECT p.oid::regprocedure FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang
 WHERE (('pg_proc'::regclass), p.oid) IN (SELECT classid, objid FROM public.members)
   AND (p.prosecdef OR l.lanname NOT IN ('c', 'internal'))
   AND NOT coalesce(p.proconfig && '{"search_path=pg_catalog, pg_temp"}', false);

-- every table and view: who may do what with it (besides its owner)
SELECT c.oid::regclass AS relation, c.relkind AS kind,
       (SELECT string_agg(CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END || ' ' || a.privilege_type, ', ')
          FROM aclexplode(coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))) AS a WHERE a.grantee <> c.relowner) AS grants
  FROM pg_class AS c
 WHERE (('pg_class'::regclass), c.oid) IN (SELECT classid, objid FROM public.members)
 ORDER BY c.relname COLLATE "C";

-- all that a role without grants can reach in the schema, whatever made it: functions, tables and views, columns, sequences, types
SELECT what, name, string_agg(privilege, ' ' ORDER BY privilege) AS may FROM (
    SELECT 'function' AS what, p.oid::regprocedure::text AS name, 'EXECUTE' AS privilege FROM pg_proc AS p
     WHERE p.pronamespace = 'bugevents'::regnamespace AND has_function_privilege('regress_bugevents_user', p.oid, 'EXECUTE')
    UNION ALL
    SELECT CASE c.relkind WHEN 'v' THEN 'view' ELSE 'table' END, c.oid::regclass::text, r FROM pg_class AS c,
           unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS r
     WHERE c.relnamespace = 'bugevents'::regnamespace AND c.relkind NOT IN ('S', 'i', 'c', 't') AND has_table_privilege('regress_bugevents_user', c.oid, r)
    UNION ALL
    SELECT 'column of', c.oid::regclass::text, r FROM pg_class AS c, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) AS r
     WHERE c.relnamespace = 'bugevents'::regnamespace AND c.relkind NOT IN ('S', 'i', 'c', 't')
       AND has_any_column_privilege('regress_bugevents_user', c.oid, r) AND NOT has_table_privilege('regress_bugevents_user', c.oid, r)
    UNION ALL
    SELECT 'sequence', c.oid::regclass::text, r FROM pg_class AS c, unnest(ARRAY['USAGE', 'SELECT', 'UPDATE']) AS r
     WHERE c.relnamespace = 'bugevents'::regnamespace AND c.relkind = 'S' AND has_sequence_privilege('regress_bugevents_user', c.oid, r)
    UNION ALL
    SELECT 'type', t.oid::regtype::text, 'USAGE' FROM pg_type AS t
     WHERE t.typnamespace = 'bugevents'::regnamespace AND t.typrelid = 0 AND has_type_privilege('regress_bugevents_user', t.oid, 'USAGE')
       AND NOT EXISTS (SELECT FROM pg_type AS e WHERE e.typarray = t.oid AND e.typrelid <> 0)) AS reach
 GROUP BY what, name ORDER BY what, name COLLATE "C";

-- the schema, and what could be in it beside the extension's
SELECT nspacl IS NOT NULL AS granted, has_schema_privilege('regress_bugevents_user', oid, 'USAGE') AS usage,
       has_schema_privilege('regress_bugevents_user', oid, 'CREATE') AS create FROM pg_namespace WHERE nspname = 'bugevents';
SELECT p.oid::regprocedure FROM pg_proc AS p
 WHERE p.pronamespace = 'bugevents'::regnamespace AND (('pg_proc'::regclass), p.oid) NOT IN (SELECT classid, objid FROM public.members);

-- what is users' data is dumped with its rows, nothing of the stream: a restored database is another one
SELECT c::regclass FROM pg_extension, unnest(extconfig) AS c WHERE extname = 'bugevents';

-- as a user: what the catalog says is what happens
CREATE SCHEMA rights AUTHORIZATION regress_bugevents_user;
SET ROLE regress_bugevents_user;
SELECT bugevents.token('1');
SELECT * FROM bugevents.events();
SELECT * FROM bugevents.connections();
SELECT * FROM bugevents.connections;
SELECT bugevents.disconnect('x');
SELECT * FROM bugevents.stats;
SELECT * FROM bugevents.journal;
SELECT * FROM bugevents.journal_0;
SELECT * FROM bugevents.journal_part;
INSERT INTO bugevents.journal_0 VALUES (1, 1, 1, '1', now());
UPDATE bugevents.stream SET dropped = 0;
TRUNCATE bugevents.journal_0;
CREATE FUNCTION bugevents.attach(regclass, text) RETURNS void LANGUAGE sql AS '';
DROP FUNCTION bugevents.token(text, text, interval, jsonb);

-- a trigger with expressions of one's choice, which would be run as the table's owner
CREATE TABLE rights.mine (id int, name text, description text, created_at timestamptz, updated_at timestamptz);
CREATE TRIGGER forged AFTER INSERT ON rights.mine FOR EACH ROW EXECUTE FUNCTION bugevents.capture('{}');
CREATE TRIGGER forged AFTER TRUNCATE ON rights.mine FOR EACH STATEMENT EXECUTE FUNCTION bugevents.capture_truncate('{}');
SELECT bugevents.capture();

-- the settings that name files with secrets
SELECT name FROM pg_settings WHERE name ~ '^bugevents\..*(secret|key|jwks|password|token).*file' ORDER BY 1;
SET bugevents.max_value_size = 1024;
SET bugevents.jwt_secret_file = 'x';
RESET ROLE;

-- names that look like SQL
CREATE FUNCTION public.tracker_of(name) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM bugevents.create_tracker($1);
    EXECUTE format('INSERT INTO %I.projects (name) VALUES (''p'')', $1);
    EXECUTE format('INSERT INTO %I.bug_reports (title, project_id) VALUES (''b'', 1)', $1);
    EXECUTE format('INSERT INTO %I.comments (bug_report_id, content) VALUES (1, ''c'')', $1);
    PERFORM bugevents.detach(format('%I.comments', $1)::regclass);
    EXECUTE format('DROP SCHEMA %I CASCADE', $1);
    RETURN 'done';
END $$;
SET client_min_messages = warning;
SELECT n, public.tracker_of(n) FROM unnest(ARRAY['x"; DROP SCHEMA bugevents CASCADE; --', 'it''s $sql$ %1$s %I', '\', E'a\nb', 'select']) AS n;
CREATE TABLE rights."t"";'\ $sql$" ("i""d';--" int PRIMARY KEY, "n $1 \" text, d text, created_at timestamptz, updated_at timestamptz);
SELECT bugevents.attach('rights."t"";''\ $sql$"', 'project', columns => '{"id": "i\"d'';--", "name": "n $1 \\", "description": "row.\"n $1 \\\" || ''\\'' || $$''$$"}', filter => 'row."i""d'';--" > 0');
SELECT public.mark() \gset
INSERT INTO rights."t"";'\ $sql$" VALUES (1, 'a'), (0, 'b');
SELECT payload ->> 'name' AS name, payload ->> 'description' AS description FROM bugevents.events(:mark);
SELECT tbl, columns ->> 'id' AS id FROM bugevents.attachments;
SELECT bugevents.detach('rights."t"";''\ $sql$"');
RESET client_min_messages;

DROP FUNCTION public.tracker_of;
DROP VIEW public.members;
SET client_min_messages = warning;
DROP SCHEMA rights CASCADE;
