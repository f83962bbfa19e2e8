/* bugevents--0.2.0.sql: the SQL objects of bugevents */

\echo Use "CREATE EXTENSION bugevents" to load this file. \quit

-- A schema that was there before: its owner could put functions beside ours that
-- fit a call better.
DO $$
DECLARE
    owner name := (SELECT r.rolname
                     FROM pg_catalog.pg_namespace AS n
                     JOIN pg_catalog.pg_roles AS r ON r.oid = n.nspowner
                    WHERE n.nspname = 'bugevents'
                      AND NOT r.rolsuper AND r.rolname <> current_user);
BEGIN
    IF owner IS NOT NULL THEN
        RAISE EXCEPTION 'schema "bugevents" belongs to "%"', owner
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'Drop or rename it, or give it to a superuser.';
    END IF;
END
$$;

GRANT USAGE ON SCHEMA bugevents TO PUBLIC;

------------------------------------------------------------------------------
-- Stream and journal
------------------------------------------------------------------------------

-- The stream's last era (eras) and where its history begins: one row.  Not dumped, so a
-- restored database is a new stream, and clients of the old one are told to resync.
CREATE TABLE stream (
    id          uuid        NOT NULL DEFAULT gen_random_uuid(),
    dropped     bigint      NOT NULL DEFAULT 0,
    created_at  timestamptz NOT NULL DEFAULT now(),
    singleton   boolean     PRIMARY KEY DEFAULT true CHECK (singleton),
    instance    uuid        NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO stream DEFAULT VALUES;
COMMENT ON TABLE stream IS 'identity of this database''s event stream';
COMMENT ON COLUMN stream.dropped IS 'history up to this seq was dropped by retention';
COMMENT ON COLUMN stream.instance IS 'of this database, whatever streams it has; a restored dump has another one';

-- The times in which one server gave out seqs without a break.  A position is a seq and the era in
-- which it was given out; stream.id is the last era.  A row says what of an era this database has: a
-- promoted standby or a restored copy may lack its end.  The era's first transactions leave a row
-- each, which the dispatcher replaces by one.  Not dumped.
CREATE TABLE eras (
    era         uuid        NOT NULL,
    base        bigint      NOT NULL,
    at          timestamptz NOT NULL,
    timeline    integer,
    upto        bigint,
    ended       boolean
);
COMMENT ON TABLE eras IS 'times in which one server gave out seqs without a break';
COMMENT ON COLUMN eras.base IS 'its seqs are above this one';
COMMENT ON COLUMN eras.timeline IS 'of the WAL; null: a transaction left this row, and the dispatcher has not seen it';
COMMENT ON COLUMN eras.upto IS 'this database has all of the era up to this seq';
COMMENT ON COLUMN eras.ended IS 'it goes no further here: positions behind upto are of another history';

-- How far the stream is settled: one row, which the dispatcher changes in place, for those who read
-- a copy of the journal (src/server/journal/settled_mark.c).  Not dumped.
CREATE TABLE settled_mark (
    seq         bigint      NOT NULL,
    at          timestamptz NOT NULL
);
COMMENT ON TABLE settled_mark IS 'how far the stream was settled, and when that was noted; written in place by the dispatcher';
COMMENT ON COLUMN settled_mark.seq IS 'each transaction with a seq up to this one is committed, or rolled back';
INSERT INTO settled_mark VALUES (0, now());

-- What was written while another database was served: a row or a few, then nobody resumes from
-- before.  Not dumped.
CREATE TABLE unserved (at timestamptz NOT NULL);
COMMENT ON TABLE unserved IS 'this database was written to while bugevents.database named another one';

-- The journal is three tables, used in turn: one is written, and the oldest one is
-- emptied by TRUNCATE when its time is over.  One row per transaction.  last_seq is
-- the key because every reader asks for "the transactions that end after seq".
-- Written by the library at commit (see src/server/journal/journal.c), never by SQL.
-- The rows are written once and read in order: values stay in the row up to a
-- page, and larger ones go out of line without the cost of compression.  Nothing
-- is updated or deleted, so there is nothing for autovacuum to do.
CREATE TABLE journal_0 (
    last_seq    bigint      NOT NULL PRIMARY KEY,
    n           integer     NOT NULL,
    low         bigint      NOT NULL,
    xid         xid8        NOT NULL,
    at          timestamptz NOT NULL,
    events      bytea
) WITH (toast_tuple_target = 8160, autovacuum_enabled = off, toast.autovacuum_enabled = off);
ALTER TABLE journal_0 ALTER COLUMN events SET STORAGE EXTERNAL;
CREATE TABLE journal_1 (LIKE journal_0 INCLUDING ALL)
    WITH (toast_tuple_target = 8160, autovacuum_enabled = off, toast.autovacuum_enabled = off);
CREATE TABLE journal_2 (LIKE journal_0 INCLUDING ALL)
    WITH (toast_tuple_target = 8160, autovacuum_enabled = off, toast.autovacuum_enabled = off);
COMMENT ON TABLE journal_0 IS 'a third of the journal';
COMMENT ON TABLE journal_1 IS 'a third of the journal';
COMMENT ON TABLE journal_2 IS 'a third of the journal';

CREATE VIEW journal AS
    SELECT * FROM journal_0 UNION ALL SELECT * FROM journal_1 UNION ALL SELECT * FROM journal_2;
COMMENT ON VIEW journal IS 'committed transactions of the stream, one row each';
COMMENT ON COLUMN journal.last_seq IS 'seq of the transaction''s last event';
COMMENT ON COLUMN journal.n IS 'number of events';
COMMENT ON COLUMN journal.low IS 'every seq up to this one was decided when the row was written';
COMMENT ON COLUMN journal.events IS 'event records; null: they are in journal_part';

-- What a large or a prepared transaction wrote out before it committed, in order of
-- ordinal, and which seq its events end with.
CREATE TABLE journal_part (
    xid         xid8        NOT NULL,
    ordinal     bigint      NOT NULL,
    n           integer     NOT NULL,
    events      bytea       NOT NULL,
    PRIMARY KEY (xid, ordinal)
) WITH (toast_tuple_target = 8160);
ALTER TABLE journal_part ALTER COLUMN events SET STORAGE EXTERNAL;
COMMENT ON TABLE journal_part IS 'events of large transactions, in parts';

CREATE TABLE journal_parted (
    xid         xid8        NOT NULL PRIMARY KEY,
    last_seq    bigint      NOT NULL
);
COMMENT ON TABLE journal_parted IS 'transactions whose events are in journal_part';

CREATE FUNCTION events(
    since bigint DEFAULT 0,
    max integer DEFAULT 1000,
    OUT seq bigint,
    OUT xid xid8,
    OUT committed_at timestamptz,
    OUT type text,
    OUT action text,
    OUT audience text,
    OUT payload jsonb,
    OUT changes jsonb,
    OUT actor text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'bugevents_events'
LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION events(bigint, integer) IS 'events of the journal after a seq, in order';

-- The journal holds every row's content, whoever may see the rows.
REVOKE ALL ON FUNCTION events(bigint, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION events(bigint, integer) TO pg_read_all_data;

CREATE FUNCTION last_seq()
RETURNS bigint
AS 'MODULE_PATHNAME', 'bugevents_last_seq'
LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION last_seq() IS 'a seq at or behind which everything stands that has committed so far';

-- Where consumers stand.  Written by consume(), with the reader's transaction.  Not dumped: a restored
-- database is a new stream.
CREATE TABLE consumer_positions (
    name        text        PRIMARY KEY,
    seq         bigint      NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    moved_at    timestamptz
) WITH (fillfactor = 50);
COMMENT ON TABLE consumer_positions IS 'where the consumers of the stream stand; see consume()';

CREATE VIEW consumers AS
    SELECT name, seq AS position, greatest(last_seq() - seq, 0) AS lag, created_at, moved_at
      FROM consumer_positions;
COMMENT ON VIEW consumers IS 'who reads the stream with consume(), and how far they have come';
COMMENT ON COLUMN consumers.position IS 'everything up to this seq was consumed';
COMMENT ON COLUMN consumers.lag IS 'distance of the position from the end of the stream';
COMMENT ON COLUMN consumers.moved_at IS 'when the position moved last';

CREATE FUNCTION consume(
    name text,
    max integer DEFAULT 1000,
    types text[] DEFAULT NULL,
    OUT seq bigint,
    OUT xid xid8,
    OUT committed_at timestamptz,
    OUT type text,
    OUT action text,
    OUT audience text,
    OUT payload jsonb,
    OUT changes jsonb,
    OUT actor text,
    OUT replay boolean)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'bugevents_consume'
LANGUAGE C VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION consume(text, integer, text[])
    IS 'the next events for a consumer, whose position moves with the transaction';

CREATE FUNCTION set_consumer(name text, seq bigint DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    oldest bigint := (SELECT dropped FROM bugevents.stream);
BEGIN
    IF name IS NULL OR octet_length(name) NOT BETWEEN 1 AND 255 THEN
        RAISE EXCEPTION 'invalid name of a consumer "%"', name
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'A name has 1 to 255 bytes.';
    END IF;
    IF seq NOT BETWEEN oldest AND bugevents.last_seq() THEN
        RAISE EXCEPTION 'there is no complete history behind seq %', seq
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = format('The journal holds what is behind seq %s, up to %s.', oldest, bugevents.last_seq());
    END IF;
    INSERT INTO bugevents.consumer_positions AS p (name, seq) VALUES (set_consumer.name, coalesce(set_consumer.seq, oldest))
        ON CONFLICT ON CONSTRAINT consumer_positions_pkey DO UPDATE SET seq = excluded.seq, moved_at = now();
    RETURN coalesce(seq, oldest);
END
$$;
COMMENT ON FUNCTION set_consumer(text, bigint)
    IS 'let a consumer, which is made if there is none, go on behind a seq; null: with the oldest event';

CREATE FUNCTION drop_consumer(name text)
RETURNS boolean
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH gone AS (DELETE FROM bugevents.consumer_positions AS p WHERE p.name = drop_consumer.name RETURNING 1)
    SELECT EXISTS (SELECT FROM gone)
$$;
COMMENT ON FUNCTION drop_consumer(text) IS 'forget a consumer; false: there is none of this name';

-- Consumers see every row's content, and hold history up.
REVOKE ALL ON FUNCTION consume(text, integer, text[]), set_consumer(text, bigint), drop_consumer(text) FROM PUBLIC;
GRANT SELECT ON consumers TO pg_monitor;

------------------------------------------------------------------------------
-- Connections
------------------------------------------------------------------------------

CREATE FUNCTION connections(
    OUT id text,
    OUT gateway integer,
    OUT user_id text,
    OUT role text,
    OUT address text,
    OUT connected_at timestamptz,
    OUT expires_at timestamptz,
    OUT cursor bigint,
    OUT lag bigint,
    OUT sent bigint,
    OUT received bigint,
    OUT subscription jsonb,
    OUT protocol text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'bugevents_connections'
LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION connections() IS 'the clients that are connected to the gateways';

CREATE VIEW connections AS SELECT * FROM connections();
COMMENT ON VIEW connections IS 'the clients that are connected to the gateways';
COMMENT ON COLUMN connections.cursor IS 'the client was sent everything up to this seq';
COMMENT ON COLUMN connections.lag IS 'distance of the cursor from the end of the stream';
COMMENT ON COLUMN connections.sent IS 'events sent';
COMMENT ON COLUMN connections.received IS 'messages received';
COMMENT ON COLUMN connections.subscription
    IS 'what it narrowed its stream to, up to a second ago; {}: nothing; a number in place of a long list';
COMMENT ON COLUMN connections.protocol IS 'how it reads: websocket, sse or json; null: up to a second after it came';

CREATE FUNCTION disconnect(connection_id text, reason text DEFAULT 'disconnected')
RETURNS boolean
AS 'MODULE_PATHNAME', 'bugevents_disconnect'
LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION disconnect(text, text) IS 'close a client''s connection; false: there is none with this id';

CREATE FUNCTION stats(OUT name text, OUT labels text, OUT value double precision)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'bugevents_stats'
LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION stats() IS 'numbers that tell how bugevents is, named as Prometheus names metrics';

CREATE VIEW stats AS SELECT * FROM stats();
COMMENT ON VIEW stats IS 'numbers that tell how bugevents is, named as Prometheus names metrics';

CREATE FUNCTION alerts(OUT name text, OUT raised boolean, OUT since timestamptz, OUT value double precision,
    OUT threshold double precision, OUT advice text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'bugevents_alerts'
LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION alerts() IS 'what is worth telling somebody, whether it is so now, and what to do';

CREATE VIEW alerts AS SELECT * FROM alerts();
COMMENT ON VIEW alerts IS 'what is worth telling somebody, whether it is so now, and what to do';
COMMENT ON COLUMN alerts.since IS 'raised then; null: it is not';
COMMENT ON COLUMN alerts.value IS 'as it was measured last';
COMMENT ON COLUMN alerts.threshold IS 'the setting bugevents.alert_...; null: off';

CREATE FUNCTION samples(OUT at timestamptz, OUT connections bigint, OUT lagging bigint, OUT queue_bytes bigint,
    OUT journal_bytes bigint, OUT projector_lag bigint, OUT waiting bigint, OUT dead bigint, OUT captured bigint,
    OUT delivered bigint, OUT bytes_sent bigint, OUT errors bigint, OUT overflows bigint, OUT delays bigint[])
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'bugevents_samples'
LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION samples() IS 'the server''s numbers in the last hour, each 10 seconds';

CREATE VIEW samples AS SELECT * FROM samples();
COMMENT ON VIEW samples IS 'the server''s numbers in the last hour, each 10 seconds';
COMMENT ON COLUMN samples.projector_lag IS 'events; null: it does not run';
COMMENT ON COLUMN samples.waiting IS 'deliveries that wait for their time or a further attempt';
COMMENT ON COLUMN samples.dead IS 'deliveries that were given up';
COMMENT ON COLUMN samples.captured IS 'this and what follows: counted since the server''s start';
COMMENT ON COLUMN samples.delays IS 'events by their delay, as the buckets of bugevents_delivery_seconds, each by itself';

-- What gateways found suspicious.  Written by the responder, bounded by
-- bugevents.security_event_rows; not dumped.
CREATE TABLE security_events (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT now(),
    kind        text        NOT NULL,
    address     text,
    gateway     integer,
    times       bigint      NOT NULL
);
COMMENT ON TABLE security_events IS 'what looked like an attack or a mistake; see docs/security.md';
COMMENT ON COLUMN security_events.address IS 'where it came from; null: from several addresses';
COMMENT ON COLUMN security_events.times IS 'how often since this was last written of the address';
GRANT SELECT ON security_events TO pg_monitor;

REVOKE ALL ON FUNCTION stats() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION stats() TO pg_monitor;
GRANT SELECT ON stats TO pg_monitor;
REVOKE ALL ON FUNCTION alerts() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION alerts() TO pg_monitor;
GRANT SELECT ON alerts TO pg_monitor;
REVOKE ALL ON FUNCTION samples() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION samples() TO pg_monitor;
GRANT SELECT ON samples TO pg_monitor;
REVOKE ALL ON FUNCTION connections() FROM PUBLIC;
REVOKE ALL ON FUNCTION disconnect(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION connections() TO pg_monitor;
GRANT SELECT ON connections TO pg_monitor;
GRANT EXECUTE ON FUNCTION disconnect(text, text) TO pg_signal_backend;


------------------------------------------------------------------------------
-- Capture
------------------------------------------------------------------------------

-- What attach() puts on a table.  The argument chooses expressions that run as
-- the table's owner, so nobody but attach() may create such triggers.
CREATE FUNCTION capture() RETURNS trigger
AS 'MODULE_PATHNAME', 'bugevents_capture' LANGUAGE C;
COMMENT ON FUNCTION capture() IS 'trigger that publishes the changes of a row';

CREATE FUNCTION capture_truncate() RETURNS trigger
AS 'MODULE_PATHNAME', 'bugevents_capture_truncate' LANGUAGE C;
COMMENT ON FUNCTION capture_truncate() IS 'trigger that publishes a TRUNCATE';

REVOKE ALL ON FUNCTION capture() FROM PUBLIC;
REVOKE ALL ON FUNCTION capture_truncate() FROM PUBLIC;

CREATE FUNCTION attach(
    tbl regclass,
    entity text,
    columns jsonb DEFAULT '{}',
    filter text DEFAULT NULL,
    audience text DEFAULT NULL,
    extra text[] DEFAULT '{}',
    always boolean DEFAULT false,
    quiet text[] DEFAULT '{}')
RETURNS void
AS 'MODULE_PATHNAME', 'bugevents_attach'
LANGUAGE C VOLATILE;
COMMENT ON FUNCTION attach(regclass, text, jsonb, text, text, text[], boolean, text[])
    IS 'publish the changes of a table''s rows as events of an entity';

CREATE FUNCTION detach(tbl regclass)
RETURNS void
AS 'MODULE_PATHNAME', 'bugevents_detach'
LANGUAGE C VOLATILE;
COMMENT ON FUNCTION detach(regclass) IS 'stop publishing the changes of a table';

-- Whoever attaches tables says what everybody is told.
REVOKE ALL ON FUNCTION attach(regclass, text, jsonb, text, text, text[], boolean, text[]), detach(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attach(regclass, text, jsonb, text, text, text[], boolean, text[]), detach(regclass)
    TO pg_database_owner;

CREATE FUNCTION replay(tbl regclass, "where" text DEFAULT NULL)
RETURNS bigint
AS 'MODULE_PATHNAME', 'bugevents_replay'
LANGUAGE C VOLATILE;
COMMENT ON FUNCTION replay(regclass, text)
    IS 'publish an attached table''s rows as they are now, for whoever is to be filled; returns how many';
REVOKE ALL ON FUNCTION replay(regclass, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION replay(regclass, text) TO pg_database_owner;

-- A text is one principal, and an element of a text[] is one: this makes them of ids.
CREATE FUNCTION principal(kind text, id "any")
RETURNS text
AS 'MODULE_PATHNAME', 'bugevents_principal'
LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION principal(text, "any")
    IS 'the principal of a user, project or group, for audiences: principal(''project'', row.project_id)';

-- One answer for everyone who asks whether what is attached to a table is believed.
CREATE FUNCTION decides(tbl regclass)
RETURNS boolean
AS 'MODULE_PATHNAME', 'bugevents_decides'
LANGUAGE C STABLE STRICT;
COMMENT ON FUNCTION decides(regclass)
    IS 'is a table attached so that who may see what, notifications, get and list go by its rows?';

CREATE FUNCTION expression_costs(
    tbl regclass,
    OUT evaluated bigint,
    OUT evaluation_ms double precision,
    OUT slowest_ms double precision,
    OUT timeouts bigint,
    OUT suspended boolean)
RETURNS record
AS 'MODULE_PATHNAME', 'bugevents_expression_costs'
LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION expression_costs(regclass) IS 'what the expressions of an attached table have cost since the server''s start';

CREATE FUNCTION resume_expressions(tbl regclass)
RETURNS boolean
AS 'MODULE_PATHNAME', 'bugevents_resume_expressions'
LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION resume_expressions(regclass)
    IS 'let a table take part again whose expressions were suspended; false: it did';

-- A trigger's argument is a text with a zero byte after it.
CREATE FUNCTION expression_errors(tbl regclass, OUT errors bigint, OUT last_error text, OUT last_error_at timestamptz)
AS 'MODULE_PATHNAME', 'bugevents_expression_errors'
LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION expression_errors(regclass)
    IS 'how often expressions of an attached table failed since the server''s start, and how last; that only for the table''s owner';

CREATE VIEW attachments AS
SELECT t.tgrelid::regclass AS tbl,
       a.arg ->> 'entity' AS entity,
       (SELECT jsonb_object_agg(f ->> 'field',
                   CASE WHEN f -> 'admin' IS NULL THEN to_jsonb(s.source)
                        ELSE jsonb_build_object('column', s.source, 'admin', true) END)
          FROM jsonb_array_elements(a.arg -> 'fields') AS f
         CROSS JOIN LATERAL (SELECT coalesce(f ->> 'column', f ->> 'expression')) AS s (source))
    || (SELECT coalesce(jsonb_object_agg(f ->> 'field', '{"admin": true}'::jsonb), '{}')
          FROM jsonb_array_elements(a.arg -> 'extra') AS f
         WHERE f -> 'admin' IS NOT NULL) AS columns,
       a.arg ->> 'filter' AS filter,
       a.arg ->> 'audience' AS audience,
       ARRAY(SELECT coalesce(f.value ->> 'column', (f.value ->> 'field') || '=' || (f.value ->> 'expression')) COLLATE "C"
               FROM jsonb_array_elements(coalesce(a.arg -> 'extra', '[]')) WITH ORDINALITY AS f (value, n)
              ORDER BY f.n) AS extra,
       t.tgenabled = 'A' AS always,
       bugevents.decides(t.tgrelid) AS decides,
       a.arg ->> 'by' AS attached_by,
       e.errors,
       e.last_error,
       e.last_error_at,
       c.evaluated, c.evaluation_ms, c.slowest_ms, c.timeouts, c.suspended,
       ARRAY(SELECT (f.value ->> 'field') COLLATE "C"
               FROM jsonb_array_elements((a.arg -> 'fields') || coalesce(a.arg -> 'extra', '[]')) WITH ORDINALITY AS f (value, n)
              WHERE f.value -> 'quiet' IS NOT NULL
              ORDER BY f.n) AS quiet
  FROM pg_catalog.pg_trigger AS t
 CROSS JOIN LATERAL (SELECT pg_catalog.convert_from(
           pg_catalog.substr(t.tgargs, 1, pg_catalog.octet_length(t.tgargs) - 1),
           pg_catalog.getdatabaseencoding())::jsonb AS arg) AS a
 CROSS JOIN LATERAL bugevents.expression_errors(t.tgrelid) AS e
 CROSS JOIN LATERAL bugevents.expression_costs(t.tgrelid) AS c
 WHERE t.tgfoid = 'bugevents.capture'::regproc
   AND t.tgparentid = 0
   AND t.tgnargs = 1
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = t.tgrelid AND c.relnamespace = 'bugevents'::regnamespace);
COMMENT ON VIEW attachments IS 'the tables whose changes are published, and how';
COMMENT ON COLUMN attachments.columns IS 'where the fields of the payload come from';
COMMENT ON COLUMN attachments.decides IS 'attached by who owns the database: who may see what, notifications, get and list go by its rows';
COMMENT ON COLUMN attachments.errors IS 'expressions that failed since the server''s start; last_error is for the table''s owner';
COMMENT ON COLUMN attachments.attached_by IS 'the role that attached it; null: bugevents 0.1.0 didn''t note it';
COMMENT ON COLUMN attachments.evaluated IS 'rows whose expressions were evaluated since the server''s start';
COMMENT ON COLUMN attachments.quiet IS 'fields whose change alone publishes nothing';
COMMENT ON COLUMN attachments.suspended IS 'left out of what is derived, get, list and watch, as its expressions took too long; see resume_expressions()';
COMMENT ON COLUMN attachments.always IS 'also what replication applies';
GRANT SELECT ON attachments TO PUBLIC;

-- What attached tables look up elsewhere, see follow().  Dumped, as the triggers are.
CREATE TABLE follows (
    lookup      regclass    NOT NULL,
    tbl         regclass    NOT NULL,
    keys        text        NOT NULL,
    search_path text        NOT NULL,
    PRIMARY KEY (lookup, tbl)
);
COMMENT ON TABLE follows IS 'attached tables that follow others; written by follow() and unfollow(), and kept when a table is detached';
COMMENT ON COLUMN follows.keys IS 'query over a row of the lookup: which rows of the table depend on it';
GRANT SELECT ON follows TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('bugevents.follows', '');

CREATE FUNCTION follow(lookup regclass, tbl regclass, keys text)
RETURNS void
AS 'MODULE_PATHNAME', 'bugevents_follow'
LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION follow(regclass, regclass, text)
    IS 'judge rows of an attached table anew when a row of another table changes, that their expressions look into';

CREATE FUNCTION unfollow(lookup regclass, tbl regclass)
RETURNS void
AS 'MODULE_PATHNAME', 'bugevents_unfollow'
LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION unfollow(regclass, regclass) IS 'take follow() back';
REVOKE ALL ON FUNCTION follow(regclass, regclass, text), unfollow(regclass, regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION follow(regclass, regclass, text), unfollow(regclass, regclass) TO pg_database_owner;

CREATE FUNCTION capture_lookup() RETURNS trigger
AS 'MODULE_PATHNAME', 'bugevents_capture_lookup' LANGUAGE C;
COMMENT ON FUNCTION capture_lookup() IS 'trigger of tables that attached ones follow';

CREATE FUNCTION capture_lookup_truncate() RETURNS trigger
AS 'MODULE_PATHNAME', 'bugevents_capture_lookup_truncate' LANGUAGE C;
COMMENT ON FUNCTION capture_lookup_truncate() IS 'trigger for TRUNCATE of tables that attached ones follow';

REVOKE ALL ON FUNCTION capture_lookup() FROM PUBLIC;
REVOKE ALL ON FUNCTION capture_lookup_truncate() FROM PUBLIC;

CREATE FUNCTION send(type text, action text, payload jsonb, audience text DEFAULT 'all',
    project_id text DEFAULT NULL, bug_report_id text DEFAULT NULL, key text DEFAULT NULL)
RETURNS void
AS 'MODULE_PATHNAME', 'bugevents_send'
LANGUAGE C VOLATILE;
COMMENT ON FUNCTION send(text, text, jsonb, text, text, text, text)
    IS 'publish an event of your own when the transaction commits';

------------------------------------------------------------------------------
-- Why did my event not arrive?
------------------------------------------------------------------------------

-- A verdict is fine (it doesn't stand in the way), reason (by itself it is why
-- nothing came), unknown or note.
CREATE FUNCTION explain_change(
    tbl regclass,
    key text,
    OUT finding text,
    OUT verdict text,
    OUT detail text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'bugevents_explain_change_text'
LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION explain_change(regclass, text)
    IS 'why was there no event of a change to the row with this primary key?';

CREATE FUNCTION explain_change(
    tbl regclass,
    key jsonb,
    OUT finding text,
    OUT verdict text,
    OUT detail text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'bugevents_explain_change_jsonb'
LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION explain_change(regclass, jsonb)
    IS 'the same, with an object that has a value for each column of the primary key';

CREATE FUNCTION explain_delivery(
    seq bigint,
    user_id text,
    OUT finding text,
    OUT verdict text,
    OUT detail text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'bugevents_explain_delivery'
LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION explain_delivery(bigint, text)
    IS 'did the event with this seq reach this user, and if not, why?';

CREATE FUNCTION explain_visibility(user_id text, seqs bigint[], OUT seq bigint, OUT verdict text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'bugevents_explain_visibility'
LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION explain_visibility(text, bigint[])
    IS 'may this user see these events, as things are now: yes, no, or perhaps (by a token''s projects)';

-- They tell of rows and of the journal, whoever may see the rows: rights as for events().
REVOKE ALL ON FUNCTION explain_change(regclass, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION explain_change(regclass, jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION explain_delivery(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION explain_change(regclass, text) TO pg_read_all_data;
GRANT EXECUTE ON FUNCTION explain_change(regclass, jsonb) TO pg_read_all_data;
GRANT EXECUTE ON FUNCTION explain_delivery(bigint, text) TO pg_read_all_data;
REVOKE ALL ON FUNCTION explain_visibility(text, bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION explain_visibility(text, bigint[]) TO pg_read_all_data;

------------------------------------------------------------------------------
-- Tokens
------------------------------------------------------------------------------

CREATE FUNCTION token(
    user_id text,
    role text DEFAULT 'user',
    ttl interval DEFAULT '1 hour',
    claims jsonb DEFAULT '{}')
RETURNS text
AS 'MODULE_PATHNAME', 'bugevents_token'
LANGUAGE C VOLATILE;
COMMENT ON FUNCTION token(text, text, interval, jsonb)
    IS 'sign a token with the secret of bugevents.jwt_secret_file';
REVOKE ALL ON FUNCTION token(text, text, interval, jsonb) FROM PUBLIC;

------------------------------------------------------------------------------
-- Who is told what: what the projector derives from the journal
------------------------------------------------------------------------------

-- Ids are text here, whatever they are in the attached tables.

-- How far the projector has come: one row.  Not dumped: a restored database is
-- a new stream.
CREATE TABLE projector (
    cursor      bigint      NOT NULL DEFAULT 0,
    at          timestamptz NOT NULL DEFAULT now(),
    singleton   boolean     PRIMARY KEY DEFAULT true CHECK (singleton),
    gathered    bigint      NOT NULL DEFAULT 0
);
INSERT INTO projector DEFAULT VALUES;
COMMENT ON TABLE projector IS 'how far the projector has come';
COMMENT ON COLUMN projector.cursor IS 'who is to be told of events up to this seq is';
COMMENT ON COLUMN projector.gathered IS 'what is kept of events up to this seq (history, statistics) is written';

CREATE TABLE projector_errors (
    seq         bigint      PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    type        text,
    action      text,
    sqlstate    text        NOT NULL,
    message     text        NOT NULL
);
COMMENT ON TABLE projector_errors IS 'events from which nothing could be derived, and why';

CREATE TABLE projector_skips (
    seq         bigint      PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE projector_skips IS 'events that the projector is to pass over; see projector_skip()';

CREATE FUNCTION projector_skip(seq bigint)
RETURNS void
LANGUAGE plpgsql STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    done bigint := (SELECT least(cursor, gathered) FROM bugevents.projector);
BEGIN
    IF seq <= done THEN
        RAISE EXCEPTION 'event % is done with', seq
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = format('The projector has come to %s.', done);
    END IF;
    INSERT INTO bugevents.projector_skips (seq) VALUES (projector_skip.seq) ON CONFLICT DO NOTHING;
    -- It may be at work on just that one.
    PERFORM pg_terminate_backend(a.pid) FROM pg_stat_activity AS a
      WHERE a.backend_type = 'bugevents projector' AND a.datname = current_database();
END
$$;
COMMENT ON FUNCTION projector_skip(bigint) IS 'let the projector pass over an event that it can''t get beyond';
REVOKE ALL ON FUNCTION projector_skip(bigint) FROM PUBLIC;

-- What is known of bugs and people as of the cursor.
CREATE TABLE bugs (
    id          text        PRIMARY KEY,
    title       text,
    status      text,
    creator_id  text,
    assignee_id text,
    project_id  text
);
COMMENT ON TABLE bugs IS 'who takes part in each bug, as of the projector''s cursor';

CREATE TABLE people (
    id          text        PRIMARY KEY,
    username    text,
    email       text,
    phone       text,
    role        text,
    active      boolean     NOT NULL DEFAULT true
);
CREATE INDEX ON people (username);
COMMENT ON TABLE people IS 'whom to tell where, as of the projector''s cursor';

CREATE TABLE watchers (
    bug_report_id text      NOT NULL,
    user_id     text        NOT NULL,
    PRIMARY KEY (bug_report_id, user_id)
);
CREATE INDEX ON watchers (user_id);
COMMENT ON TABLE watchers IS 'who watches what, as of the projector''s cursor; see watch()';

CREATE TABLE project_watchers (
    project_id  text        NOT NULL,
    user_id     text        NOT NULL,
    PRIMARY KEY (project_id, user_id)
);
CREATE INDEX ON project_watchers (user_id);
COMMENT ON TABLE project_watchers IS 'who watches all bugs of which project, as of the projector''s cursor; see watch()';

CREATE TABLE muted (
    bug_report_id text      NOT NULL,
    user_id     text        NOT NULL,
    PRIMARY KEY (bug_report_id, user_id)
);
CREATE INDEX ON muted (user_id);
COMMENT ON TABLE muted IS 'who wants to hear nothing of which bug, as of the projector''s cursor; see mute()';

-- Publishes a row of these tables to its user.
CREATE FUNCTION capture_own() RETURNS trigger
AS 'MODULE_PATHNAME', 'bugevents_capture_own' LANGUAGE C;
COMMENT ON FUNCTION capture_own() IS 'trigger that publishes rows of bugevents'' own tables';
REVOKE ALL ON FUNCTION capture_own() FROM PUBLIC;

CREATE TABLE notifications (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    type        text        NOT NULL CHECK (type IN ('bug_assigned', 'bug_created', 'comment_added', 'mentioned',
                                                     'status_changed', 'priority_changed', 'reminder_sent', 'welcome')),
    user_id     text        NOT NULL,
    bug_report_id text,
    comment_id  text,
    title       text,
    message     text        NOT NULL,
    status      text,
    count       integer     NOT NULL DEFAULT 1,
    read        boolean     NOT NULL DEFAULT false,
    hidden      boolean     NOT NULL DEFAULT false,
    created_at  timestamptz NOT NULL DEFAULT now(),
    project_id  text,
    actor       text,
    reason      text,
    url         text,
    changes     jsonb,
    updated_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON notifications (user_id, bug_report_id, type);
CREATE INDEX ON notifications (bug_report_id);
CREATE INDEX ON notifications (comment_id);
CREATE INDEX ON notifications (created_at);
CREATE INDEX notifications_unread ON notifications (user_id) WHERE NOT read AND NOT hidden;
CREATE TRIGGER capture AFTER INSERT OR UPDATE OR DELETE ON notifications
    FOR EACH ROW EXECUTE FUNCTION capture_own('notification');
COMMENT ON TABLE notifications IS 'what users were told';
COMMENT ON COLUMN notifications.status IS 'the bug''s status at that time';
COMMENT ON COLUMN notifications.count IS 'how many events this one tells of';
COMMENT ON COLUMN notifications.hidden IS 'sent elsewhere only: the user wants none on the page';
COMMENT ON COLUMN notifications.created_at IS 'when the (first) event was committed';
COMMENT ON COLUMN notifications.actor IS 'the user who did it last; null: not known';
COMMENT ON COLUMN notifications.reason IS 'why this user is told: assignee, creator, mentioned, watcher, project_watcher, reminder';
COMMENT ON COLUMN notifications.url IS 'the bug''s page, see bugevents.tracker_url';
COMMENT ON COLUMN notifications.changes IS 'fields that changed: the first old value and the last new one';
COMMENT ON COLUMN notifications.updated_at IS 'when the last event was committed';

-- What was said in comments that a notification stands for: each of them, in order.
CREATE TABLE notification_parts (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    notification_id bigint  NOT NULL,
    comment_id  text,
    actor       text,
    message     text        NOT NULL,
    at          timestamptz NOT NULL
);
CREATE INDEX ON notification_parts (notification_id);
CREATE INDEX ON notification_parts (comment_id);
COMMENT ON TABLE notification_parts IS 'the comments that notifications stand for';
COMMENT ON COLUMN notification_parts.message IS 'what the comment says, up to 2000 bytes';

-- Of what stands in a URL, each byte that has no meaning of its own there.
CREATE FUNCTION url_encode(value text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN value ~ '^[A-Za-z0-9._~-]*$' THEN value ELSE (
        SELECT string_agg(CASE WHEN b BETWEEN 45 AND 126 THEN CASE WHEN chr(b) ~ '[A-Za-z0-9._~-]' THEN chr(b) ELSE '%' || upper(to_hex(b)) END
                               ELSE '%' || upper(lpad(to_hex(b), 2, '0')) END, '' ORDER BY i)
          FROM (SELECT i, get_byte(bytes, i) AS b
                  FROM convert_to(value, 'UTF8') AS bytes, generate_series(0, octet_length(bytes) - 1) AS i) AS x) END
$$;
COMMENT ON FUNCTION url_encode(text) IS 'a text as a part of a URL';

CREATE FUNCTION bug_url(bug_id text, project_id text DEFAULT NULL)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT replace(replace(nullif(current_setting('bugevents.tracker_url', true), ''),
                           '{id}', bugevents.url_encode(bug_id)),
                   '{project_id}', bugevents.url_encode(coalesce(project_id, '')))
     WHERE bug_id IS NOT NULL
$$;
COMMENT ON FUNCTION bug_url(text, text) IS 'the page of a bug, by bugevents.tracker_url; null: that is not set';

-- The first old value and the last new one, of what changed before and what changed now.
CREATE FUNCTION merge_changes(before jsonb, now jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(before, '{}') || (
        SELECT coalesce(jsonb_object_agg(key, jsonb_build_array(coalesce(before -> key -> 0, value -> 0), value -> 1)), '{}')
          FROM jsonb_each(now))
     WHERE coalesce(before, now) IS NOT NULL
$$;
COMMENT ON FUNCTION merge_changes(jsonb, jsonb) IS 'changes of two events, one after the other, as those of one';

CREATE FUNCTION change_message(changes jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT string_agg(CASE WHEN value -> 0 = value -> 1
                           THEN format('%s changed, and is %s again', initcap(key), coalesce(value ->> 1, 'none'))
                           ELSE format('%s changed from %s to %s', initcap(key), coalesce(value ->> 0, 'none'), coalesce(value ->> 1, 'none'))
                      END, '; ' ORDER BY key)
      FROM jsonb_each(changes)
$$;
COMMENT ON FUNCTION change_message(jsonb) IS 'what changed, in words';

CREATE TABLE preferences (
    user_id     text        NOT NULL,
    type        text        NOT NULL DEFAULT '*'
                CHECK (type IN ('*', 'bug_assigned', 'bug_created', 'comment_added', 'mentioned',
                                'status_changed', 'priority_changed', 'reminder_sent', 'welcome')),
    channel     text        NOT NULL CHECK (channel IN ('page', 'email', 'whatsapp', 'webhook')),
    enabled     boolean     NOT NULL,
    PRIMARY KEY (user_id, type, channel)
);
COMMENT ON TABLE preferences IS 'what users want to be told, and where; type * stands for all that have no row';

-- What steps back would never get beyond now.
CREATE FUNCTION is_period(every interval)
RETURNS boolean
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT every >= interval '1 minute' AND every <= interval '100 years'
       AND least(extract(year FROM every), extract(month FROM every), extract(day FROM every),
                 extract(hour FROM every), extract(minute FROM every), extract(second FROM every)) >= 0
$$;
COMMENT ON FUNCTION is_period(interval) IS 'can a reminder be repeated after this time?';

CREATE TABLE reminders (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    bug_report_id text      NOT NULL,
    user_id     text,
    due_at      timestamptz NOT NULL CHECK (isfinite(due_at)),
    every       interval    CHECK (is_period(every)),
    created_at  timestamptz NOT NULL DEFAULT now(),
    of_due_date boolean     NOT NULL DEFAULT false
);
CREATE INDEX ON reminders (due_at);
CREATE INDEX ON reminders (bug_report_id);
CREATE TRIGGER capture AFTER INSERT OR UPDATE OR DELETE ON reminders
    FOR EACH ROW EXECUTE FUNCTION capture_own('reminder');
COMMENT ON TABLE reminders IS 'who is to be reminded of which bug, and when';
COMMENT ON COLUMN reminders.user_id IS 'null: whoever is assigned when it is due, or else the creator';
COMMENT ON COLUMN reminders.due_at IS 'the next time, if there is "every"';
COMMENT ON COLUMN reminders.of_due_date IS 'made for the bug''s field due_at, and follows it';
CREATE UNIQUE INDEX reminders_of_due_date ON reminders (bug_report_id) WHERE of_due_date;

-- Repeated reminders: when the first one was due, since "every" is counted from there.
CREATE TABLE reminder_series (
    reminder_id bigint      PRIMARY KEY,
    first_at    timestamptz NOT NULL,
    due_at      timestamptz NOT NULL
);
COMMENT ON TABLE reminder_series IS 'from when on reminders are repeated';
COMMENT ON COLUMN reminder_series.due_at IS 'as counted; a reminder that is due at another time was set anew';

-- Not a foreign key: pg_restore --jobs loads tables in any order, and an extension's constraints are there before.
CREATE FUNCTION forget_series() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM bugevents.reminder_series AS s USING gone WHERE s.reminder_id = gone.id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION forget_series() IS 'trigger that takes along what belongs to a reminder';
REVOKE ALL ON FUNCTION forget_series() FROM PUBLIC;
CREATE TRIGGER forget AFTER DELETE ON reminders REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION forget_series();

-- The first time behind "after" that is a number of periods from first_at, in the time zone's
-- calendar.  Each step is one that can't go too far, and halves the distance at least.
CREATE FUNCTION next_time(first_at timestamptz, every interval, time_zone text, after timestamptz)
RETURNS timestamptz
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    days    interval := date_trunc('day', every);
    -- A month has up to 31 days, and a day up to 25 hours.
    longest numeric := (extract(year FROM every) * 12 + extract(month FROM every)) * 31 * 90000
                       + extract(day FROM every) * 90000 + extract(epoch FROM every - days);
    times   bigint := 0;
    at      timestamptz := first_at;
BEGIN
    WHILE at <= after LOOP
        times := times + greatest(1, floor(extract(epoch FROM after - at) / longest)::bigint);
        at := ((first_at AT TIME ZONE time_zone) + times * days) AT TIME ZONE time_zone + times * (every - days);
    END LOOP;
    RETURN at;
END
$$;
COMMENT ON FUNCTION next_time(timestamptz, interval, text, timestamptz)
    IS 'when something that is repeated is due after a moment';

CREATE FUNCTION watch(bug_id text DEFAULT NULL, user_id text DEFAULT NULL, project_id text DEFAULT NULL)
RETURNS void
AS 'MODULE_PATHNAME', 'bugevents_watch'
LANGUAGE C VOLATILE;
COMMENT ON FUNCTION watch(text, text, text)
    IS 'let a user hear of what happens to a bug, or to all bugs of a project, from now on';

CREATE FUNCTION unwatch(bug_id text DEFAULT NULL, user_id text DEFAULT NULL, project_id text DEFAULT NULL)
RETURNS void
AS 'MODULE_PATHNAME', 'bugevents_unwatch'
LANGUAGE C VOLATILE;
COMMENT ON FUNCTION unwatch(text, text, text) IS 'take watch() back';

CREATE FUNCTION mute(bug_id text, user_id text)
RETURNS void
AS 'MODULE_PATHNAME', 'bugevents_mute'
LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION mute(text, text) IS 'let a user hear nothing of a bug any more, whatever the reason';

CREATE FUNCTION unmute(bug_id text, user_id text)
RETURNS void
AS 'MODULE_PATHNAME', 'bugevents_unmute'
LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION unmute(text, text) IS 'take mute() back';

CREATE FUNCTION remind(
    bug_id text,
    due_at timestamptz,
    user_id text DEFAULT NULL,
    every interval DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    reminder bigint;
BEGIN
    IF current_setting('bugevents.database', true) <> current_database() THEN
        RAISE EXCEPTION 'database "%" is not served by bugevents', current_database()
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = format('Connect to database "%s", which is.', current_setting('bugevents.database', true));
    END IF;
    IF bug_id IS NULL OR due_at IS NULL THEN
        RAISE EXCEPTION 'arguments "bug_id" and "due_at" must not be null'
            USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF NOT isfinite(due_at) THEN
        RAISE EXCEPTION 'due_at must be a moment'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF NOT bugevents.is_period(every) THEN
        RAISE EXCEPTION 'every must be at least a minute, and at most 100 years'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'No part of it may be negative.';
    END IF;
    INSERT INTO bugevents.reminders (bug_report_id, user_id, due_at, every)
        VALUES (bug_id, remind.user_id, remind.due_at, remind.every)
        RETURNING id INTO reminder;
    RETURN reminder;
END
$$;
COMMENT ON FUNCTION remind(text, timestamptz, text, interval)
    IS 'remind a user of a bug, once or again and again; returns the reminder''s id';

CREATE FUNCTION mark_read(notification_id bigint, user_id text DEFAULT NULL)
RETURNS boolean
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    WITH marked AS (
        UPDATE bugevents.notifications AS n SET read = true
         WHERE n.id = notification_id AND NOT n.read
           AND (mark_read.user_id IS NULL OR n.user_id = mark_read.user_id)
        RETURNING 1)
    SELECT EXISTS (SELECT FROM marked)
$$;
COMMENT ON FUNCTION mark_read(bigint, text)
    IS 'mark a notification as read; false: there is no such unread one, or it is another user''s';

CREATE FUNCTION mark_all_read(user_id text)
RETURNS bigint
LANGUAGE sql STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    WITH marked AS (
        UPDATE bugevents.notifications AS n SET read = true
         WHERE n.user_id = mark_all_read.user_id AND NOT n.read AND NOT n.hidden
        RETURNING 1)
    SELECT count(*) FROM marked
$$;
COMMENT ON FUNCTION mark_all_read(text) IS 'mark all notifications of a user as read; returns how many were not';

REVOKE ALL ON FUNCTION url_encode(text), bug_url(text, text), merge_changes(jsonb, jsonb), change_message(jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION watch(text, text, text), unwatch(text, text, text), mute(text, text), unmute(text, text),
    remind(text, timestamptz, text, interval), next_time(timestamptz, interval, text, timestamptz),
    mark_read(bigint, text), mark_all_read(text) FROM PUBLIC;

-- They are users' data, or can't be derived again from a new stream.
SELECT pg_catalog.pg_extension_config_dump('bugevents.bugs', '');
SELECT pg_catalog.pg_extension_config_dump('bugevents.people', '');
SELECT pg_catalog.pg_extension_config_dump('bugevents.watchers', '');
SELECT pg_catalog.pg_extension_config_dump('bugevents.notifications', '');
SELECT pg_catalog.pg_extension_config_dump('bugevents.notifications_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('bugevents.preferences', '');
SELECT pg_catalog.pg_extension_config_dump('bugevents.reminders', '');
SELECT pg_catalog.pg_extension_config_dump('bugevents.reminders_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('bugevents.reminder_series', '');
SELECT pg_catalog.pg_extension_config_dump('bugevents.project_watchers', '');
SELECT pg_catalog.pg_extension_config_dump('bugevents.muted', '');
SELECT pg_catalog.pg_extension_config_dump('bugevents.notification_parts', '');
SELECT pg_catalog.pg_extension_config_dump('bugevents.notification_parts_id_seq', '');

------------------------------------------------------------------------------
-- Mail, WhatsApp, webhooks: what the courier sends
------------------------------------------------------------------------------

CREATE FUNCTION server_place()
RETURNS jsonb
AS 'MODULE_PATHNAME', 'bugevents_server_place'
LANGUAGE C STABLE STRICT;
COMMENT ON FUNCTION server_place() IS 'where this server runs, and which database of which cluster this is';
REVOKE ALL ON FUNCTION server_place() FROM PUBLIC;

-- Whose a new delivery is.  What an older dump brings, which has no such column, is nobody's:
-- a session that loads a dump has these two settings off.
CREATE FUNCTION delivery_origin()
RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT s.instance FROM bugevents.stream AS s
     WHERE current_setting('check_function_bodies') = 'on' OR current_setting('row_security') = 'on'
$$;
COMMENT ON FUNCTION delivery_origin() IS 'the number of this database, for deliveries that are made here';

-- One row for each notification and channel.  Written by the projector, worked off by
-- the courier.
CREATE TABLE deliveries (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    notification_id bigint,
    user_id     text,
    channel     text        NOT NULL CHECK (channel IN ('email', 'whatsapp', 'webhook')),
    address     text        NOT NULL,
    state       text        NOT NULL DEFAULT 'waiting'
                CHECK (state IN ('waiting', 'sending', 'sent', 'dead', 'uncertain', 'skipped')),
    attempts    integer     NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    last_code   integer,
    last_error  text,
    key         text        NOT NULL UNIQUE DEFAULT gen_random_uuid()::text,
    if_unread   boolean     NOT NULL DEFAULT false,
    sent_with   bigint,
    created_at  timestamptz NOT NULL DEFAULT now(),
    ended_at    timestamptz,
    origin      uuid        DEFAULT delivery_origin(),
    facts       jsonb
);
CREATE INDEX ON deliveries (channel, next_attempt_at) WHERE state = 'waiting';
CREATE INDEX ON deliveries (channel, user_id, ended_at) WHERE state = 'sent';
CREATE INDEX ON deliveries (id) WHERE state = 'sending';
CREATE INDEX ON deliveries (channel) WHERE state = 'dead';
CREATE INDEX ON deliveries (sent_with) WHERE sent_with IS NOT NULL;
CREATE INDEX ON deliveries (notification_id);
CREATE FUNCTION forget_deliveries() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM bugevents.deliveries AS d USING gone WHERE d.notification_id = gone.id;
    DELETE FROM bugevents.notification_parts AS p USING gone WHERE p.notification_id = gone.id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION forget_deliveries() IS 'trigger that takes along what belongs to a notification';
REVOKE ALL ON FUNCTION forget_deliveries() FROM PUBLIC;
CREATE TRIGGER forget AFTER DELETE ON notifications REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION forget_deliveries();

CREATE FUNCTION wake_courier() RETURNS trigger
AS 'MODULE_PATHNAME', 'bugevents_wake_courier' LANGUAGE C;
COMMENT ON FUNCTION wake_courier() IS 'trigger that tells the courier of deliveries';
REVOKE ALL ON FUNCTION wake_courier() FROM PUBLIC;
CREATE TRIGGER wake AFTER INSERT OR UPDATE ON deliveries
    FOR EACH STATEMENT EXECUTE FUNCTION wake_courier();
COMMENT ON TABLE deliveries IS 'what is sent outside, and what became of it';
COMMENT ON COLUMN deliveries.address IS 'e-mail address or phone number; empty: bugevents.webhook_url';
COMMENT ON COLUMN deliveries.state IS 'uncertain: it may have arrived, and is not sent again; skipped: it was not to be sent any more, last_error says why';
COMMENT ON COLUMN deliveries.key IS 'the same at each attempt; a webhook has it as webhook-id';
COMMENT ON COLUMN deliveries.if_unread IS 'sent only if the notification is not read by then';
COMMENT ON COLUMN deliveries.sent_with IS 'the delivery in whose mail this one was';
COMMENT ON COLUMN deliveries.origin IS 'the database that made it; others don''t send it';
COMMENT ON COLUMN deliveries.facts IS 'project, status and priority of the bug, as the reader may see them, when it was last tried';
CREATE INDEX ON deliveries (channel, user_id, next_attempt_at, id) WHERE state IN ('waiting', 'sending');

-- Who sends deliveries: one row, written by the first courier and by take_over_deliveries().  It is
-- dumped, and the number in bugevents.stream isn't: so what was restored knows that it is a copy.
CREATE TABLE sender (
    instance    uuid        PRIMARY KEY,
    place       jsonb       NOT NULL,
    at          timestamptz NOT NULL DEFAULT now()
);
CREATE TRIGGER wake AFTER INSERT OR UPDATE OR DELETE ON sender
    FOR EACH STATEMENT EXECUTE FUNCTION wake_courier();
COMMENT ON TABLE sender IS 'who sends deliveries; a database that is another one, or elsewhere, sends none';
COMMENT ON COLUMN sender.instance IS 'bugevents.stream.instance of the database that sends';
COMMENT ON COLUMN sender.place IS 'where its server runs; see server_place()';
SELECT pg_catalog.pg_extension_config_dump('bugevents.sender', '');

CREATE TABLE delivery_options (
    user_id     text        PRIMARY KEY,
    time_zone   text        NOT NULL DEFAULT 'UTC'
                CHECK (timestamptz '2000-01-01 00:00+00' AT TIME ZONE time_zone IS NOT NULL),
    quiet_from  time,
    quiet_until time,
    digest      interval    CHECK (digest >= interval '1 minute' AND digest <= interval '7 days'
                                   AND extract(month FROM digest) = 0 AND extract(year FROM digest) = 0),
    unsubscribe_token text  NOT NULL UNIQUE DEFAULT replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''),
    locale      text        CHECK (locale ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$'),
    CHECK ((quiet_from IS NULL) = (quiet_until IS NULL))
);
COMMENT ON TABLE delivery_options IS 'when users want to be sent something';
COMMENT ON COLUMN delivery_options.quiet_from IS 'nothing is sent from then until quiet_until, in the user''s time zone';
COMMENT ON COLUMN delivery_options.digest IS 'mails are collected for so long, and are one';
COMMENT ON COLUMN delivery_options.locale IS 'the language of mails; null: that of bugevents.mail_locale';

CREATE TABLE templates (
    type        text        NOT NULL
                CHECK (type IN ('*', 'bug_assigned', 'bug_created', 'comment_added', 'mentioned',
                                'status_changed', 'priority_changed', 'reminder_sent', 'welcome')),
    subject     text        NOT NULL,
    text        text        NOT NULL,
    html        text,
    locale      text        NOT NULL DEFAULT '*' CHECK (locale ~ '^([*]|[a-z]{2,3}(-[A-Za-z0-9]{2,8})*)$'),
    PRIMARY KEY (type, locale)
);
COMMENT ON TABLE templates IS 'mails of your own; * is for all types without a row';
COMMENT ON COLUMN templates.text IS '{{title}}, {{message}}, {{status}}, {{count}}, {{username}}, {{bug_report_id}}, {{type}}, {{created_at}}, {{url}}, {{actor_name}}, {{reason}}, {{project}}';
COMMENT ON COLUMN templates.locale IS 'for readers of this language; * is for all others';

-- When something may be sent that is due at this time.
CREATE FUNCTION delivery_time(user_id text, channel text, due_at timestamptz)
RETURNS timestamptz
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH collected AS (
        SELECT o.*, CASE WHEN o.digest IS NOT NULL AND delivery_time.channel = 'email'
                         THEN (date_bin(o.digest, due_at AT TIME ZONE o.time_zone, timestamp '2000-01-01 00:00')
                               + o.digest) AT TIME ZONE o.time_zone
                         ELSE due_at END AS at
          FROM bugevents.delivery_options AS o WHERE o.user_id = delivery_time.user_id),
    clock AS (SELECT *, at AT TIME ZONE time_zone AS local FROM collected),
    quiet AS (
        SELECT *, CASE WHEN quiet_from IS NULL OR quiet_from = quiet_until THEN false
                       WHEN quiet_from < quiet_until THEN local::time >= quiet_from AND local::time < quiet_until
                       ELSE local::time >= quiet_from OR local::time < quiet_until END AS is_quiet
          FROM clock)
    SELECT coalesce((
        SELECT CASE WHEN is_quiet
                    THEN (local::date + quiet_until
                          + CASE WHEN local::time >= quiet_until THEN interval '1 day' ELSE interval '0' END) AT TIME ZONE time_zone
                    ELSE at END
          FROM quiet), due_at)
$$;
COMMENT ON FUNCTION delivery_time(text, text, timestamptz)
    IS 'when something that is due may be sent to a user: quiet hours, digests; without a channel, quiet hours only';

CREATE FUNCTION time_zone(user_id text)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce((SELECT o.time_zone FROM bugevents.delivery_options AS o WHERE o.user_id = time_zone.user_id),
                    current_setting('TimeZone'))
$$;
COMMENT ON FUNCTION time_zone(text) IS 'the time zone of a user; the database''s, if the user has said nothing';

-- When to remind of a bug's due date: so long before; a date alone means nine in the morning.
CREATE FUNCTION due_reminder(due text, user_id text)
RETURNS timestamptz
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN due ~ '^\d{4}-\d\d-\d\d$'
                THEN (due::date + time '09:00') AT TIME ZONE bugevents.time_zone(user_id)
                ELSE due::timestamptz END - current_setting('bugevents.due_reminder')::interval
$$;
COMMENT ON FUNCTION due_reminder(text, text) IS 'when to remind of a bug that is due then';
REVOKE ALL ON FUNCTION due_reminder(text, text) FROM PUBLIC;

-- {{name}} becomes the member of that name, in one pass: values are no templates.
CREATE FUNCTION render(template text, vals jsonb, html boolean DEFAULT false)
RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(string_agg(CASE
               WHEN n = 1 THEN piece
               WHEN strpos(piece, '}}') = 0 THEN '{{' || piece
               ELSE CASE WHEN html
                         THEN replace(replace(replace(replace(replace(v, '&', '&amp;'), '<', '&lt;'), '>', '&gt;'),
                                      '"', '&quot;'), '''', '&#39;')
                         ELSE v END || substr(piece, strpos(piece, '}}') + 2)
               END, '' ORDER BY n), template)
      FROM unnest(string_to_array(template, '{{')) WITH ORDINALITY AS p (piece, n)
     CROSS JOIN LATERAL (SELECT coalesce(vals ->> btrim(split_part(piece, '}}', 1)), '') AS v) AS x
$$;
COMMENT ON FUNCTION render(text, jsonb, boolean) IS 'a template with its {{names}} replaced, for HTML escaped';

-- What mails say.  A phrase is a line with {{names}}; those of bugevents.phrases go before these.
CREATE FUNCTION shipped_phrases(locale text)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF locale = 'en' THEN
        RETURN '{"bug_assigned": "{{actor}} assigned this bug to you", "bug_assigned.nobody": "This bug was assigned to you",
        "bug_created": "{{actor}} reported this bug", "bug_created.nobody": "This bug was reported", "comment_added": "{{actor}} commented",
        "comment_added.nobody": "There is a new comment", "comments_added": "{{count}} new comments", "mentioned": "{{actor}} mentioned you",
        "mentioned.nobody": "You were mentioned", "status_changed": "{{actor}} changed the status", "status_changed.nobody": "The status changed",
        "priority_changed": "{{actor}} changed the priority", "priority_changed.nobody": "The priority changed",
        "reminder_sent": "You wanted to be reminded of this bug", "due": "This bug is due", "welcome": "Welcome, {{username}}",
        "test": "This is a test: what bugevents sends arrives here.", "project": "Project", "status": "Status", "priority": "Priority",
        "none": "none", "changes": "{{count}} changes", "again": "and is {{value}} again", "wrote": "{{actor}} wrote", "wrote.nobody": "A comment",
        "open": "Open the bug", "bug": "Bug", "reason.assignee": "You get this mail because the bug is assigned to you.",
        "reason.creator": "You get this mail because you reported the bug.", "reason.mentioned": "You get this mail because you were mentioned.",
        "reason.watcher": "You get this mail because you watch the bug.",
        "reason.project_watcher": "You get this mail because you watch the project.",
        "reason.reminder": "You get this mail because you wanted to be reminded.", "mute": "Mute this bug", "no_kind": "No more mails of this kind",
        "no_mails": "No more mails", "digest": "{{count}} notifications", "via": "{{actor}} ({{sender}})", "time": "YYYY-MM-DD HH24:MI"}';
    ELSIF locale = 'de' THEN
        RETURN '{"bug_assigned": "{{actor}} hat Ihnen diesen Fehler zugewiesen", "bug_assigned.nobody": "Dieser Fehler wurde Ihnen zugewiesen",
        "bug_created": "{{actor}} hat diesen Fehler gemeldet", "bug_created.nobody": "Dieser Fehler wurde gemeldet",
        "comment_added": "{{actor}} hat kommentiert", "comment_added.nobody": "Es gibt einen neuen Kommentar",
        "comments_added": "{{count}} neue Kommentare", "mentioned": "{{actor}} hat Sie erw\u00e4hnt", "mentioned.nobody": "Sie wurden erw\u00e4hnt",
        "status_changed": "{{actor}} hat den Status ge\u00e4ndert", "status_changed.nobody": "Der Status wurde ge\u00e4ndert",
        "priority_changed": "{{actor}} hat die Priorit\u00e4t ge\u00e4ndert", "priority_changed.nobody": "Die Priorit\u00e4t wurde ge\u00e4ndert",
        "reminder_sent": "Sie wollten an diesen Fehler erinnert werden", "due": "Dieser Fehler ist f\u00e4llig",
        "welcome": "Willkommen, {{username}}", "test": "Das ist ein Test: Was bugevents verschickt, kommt hier an.", "project": "Projekt",
        "status": "Status", "priority": "Priorit\u00e4t", "none": "ohne", "changes": "{{count}} \u00c4nderungen", "again": "und ist wieder {{value}}",
        "wrote": "{{actor}} schrieb", "wrote.nobody": "Ein Kommentar", "open": "Fehler \u00f6ffnen", "bug": "Fehler",
        "reason.assignee": "Sie erhalten diese Mail, weil Ihnen der Fehler zugewiesen ist.",
        "reason.creator": "Sie erhalten diese Mail, weil Sie den Fehler gemeldet haben.",
        "reason.mentioned": "Sie erhalten diese Mail, weil Sie erw\u00e4hnt wurden.",
        "reason.watcher": "Sie erhalten diese Mail, weil Sie den Fehler beobachten.",
        "reason.project_watcher": "Sie erhalten diese Mail, weil Sie das Projekt beobachten.",
        "reason.reminder": "Sie erhalten diese Mail, weil Sie erinnert werden wollten.", "mute": "Diesen Fehler stummschalten",
        "no_kind": "Keine Mails dieser Art mehr", "no_mails": "Keine Mails mehr", "digest": "{{count}} Benachrichtigungen",
        "time": "DD.MM.YYYY HH24:MI"}';
    ELSIF locale = 'fr' THEN
        RETURN '{"bug_assigned": "{{actor}} vous a attribu\u00e9 ce bug", "bug_assigned.nobody": "Ce bug vous a \u00e9t\u00e9 attribu\u00e9",
        "bug_created": "{{actor}} a signal\u00e9 ce bug", "bug_created.nobody": "Ce bug a \u00e9t\u00e9 signal\u00e9",
        "comment_added": "{{actor}} a comment\u00e9", "comment_added.nobody": "Il y a un nouveau commentaire",
        "comments_added": "{{count}} nouveaux commentaires", "mentioned": "{{actor}} vous a mentionn\u00e9",
        "mentioned.nobody": "On vous a mentionn\u00e9", "status_changed": "{{actor}} a chang\u00e9 le statut",
        "status_changed.nobody": "Le statut a chang\u00e9", "priority_changed": "{{actor}} a chang\u00e9 la priorit\u00e9",
        "priority_changed.nobody": "La priorit\u00e9 a chang\u00e9", "reminder_sent": "Vous vouliez un rappel de ce bug",
        "due": "Ce bug arrive \u00e0 \u00e9ch\u00e9ance", "welcome": "Bienvenue, {{username}}",
        "test": "Ceci est un essai : ce que bugevents envoie arrive ici.", "project": "Projet", "status": "Statut", "priority": "Priorit\u00e9",
        "none": "aucun", "changes": "{{count}} changements", "again": "et est de nouveau {{value}}", "wrote": "{{actor}} a \u00e9crit",
        "wrote.nobody": "Un commentaire", "open": "Ouvrir le bug", "bug": "Bug",
        "reason.assignee": "Vous recevez ce message parce que le bug vous est attribu\u00e9.",
        "reason.creator": "Vous recevez ce message parce que vous avez signal\u00e9 le bug.",
        "reason.mentioned": "Vous recevez ce message parce qu''on vous a mentionn\u00e9.",
        "reason.watcher": "Vous recevez ce message parce que vous suivez le bug.",
        "reason.project_watcher": "Vous recevez ce message parce que vous suivez le projet.",
        "reason.reminder": "Vous recevez ce message parce que vous vouliez un rappel.", "mute": "Ne plus suivre ce bug",
        "no_kind": "Plus de messages de ce genre", "no_mails": "Plus de messages", "digest": "{{count}} notifications", "time": "DD/MM/YYYY HH24:MI"}';
    END IF;
    RETURN '{}';
-- The database's encoding doesn't have its letters.
EXCEPTION WHEN untranslatable_character OR feature_not_supported THEN
    RETURN '{}';
END
$$;
COMMENT ON FUNCTION shipped_phrases(text) IS 'what mails say, by locale, where bugevents.phrases has nothing else';

CREATE TABLE phrases (
    locale      text        NOT NULL CHECK (locale ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$'),
    name        text        NOT NULL,
    phrase      text        NOT NULL,
    PRIMARY KEY (locale, name)
);
COMMENT ON TABLE phrases IS 'what mails say, in your own words or languages; names as in shipped_phrases(''en'')';

-- Of a locale, the language alone, the setting's, English: the first that has it.
CREATE FUNCTION phrase(locale text, name text)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(
        (SELECT coalesce((SELECT p.phrase FROM bugevents.phrases AS p WHERE p.locale = l AND p.name = phrase.name),
                         bugevents.shipped_phrases(l) ->> phrase.name) AS found
           FROM unnest(ARRAY[phrase.locale, split_part(phrase.locale, '-', 1), current_setting('bugevents.mail_locale'), 'en']) WITH ORDINALITY AS x (l, o)
          WHERE EXISTS (SELECT FROM bugevents.phrases AS p WHERE p.locale = l AND p.name = phrase.name)
             OR bugevents.shipped_phrases(l) ? phrase.name
          ORDER BY o LIMIT 1), '')
$$;
COMMENT ON FUNCTION phrase(text, text) IS 'what mails say in a language';

-- Controls, and what turns the direction of writing, make a name look like another one.
CREATE FUNCTION clean(value text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT btrim(regexp_replace(regexp_replace(value, '[\u200e\u200f\u202a-\u202e\u2066-\u2069]', '', 'g'), '[[:cntrl:]\u2028\u2029]+', ' ', 'g'))
$$;
COMMENT ON FUNCTION clean(text) IS 'a text as one line';

-- What a notification says in a mail: a sentence, fields with their old and new values, quotes.
CREATE FUNCTION mail_item(n bugevents.notifications, locale text, time_zone text)
RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH names AS (
        SELECT jsonb_object_agg(p.id, bugevents.clean(left(p.username, 100))) AS by_id
          FROM bugevents.people AS p
         WHERE p.username IS NOT NULL
           AND (p.id IN (n.actor, n.user_id) OR p.id IN (SELECT q.actor FROM bugevents.notification_parts AS q WHERE q.notification_id = n.id))),
    said AS (
        SELECT jsonb_agg(jsonb_build_object('message', p.message,
                   'head', bugevents.render(bugevents.phrase(locale, 'wrote' || CASE WHEN by_id ? p.actor THEN '' ELSE '.nobody' END),
                                            jsonb_build_object('actor', by_id ->> p.actor))
                           || to_char(p.at AT TIME ZONE time_zone, ' (' || bugevents.phrase(locale, 'time') || ')')) ORDER BY p.id) AS quotes
          FROM bugevents.notification_parts AS p, names WHERE p.notification_id = n.id),
    vals AS (
        SELECT by_id, coalesce(quotes, '[]') AS quotes, by_id ->> n.actor AS actor,
               CASE WHEN n.type = 'comment_added' AND n.count > 1 THEN 'comments_added'
                    WHEN n.type = 'reminder_sent' AND n.message LIKE 'A bug is due%' THEN 'due'
                    WHEN n.type IN ('reminder_sent', 'welcome') OR by_id ? n.actor THEN n.type
                    ELSE n.type || '.nobody' END AS sentence
          FROM names, said)
    SELECT jsonb_build_object(
        'type', n.type, 'bug', n.bug_report_id, 'title', bugevents.clean(left(n.title, 500)), 'url', coalesce(bugevents.bug_url(n.bug_report_id, n.project_id), n.url),
        'reason', n.reason, 'actor', actor, 'at', to_char(n.updated_at AT TIME ZONE time_zone, bugevents.phrase(locale, 'time')),
        'sentence', bugevents.render(bugevents.phrase(locale, sentence),
                        jsonb_build_object('actor', actor, 'count', n.count, 'username', coalesce(by_id ->> n.user_id, '')))
            || CASE WHEN n.count > 1 AND n.type <> 'comment_added'
                    THEN ' (' || bugevents.render(bugevents.phrase(locale, 'changes'), jsonb_build_object('count', n.count)) || ')' ELSE '' END,
        'fields', coalesce((
            SELECT jsonb_agg(jsonb_build_object('label', bugevents.phrase(locale, key), 'same', value -> 0 = value -> 1,
                       'old', left(coalesce(value ->> 0, bugevents.phrase(locale, 'none')), 200),
                       'new', left(coalesce(value ->> 1, bugevents.phrase(locale, 'none')), 200)) ORDER BY key)
              FROM jsonb_each(n.changes) WHERE key IN ('status', 'priority')), '[]'),
        'quotes', CASE WHEN quotes = '[]' AND n.changes IS NULL AND n.type IN ('comment_added', 'status_changed', 'priority_changed')
                       THEN jsonb_build_array(jsonb_build_object('message', left(n.message, 1000))) ELSE quotes END,
        'due', CASE WHEN sentence = 'due' THEN nullif(substr(n.message, 14), '') END)
      FROM vals
$$;
COMMENT ON FUNCTION mail_item(bugevents.notifications, text, text) IS 'what a notification says in a mail';

CREATE FUNCTION mail_item_text(item jsonb, locale text)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT (item ->> 'sentence') || coalesce(': ' || (item ->> 'due'), '') || E'\n'
        || coalesce((SELECT E'\n' || string_agg(format('    %s: %s', f ->> 'label',
                               CASE WHEN (f ->> 'same')::boolean THEN bugevents.render(bugevents.phrase(locale, 'again'), jsonb_build_object('value', f ->> 'new'))
                                    ELSE (f ->> 'old') || ' -> ' || (f ->> 'new') END), E'\n' ORDER BY o) || E'\n'
                       FROM jsonb_array_elements(item -> 'fields') WITH ORDINALITY AS x (f, o)), '')
        || coalesce((SELECT string_agg(E'\n' || coalesce((q ->> 'head') || E':\n', '') || regexp_replace(q ->> 'message', '^', '> ', 'gn') || E'\n', '' ORDER BY o)
                       FROM jsonb_array_elements(item -> 'quotes') WITH ORDINALITY AS x (q, o)), '')
$$;
COMMENT ON FUNCTION mail_item_text(jsonb, text) IS 'a notification in a mail''s plain text';

CREATE FUNCTION html_escape(value text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT replace(replace(replace(replace(replace(value, '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'), '''', '&#39;')
$$;
COMMENT ON FUNCTION html_escape(text) IS 'a text in HTML, between tags or quotes';

-- Colors are classes, too, so that a dark page can have others (mail_page); programs that drop
-- the style of the head show what is written here, on white.
CREATE FUNCTION mail_item_html(item jsonb, locale text)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('<p style="margin:0 0 12px">%s%s</p>', bugevents.html_escape(item ->> 'sentence'),
                  coalesce(': <b>' || bugevents.html_escape(item ->> 'due') || '</b>', ''))
        || coalesce((SELECT '<table role="presentation" cellpadding="0" cellspacing="0" style="margin:0 0 12px">'
                       || string_agg(format('<tr><td class="dim" style="padding:2px 16px 2px 0;color:#59636e">%s</td><td style="padding:2px 0">%s</td></tr>',
                              bugevents.html_escape(f ->> 'label'),
                              CASE WHEN (f ->> 'same')::boolean THEN bugevents.html_escape(bugevents.render(bugevents.phrase(locale, 'again'), jsonb_build_object('value', f ->> 'new')))
                                   ELSE format('<s class="dim" style="color:#59636e">%s</s> &rarr; <b>%s</b>', bugevents.html_escape(f ->> 'old'), bugevents.html_escape(f ->> 'new')) END), '' ORDER BY o)
                       || '</table>'
                       FROM jsonb_array_elements(item -> 'fields') WITH ORDINALITY AS x (f, o)), '')
        || coalesce((SELECT string_agg(coalesce('<p class="dim" style="margin:0 0 4px;color:#59636e;font-size:13px">' || bugevents.html_escape(q ->> 'head') || '</p>', '')
                       || format('<blockquote class="quote" style="margin:0 0 16px;padding:8px 12px;border-left:3px solid #c9d1d9;background:#f6f8fa">%s</blockquote>',
                                 replace(replace(bugevents.html_escape(q ->> 'message'), E'\n', '<br>'), '  ', '&nbsp; ')), '' ORDER BY o)
                       FROM jsonb_array_elements(item -> 'quotes') WITH ORDINALITY AS x (q, o)), '')
$$;
COMMENT ON FUNCTION mail_item_html(jsonb, text) IS 'a notification in a mail''s HTML';

CREATE FUNCTION mail_page(content text, footer text, locale text, preview text)
RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format($html$<!DOCTYPE html>
<html lang="%s"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">
<style>
:root{color-scheme:light dark}
.text a{overflow-wrap:anywhere}
@media (prefers-color-scheme:dark){
.page{background:#0d1117!important}.card{background:#161b22!important;border-color:#30363d!important}
.text,.text p,.text td,.text h1{color:#e6edf3!important}.dim,.text .dim{color:#9198a1!important}
.quote{background:#0d1117!important;border-color:#3d444d!important;color:#e6edf3!important}.link{color:#4493f8!important}
.chip{background:#21262d!important;color:#e6edf3!important}.button{background:#1f6feb!important}.line{border-color:#3d444d!important}
}
</style></head>
<body class="page" style="margin:0;padding:0;background:#f6f8fa">
<div style="display:none;max-height:0;overflow:hidden">%s</div>
<table role="presentation" class="page" width="100%%" cellpadding="0" cellspacing="0" style="background:#f6f8fa"><tr><td align="center" style="padding:24px 12px">
<table role="presentation" class="card" width="600" cellpadding="0" cellspacing="0" style="width:100%%;max-width:600px;background:#ffffff;border:1px solid #d1d9e0;border-radius:8px"><tr><td class="text" style="padding:24px;font:15px/1.5 -apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;color:#1f2328;overflow-wrap:anywhere">
%s
</td></tr></table>
<table role="presentation" width="600" cellpadding="0" cellspacing="0" style="width:100%%;max-width:600px"><tr><td class="dim" style="padding:16px 24px;font:12px/1.6 -apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;color:#59636e">
%s
</td></tr></table>
</td></tr></table>
</body></html>
$html$, bugevents.html_escape(locale), bugevents.html_escape(preview), content, footer)
$$;
COMMENT ON FUNCTION mail_page(text, text, text, text) IS 'the HTML of a mail around what it says';

-- One line above a bug: project, number, status, priority, as they are when the mail is sent.
CREATE FUNCTION mail_place(item jsonb, facts jsonb, locale text, html boolean)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT string_agg(CASE WHEN html AND name = 'status'
                           THEN format('<span class="chip" style="display:inline-block;padding:0 8px;border-radius:10px;background:#eff2f5">%s</span>', bugevents.html_escape(value))
                           WHEN html THEN bugevents.html_escape(value) ELSE value END, CASE WHEN html THEN ' &middot; ' ELSE ' - ' END ORDER BY o)
      FROM (VALUES (1, 'project', bugevents.clean(left(facts ->> 'project', 100))), (2, 'bug', '#' || (item ->> 'bug')),
                   (3, 'status', bugevents.clean(left(facts ->> 'status', 100))), (4, 'priority', bugevents.clean(left(facts ->> 'priority', 100)))) AS x (o, name, value)
     WHERE value <> ''
$$;
COMMENT ON FUNCTION mail_place(jsonb, jsonb, text, boolean) IS 'where a bug stands, in a line of a mail';

-- A bug with what happened to it.
CREATE FUNCTION mail_bug(items jsonb, facts jsonb, locale text, html boolean, is_digest boolean)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN html THEN
            coalesce('<p class="dim" style="margin:0 0 4px;color:#59636e;font-size:13px">' || bugevents.mail_place(items -> 0, facts, locale, true) || '</p>', '')
            || format('<h1 style="margin:0 0 12px;font-size:%spx;line-height:1.3">%s</h1>', CASE WHEN is_digest THEN 17 ELSE 20 END,
                   CASE WHEN items -> 0 ->> 'url' IS NULL THEN coalesce(bugevents.html_escape(items -> 0 ->> 'title'), '')
                        ELSE format('<a class="link" href="%s" style="color:#0969da;text-decoration:none">%s</a>',
                                    bugevents.html_escape(items -> 0 ->> 'url'), coalesce(bugevents.html_escape(items -> 0 ->> 'title'), '#' || bugevents.html_escape(items -> 0 ->> 'bug'))) END)
            || (SELECT string_agg(CASE WHEN is_digest THEN '<p class="dim" style="margin:0;color:#59636e;font-size:12px">' || bugevents.html_escape(i ->> 'at') || '</p>' ELSE '' END
                                  || bugevents.mail_item_html(i, locale), E'\n' ORDER BY o) FROM jsonb_array_elements(items) WITH ORDINALITY AS x (i, o))
            || CASE WHEN items -> 0 ->> 'url' IS NULL OR is_digest THEN ''
                    ELSE format('<p style="margin:16px 0 0"><a class="button" href="%s" style="display:inline-block;padding:8px 16px;border-radius:6px;background:#0969da;color:#ffffff;text-decoration:none">%s</a></p>',
                                bugevents.html_escape(items -> 0 ->> 'url'), bugevents.html_escape(bugevents.phrase(locale, 'open'))) END
        ELSE
            CASE WHEN is_digest THEN coalesce(items -> 0 ->> 'title', '') || E'\n'
                      || coalesce(bugevents.mail_place(items -> 0, facts, locale, false) || E'\n', '') || coalesce((items -> 0 ->> 'url') || E'\n', '') || E'\n' ELSE '' END
            || (SELECT string_agg(CASE WHEN is_digest THEN (i ->> 'at') || '  ' ELSE '' END || bugevents.mail_item_text(i, locale), E'\n' ORDER BY o)
                  FROM jsonb_array_elements(items) WITH ORDINALITY AS x (i, o))
            || CASE WHEN is_digest THEN '' ELSE E'\n' || coalesce(items -> 0 ->> 'title', '') || E'\n'
                      || coalesce(bugevents.mail_place(items -> 0, facts, locale, false) || E'\n', '') || coalesce((items -> 0 ->> 'url') || E'\n', '') END
        END
$$;
COMMENT ON FUNCTION mail_bug(jsonb, jsonb, text, boolean, boolean) IS 'a bug in a mail, with what happened to it';

-- Ways out: of the bug, the kind, all mails.
CREATE FUNCTION mail_exits(url text, item jsonb, locale text)
RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_object('text', bugevents.phrase(locale, name), 'url', replace(url, '{{token}}', token)) ORDER BY o), '[]')
      FROM (VALUES (1, 'mute', '.bug.' || encode(convert_to(item ->> 'bug', 'UTF8'), 'hex')), (2, 'no_kind', '.type.' || (item ->> 'type')), (3, 'no_mails', '')) AS x (o, name, suffix),
           LATERAL (SELECT (item ->> 'token') || suffix AS token) AS t
     WHERE url <> '' AND token IS NOT NULL
$$;
COMMENT ON FUNCTION mail_exits(text, jsonb, text) IS 'the links of a mail that end mails';

CREATE FUNCTION mail_domain()
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(substring(current_setting('bugevents.smtp_from') FROM '@([A-Za-z0-9.-]+)'), 'localhost')
$$;
COMMENT ON FUNCTION mail_domain() IS 'the domain in the ids of mails and lists';

-- A label of a list's id (RFC 2919) for a project.
CREATE FUNCTION mail_list(project_id text)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce('project-' || CASE WHEN project_id ~ '^[A-Za-z0-9][A-Za-z0-9-]{0,39}$' THEN lower(project_id)
                                       ELSE left(encode(sha256(convert_to(project_id, 'UTF8')), 'hex'), 16) END || '.', '')
        || 'bugs.' || bugevents.mail_domain()
$$;
COMMENT ON FUNCTION mail_list(text) IS 'the id of the list that mails about a project''s bugs are of';

-- A mail: members of the message to the carrier.
CREATE FUNCTION compose_mail(d bugevents.deliveries)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    lang      text := coalesce((SELECT o.locale FROM bugevents.delivery_options AS o WHERE o.user_id = d.user_id), current_setting('bugevents.mail_locale'));
    zone        text := bugevents.time_zone(d.user_id);
    items       jsonb;
    item        jsonb;
    exits       jsonb;
    t           bugevents.templates;
    n           bugevents.notifications;
    vals        jsonb;
    sender      text := current_setting('bugevents.smtp_from');
    token       text;
    subject     text;
    body        text;
    page        text;
    footer      text;
    root        text;
    is_digest   boolean;
BEGIN
    IF d.user_id IS NOT NULL AND current_setting('bugevents.unsubscribe_url') <> '' THEN
        INSERT INTO bugevents.delivery_options (user_id, time_zone)
            VALUES (d.user_id, current_setting('TimeZone')) ON CONFLICT DO NOTHING;
        SELECT unsubscribe_token INTO token FROM bugevents.delivery_options AS o WHERE o.user_id = d.user_id;
    END IF;
    SELECT coalesce(jsonb_agg(bugevents.mail_item(x, lang, zone) || jsonb_build_object('facts', y.facts, 'token', token,
               'first', min_id) ORDER BY min_id, x.id), '[]')
      INTO items
      FROM bugevents.notifications AS x JOIN bugevents.deliveries AS y ON y.notification_id = x.id,
           LATERAL (SELECT min(m.id) AS min_id FROM bugevents.notifications AS m JOIN bugevents.deliveries AS z ON z.notification_id = m.id
                     WHERE (z.id = d.id OR z.sent_with = d.id) AND (m.id = x.id OR m.bug_report_id = x.bug_report_id)) AS f
     WHERE y.id = d.id OR y.sent_with = d.id;
    IF items = '[]' THEN
        items := jsonb_build_array(jsonb_build_object('type', 'test', 'title', 'A test of bugevents', 'sentence', bugevents.phrase(lang, 'test'),
                                                      'fields', '[]'::jsonb, 'quotes', '[]'::jsonb));
    END IF;
    item := items -> 0;
    is_digest := jsonb_array_length(items) > 1;
    exits := bugevents.mail_exits(current_setting('bugevents.unsubscribe_url'), CASE WHEN is_digest THEN jsonb_build_object('token', token) ELSE item END, lang);
    SELECT x.* INTO n FROM bugevents.notifications AS x WHERE x.id = d.notification_id;
    SELECT * INTO t FROM bugevents.templates AS x
     WHERE x.type IN (n.type, '*') AND x.locale IN (lang, split_part(lang, '-', 1), '*')
     ORDER BY x.type = '*', x.locale = '*', length(x.locale) DESC LIMIT 1;
    SELECT string_agg(bugevents.mail_bug(g, g -> 0 -> 'facts', lang, false, is_digest), E'\n----------\n\n' ORDER BY first),
           string_agg(bugevents.mail_bug(g, g -> 0 -> 'facts', lang, true, is_digest), E'\n<hr class="line" style="border:0;border-top:1px solid #d1d9e0;margin:20px 0">\n' ORDER BY first)
      INTO body, page
      FROM (SELECT jsonb_agg(i ORDER BY o) AS g, min(o) AS first FROM jsonb_array_elements(items) WITH ORDINALITY AS x (i, o) GROUP BY i -> 'first') AS y;
    IF is_digest THEN
        subject := bugevents.render(bugevents.phrase(lang, 'digest'), jsonb_build_object('count', jsonb_array_length(items)));
    ELSIF item ->> 'bug' IS NULL THEN
        subject := coalesce(item ->> 'title', '');
    ELSE
        subject := format('[#%s] %s', item ->> 'bug', coalesce(item ->> 'title', ''));
    END IF;
    footer := coalesce((SELECT string_agg(format('<a class="dim" href="%s" style="color:#59636e">%s</a>', bugevents.html_escape(e ->> 'url'), bugevents.html_escape(e ->> 'text')), ' &middot; ' ORDER BY o)
                          FROM jsonb_array_elements(exits) WITH ORDINALITY AS x (e, o)), '');
    IF t.type IS NOT NULL AND NOT is_digest THEN
        vals := to_jsonb(n) - 'hidden' - 'read' || jsonb_build_object('title', left(n.title, 500), 'message', left(n.message, 1000), 'username', (SELECT p.username FROM bugevents.people AS p WHERE p.id = n.user_id),
            'actor_name', item -> 'actor', 'project', d.facts -> 'project', 'url', item -> 'url');
        subject := bugevents.render(t.subject, vals);
        body := bugevents.render(t.text, vals);
        page := bugevents.render(t.html, vals, true) || CASE WHEN footer <> '' THEN '<p>' || footer || '</p>' ELSE '' END;
    ELSE
        page := bugevents.mail_page(page, coalesce(bugevents.html_escape(nullif(CASE WHEN is_digest THEN '' ELSE bugevents.phrase(lang, 'reason.' || (item ->> 'reason')) END, '')) || '<br>', '') || footer,
                                    lang, left(coalesce(item ->> 'sentence', '') || coalesce(': ' || (item -> 'quotes' -> 0 ->> 'message'), ''), 150));
        body := body || CASE WHEN exits <> '[]' OR item ->> 'reason' IS NOT NULL AND NOT is_digest THEN E'\n-- \n' ELSE '' END
            || CASE WHEN is_digest OR item ->> 'reason' IS NULL THEN '' ELSE bugevents.phrase(lang, 'reason.' || (item ->> 'reason')) || E'\n' END;
    END IF;
    body := body || CASE WHEN t.type IS NOT NULL AND NOT is_digest AND exits <> '[]' THEN E'\n-- \n' ELSE '' END
        || coalesce((SELECT string_agg((e ->> 'text') || ': ' || (e ->> 'url') || E'\n', '' ORDER BY o) FROM jsonb_array_elements(exits) WITH ORDINALITY AS x (e, o)), '');

    -- Mails about a bug refer to one that is never sent: so they are one thread, whichever came first.
    IF NOT is_digest AND n.bug_report_id IS NOT NULL THEN
        root := '<bug.' || encode(sha256(convert_to(n.bug_report_id, 'UTF8')), 'hex')
            || '.' || (SELECT instance FROM bugevents.stream) || '@' || bugevents.mail_domain() || '>';
    END IF;
    RETURN jsonb_strip_nulls(jsonb_build_object('to', d.address,
        'from_name', CASE WHEN NOT is_digest AND item ->> 'actor' IS NOT NULL AND current_setting('bugevents.mail_from_actor')::boolean
                          THEN bugevents.render(bugevents.phrase(lang, 'via'), jsonb_build_object(
                               'actor', left(regexp_replace(item ->> 'actor', '[@<>"(),:;\\]', '', 'g'), 60),
                               'sender', coalesce(nullif(btrim(substring(sender FROM '^([^<]*)<'), ' "'), ''), 'bugs'))) END,
        'subject', left(regexp_replace(bugevents.clean(subject), '[[:cntrl:]]+', ' ', 'g'), 200), 'text', body, 'html', page,
        'message_id', '<' || d.key || '@' || bugevents.mail_domain() || '>', 'in_reply_to', root, 'references', root,
        'list_id', bugevents.mail_list(CASE WHEN is_digest THEN NULL ELSE n.project_id END),
        'list_unsubscribe', nullif(exits -> -1 ->> 'url', ''),
        'headers', CASE WHEN is_digest THEN jsonb_build_object('Type', 'digest')
                        ELSE jsonb_build_object('Type', item ->> 'type', 'Reason', n.reason, 'Bug', bugevents.clean(n.bug_report_id), 'Project', bugevents.clean(n.project_id),
                                                'Status', bugevents.clean(left(d.facts ->> 'status', 100)), 'Priority', bugevents.clean(left(d.facts ->> 'priority', 100)), 'Actor', bugevents.clean(n.actor)) END));
END
$$;
COMMENT ON FUNCTION compose_mail(bugevents.deliveries) IS 'what a mail says, as the courier sends it';

-- What a delivery says: members of the message to the carrier.
CREATE FUNCTION compose(delivery_id bigint)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    d           bugevents.deliveries;
    vals        jsonb;
BEGIN
    SELECT * INTO STRICT d FROM bugevents.deliveries WHERE id = delivery_id;
    IF d.channel = 'email' THEN
        RETURN bugevents.compose_mail(d);
    END IF;
    SELECT to_jsonb(n) - 'hidden' - 'read' || jsonb_build_object('username', (SELECT username FROM bugevents.people AS p WHERE p.id = n.user_id))
      INTO vals FROM bugevents.notifications AS n WHERE n.id = d.notification_id;
    vals := coalesce(vals, '{"type": "test", "title": "A test of bugevents", "message": "This is a test: what bugevents sends arrives here."}');
    IF d.channel = 'webhook' THEN
        RETURN jsonb_build_object('msg_id', d.key, 'timestamp', floor(extract(epoch FROM clock_timestamp()))::bigint,
            'body', jsonb_build_object('type', 'notification.' || (vals ->> 'type'),
                                       'timestamp', coalesce(vals ->> 'created_at', now()::text), 'data', vals)::text);
    END IF;
    -- Its API refuses parameters that are empty, or have line ends or many spaces in them.
    RETURN jsonb_build_object('to', d.address, 'template', current_setting('bugevents.whatsapp_template'),
        'language', current_setting('bugevents.whatsapp_language'),
        'parameters', (SELECT jsonb_agg(coalesce(nullif(btrim(regexp_replace(p, '\s+', ' ', 'g')), ''), '-') ORDER BY o)
                         FROM unnest(ARRAY[left(vals ->> 'title', 500), left(vals ->> 'message', 1000)]) WITH ORDINALITY AS x (p, o)));
END
$$;
COMMENT ON FUNCTION compose(bigint) IS 'what a delivery says, as the courier sends it';
REVOKE ALL ON FUNCTION shipped_phrases(text), phrase(text, text), clean(text), mail_item(bugevents.notifications, text, text),
    mail_item_text(jsonb, text), html_escape(text), mail_item_html(jsonb, text), mail_page(text, text, text, text), mail_place(jsonb, jsonb, text, boolean),
    mail_bug(jsonb, jsonb, text, boolean, boolean), mail_exits(text, jsonb, text), mail_domain(), mail_list(text), compose_mail(bugevents.deliveries) FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('bugevents.phrases', '');

CREATE FUNCTION requeue(delivery_id bigint DEFAULT NULL)
RETURNS bigint
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    WITH again AS (
        UPDATE bugevents.deliveries AS d
           SET state = 'waiting', attempts = 0, next_attempt_at = now(), ended_at = NULL, sent_with = NULL,
               origin = bugevents.delivery_origin(),
               -- Who gets a webhook can tell by its id that it came before.
               key = CASE WHEN d.channel = 'webhook' THEN d.key ELSE gen_random_uuid()::text END
         WHERE d.state IN ('dead', 'uncertain') AND (delivery_id IS NULL OR d.id = delivery_id)
        RETURNING 1)
    SELECT count(*) FROM again
$$;
COMMENT ON FUNCTION requeue(bigint)
    IS 'send a dead or uncertain delivery again, or all of them; returns how many';

CREATE FUNCTION take_over_deliveries(send boolean DEFAULT true)
RETURNS bigint
LANGUAGE plpgsql STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    own uuid := (SELECT instance FROM bugevents.stream);
    why text := 'it may have been sent by the server that this one is a copy of';
    n bigint;
BEGIN
    DELETE FROM bugevents.sender;
    INSERT INTO bugevents.sender (instance, place) VALUES (own, bugevents.server_place());
    UPDATE bugevents.deliveries SET state = 'uncertain', last_error = why, ended_at = now()
     WHERE state = 'sending' AND origin IS DISTINCT FROM own OR state = 'waiting' AND NOT send;
    UPDATE bugevents.deliveries SET origin = own WHERE origin IS DISTINCT FROM own;
    SELECT count(*) INTO n FROM bugevents.deliveries WHERE state = 'waiting';
    RETURN n;
END
$$;
COMMENT ON FUNCTION take_over_deliveries(boolean)
    IS 'send from here from now on, in a copy of the database that did; false: not what waits, which may have been sent there; returns how many wait';
REVOKE ALL ON FUNCTION take_over_deliveries(boolean) FROM PUBLIC;

CREATE FUNCTION test_delivery(channel text, address text DEFAULT '')
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    url text := CASE channel WHEN 'email' THEN 'bugevents.smtp_url' WHEN 'whatsapp' THEN 'bugevents.whatsapp_url'
                             WHEN 'webhook' THEN 'bugevents.webhook_url' END;
    delivery bigint;
BEGIN
    IF url IS NULL THEN
        RAISE EXCEPTION 'there is no channel "%"', channel
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Channels are email, whatsapp and webhook.';
    END IF;
    -- Not everybody may see it.
    IF EXISTS (SELECT FROM pg_settings AS s WHERE s.name = url AND s.setting = '') THEN
        RAISE EXCEPTION 'nothing is sent by channel "%"', channel
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = format('Set %s.', url);
    END IF;
    INSERT INTO bugevents.deliveries (channel, address) VALUES (test_delivery.channel, coalesce(test_delivery.address, ''))
        RETURNING id INTO delivery;
    RETURN delivery;
END
$$;
COMMENT ON FUNCTION test_delivery(text, text)
    IS 'send a test; returns the id of its row in bugevents.deliveries, which tells what became of it';

CREATE FUNCTION unsubscribe(token text)
RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    reader  text := (SELECT o.user_id FROM bugevents.delivery_options AS o WHERE o.unsubscribe_token = split_part(token, '.', 1));
    scope   text := split_part(token, '.', 2);
    what    text := split_part(token, '.', 3);
BEGIN
    IF reader IS NULL THEN
        RETURN NULL;
    END IF;
    IF scope = 'bug' THEN
        IF what !~ '^([0-9a-f]{2}){1,255}$' THEN
            RETURN NULL;
        END IF;
        what := convert_from(decode(what, 'hex'), 'UTF8');
        PERFORM bugevents.mute(what, reader);
    ELSIF scope = 'type' THEN
        IF what NOT IN ('bug_assigned', 'bug_created', 'comment_added', 'mentioned', 'status_changed', 'priority_changed', 'reminder_sent', 'welcome') THEN
            RETURN NULL;
        END IF;
        INSERT INTO bugevents.preferences (user_id, type, channel, enabled) VALUES (reader, what, 'email', false)
            ON CONFLICT (user_id, type, channel) DO UPDATE SET enabled = false;
    ELSIF scope = '' THEN
        INSERT INTO bugevents.preferences (user_id, type, channel, enabled) VALUES (reader, '*', 'email', false)
            ON CONFLICT (user_id, type, channel) DO UPDATE SET enabled = false;
        DELETE FROM bugevents.preferences AS p WHERE p.user_id = reader AND p.channel = 'email' AND p.type <> '*';
    ELSE
        RETURN NULL;
    END IF;
    UPDATE bugevents.deliveries AS d SET state = 'skipped', last_error = 'the user has unsubscribed', ended_at = now()
     WHERE d.user_id = reader AND d.channel = 'email' AND d.state = 'waiting'
       AND (scope = '' OR d.notification_id IN (SELECT n.id FROM bugevents.notifications AS n
             WHERE n.user_id = reader AND (scope = 'type' AND n.type = what OR scope = 'bug' AND n.bug_report_id = what)));
    RETURN reader;
END
$$;
COMMENT ON FUNCTION unsubscribe(text)
    IS 'no more mails for the user of this token, or, as it says, of one kind or about one bug; returns the user, null if there is none';

-- Who bounces mails gets none until somebody lifts that.
CREATE TABLE suspended_addresses (
    address     text        PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT now(),
    code        integer,
    reason      text        NOT NULL
);
COMMENT ON TABLE suspended_addresses IS 'addresses that nothing is mailed to: what was sent there came back';
COMMENT ON COLUMN suspended_addresses.code IS 'what the mail server answered; null: it was told later, see suspend_address()';

CREATE FUNCTION suspend_address(address text, reason text DEFAULT 'it bounced', code integer DEFAULT NULL)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO bugevents.suspended_addresses (address, code, reason)
        VALUES (lower(suspend_address.address), suspend_address.code, left(suspend_address.reason, 500)) ON CONFLICT DO NOTHING;
    IF FOUND THEN
        RAISE WARNING 'bugevents sends no more mails to "%": %', suspend_address.address, left(suspend_address.reason, 500)
            USING HINT = 'Correct the user''s address, or call bugevents.resume_address().';
    END IF;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION suspend_address(text, text, integer) IS 'send no more mails to an address; false: none were';

CREATE FUNCTION resume_address(address text)
RETURNS boolean
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    WITH gone AS (DELETE FROM bugevents.suspended_addresses AS s WHERE s.address = lower(resume_address.address) RETURNING 1)
    SELECT EXISTS (SELECT FROM gone)
$$;
COMMENT ON FUNCTION resume_address(text) IS 'send mails to an address again; false: it was not suspended';
REVOKE ALL ON FUNCTION suspend_address(text, text, integer), resume_address(text) FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('bugevents.suspended_addresses', '');

REVOKE ALL ON FUNCTION delivery_time(text, text, timestamptz), time_zone(text), render(text, jsonb, boolean), compose(bigint), requeue(bigint),
    test_delivery(text, text), unsubscribe(text) FROM PUBLIC;

SELECT pg_catalog.pg_extension_config_dump('bugevents.deliveries', '');
SELECT pg_catalog.pg_extension_config_dump('bugevents.deliveries_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('bugevents.delivery_options', '');
SELECT pg_catalog.pg_extension_config_dump('bugevents.templates', '');

------------------------------------------------------------------------------
-- Who changed what when
------------------------------------------------------------------------------

-- Written by the projector (src/notify/projector/history.c).  No key: a restored database goes on
-- with other seqs.  Entries come in the order of time, so a BRIN index finds the old ones.
CREATE TABLE history (
    entity      text        NOT NULL,
    id          text        NOT NULL,
    seq         bigint      NOT NULL,
    at          timestamptz NOT NULL,
    actor       text,
    action      text        NOT NULL,
    changes     jsonb,
    open_changes jsonb,
    audience    text        NOT NULL
);
CREATE INDEX ON history (entity, id, at, seq);
CREATE INDEX ON history USING brin (at) WITH (pages_per_range = 32, autosummarize = on);
COMMENT ON TABLE history IS 'who changed what when, one row for each change of a row by a transaction';
COMMENT ON COLUMN history.seq IS 'of the event that stands for the change';
COMMENT ON COLUMN history.actor IS 'who did it; null: nobody said so, or that one was forgotten';
COMMENT ON COLUMN history.changes IS 'old and new value of each field that changed; null: the row came or went';
COMMENT ON COLUMN history.open_changes IS 'what others than admins read in its place; null: the same';
COMMENT ON COLUMN history.audience IS 'who may read it: whom the event was for';
SELECT pg_catalog.pg_extension_config_dump('bugevents.history', '');

CREATE FUNCTION without_person(changes jsonb, user_id text)
RETURNS jsonb
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN jsonb_typeof(changes) = 'object' THEN coalesce((
        SELECT jsonb_object_agg(c.key, CASE WHEN c.key IN ('creator_id', 'assignee_id', 'user_id') AND jsonb_typeof(c.value) = 'array'
                THEN (SELECT jsonb_agg(CASE WHEN v.value #>> '{}' = user_id THEN 'null' ELSE v.value END ORDER BY v.n)
                        FROM jsonb_array_elements(c.value) WITH ORDINALITY AS v (value, n))
                ELSE c.value END)
          FROM jsonb_each(changes) AS c), '{}') END
$$;
COMMENT ON FUNCTION without_person(jsonb, text) IS 'changes of a row without the id of a user';

CREATE FUNCTION forget_user(id text, OUT what text, OUT rows bigint)
RETURNS SETOF record
LANGUAGE plpgsql STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    who text := id;
    tbl text;
BEGIN
    INSERT INTO bugevents.stats_due SELECT w.bug_report_id FROM bugevents.watchers AS w WHERE w.user_id = who;
    FOREACH tbl IN ARRAY ARRAY['notifications', 'deliveries', 'reminders', 'watchers', 'project_watchers', 'muted', 'preferences', 'delivery_options'] LOOP
        EXECUTE format('DELETE FROM bugevents.%I WHERE user_id = $1', tbl) USING who;
        GET DIAGNOSTICS rows = ROW_COUNT;
        what := tbl || ' deleted';
        RETURN NEXT;
    END LOOP;

    UPDATE bugevents.notifications AS n SET actor = nullif(n.actor, who), changes = bugevents.without_person(n.changes, who)
     WHERE n.actor = who OR n.changes IS DISTINCT FROM bugevents.without_person(n.changes, who);
    GET DIAGNOSTICS rows = ROW_COUNT;
    what := 'notifications made anonymous';
    RETURN NEXT;

    UPDATE bugevents.notification_parts AS n SET actor = NULL WHERE n.actor = who;
    GET DIAGNOSTICS rows = ROW_COUNT;
    what := 'notification_parts made anonymous';
    RETURN NEXT;

    DELETE FROM bugevents.suspended_addresses AS s USING bugevents.people AS p WHERE p.id = who AND s.address = lower(p.email);
    GET DIAGNOSTICS rows = ROW_COUNT;
    what := 'suspended_addresses deleted';
    IF rows > 0 THEN
        RETURN NEXT;
    END IF;

    DELETE FROM bugevents.people AS p WHERE p.id = who;
    GET DIAGNOSTICS rows = ROW_COUNT;
    what := 'people deleted';
    RETURN NEXT;

    DELETE FROM bugevents.history AS h WHERE h.entity = 'user' AND h.id = who;
    GET DIAGNOSTICS rows = ROW_COUNT;
    what := 'history deleted';
    RETURN NEXT;

    UPDATE bugevents.history AS h
       SET actor = nullif(h.actor, who), changes = bugevents.without_person(h.changes, who),
           open_changes = bugevents.without_person(h.open_changes, who)
     WHERE h.actor = who
        OR h.changes IS DISTINCT FROM bugevents.without_person(h.changes, who)
        OR h.open_changes IS DISTINCT FROM bugevents.without_person(h.open_changes, who);
    GET DIAGNOSTICS rows = ROW_COUNT;
    what := 'history made anonymous';
    RETURN NEXT;

    DELETE FROM bugevents.archive AS a WHERE a.entity = 'user' AND a.id = who;
    GET DIAGNOSTICS rows = ROW_COUNT;
    what := 'archive deleted';
    RETURN NEXT;

    UPDATE bugevents.archive AS a
       SET actor = nullif(a.actor, who),
           "row" = a."row" || (SELECT coalesce(jsonb_object_agg(f, NULL), '{}') FROM unnest(ARRAY['creator_id', 'assignee_id', 'user_id']) AS f
                                WHERE a."row" ->> f = who)
     WHERE who IN (a.actor, a."row" ->> 'creator_id', a."row" ->> 'assignee_id', a."row" ->> 'user_id');
    GET DIAGNOSTICS rows = ROW_COUNT;
    what := 'archive made anonymous';
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION forget_user(text) IS 'remove a person from all that was derived; returns what was done to how many rows';
REVOKE ALL ON FUNCTION without_person(jsonb, text), forget_user(text) FROM PUBLIC;

------------------------------------------------------------------------------
-- Statistics
------------------------------------------------------------------------------

-- Written by the projector (src/notify/projector/statistics.c).  What is counted are facts, as the
-- last event of each row has them: of bugs in bug_stats, of comments in comment_facts.  A count
-- changes by the difference that a fact makes, so it is always that of the facts, in whatever order
-- and how often these come: from events, or from the tables.  Not dumped: a restored database is
-- filled anew.
CREATE TABLE project_stats (
    project_id  text        PRIMARY KEY,
    bugs        bigint      NOT NULL DEFAULT 0,
    open        bigint      NOT NULL DEFAULT 0,
    by_status   jsonb       NOT NULL DEFAULT '{}',
    by_priority jsonb       NOT NULL DEFAULT '{}',
    comments    bigint      NOT NULL DEFAULT 0,
    changed_at  timestamptz,
    audience    text[]      NOT NULL,
    generation  integer     NOT NULL
) WITH (fillfactor = 70);
COMMENT ON TABLE project_stats IS 'bugs and comments of each project, a second ago at most';
COMMENT ON COLUMN project_stats.open IS 'bugs whose status was none of bugevents.closed_statuses';
COMMENT ON COLUMN project_stats.by_priority IS 'without bugs whose priority is for admins only';
COMMENT ON COLUMN project_stats.changed_at IS 'when one of the numbers changed last';
COMMENT ON COLUMN project_stats.audience IS 'who may see it: who sees the project';
COMMENT ON COLUMN project_stats.generation IS 'the filling in which, or after which, its project was seen';

CREATE TABLE user_stats (
    user_id     text        PRIMARY KEY,
    created     bigint      NOT NULL DEFAULT 0,
    assigned    bigint      NOT NULL DEFAULT 0,
    assigned_open bigint    NOT NULL DEFAULT 0,
    comments    bigint      NOT NULL DEFAULT 0,
    unread      bigint      NOT NULL DEFAULT 0,
    audience    text[]      NOT NULL,
    generation  integer     NOT NULL
) WITH (fillfactor = 70);
COMMENT ON TABLE user_stats IS 'what each user has to do with, a second ago at most';
COMMENT ON COLUMN user_stats.unread IS 'notifications that are not read';

CREATE TABLE bug_stats (
    bug_report_id text      PRIMARY KEY,
    project_id  text,
    comments    bigint      NOT NULL DEFAULT 0,
    watchers    bigint      NOT NULL DEFAULT 0,
    last_activity_at timestamptz,
    status      text,
    priority    text,
    creator_id  text,
    assignee_id text,
    open        boolean     NOT NULL,
    audience    text[]      NOT NULL,
    generation  integer     NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX ON bug_stats (project_id);
CREATE INDEX ON bug_stats (creator_id);
CREATE INDEX ON bug_stats (assignee_id);
COMMENT ON TABLE bug_stats IS 'what there is to each bug, a second ago at most';
COMMENT ON COLUMN bug_stats.last_activity_at IS 'when it, or a comment of it, changed last';
COMMENT ON COLUMN bug_stats.status IS 'as it was counted; so are the columns behind it';

CREATE TABLE comment_facts (
    id          text        PRIMARY KEY,
    bug_report_id text,
    user_id     text,
    generation  integer     NOT NULL
) WITH (fillfactor = 90);
CREATE INDEX ON comment_facts (bug_report_id);
CREATE INDEX ON comment_facts (user_id);
COMMENT ON TABLE comment_facts IS 'which comments were counted';

CREATE TABLE stats_due (bug_report_id text NOT NULL);
COMMENT ON TABLE stats_due IS 'bugs whose watchers are to be counted again';

-- Reading what was in the tables before they were attached.
CREATE TABLE fills (
    entity      text        PRIMARY KEY CHECK (entity IN ('project', 'user', 'bug_report', 'comment')),
    generation  integer     NOT NULL DEFAULT 0,
    tables      oid[]       NOT NULL DEFAULT '{}',
    wanted      boolean     NOT NULL DEFAULT false,
    place       text,
    rows        bigint      NOT NULL DEFAULT 0,
    started_at  timestamptz,
    ended_at    timestamptz
);
INSERT INTO fills (entity) VALUES ('project'), ('user'), ('bug_report'), ('comment');
COMMENT ON TABLE fills IS 'filling statistics from the tables: how far it has come';
COMMENT ON COLUMN fills.tables IS 'which ones were read';
COMMENT ON COLUMN fills.wanted IS 'it is to be done again; see rebuild()';
COMMENT ON COLUMN fills.place IS 'the row behind which it goes on';
COMMENT ON COLUMN fills.rows IS 'that were read';

CREATE VIEW fill_progress AS
    SELECT f.entity,
           CASE WHEN f.wanted THEN 'waiting' WHEN f.started_at IS NULL THEN 'none'
                WHEN f.ended_at IS NULL THEN 'running' ELSE 'done' END AS state,
           f.rows,
           (SELECT sum(greatest(c.reltuples, 0))::bigint FROM pg_catalog.pg_class AS c
             WHERE c.oid = ANY (f.tables) OR c.oid IN (SELECT i.relid FROM unnest(f.tables) AS t, pg_catalog.pg_partition_tree(t) AS i WHERE i.isleaf)) AS estimated,
           f.started_at, f.ended_at
      FROM bugevents.fills AS f;
COMMENT ON VIEW fill_progress IS 'how far statistics are filled from the tables';
COMMENT ON COLUMN fill_progress.estimated IS 'how many rows there are, as PostgreSQL believes';
GRANT SELECT ON fill_progress TO pg_monitor;

CREATE FUNCTION wake_projector() RETURNS trigger
AS 'MODULE_PATHNAME', 'bugevents_wake_projector' LANGUAGE C;
COMMENT ON FUNCTION wake_projector() IS 'trigger that tells the projector of something to do';
REVOKE ALL ON FUNCTION wake_projector() FROM PUBLIC;
CREATE TRIGGER wake AFTER UPDATE ON fills
    FOR EACH STATEMENT EXECUTE FUNCTION wake_projector();

CREATE FUNCTION rebuild(what text)
RETURNS void
LANGUAGE plpgsql STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF what <> 'statistics' THEN
        RAISE EXCEPTION 'there is nothing to rebuild that is called "%"', what
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Statistics can be rebuilt.';
    END IF;
    UPDATE bugevents.fills SET wanted = true;
END
$$;
COMMENT ON FUNCTION rebuild(text) IS 'count ''statistics'' anew from the tables, beside the running stream; see fill_progress';

CREATE FUNCTION generation(entity text)
RETURNS integer
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT f.generation FROM bugevents.fills AS f WHERE f.entity = generation.entity $$;
COMMENT ON FUNCTION generation(text) IS 'which filling of statistics from tables of an entity is the last';

-- A number that becomes 0 goes.
CREATE FUNCTION add_counts(counts jsonb, more jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN more IS NULL OR more = '{}' THEN counts ELSE coalesce((
        SELECT jsonb_object_agg(x.key, x.n)
          FROM (SELECT e.key, sum(e.value::bigint)::bigint AS n
                  FROM (SELECT * FROM jsonb_each_text(counts) UNION ALL SELECT * FROM jsonb_each_text(more)) AS e
                 GROUP BY e.key HAVING sum(e.value::bigint) <> 0) AS x), '{}') END
$$;
COMMENT ON FUNCTION add_counts(jsonb, jsonb) IS 'numbers by name, added to others';

-- What bugs are now, or that they are gone.  Of several facts of one bug the last one counts; so it is below.
CREATE FUNCTION put_bugs(ids text[], gone boolean[], projects text[], statuses text[], priorities text[],
    creators text[], assignees text[], open boolean[], at timestamptz[], audiences text[])
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    WITH new AS MATERIALIZED (
        SELECT DISTINCT ON (x.id) x.* FROM unnest(ids, gone, projects, statuses, priorities, creators, assignees, open, at, audiences)
            WITH ORDINALITY AS x (id, gone, project_id, status, priority, creator_id, assignee_id, open, at, audience, n)
         ORDER BY x.id, x.n DESC),
    old AS MATERIALIZED (
        SELECT b.*, n.at FROM bugevents.bug_stats AS b JOIN new AS n ON b.bug_report_id = n.id),
    deleted AS (
        DELETE FROM bugevents.bug_stats AS b USING new AS n WHERE n.gone AND b.bug_report_id = n.id),
    put AS (
        INSERT INTO bugevents.bug_stats AS b (bug_report_id, project_id, comments, watchers, last_activity_at,
            status, priority, creator_id, assignee_id, open, audience, generation)
        SELECT n.id, n.project_id,
               coalesce(o.comments, (SELECT count(*) FROM bugevents.comment_facts AS c WHERE c.bug_report_id = n.id)),
               coalesce(o.watchers, (SELECT count(*) FROM bugevents.watchers AS w WHERE w.bug_report_id = n.id)),
               n.at, n.status, n.priority, n.creator_id, n.assignee_id, n.open, string_to_array(n.audience, E'\n'),
               bugevents.generation('bug_report')
          FROM new AS n LEFT JOIN old AS o ON o.bug_report_id = n.id WHERE NOT n.gone
        ON CONFLICT (bug_report_id) DO UPDATE
           SET project_id = excluded.project_id, last_activity_at = greatest(b.last_activity_at, excluded.last_activity_at),
               status = excluded.status, priority = excluded.priority, creator_id = excluded.creator_id,
               assignee_id = excluded.assignee_id, open = excluded.open, audience = excluded.audience,
               generation = excluded.generation
        RETURNING b.*),
    change AS MATERIALIZED (
        SELECT project_id, status, priority, creator_id, assignee_id, open, -1 AS n, -comments AS comments, at FROM old
         UNION ALL
        SELECT p.project_id, p.status, p.priority, p.creator_id, p.assignee_id, p.open, 1, p.comments, n.at
          FROM put AS p JOIN new AS n ON n.id = p.bug_report_id),
    sums AS (
        SELECT c.project_id, sum(c.n) AS bugs, coalesce(sum(c.n) FILTER (WHERE c.open), 0) AS open, sum(c.comments) AS comments,
               max(c.at) AS at,
               (SELECT jsonb_object_agg(x.status, x.n) FROM (SELECT y.status, sum(y.n) AS n FROM change AS y
                 WHERE y.project_id = c.project_id AND y.status IS NOT NULL GROUP BY y.status HAVING sum(y.n) <> 0) AS x) AS by_status,
               (SELECT jsonb_object_agg(x.priority, x.n) FROM (SELECT y.priority, sum(y.n) AS n FROM change AS y
                 WHERE y.project_id = c.project_id AND y.priority IS NOT NULL GROUP BY y.priority HAVING sum(y.n) <> 0) AS x) AS by_priority
          FROM change AS c WHERE c.project_id IS NOT NULL GROUP BY c.project_id),
    projects AS (
        UPDATE bugevents.project_stats AS s
           SET bugs = s.bugs + d.bugs, open = s.open + d.open, comments = s.comments + d.comments,
               by_status = bugevents.add_counts(s.by_status, d.by_status),
               by_priority = bugevents.add_counts(s.by_priority, d.by_priority), changed_at = greatest(s.changed_at, d.at)
          FROM sums AS d
         WHERE s.project_id = d.project_id
           AND (d.bugs <> 0 OR d.open <> 0 OR d.comments <> 0 OR d.by_status IS NOT NULL OR d.by_priority IS NOT NULL))
    UPDATE bugevents.user_stats AS u
       SET created = u.created + d.created, assigned = u.assigned + d.assigned, assigned_open = u.assigned_open + d.assigned_open
      FROM (SELECT x.user_id, sum(x.created) AS created, sum(x.assigned) AS assigned, sum(x.assigned_open) AS assigned_open
              FROM (SELECT creator_id, n, 0, 0 FROM change
                     UNION ALL
                    SELECT assignee_id, 0, n, CASE WHEN change.open THEN n ELSE 0 END FROM change) AS x (user_id, created, assigned, assigned_open)
             GROUP BY x.user_id) AS d
     WHERE u.user_id = d.user_id AND (d.created <> 0 OR d.assigned <> 0 OR d.assigned_open <> 0);
END
$$;
COMMENT ON FUNCTION put_bugs(text[], boolean[], text[], text[], text[], text[], text[], boolean[], timestamptz[], text[])
    IS 'count bugs as they are now';

CREATE FUNCTION put_comments(ids text[], gone boolean[], bugs text[], users text[], at timestamptz[])
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    WITH new AS MATERIALIZED (
        SELECT DISTINCT ON (x.id) x.* FROM unnest(ids, gone, bugs, users, at) WITH ORDINALITY AS x (id, gone, bug_report_id, user_id, at, n)
         ORDER BY x.id, x.n DESC),
    old AS MATERIALIZED (
        SELECT c.*, n.at FROM bugevents.comment_facts AS c JOIN new AS n USING (id)),
    deleted AS (
        DELETE FROM bugevents.comment_facts AS c USING new AS n WHERE n.gone AND c.id = n.id),
    put AS (
        INSERT INTO bugevents.comment_facts (id, bug_report_id, user_id, generation)
        SELECT n.id, n.bug_report_id, n.user_id, bugevents.generation('comment') FROM new AS n WHERE NOT n.gone
        ON CONFLICT (id) DO UPDATE
           SET bug_report_id = excluded.bug_report_id, user_id = excluded.user_id, generation = excluded.generation),
    change AS MATERIALIZED (
        SELECT bug_report_id, user_id, -1 AS n, at FROM old
         UNION ALL
        SELECT bug_report_id, user_id, 1, at FROM new WHERE NOT new.gone),
    commented AS (
        UPDATE bugevents.bug_stats AS b
           SET comments = b.comments + d.n, last_activity_at = greatest(b.last_activity_at, d.at)
          FROM (SELECT c.bug_report_id, sum(c.n) AS n, max(c.at) AS at FROM change AS c GROUP BY c.bug_report_id) AS d
         WHERE b.bug_report_id = d.bug_report_id AND (d.n <> 0 OR d.at > b.last_activity_at)
        RETURNING b.project_id, d.n, d.at),
    projects AS (
        UPDATE bugevents.project_stats AS s SET comments = s.comments + d.n, changed_at = greatest(s.changed_at, d.at)
          FROM (SELECT c.project_id, sum(c.n) AS n, max(c.at) AS at FROM commented AS c GROUP BY c.project_id) AS d
         WHERE s.project_id = d.project_id AND d.n <> 0)
    UPDATE bugevents.user_stats AS u SET comments = u.comments + d.n
      FROM (SELECT c.user_id, sum(c.n) AS n FROM change AS c GROUP BY c.user_id) AS d
     WHERE u.user_id = d.user_id AND d.n <> 0;
END
$$;
COMMENT ON FUNCTION put_comments(text[], boolean[], text[], text[], timestamptz[]) IS 'count comments as they are now';

CREATE FUNCTION put_projects(ids text[], gone boolean[], audiences text[])
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    WITH new AS MATERIALIZED (
        SELECT DISTINCT ON (x.id) x.* FROM unnest(ids, gone, audiences) WITH ORDINALITY AS x (id, gone, audience, n)
         ORDER BY x.id, x.n DESC),
    deleted AS (
        DELETE FROM bugevents.project_stats AS s USING new AS n WHERE n.gone AND s.project_id = n.id),
    known AS (
        UPDATE bugevents.project_stats AS s SET audience = string_to_array(n.audience, E'\n'), generation = bugevents.generation('project')
          FROM new AS n WHERE NOT n.gone AND s.project_id = n.id)
    INSERT INTO bugevents.project_stats (project_id, bugs, open, by_status, by_priority, comments, changed_at, audience, generation)
    SELECT n.id, c.bugs, c.open, c.by_status, c.by_priority, c.comments, c.at, string_to_array(n.audience, E'\n'), bugevents.generation('project')
      FROM new AS n CROSS JOIN LATERAL bugevents.count_project(n.id) AS c
     WHERE NOT n.gone AND NOT EXISTS (SELECT FROM bugevents.project_stats AS s WHERE s.project_id = n.id);
END
$$;
COMMENT ON FUNCTION put_projects(text[], boolean[], text[]) IS 'which projects there are to have statistics of';

CREATE FUNCTION count_project(project_id text, OUT bugs bigint, OUT open bigint, OUT by_status jsonb, OUT by_priority jsonb,
    OUT comments bigint, OUT at timestamptz)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH b AS MATERIALIZED (SELECT x.* FROM bugevents.bug_stats AS x WHERE x.project_id = count_project.project_id)
    SELECT count(*), count(*) FILTER (WHERE b.open),
           coalesce((SELECT jsonb_object_agg(x.status, x.n) FROM (SELECT y.status, count(*) AS n FROM b AS y WHERE y.status IS NOT NULL GROUP BY 1) AS x), '{}'),
           coalesce((SELECT jsonb_object_agg(x.priority, x.n) FROM (SELECT y.priority, count(*) AS n FROM b AS y WHERE y.priority IS NOT NULL GROUP BY 1) AS x), '{}'),
           coalesce(sum(b.comments), 0)::bigint, max(b.last_activity_at)
      FROM b
$$;
COMMENT ON FUNCTION count_project(text) IS 'the statistics of a project, counted from the facts';

CREATE FUNCTION put_users(ids text[], gone boolean[], audiences text[])
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    WITH new AS MATERIALIZED (
        SELECT DISTINCT ON (x.id) x.* FROM unnest(ids, gone, audiences) WITH ORDINALITY AS x (id, gone, audience, n)
         ORDER BY x.id, x.n DESC),
    deleted AS (
        DELETE FROM bugevents.user_stats AS s USING new AS n WHERE n.gone AND s.user_id = n.id),
    known AS (
        UPDATE bugevents.user_stats AS s SET audience = string_to_array(n.audience, E'\n'), generation = bugevents.generation('user')
          FROM new AS n WHERE NOT n.gone AND s.user_id = n.id)
    INSERT INTO bugevents.user_stats (user_id, created, assigned, assigned_open, comments, unread, audience, generation)
    SELECT n.id, c.created, c.assigned, c.assigned_open, c.comments, c.unread, string_to_array(n.audience, E'\n'), bugevents.generation('user')
      FROM new AS n CROSS JOIN LATERAL bugevents.count_user(n.id) AS c
     WHERE NOT n.gone AND NOT EXISTS (SELECT FROM bugevents.user_stats AS s WHERE s.user_id = n.id);
END
$$;
COMMENT ON FUNCTION put_users(text[], boolean[], text[]) IS 'which users there are to have statistics of';

CREATE FUNCTION count_user(user_id text, OUT created bigint, OUT assigned bigint, OUT assigned_open bigint, OUT comments bigint, OUT unread bigint)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT (SELECT count(*) FROM bugevents.bug_stats AS b WHERE b.creator_id = count_user.user_id),
           (SELECT count(*) FROM bugevents.bug_stats AS b WHERE b.assignee_id = count_user.user_id),
           (SELECT count(*) FROM bugevents.bug_stats AS b WHERE b.assignee_id = count_user.user_id AND b.open),
           (SELECT count(*) FROM bugevents.comment_facts AS c WHERE c.user_id = count_user.user_id),
           (SELECT count(*) FROM bugevents.notifications AS n WHERE n.user_id = count_user.user_id AND NOT n.read AND NOT n.hidden)
$$;
COMMENT ON FUNCTION count_user(text) IS 'the statistics of a user, counted from the facts';

-- What isn't counted by differences: a user reads notifications, a bug gets watchers.
CREATE FUNCTION count_again(users text[], bugs text[])
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    UPDATE bugevents.user_stats AS u SET unread = c.n
      FROM (SELECT DISTINCT id FROM unnest(users) AS id WHERE id IS NOT NULL) AS x
     CROSS JOIN LATERAL (SELECT count(*) AS n FROM bugevents.notifications AS n WHERE n.user_id = x.id AND NOT n.read AND NOT n.hidden) AS c
     WHERE u.user_id = x.id AND u.unread <> c.n;
    WITH due AS (
        DELETE FROM bugevents.stats_due RETURNING bug_report_id)
    UPDATE bugevents.bug_stats AS b SET watchers = c.n
      FROM (SELECT id FROM unnest(bugs) AS id WHERE id IS NOT NULL UNION SELECT bug_report_id FROM due) AS x
     CROSS JOIN LATERAL (SELECT count(*) AS n FROM bugevents.watchers AS w WHERE w.bug_report_id = x.id) AS c
     WHERE b.bug_report_id = x.id AND b.watchers <> c.n;
END
$$;
COMMENT ON FUNCTION count_again(text[], text[]) IS 'count what is unread by these users, and who watches these bugs';

-- Whatever the numbers say, those of the facts.
CREATE FUNCTION count_all()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE bugevents.bug_stats AS b SET comments = c.comments, watchers = c.watchers
      FROM (SELECT x.bug_report_id, coalesce(m.n, 0) AS comments, coalesce(w.n, 0) AS watchers
              FROM bugevents.bug_stats AS x
              LEFT JOIN (SELECT bug_report_id, count(*) AS n FROM bugevents.comment_facts GROUP BY 1) AS m USING (bug_report_id)
              LEFT JOIN (SELECT bug_report_id, count(*) AS n FROM bugevents.watchers GROUP BY 1) AS w USING (bug_report_id)) AS c
     WHERE b.bug_report_id = c.bug_report_id AND (b.comments, b.watchers) IS DISTINCT FROM (c.comments, c.watchers);
    UPDATE bugevents.project_stats AS s
       SET bugs = c.bugs, open = c.open, by_status = c.by_status, by_priority = c.by_priority, comments = c.comments
      FROM (SELECT p.project_id, x.* FROM bugevents.project_stats AS p CROSS JOIN LATERAL bugevents.count_project(p.project_id) AS x) AS c
     WHERE s.project_id = c.project_id
       AND (s.bugs, s.open, s.by_status, s.by_priority, s.comments) IS DISTINCT FROM (c.bugs, c.open, c.by_status, c.by_priority, c.comments);
    UPDATE bugevents.user_stats AS s
       SET created = c.created, assigned = c.assigned, assigned_open = c.assigned_open, comments = c.comments, unread = c.unread
      FROM (SELECT u.user_id, x.* FROM bugevents.user_stats AS u CROSS JOIN LATERAL bugevents.count_user(u.user_id) AS x) AS c
     WHERE s.user_id = c.user_id
       AND (s.created, s.assigned, s.assigned_open, s.comments, s.unread) IS DISTINCT FROM (c.created, c.assigned, c.assigned_open, c.comments, c.unread);
END
$$;
COMMENT ON FUNCTION count_all() IS 'make all statistics those of the facts';

-- There are none any more.
CREATE FUNCTION empty_bugs()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    TRUNCATE bugevents.bug_stats;
    UPDATE bugevents.project_stats AS s SET bugs = 0, open = 0, by_status = '{}', by_priority = '{}', comments = 0
     WHERE s.bugs <> 0 OR s.comments <> 0;
    UPDATE bugevents.user_stats AS s SET created = 0, assigned = 0, assigned_open = 0 WHERE s.created <> 0 OR s.assigned <> 0;
END
$$;
COMMENT ON FUNCTION empty_bugs() IS 'there are no bugs any more';

CREATE FUNCTION empty_comments()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    TRUNCATE bugevents.comment_facts;
    UPDATE bugevents.bug_stats AS s SET comments = 0 WHERE s.comments <> 0;
    UPDATE bugevents.project_stats AS s SET comments = 0 WHERE s.comments <> 0;
    UPDATE bugevents.user_stats AS s SET comments = 0 WHERE s.comments <> 0;
END
$$;
COMMENT ON FUNCTION empty_comments() IS 'there are no comments any more';

-- Rows of statistics are published like those of a kind of one's own.
DO $do$
DECLARE
    s record;
    argument text;
BEGIN
    FOR s IN VALUES ('project_stats', 'project_id', ARRAY['project_id', 'bugs', 'open', 'by_status', 'by_priority', 'comments', 'changed_at']),
                    ('user_stats', 'user_id', ARRAY['user_id', 'created', 'assigned', 'assigned_open', 'comments', 'unread']),
                    ('bug_stats', 'bug_report_id', ARRAY['bug_report_id', 'project_id', 'comments', 'watchers', 'last_activity_at']) LOOP
        argument := jsonb_build_object('entity', s.column1, 'audience', 'row.audience', 'search_path', 'pg_catalog', 'by', 'bugevents', 'decides', true,
            'fields', jsonb_build_array(jsonb_build_object('field', 'id', 'column', s.column2))
                || (SELECT jsonb_agg(jsonb_build_object('field', f, 'column', f) ORDER BY n) FROM unnest(s.column3) WITH ORDINALITY AS x (f, n)));
        EXECUTE format('CREATE TRIGGER capture AFTER INSERT OR UPDATE OR DELETE ON bugevents.%I FOR EACH ROW EXECUTE FUNCTION bugevents.capture(%L)', s.column1, argument);
        EXECUTE format('CREATE TRIGGER capture_truncate AFTER TRUNCATE ON bugevents.%I FOR EACH STATEMENT EXECUTE FUNCTION bugevents.capture_truncate(%L)', s.column1, argument);
    END LOOP;
END
$do$;

REVOKE ALL ON FUNCTION rebuild(text), generation(text), add_counts(jsonb, jsonb),
    put_bugs(text[], boolean[], text[], text[], text[], text[], text[], boolean[], timestamptz[], text[]),
    put_comments(text[], boolean[], text[], text[], timestamptz[]), put_projects(text[], boolean[], text[]), count_project(text),
    put_users(text[], boolean[], text[]), count_user(text), count_again(text[], text[]), count_all(), empty_bugs(), empty_comments() FROM PUBLIC;

------------------------------------------------------------------------------
-- Rows that were deleted
------------------------------------------------------------------------------

-- Written by the projector (src/notify/projector/archive.c).
CREATE TABLE archive (
    entity      text        NOT NULL,
    id          text        NOT NULL,
    deleted_at  timestamptz NOT NULL,
    actor       text,
    "row"       jsonb       NOT NULL,
    PRIMARY KEY (entity, id)
);
CREATE INDEX ON archive (deleted_at, entity);
COMMENT ON TABLE archive IS 'rows that were deleted, as their last event had them; see restore()';
COMMENT ON COLUMN archive.actor IS 'who did it; null: nobody said so, or that one was forgotten';
COMMENT ON COLUMN archive."row" IS 'the payload, with what is for admins only';
SELECT pg_catalog.pg_extension_config_dump('bugevents.archive', '');
GRANT SELECT, DELETE ON archive TO pg_database_owner;

-- The columns that the payload of an entity has, with their values there.
CREATE FUNCTION restore_row(entity text, "row" jsonb)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    tables regclass[] := ARRAY(SELECT a.tbl FROM bugevents.attachments AS a WHERE a.entity = restore_row.entity AND a.decides);
    mapped jsonb;
    vals jsonb;
    names text;
BEGIN
    IF cardinality(tables) <> 1 THEN
        RAISE EXCEPTION '% tables are attached as "%"', cardinality(tables), entity
            USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = 'A row can be put back where there is one.',
                  HINT = 'Insert it yourself: bugevents.archive has its values.';
    END IF;
    IF "row" ? 'truncated' THEN
        RAISE EXCEPTION 'values of this row were cut: %', "row" ->> 'truncated'
            USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = 'They were larger than bugevents.max_value_size.',
                  HINT = 'Insert it yourself: bugevents.archive has what is left of it.';
    END IF;
    SELECT coalesce(jsonb_object_agg(coalesce(f.value ->> 'column', f.value #>> '{}'), f.key), '{}')
           || coalesce((SELECT jsonb_object_agg(e, e) FROM unnest(a.extra) AS e WHERE strpos(e, '=') = 0), '{}')
      INTO mapped
      FROM bugevents.attachments AS a LEFT JOIN LATERAL jsonb_each(a.columns) AS f ON coalesce(f.value ->> 'column', f.value #>> '{}') IS NOT NULL
     WHERE a.tbl = tables[1] GROUP BY a.extra;
    SELECT jsonb_object_agg(c.attname, "row" -> (mapped ->> c.attname::text)), string_agg(quote_ident(c.attname), ', ' ORDER BY c.attnum)
      INTO vals, names
      FROM pg_attribute AS c
     WHERE c.attrelid = tables[1] AND c.attnum > 0 AND NOT c.attisdropped AND c.attgenerated = '' AND "row" ? (mapped ->> c.attname::text);
    EXECUTE format('INSERT INTO %1$s (%2$s) OVERRIDING SYSTEM VALUE SELECT %2$s FROM jsonb_populate_record(NULL::%1$s, $1)', tables[1], names) USING vals;
END
$$;
COMMENT ON FUNCTION restore_row(text, jsonb) IS 'insert a row of an attached table from its payload';

CREATE FUNCTION restore(type text, id text)
RETURNS bigint
LANGUAGE plpgsql STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    gone    bugevents.archive;
    part    bugevents.archive;
    n       bigint := 1;
BEGIN
    DELETE FROM bugevents.archive AS a WHERE a.entity = restore.type AND a.id = restore.id RETURNING * INTO gone;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no % "%" in the archive', type, id
            USING ERRCODE = 'no_data_found';
    END IF;
    PERFORM bugevents.restore_row(gone.entity, gone."row");
    FOR part IN
        SELECT a.* FROM bugevents.archive AS a
         WHERE a.deleted_at = gone.deleted_at
           AND (gone.entity = 'bug_report' AND a.entity = 'comment' AND a."row" ->> 'bug_report_id' = gone.id
                OR gone.entity = 'project' AND a.entity = 'bug_report' AND a."row" ->> 'project_id' = gone.id)
         ORDER BY length(a.id), a.id
    LOOP
        n := n + bugevents.restore(part.entity, part.id);
    END LOOP;
    RETURN n;
END
$$;
COMMENT ON FUNCTION restore(text, text)
    IS 'put a deleted row back, with the comments and bugs that went with it; returns how many rows';
REVOKE ALL ON FUNCTION restore_row(text, jsonb), restore(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION restore_row(text, jsonb), restore(text, text) TO pg_database_owner;

------------------------------------------------------------------------------
-- Logical replication
------------------------------------------------------------------------------

CREATE FUNCTION ignore_applied() RETURNS trigger
AS 'MODULE_PATHNAME', 'bugevents_ignore_applied' LANGUAGE C;
COMMENT ON FUNCTION ignore_applied() IS 'trigger that keeps rows out which logical replication applies';
REVOKE ALL ON FUNCTION ignore_applied() FROM PUBLIC;

-- All but what users and administrators set, which may be replicated.
DO $$
DECLARE
    tbl text;
BEGIN
    FOREACH tbl IN ARRAY ARRAY['stream', 'eras', 'settled_mark', 'unserved', 'journal_0', 'journal_1', 'journal_2', 'journal_part', 'journal_parted',
            'consumer_positions',
            'security_events', 'projector', 'projector_errors', 'projector_skips', 'bugs', 'people', 'watchers',
            'project_watchers', 'muted', 'notifications', 'notification_parts', 'reminders', 'reminder_series', 'deliveries', 'suspended_addresses', 'sender', 'history', 'archive',
            'project_stats', 'user_stats', 'bug_stats', 'comment_facts', 'stats_due', 'fills'] LOOP
        EXECUTE format('CREATE TRIGGER ignore_applied BEFORE INSERT OR UPDATE OR DELETE ON bugevents.%I
            FOR EACH ROW EXECUTE FUNCTION bugevents.ignore_applied()', tbl);
        EXECUTE format('CREATE TRIGGER ignore_applied_truncate BEFORE TRUNCATE ON bugevents.%I
            FOR EACH STATEMENT EXECUTE FUNCTION bugevents.ignore_applied()', tbl);
        EXECUTE format('ALTER TABLE bugevents.%I ENABLE REPLICA TRIGGER ignore_applied,
            ENABLE REPLICA TRIGGER ignore_applied_truncate', tbl);
    END LOOP;
END
$$;

------------------------------------------------------------------------------
-- A tracker to begin with
------------------------------------------------------------------------------

CREATE FUNCTION set_updated_at() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    NEW.updated_at := clock_timestamp();
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION set_updated_at() IS 'trigger that keeps updated_at current in trackers that 0.1.0 created';

CREATE FUNCTION create_tracker(schema name DEFAULT 'public')
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    tbl text;
    s text := quote_ident(schema);
BEGIN
    IF schema IS NULL THEN
        RAISE EXCEPTION 'argument "schema" must not be null'
            USING ERRCODE = 'null_value_not_allowed';
    END IF;
    FOREACH tbl IN ARRAY ARRAY['projects', 'users', 'bug_reports', 'comments'] LOOP
        IF to_regclass(s || '.' || tbl) IS NOT NULL THEN
            RAISE EXCEPTION 'table "%.%" exists already', schema, tbl
                USING ERRCODE = 'duplicate_table',
                      HINT = 'Choose another schema, or attach your tables with bugevents.attach().';
        END IF;
    END LOOP;
    IF to_regnamespace(s) IS NULL THEN
        EXECUTE format('CREATE SCHEMA %s', s);
    END IF;

    EXECUTE format($sql$
        CREATE TABLE %1$s.projects (
            id          bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
            name        text NOT NULL,
            description text,
            created_at  timestamptz NOT NULL DEFAULT now(),
            updated_at  timestamptz NOT NULL DEFAULT now()
        );
        CREATE TABLE %1$s.users (
            id          bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
            username    text NOT NULL UNIQUE,
            email       text UNIQUE,
            phone       text,
            role        text NOT NULL DEFAULT 'user' CHECK (role IN ('admin', 'user')),
            status      text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'inactive')),
            created_at  timestamptz NOT NULL DEFAULT now(),
            updated_at  timestamptz NOT NULL DEFAULT now()
        );
        CREATE TABLE %1$s.bug_reports (
            id          bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
            title       text NOT NULL,
            description text,
            status      text NOT NULL DEFAULT 'open',
            priority    text NOT NULL DEFAULT 'medium',
            creator_id  bigint REFERENCES %1$s.users ON DELETE SET NULL,
            assignee_id bigint REFERENCES %1$s.users ON DELETE SET NULL,
            project_id  bigint REFERENCES %1$s.projects ON DELETE CASCADE,
            created_at  timestamptz NOT NULL DEFAULT now(),
            updated_at  timestamptz NOT NULL DEFAULT now()
        );
        CREATE INDEX ON %1$s.bug_reports (creator_id);
        CREATE INDEX ON %1$s.bug_reports (assignee_id);
        CREATE INDEX ON %1$s.bug_reports (project_id);
        CREATE TABLE %1$s.comments (
            id            bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
            bug_report_id bigint NOT NULL REFERENCES %1$s.bug_reports ON DELETE CASCADE,
            user_id       bigint REFERENCES %1$s.users ON DELETE SET NULL,
            content       text NOT NULL,
            edited        boolean NOT NULL DEFAULT false,
            created_at    timestamptz NOT NULL DEFAULT now(),
            updated_at    timestamptz NOT NULL DEFAULT now()
        );
        CREATE INDEX ON %1$s.comments (bug_report_id);
        CREATE INDEX ON %1$s.comments (user_id);
    $sql$, s);

    -- Of the tracker, which stays when the extension goes.
    EXECUTE format($sql$
        CREATE OR REPLACE FUNCTION %1$s.set_updated_at() RETURNS trigger
        LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
        AS 'BEGIN NEW.updated_at := clock_timestamp(); RETURN NEW; END'
    $sql$, s);
    FOREACH tbl IN ARRAY ARRAY['projects', 'users', 'bug_reports', 'comments'] LOOP
        EXECUTE format($sql$
            CREATE TRIGGER set_updated_at BEFORE UPDATE ON %1$s.%2$I FOR EACH ROW
            WHEN (OLD.* IS DISTINCT FROM NEW.*)
            EXECUTE FUNCTION %1$s.set_updated_at()
        $sql$, s, tbl);
    END LOOP;

    PERFORM bugevents.attach((s || '.projects')::regclass, 'project');
    PERFORM bugevents.attach((s || '.users')::regclass, 'user');
    PERFORM bugevents.attach((s || '.bug_reports')::regclass, 'bug_report');
    PERFORM bugevents.attach((s || '.comments')::regclass, 'comment',
        columns => jsonb_build_object('project_id', format(
            '(SELECT b.project_id FROM %s.bug_reports AS b WHERE b.id = row.bug_report_id)', s)));
END
$$;
COMMENT ON FUNCTION create_tracker(name) IS 'create the tables of a bug tracker and attach them';
REVOKE ALL ON FUNCTION create_tracker(name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION create_tracker(name) TO pg_database_owner;
