-- token(): what is refused.  Whether a token is right, the gateway's tests show.
\set VERBOSITY terse
SELECT bugevents.token(NULL);
SELECT bugevents.token('');
SELECT bugevents.token('1', ttl => NULL);
SELECT bugevents.token('1', ttl => '0');
SELECT bugevents.token('1', ttl => '-1 hour');
SELECT bugevents.token('1', claims => '[]');
SELECT bugevents.token('1', claims => '{"sub": "2"}');
SELECT bugevents.token('1', claims => '{"exp": 2}');
SELECT bugevents.token('1', claims => '{"iat": 2}');
SELECT bugevents.token('1', claims => '{"role": "admin"}');
SET ROLE regress_bugevents_user;
SELECT bugevents.token('1');
RESET ROLE;
