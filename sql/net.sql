-- What a transaction publishes: each row once, as it was before and as it is afterwards.
\set VERBOSITY terse
CREATE SCHEMA net;
SET search_path = net;
CREATE TABLE p (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, name text, description text, created_at int, updated_at int);
CREATE TABLE q (id int PRIMARY KEY, name text, description text, created_at int, updated_at int);
SELECT bugevents.attach('p', 'project');
SELECT bugevents.attach('q', 'project');
CREATE FUNCTION seen(mark bigint) RETURNS TABLE (event text, name text, changes jsonb) LANGUAGE sql AS $$
    SELECT action || coalesce(' ' || (payload ->> 'id'), ''), payload ->> 'name', changes - 'created_at' FROM bugevents.events(mark, 100000) ORDER BY seq
$$;
INSERT INTO p SELECT i, 'old' FROM generate_series(1, 9) i;
INSERT INTO q SELECT 10 + i, 'old' FROM generate_series(1, 9) i;

-- one row, several changes
SELECT public.mark() \gset
BEGIN;
INSERT INTO p VALUES (100, 'a');
UPDATE p SET name = 'b' WHERE id = 100;
UPDATE p SET name = 'x' WHERE id = 1;
UPDATE p SET description = 'y' WHERE id = 1;
UPDATE p SET name = 'z' WHERE id = 1;
UPDATE p SET name = 'there' WHERE id = 2;
UPDATE p SET name = 'old' WHERE id = 2;
INSERT INTO p VALUES (101, 'came');
DELETE FROM p WHERE id = 101;
UPDATE p SET name = 'unseen' WHERE id = 3;
DELETE FROM p WHERE id = 3;
DELETE FROM p WHERE id = 4;
INSERT INTO p VALUES (4, 'again');
DELETE FROM p WHERE id = 5;
INSERT INTO p VALUES (5, 'old');
COMMIT;
SELECT * FROM seen(:mark);

-- one that comes, goes and comes again has the place of the first time
SELECT public.mark() \gset
BEGIN;
INSERT INTO p VALUES (110, 'a');
INSERT INTO p VALUES (111, 'b');
DELETE FROM p WHERE id = 110;
UPDATE p SET name = 'c' WHERE id = 2;
INSERT INTO p VALUES (110, 'd');
DELETE FROM p WHERE id = 110;
DELETE FROM p WHERE id = 111;
INSERT INTO p VALUES (111, 'e'), (110, 'f');
UPDATE p SET name = 'old' WHERE id = 2;
COMMIT;
SELECT * FROM seen(:mark);
DELETE FROM p WHERE id IN (110, 111);

-- a row that the filter hides is gone for whoever saw it, so that it goes for good is no event; within one transaction it is one
CREATE TABLE soft (id int PRIMARY KEY, name text, description text, created_at int, updated_at int, gone boolean DEFAULT false);
SELECT bugevents.attach('soft', 'project', filter => 'NOT row.gone');
INSERT INTO soft (id, name) VALUES (1, 'a'), (2, 'b'), (3, 'c');
SELECT public.mark() \gset
UPDATE soft SET gone = true WHERE id = 1;
DELETE FROM soft WHERE id = 1;
BEGIN;
UPDATE soft SET gone = true WHERE id = 2;
DELETE FROM soft WHERE id = 2;
COMMIT;
UPDATE soft SET gone = true, name = 'unseen' WHERE id = 3;
UPDATE soft SET gone = false WHERE id = 3;
SELECT * FROM seen(:mark);
DROP TABLE soft;

-- keys: a changed one, two that change places, one that moves up, there and back
SELECT public.mark() \gset
BEGIN;
UPDATE p SET id = 200, name = 'rekeyed' WHERE id = 1;
UPDATE p SET id = 15 - id, name = name || ' was ' || id WHERE id IN (7, 8);
UPDATE p SET id = 300 WHERE id = 100;
UPDATE p SET id = 100 WHERE id = 6;
UPDATE p SET id = 400 WHERE id = 9;
UPDATE p SET id = 9 WHERE id = 400;
COMMIT;
SELECT * FROM seen(:mark);

-- within one statement: writing CTEs, a cascade, an upsert, a MERGE
SELECT public.mark() \gset
WITH a AS (UPDATE q SET name = 'by a' WHERE id = 11 RETURNING id), b AS (DELETE FROM q WHERE id = 12 RETURNING id)
INSERT INTO q SELECT 500 + id, 'from ' || id FROM a UNION ALL SELECT 500 + id, 'from ' || id FROM b;
INSERT INTO q VALUES (13, 'up'), (13000, 'in') ON CONFLICT (id) DO UPDATE SET name = excluded.name || 'serted';
SELECT * FROM seen(:mark);

-- triggers of all four kinds that write to other rows and to their own
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() = 1 THEN
        UPDATE net.q SET name = name || '+' || TG_ARGV[0] WHERE id = TG_ARGV[1]::int;
    END IF;
    IF TG_WHEN = 'BEFORE' AND TG_LEVEL = 'ROW' THEN
        RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER "00_a" AFTER UPDATE ON q FOR EACH ROW WHEN (NEW.id = 15) EXECUTE FUNCTION touch('after row', 15);
CREATE TRIGGER b BEFORE UPDATE ON q FOR EACH ROW WHEN (NEW.id = 16) EXECUTE FUNCTION touch('before row', 14);
CREATE TRIGGER c AFTER UPDATE ON q FOR EACH STATEMENT EXECUTE FUNCTION touch('after statement', 14);
CREATE TRIGGER d BEFORE UPDATE ON q FOR EACH STATEMENT EXECUTE FUNCTION touch('before statement', 17);
SELECT public.mark() \gset
UPDATE q SET description = 'all' WHERE id BETWEEN 13 AND 16;
SELECT * FROM seen(:mark);
SELECT id, name FROM q WHERE id BETWEEN 13 AND 16 ORDER BY id;
DROP TRIGGER "00_a" ON q;
DROP TRIGGER b ON q;
DROP TRIGGER c ON q;
DROP TRIGGER d ON q;

-- a volatile function in SET that changes a row which the statement has changed, or will
CREATE FUNCTION poke(i int) RETURNS text LANGUAGE plpgsql AS $$ BEGIN UPDATE net.q SET name = name || '!' WHERE id = i - 1; RETURN 'poked ' || i; END $$;
SELECT public.mark() \gset
UPDATE q SET description = poke(id) WHERE id IN (17, 18, 19);
SELECT * FROM seen(:mark);
SELECT id, name, description FROM q WHERE id BETWEEN 16 AND 19 ORDER BY id;

-- a row that is deleted, and inserted again by a trigger
CREATE FUNCTION return_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO net.q VALUES (OLD.id, 'returned'); RETURN NULL; END $$;
CREATE TRIGGER a AFTER DELETE ON q FOR EACH ROW EXECUTE FUNCTION return_it();
SELECT public.mark() \gset
DELETE FROM q WHERE id = 19;
SELECT * FROM seen(:mark);
DROP TRIGGER a ON q;

-- what is taken back leaves nothing, and its places are taken by other rows
SELECT public.mark() \gset
BEGIN;
UPDATE q SET name = 'outer' WHERE id = 14;
SAVEPOINT a;
UPDATE q SET name = 'inner' WHERE id IN (14, 15);
DELETE FROM q WHERE id = 16;
INSERT INTO q SELECT i, 'lost' FROM generate_series(600, 620) i;
SAVEPOINT b;
DELETE FROM q WHERE id > 600;
RELEASE b;
ROLLBACK TO a;
INSERT INTO q SELECT i, 'kept' FROM generate_series(700, 702) i;
UPDATE q SET name = 'kept' WHERE id = 15;
SAVEPOINT c;
UPDATE q SET name = 'last' WHERE id = 15;
RELEASE c;
COMMIT;
SELECT * FROM seen(:mark);

-- who did it: the last change's actor; custom events keep their place
SELECT public.mark() \gset
BEGIN;
SET LOCAL bugevents.actor = 'one';
UPDATE q SET name = 'by one' WHERE id IN (14, 15);
SELECT bugevents.send('deploy', 'begun', '{"id": 1}');
SET LOCAL bugevents.actor = 'two';
UPDATE q SET name = 'by two' WHERE id = 14;
SELECT bugevents.send('deploy', 'ended', '{"id": 2}');
INSERT INTO q VALUES (800, 'behind');
SAVEPOINT s;
SELECT bugevents.send('deploy', 'never', '{}');
ROLLBACK TO s;
SELECT bugevents.send('deploy', 'over', '{"id": 3}');
COMMIT;
SELECT action, payload ->> 'id' AS id, actor FROM bugevents.events(:mark);

-- DDL: in pieces, each from a state that there was to the next
SELECT public.mark() \gset
BEGIN;
INSERT INTO q VALUES (900, 'first'), (901, 'gone');
UPDATE q SET name = 'first' WHERE id = 14;
ALTER TABLE q ALTER COLUMN created_at TYPE bigint;
UPDATE q SET name = 'second' WHERE id IN (14, 900);
SAVEPOINT a;
UPDATE q SET name = 'third' WHERE id = 14;
ALTER TABLE q ALTER COLUMN created_at TYPE text;
UPDATE q SET name = 'fourth' WHERE id = 14;
ROLLBACK TO a;
DELETE FROM q WHERE id = 901;
ALTER TABLE q ADD COLUMN more int;
COMMIT;
SELECT * FROM seen(:mark);
CREATE TABLE r (LIKE q);
SELECT bugevents.attach('r', 'project');
SELECT public.mark() \gset
BEGIN;
INSERT INTO r (id, name) VALUES (1, 'before');
UPDATE q SET name = 'untouched' WHERE id = 14;
TRUNCATE r;
INSERT INTO r (id, name) VALUES (1, 'after');
UPDATE q SET name = 'twice' WHERE id = 14;
COMMIT;
BEGIN;
INSERT INTO r (id, name) VALUES (2, 'dropped with it');
DROP TABLE r;
COMMIT;
SELECT * FROM seen(:mark);

-- a piece of rows whose audience may change yet is for admins, and all are told to read again
CREATE TABLE confined (id int PRIMARY KEY, name text, description text, created_at int, updated_at int);
CREATE TABLE confined_to (id int, who text);
CREATE TABLE scratch (id int);
SELECT bugevents.attach('confined', 'project', audience => '(SELECT coalesce(array_agg(c.who), ''{all}'') FROM confined_to AS c WHERE c.id = row.id)');
CREATE FUNCTION told(mark bigint) RETURNS TABLE (event text, audience text, name text, changes jsonb) LANGUAGE sql AS $$
    SELECT action || coalesce(' ' || (payload ->> 'id'), ''), translate(audience, E'\n', ' '), payload ->> 'name', changes FROM bugevents.events(mark, 100000) ORDER BY seq
$$;
SELECT public.mark() \gset
BEGIN;
INSERT INTO confined VALUES (1, 'for user 1'), (2, 'for all'), (3, 'gone');
DROP TABLE scratch;
INSERT INTO confined_to VALUES (1, 'user:1');
DELETE FROM confined WHERE id = 3;
COMMIT;
SELECT * FROM told(:mark);

-- so it is where what was looked up before can't be known any more
SELECT public.mark() \gset
BEGIN;
INSERT INTO confined_to VALUES (2, 'user:2');
CREATE TABLE scratch (id int);
ALTER TABLE confined ADD COLUMN spare float DEFAULT random();
UPDATE confined SET name = 'for user 2' WHERE id = 2;
COMMIT;
SELECT * FROM told(:mark);

-- not of commands that rewrite nothing, not when nothing was written before; but of rows that are gone, too
SELECT public.mark() \gset
BEGIN;
INSERT INTO confined_to VALUES (1, 'user:3');
ALTER TABLE confined RENAME COLUMN spare TO more;
UPDATE confined SET name = 'for users 1 and 3' WHERE id = 1;
COMMIT;
BEGIN;
ALTER TABLE confined ALTER COLUMN more TYPE text;
UPDATE confined SET name = 'for 1 and 3' WHERE id = 1;
COMMIT;
BEGIN;
DELETE FROM confined WHERE id = 1;
DROP TABLE scratch;
COMMIT;
SELECT * FROM told(:mark);
BEGIN;
SAVEPOINT a;
INSERT INTO confined VALUES (4, 'rolled back');
ALTER TABLE confined DROP COLUMN more;
ROLLBACK TO a;
INSERT INTO confined VALUES (5, 'whole');
COMMIT;
SELECT * FROM told(:mark) OFFSET 3;
-- what can't touch captured rows splits nothing
SELECT public.mark() \gset
BEGIN;
UPDATE q SET name = 'one' WHERE id = 14;
CREATE TEMP TABLE t (i int) ON COMMIT DROP;
CREATE INDEX ON t (i);
ALTER TABLE t ADD COLUMN k int;
TRUNCATE t;
DROP TABLE t;
CREATE INDEX ON q (name);
GRANT SELECT ON q TO PUBLIC;
COMMENT ON TABLE q IS 'q';
ANALYZE q;
UPDATE q SET name = 'two' WHERE id = 14;
COMMIT;
SELECT * FROM seen(:mark);

-- DDL in a trigger: of tables that no statement is about to change
CREATE TABLE s (LIKE q INCLUDING INDEXES);
SELECT bugevents.attach('s', 'project');
CREATE FUNCTION rebuild() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id = 15 THEN
        TRUNCATE net.s;
        INSERT INTO net.s (id, name) VALUES (1, 'rebuilt');
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER z AFTER UPDATE ON q FOR EACH ROW EXECUTE FUNCTION rebuild();
SELECT public.mark() \gset
BEGIN;
INSERT INTO s (id, name) VALUES (1, 'before');
UPDATE q SET name = 'changed' WHERE id BETWEEN 14 AND 16;
SAVEPOINT a;
INSERT INTO s (id, name) VALUES (2, 'lost');
UPDATE q SET name = 'changed again' WHERE id BETWEEN 14 AND 16;
ROLLBACK TO a;
INSERT INTO s (id, name) VALUES (3, 'kept');
UPDATE q SET name = 'changed at last' WHERE id = 16;
COMMIT;
SELECT * FROM seen(:mark);
DROP TRIGGER z ON q;

-- beyond the bound: in pieces, not within a statement
SELECT public.mark() \gset
BEGIN;
SET LOCAL bugevents.netting_limit = 3;
UPDATE q SET name = 'a' WHERE id IN (14, 15);
UPDATE q SET name = 'b' WHERE id IN (14, 15);
UPDATE q SET name = 'c' WHERE id = 14;
SAVEPOINT a;
UPDATE q SET name = 'd' WHERE id BETWEEN 14 AND 18;
ROLLBACK TO a;
UPDATE q SET name = 'e' WHERE id = 14;
DO $$
BEGIN
    FOR i IN 1 .. 3 LOOP
        BEGIN
            UPDATE net.q SET name = 'f' || i WHERE id = 16;
            UPDATE net.q SET name = 'g' || i WHERE id IN (14, 16);
            PERFORM 1 / (i - 2);
        EXCEPTION WHEN division_by_zero THEN
            UPDATE net.q SET name = 'h' || i WHERE id = 17;
        END;
    END LOOP;
END $$;
COPY q (id, name) FROM stdin;
1000	copied
1001	copied
1002	copied
1003	copied
\.
UPDATE q SET name = 'z' WHERE id = 1000;
COMMIT;
SELECT * FROM seen(:mark);

-- prepared
SELECT public.mark() \gset
BEGIN;
UPDATE q SET name = 'prepared' WHERE id = 14;
UPDATE q SET name = 'prepared twice' WHERE id = 14;
INSERT INTO q (id, name) VALUES (1100, 'prepared');
PREPARE TRANSACTION 'net';
COMMIT PREPARED 'net';
SELECT * FROM seen(:mark);

-- what is looked up may be another thing when it is committed: so for admins, and everyone is told to read again
SELECT public.mark() \gset
BEGIN;
INSERT INTO confined VALUES (7, 'for user 7');
INSERT INTO q (id, name) VALUES (1101, 'for all');
PREPARE TRANSACTION 'net';
INSERT INTO confined_to VALUES (7, 'user:7');
COMMIT PREPARED 'net';
SELECT * FROM told(:mark);

-- ... and so may be what looks into what it has changed
SELECT bugevents.follow('confined_to', 'confined', 'SELECT row.id');
SELECT public.mark() \gset
BEGIN;
INSERT INTO confined_to VALUES (8, 'user:8');
PREPARE TRANSACTION 'net';
INSERT INTO confined VALUES (8, 'for all, for now');
COMMIT PREPARED 'net';
SELECT * FROM told(:mark);
SELECT bugevents.unfollow('confined_to', 'confined');
DROP TABLE confined, confined_to;

-- a deferred trigger writes before it is over, a cursor while it is read
CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE net.q SET description = 'late' WHERE id = NEW.id AND description IS DISTINCT FROM 'late'; RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER late AFTER UPDATE ON q DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION late();
SELECT public.mark() \gset
BEGIN;
DECLARE k CURSOR FOR SELECT * FROM q WHERE id IN (15, 16) ORDER BY id FOR UPDATE;
MOVE k;
UPDATE q SET name = 'by cursor' WHERE CURRENT OF k;
MOVE k;
DELETE FROM q WHERE CURRENT OF k;
COMMIT;
SELECT * FROM seen(:mark);

-- a trigger before TRUNCATE that writes the table itself, and another one
CREATE TABLE emptied (id int PRIMARY KEY, name text, description text, created_at timestamptz, updated_at timestamptz);
CREATE TABLE saved (id int PRIMARY KEY, name text, description text, created_at timestamptz, updated_at timestamptz);
SELECT bugevents.attach('emptied', 'project'), bugevents.attach('saved', 'project');
INSERT INTO emptied VALUES (1, 'one'), (2, 'two');
CREATE FUNCTION save() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO net.saved SELECT * FROM net.emptied;
    UPDATE net.emptied SET name = name || ', at last' WHERE id = 1;
    DELETE FROM net.emptied WHERE id = 2;
    INSERT INTO net.emptied VALUES (3, 'too late');
    RETURN NULL;
END $$;
CREATE TRIGGER save BEFORE TRUNCATE ON emptied EXECUTE FUNCTION save();
SELECT public.mark() \gset
BEGIN;
UPDATE emptied SET description = 'before' WHERE id = 1;
TRUNCATE emptied;
INSERT INTO emptied VALUES (1, 'anew');
COMMIT;
SELECT * FROM seen(:mark);

DROP SCHEMA net CASCADE;
RESET search_path;
