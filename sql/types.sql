-- Every type as JSON.
CREATE TYPE mood AS ENUM ('sad', 'it''s "ok"');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN positive AS int CHECK (value > 0);
CREATE DOMAIN tagged AS text[];
CREATE TABLE t (id uuid, name text, description varchar, created_at timestamptz, updated_at timestamp,
    b bool, i2 smallint, i4 int, i8 bigint, f4 real, f8 double precision, n numeric, d date, c char(5), nm name,
    bin bytea, j json, jb jsonb, m mood, p pair, pos positive, tags tagged, ia int[], iv interval, r int4range,
    tm time, ttz timetz, ip inet, ts tsvector, ch "char", o oid, g int GENERATED ALWAYS AS (i4 / 2) STORED,
    tsa timestamptz[]);
SELECT bugevents.attach('t', 'project', extra => ARRAY['b', 'i2', 'i4', 'i8', 'f4', 'f8', 'n', 'd', 'c', 'nm', 'bin', 'j', 'jb',
    'm', 'p', 'pos', 'tags', 'ia', 'iv', 'r', 'tm', 'ttz', 'ip', 'ts', 'ch', 'o', 'g', 'tsa']);
SELECT public.mark() \gset

-- whatever the session's settings are
SET DateStyle = 'German'; SET IntervalStyle = 'iso_8601'; SET TimeZone = 'Asia/Kathmandu';
SET extra_float_digits = -10; SET bytea_output = 'escape';
INSERT INTO t (id, name, description, created_at, updated_at, b, i2, i4, i8, f4, f8, n, d, c, nm, bin, j, jb, m, p, pos, tags, ia, iv, r, tm, ttz, ip, ts, ch, o, tsa)
VALUES ('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 'n', 'v', '2026-01-31 12:00:00.123456+00', '2026-01-31 12:00:00',
    true, -32768, -2147483648, -9223372036854775808, 0.1, 0.1, 1234567890.12345678901234567890, '2026-01-31', 'ab', 'name',
    '\x00ff5c', '{"a" : [1,  2]}', '{"b": null, "a": 1.50}', 'it''s "ok"', '(1,"x ""y""")', 5, '{a,"b c"}', '{1,NULL,3}',
    '1 day 02:03:04', '[1,5)', '12:34:56.7', '12:34:56+02', '10.0.0.1/8', 'fat cat', 'x', 42,
    '{2026-01-31 12:00:00+00}');
RESET DateStyle; RESET IntervalStyle; RESET TimeZone; RESET extra_float_digits; RESET bytea_output;
SELECT key, value FROM bugevents.events(:mark), jsonb_each(payload) ORDER BY key;

-- the settings are as they were
SHOW DateStyle;

-- extremes
SELECT public.mark() \gset
INSERT INTO t (name, created_at, updated_at, d, f4, f8, n, i8, i2, i4) VALUES
    ('infinite', 'infinity', '-infinity', 'infinity', 'NaN', '-Infinity', 'NaN', 9223372036854775807, 32767, 2147483647),
    ('-infinite', '-infinity', 'infinity', '-infinity', 'Infinity', 'NaN', 'Infinity', 0, 0, 0),
    ('old', '0044-03-15 12:00:00+00 BC', '0001-01-01 00:00:00', '4713-01-01 BC', 1e-45, 5e-324, -0.0, -1, -1, -1),
    ('new', '294276-12-31 23:59:59.999999+00', '10000-01-01', '5874897-12-31', 3.4028235e38, 1.7976931348623157e308, 1e100, 10, 10, 10),
    ('epoch', '1999-12-31 23:59:59.999999+00', '1970-01-01', '2000-01-01', -0.0, 1e21, 0.00000001, 100, 100, 100);
SELECT payload ->> 'name' AS name, payload -> 'created_at' AS created_at, payload -> 'updated_at' AS updated_at, payload -> 'd' AS d,
       payload -> 'f4' AS f4, payload -> 'f8' AS f8, payload -> 'n' AS n, payload -> 'i8' AS i8 FROM bugevents.events(:mark);

-- strings come back byte for byte
SELECT public.mark() \gset
CREATE TEMP TABLE strings AS
SELECT chr(i) || repeat('x', 15) || chr(i) || chr(i) AS s FROM generate_series(1, 300) i
UNION ALL SELECT repeat('y', n) || '"' || repeat('z', n) || '\' || E'\n' FROM generate_series(0, 70) n
UNION ALL SELECT repeat(c, n) FROM unnest(ARRAY['"', E'\x01', '\', 'é', '€', '😀']) c, unnest(ARRAY[7, 8, 9, 15, 16, 17, 33, 7000, 70000]) n
UNION ALL SELECT s FROM unnest(ARRAY['', ' ', '\u0000', '\x00', E'\u2028\u2029', U&'\FEFF\FFFE\FFFF', '</script>', '{"a":1}', '\"', E'\r\n\t\b\f', 'null', '€é😀"\']) s;
INSERT INTO t (name) SELECT s FROM strings;
SELECT count(*) AS strings,
       (SELECT count(*) FROM (SELECT payload ->> 'name' FROM bugevents.events(:mark, 100000) EXCEPT SELECT s FROM strings) d) AS wrong,
       (SELECT count(*) FROM (SELECT s FROM strings EXCEPT SELECT payload ->> 'name' FROM bugevents.events(:mark, 100000)) d) AS missing
  FROM strings;

-- json with what other readers refuse
SELECT public.mark() \gset
INSERT INTO t (j) VALUES ('"\u0000"'), ('"\ud83d\ude00"'), ('"\ud83d"'), ('"\\u0000"'), ('["\ude00", "\u0041", "\ud83dx"]'), (E'[1,\n 2]'), ('"\uD83D\uDE00\uDE00"');
SELECT payload -> 'j' AS j FROM bugevents.events(:mark);

-- values over max_value_size are cut at a character and named
SELECT public.mark() \gset
INSERT INTO t (name, description) VALUES (repeat('x', 1048576), 'whole'), (repeat('x', 1048577), 'cut'),
    (repeat('é', 524288), 'whole'), ('x' || repeat('é', 524288), 'cut'), (repeat('"', 1048577), 'cut'),
    ('xx' || repeat('😀', 300000), 'cut');
SELECT payload ->> 'description' AS expected, octet_length(payload ->> 'name') AS bytes, right(payload ->> 'name', 1) AS last, payload -> 'truncated' AS truncated
  FROM bugevents.events(:mark);
SELECT public.mark() \gset
INSERT INTO t (j, jb, bin, tags) VALUES (to_json(repeat('x', 2000000)), to_jsonb(repeat('x', 2000000)),
    decode(repeat('00', 2000000), 'hex'), ARRAY[repeat('x', 2000000)]);
SELECT payload -> 'j' AS j, payload -> 'jb' AS jb, length(payload ->> 'bin') AS bin, length(payload ->> 'tags') AS tags, payload -> 'truncated' AS truncated
  FROM bugevents.events(:mark);
UPDATE t SET j = NULL WHERE j IS NOT NULL AND length(j::text) > 100000;
SELECT action, changes -> 'j' AS j, payload -> 'truncated' AS truncated FROM bugevents.events(:mark) WHERE action = 'updated';

-- an unchanged toasted value is not a change; a changed one is
TRUNCATE t;
INSERT INTO t (name, description) VALUES ('a', (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 20000) i));
SELECT public.mark() \gset
UPDATE t SET name = 'b';
UPDATE t SET description = description || '';
UPDATE t SET description = overlay(description placing 'X' from 320000);
SELECT action, length(payload ->> 'description') AS length, (SELECT array_agg(k) FROM jsonb_object_keys(changes) k) AS changed FROM bugevents.events(:mark);
DROP TABLE t;

-- many large values: the record stays within its limit, the writer never fails
SELECT 'CREATE TABLE wide (id int, name text, description text, created_at int, updated_at int, ' ||
    string_agg(format('c%s text', i), ', ') || ')' AS sql FROM generate_series(1, 50) i \gset
:sql;
SELECT bugevents.attach('wide', 'project', extra => (SELECT array_agg('c' || i) FROM generate_series(1, 50) i));
SELECT public.mark() \gset
SELECT 'INSERT INTO wide SELECT 1, ''a'', ''b'', 1, 1, ' || string_agg('repeat(chr(1), 1000000)', ', ') AS sql FROM generate_series(1, 50) i \gset
:sql;
SELECT 'UPDATE wide SET name = ''z'', ' || string_agg(format('c%s = repeat(chr(2), 1000000)', i), ', ') AS sql FROM generate_series(1, 50) i \gset
:sql;
SELECT action, octet_length(payload::text) BETWEEN 29000000 AND 33554432 AS within, jsonb_array_length(payload -> 'truncated') AS truncated,
       payload -> 'updated_at' AS last, changes -> 'name' AS name, payload -> 'c50' AS c50 FROM bugevents.events(:mark);
-- as many as there can be of documents, where a field is for admins
SELECT bugevents.attach('wide', 'project', columns => '{"c50": {"admin": true}}', extra => (SELECT array_agg('c' || i) FROM generate_series(1, 50) i));
SELECT public.mark() \gset
SELECT 'UPDATE wide SET name = ''y'', ' || string_agg(format('c%s = repeat(chr(1), 1000000)', i), ', ') AS sql FROM generate_series(1, 50) i \gset
:sql;
SELECT action, jsonb_array_length(payload -> 'truncated') AS truncated, changes -> 'name' AS name FROM bugevents.events(:mark);
DROP TABLE wide;
DROP TYPE mood, pair, positive, tagged;
