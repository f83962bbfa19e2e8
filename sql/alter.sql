-- ALTER TABLE in mid-session.
\set VERBOSITY terse
CREATE TABLE p (gone int, id int PRIMARY KEY, name text, description text, created_at timestamptz, updated_at timestamptz);
ALTER TABLE p DROP COLUMN gone;
INSERT INTO p (id, name) VALUES (1, 'before');
SELECT bugevents.attach('p', 'project');
SELECT public.mark() \gset
UPDATE p SET name = 'a';

-- rename: the attachment follows the column
ALTER TABLE p RENAME COLUMN name TO label;
UPDATE p SET label = 'b';
ALTER TABLE p RENAME COLUMN description TO name;
UPDATE p SET label = 'c', name = 'now the description';
ALTER TABLE p RENAME TO q;
UPDATE q SET label = 'd';
ALTER TABLE q SET SCHEMA bugevents;
ALTER TABLE bugevents.q SET SCHEMA public;
UPDATE q SET label = 'e';

-- types: a rewrite publishes nothing, what follows has the new type
ALTER TABLE q ALTER COLUMN id TYPE text;
UPDATE q SET label = 'f';
SELECT payload - 'created_at' - 'updated_at' AS payload, changes FROM bugevents.events(:mark);

-- columns that come and go, with defaults that old rows don't hold
SELECT public.mark() \gset
ALTER TABLE q ADD COLUMN fast int DEFAULT 7;
SELECT bugevents.attach('q', 'project', columns => '{"name": "label", "description": "name"}', extra => '{fast}');
UPDATE q SET label = 'g';
ALTER TABLE q ADD COLUMN more text DEFAULT 'm', DROP COLUMN created_at;
UPDATE q SET label = 'h';
DELETE FROM q;
SELECT payload, changes FROM bugevents.events(:mark);

-- all of it in one transaction, undone in part
SELECT bugevents.attach('q', 'project', columns => '{"name": "label", "description": "name", "created_at": "null"}', extra => '{fast}');
SELECT public.mark() \gset
BEGIN;
INSERT INTO q (id, label, fast) VALUES ('1', 'one', 1);
SAVEPOINT a;
ALTER TABLE q RENAME COLUMN fast TO slow;
ALTER TABLE q ADD COLUMN fast text DEFAULT 'f';
ALTER TABLE q DROP COLUMN label;
INSERT INTO q (id, slow) VALUES ('2', 2);
ROLLBACK TO a;
INSERT INTO q (id, label, fast) VALUES ('3', 'three', 3);
ALTER TABLE q DROP COLUMN fast;
ALTER TABLE q ADD COLUMN fast bool DEFAULT true;
INSERT INTO q (id, label) VALUES ('4', 'four');
COMMIT;
SELECT payload - 'created_at' - 'updated_at' AS payload FROM bugevents.events(:mark);

-- detach, attach as something else in one session
SELECT public.mark() \gset
SELECT bugevents.detach('q');
INSERT INTO q (id) VALUES ('5');
SELECT bugevents.attach('q', 'comment', columns => '{"bug_report_id": "1", "user_id": "2", "content": "label", "created_at": "null"}');
INSERT INTO q (id, label) VALUES ('6', 'six');
ALTER TABLE q DISABLE TRIGGER "00_bugevents";
INSERT INTO q (id, label) VALUES ('7', 'seven');
ALTER TABLE q ENABLE TRIGGER "00_bugevents";
ALTER TRIGGER "00_bugevents" ON q RENAME TO renamed;
INSERT INTO q (id, label) VALUES ('8', 'eight');
SELECT type, action, payload FROM bugevents.events(:mark);
SELECT bugevents.detach('q');
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'q'::regclass;

-- a copy of the table in another place: columns are found by name
ALTER TABLE q RENAME COLUMN name TO description;
SELECT bugevents.attach('q', 'project', columns => '{"name": "label", "created_at": "null"}');
SELECT quote_literal(convert_from(substr(tgargs, 1, octet_length(tgargs) - 1), 'UTF8')) AS arg FROM pg_trigger WHERE tgrelid = 'q'::regclass AND tgname = '00_bugevents' \gset
CREATE TABLE copy (label text, description text, updated_at timestamptz, id int);
CREATE TRIGGER "00_bugevents" AFTER INSERT OR UPDATE OR DELETE ON copy FOR EACH ROW EXECUTE FUNCTION bugevents.capture(:arg);
SELECT public.mark() \gset
INSERT INTO copy VALUES ('l', 'd', NULL, 1);
SELECT type, action, payload FROM bugevents.events(:mark);

-- ... whatever numbers they have there, and whatever older versions wrote, also where the table has the same OID
CREATE TABLE again (id int, updated_at timestamptz, password_hash text, label text, description text);
SELECT quote_literal(replace((:arg::jsonb || jsonb_build_object('table', 'again'::regclass::oid::bigint))::text,
    '"column": "label"', '"column": "label", "attnum": 3')) AS arg \gset
CREATE TRIGGER "00_bugevents" AFTER INSERT OR UPDATE OR DELETE ON again FOR EACH ROW EXECUTE FUNCTION bugevents.capture(:arg);
SELECT public.mark() \gset
INSERT INTO again VALUES (1, NULL, 'a secret', 'l', 'd');
SELECT payload FROM bugevents.events(:mark);

-- renamed through what it is inherited from, and through a type; two that change places
CREATE TABLE above (id int, title text);
CREATE TABLE below (more text) INHERITS (above);
CREATE TYPE shape AS (id int, title text);
CREATE TABLE shaped OF shape;
CREATE TABLE parts (id int, title text) PARTITION BY RANGE (id);
CREATE TABLE part PARTITION OF parts DEFAULT;
SELECT bugevents.attach(t, 'project', columns => '{"name": "title", "description": "null", "created_at": "null", "updated_at": "null"}')
  FROM unnest('{below,shaped,parts}'::regclass[]) AS t;
ALTER TABLE above RENAME title TO name;
ALTER TYPE shape RENAME ATTRIBUTE title TO name CASCADE;
ALTER TABLE parts RENAME title TO name;
SELECT public.mark() \gset
INSERT INTO below VALUES (1, 'below');
INSERT INTO shaped VALUES (2, 'shaped');
INSERT INTO parts VALUES (3, 'part');
BEGIN;
ALTER TABLE above RENAME name TO x;
ROLLBACK;
INSERT INTO below VALUES (4, 'below');
ALTER TABLE parts ADD COLUMN other text DEFAULT 'other';
ALTER TABLE parts RENAME name TO x;
ALTER TABLE parts RENAME other TO name;
ALTER TABLE parts RENAME x TO other;
INSERT INTO parts VALUES (5, 'part');
SELECT payload ->> 'id' AS id, payload ->> 'name' AS name FROM bugevents.events(:mark);
SELECT tbl, columns ->> 'name' AS name FROM bugevents.attachments WHERE tbl IN ('below'::regclass, 'shaped'::regclass, 'parts'::regclass) ORDER BY 1;
DROP TABLE parts, shaped, below, above;
DROP TYPE shape;
DROP TABLE q, copy, again;
