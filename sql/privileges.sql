-- What the extension's functions and tables give to whom, by the catalog: a change
-- here is a change of what an attacker with a role can do.

-- No function runs with its owner's rights without a fixed search_path.
SELECT p.oid::regprocedure AS function, p.proconfig
  FROM pg_proc p
 WHERE p.pronamespace = 'bugevents'::regnamespace AND p.prosecdef;

-- Functions that everyone may call.
SELECT p.oid::regprocedure AS "PUBLIC may call"
  FROM pg_proc p
 WHERE p.pronamespace = 'bugevents'::regnamespace
   AND EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
                WHERE a.grantee = 0 AND a.privilege_type = 'EXECUTE')
 ORDER BY p.oid::regprocedure::text COLLATE "C";

-- Functions that others than their owner and PUBLIC may call.
SELECT p.oid::regprocedure AS function, a.grantee::regrole
  FROM pg_proc p, aclexplode(p.proacl) a
 WHERE p.pronamespace = 'bugevents'::regnamespace AND a.grantee NOT IN (0, p.proowner)
 ORDER BY p.oid::regprocedure::text COLLATE "C";

-- Tables and views: who may do what.
SELECT c.relname, c.relkind, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS grantee, a.privilege_type
  FROM pg_class c, aclexplode(c.relacl) a
 WHERE c.relnamespace = 'bugevents'::regnamespace AND a.grantee <> c.relowner
 ORDER BY c.relname COLLATE "C", 3, 4;

-- Every function written in C is strict or says what it does with null; none is
-- parallel safe by mistake.
SELECT p.oid::regprocedure AS "parallel safe"
  FROM pg_proc p
 WHERE p.pronamespace = 'bugevents'::regnamespace AND p.proparallel = 's';

-- Names that need quotes: a schema, a table, columns, a trigger that is there already.
CREATE SCHEMA "a ""b"" c; DROP TABLE x; --";
CREATE TABLE "a ""b"" c; DROP TABLE x; --"."t'""$$;" (
    "id'" integer PRIMARY KEY, "na""me" text, description text, created_at timestamptz, updated_at timestamptz);
SELECT bugevents.attach('"a ""b"" c; DROP TABLE x; --"."t''""$$;"', 'project',
                        columns => '{"id": "id''", "name": "na\"me"}', filter => 'row."id''" > 0',
                        audience => $$'user:' || row."id'"$$);
INSERT INTO "a ""b"" c; DROP TABLE x; --"."t'""$$;" VALUES (7, 'it''s "quoted"');
SELECT audience, payload ->> 'name' AS name FROM bugevents.events(0, 100000) WHERE payload ->> 'id' = '7' AND type = 'project';
SELECT bugevents.detach('"a ""b"" c; DROP TABLE x; --"."t''""$$;"');
DROP SCHEMA "a ""b"" c; DROP TABLE x; --" CASCADE;

-- Somebody without rights.
CREATE ROLE regress_nobody;
SET ROLE regress_nobody;
SELECT bugevents.token('1', 'admin');
SELECT * FROM bugevents.events();
SELECT * FROM bugevents.connections;
SELECT bugevents.disconnect('x');
SELECT * FROM bugevents.stats;
SELECT * FROM bugevents.security_events;
SELECT * FROM bugevents.journal;
SELECT * FROM bugevents.stream;
INSERT INTO bugevents.stream DEFAULT VALUES;
CREATE TABLE bugevents.mine (i int);
SELECT bugevents.attach('pg_catalog.pg_class', 'project');
CREATE TEMP TABLE mine (i int);
CREATE TRIGGER t AFTER INSERT ON mine FOR EACH ROW EXECUTE FUNCTION bugevents.capture('{}');
DROP TABLE mine;
RESET ROLE;
DROP ROLE regress_nobody;
