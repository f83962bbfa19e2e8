-- What the other tests need: the extension and a user without rights.
\set VERBOSITY terse
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_bugevents_user, regress_bugevents_owner;
RESET client_min_messages;
CREATE EXTENSION bugevents;
CREATE ROLE regress_bugevents_user;
CREATE ROLE regress_bugevents_owner;

-- The functions that PUBLIC must not call.
SELECT p.proname FROM pg_proc p
 WHERE p.pronamespace = 'bugevents'::regnamespace
   AND p.proname IN ('attach', 'detach', 'send', 'create_tracker', 'capture', 'capture_truncate', 'token', 'events', 'explain_change', 'explain_delivery')
   AND has_function_privilege('regress_bugevents_user', p.oid, 'EXECUTE')
 ORDER BY 1;

-- Everything is commented.
SELECT p.oid::regprocedure FROM pg_proc p
 WHERE p.pronamespace = 'bugevents'::regnamespace AND obj_description(p.oid, 'pg_proc') IS NULL;

-- The end of the journal.
CREATE FUNCTION public.mark() RETURNS bigint LANGUAGE sql SET search_path = bugevents
    AS 'SELECT coalesce(max(last_seq), 0) AS mark FROM journal';
