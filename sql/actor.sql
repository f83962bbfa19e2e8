-- Who acts: bugevents.actor, or the claims that web layers set.
SELECT public.mark() \gset
SELECT bugevents.send('a', 'nobody', '{}');
SET bugevents.actor = '42';
SELECT bugevents.send('a', 'setting', '{}');
SET request.jwt.claims = '{"sub": "7"}';
SELECT bugevents.send('a', 'both', '{}');
RESET bugevents.actor;
SELECT bugevents.send('a', 'claims', '{}');
BEGIN;
SET LOCAL bugevents.actor = '8';
SELECT bugevents.send('a', 'local', '{}');
COMMIT;
SELECT bugevents.send('a', 'claims_again', '{}');
SET request.jwt.claims = '{"role": "web", "app": {"sub": "inner"}, "sub": 8, "more": {"sub": "inner"}}';
SELECT bugevents.send('a', 'number', '{}');
SET request.jwt.claims = '{"sub": "J\u00f6rg \"x\""}';
SELECT bugevents.send('a', 'escapes', '{}');
SET request.jwt.claims = '{"sub": {"sub": "inner"}}';
SELECT bugevents.send('a', 'object', '{}');
SET request.jwt.claims = '["sub", "x"]';
SELECT bugevents.send('a', 'array', '{}');
SET request.jwt.claims = '{"sub": "cut off';
SELECT bugevents.send('a', 'broken', '{}');
SET request.jwt.claims = '{"sub": "9"} and more';
SELECT bugevents.send('a', 'trailing', '{}');
SET request.jwt.claims = '';
SELECT bugevents.send('a', 'empty', '{}');
SELECT set_config('bugevents.actor', repeat('é', 200), false) <> '' AS long;
SELECT bugevents.send('a', 'long', '{}');
RESET bugevents.actor;
RESET request.jwt.claims;
-- several transactions in one message to the server, several settings in one statement
DO $$
BEGIN
    PERFORM set_config('request.jwt.claims', '{"sub": "1"}', true);
    PERFORM bugevents.send('a', 'first', '{}');
    PERFORM set_config('request.jwt.claims', '{"sub": "2"}', true);
    PERFORM bugevents.send('a', 'second', '{}');
END
$$;
SELECT bugevents.send('a', 'nobody', '{}');
SELECT action, left(actor, 20) AS actor, octet_length(convert_to(actor, 'UTF8')) AS bytes FROM bugevents.events(:mark);

-- in the events of rows
SET bugevents.actor = '42';
CREATE TABLE acted (id int PRIMARY KEY, name text, description text, created_at timestamptz, updated_at timestamptz);
SELECT bugevents.attach('acted', 'project');
SELECT public.mark() \gset
INSERT INTO acted VALUES (1, 'x');
UPDATE acted SET name = 'y';
TRUNCATE acted;
SELECT action, actor FROM bugevents.events(:mark);
DROP TABLE acted;
