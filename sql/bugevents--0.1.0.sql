/* bugevents--0.1.0.sql: the SQL objects of bugevents */

\echo Use "CREATE EXTENSION bugevents" to load this file. \quit

GRANT USAGE ON SCHEMA bugevents TO PUBLIC;

------------------------------------------------------------------------------
-- Stream and journal
------------------------------------------------------------------------------

-- The stream's identity: one row.  Not dumped, so a restored database is a new
-- stream, and clients of the old one are told to resync.
CREATE TABLE stream (
    id          uuid        NOT NULL DEFAULT gen_random_uuid(),
    created_at  timestamptz NOT NULL DEFAULT now(),
    singleton   boolean     PRIMARY KEY DEFAULT true CHECK (singleton)
);
INSERT INTO stream DEFAULT VALUES;
COMMENT ON TABLE stream IS 'identity of this database''s event stream';

-- One row per transaction.  last_seq is the key because every reader asks for
-- "the transactions that end after seq".  Written by the library at commit (see
-- src/journal/journal.c for the layout), never by SQL.
-- The rows are written once and read in order: values stay in the row up to a
-- page, and larger ones go out of line without the cost of compression.
CREATE TABLE journal (
    last_seq    bigint      NOT NULL PRIMARY KEY,
    n           integer     NOT NULL,
    low         bigint      NOT NULL,
    xid         xid8        NOT NULL,
    at          timestamptz NOT NULL,
    events      bytea
) WITH (toast_tuple_target = 8160);
ALTER TABLE journal ALTER COLUMN events SET STORAGE EXTERNAL;
COMMENT ON TABLE journal IS 'committed transactions of the stream, one row each';
COMMENT ON COLUMN journal.last_seq IS 'seq of the transaction''s last event';
COMMENT ON COLUMN journal.n IS 'number of events';
COMMENT ON COLUMN journal.low IS 'every seq up to this one was decided when the row was written';
COMMENT ON COLUMN journal.events IS 'event records; null: they are in journal_part';

-- What a large transaction wrote out before it committed, in order of ordinal.
CREATE TABLE journal_part (
    xid         xid8        NOT NULL,
    ordinal     bigint      NOT NULL,
    n           integer     NOT NULL,
    events      bytea       NOT NULL,
    PRIMARY KEY (xid, ordinal)
) WITH (toast_tuple_target = 8160);
ALTER TABLE journal_part ALTER COLUMN events SET STORAGE EXTERNAL;
COMMENT ON TABLE journal_part IS 'events of large transactions, in parts';

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
    OUT changes jsonb)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'bugevents_events'
LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION events(bigint, integer) IS 'events of the journal after a seq, in order';

-- The journal holds every row's content, whoever may see the rows.
REVOKE ALL ON FUNCTION events(bigint, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION events(bigint, integer) TO pg_read_all_data;

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
    OUT received bigint)
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

CREATE FUNCTION disconnect(connection_id text, reason text DEFAULT 'disconnected')
RETURNS boolean
AS 'MODULE_PATHNAME', 'bugevents_disconnect'
LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION disconnect(text, text) IS 'close a client''s connection; false: there is none with this id';

REVOKE ALL ON FUNCTION connections() FROM PUBLIC;
REVOKE ALL ON FUNCTION disconnect(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION connections() TO pg_monitor;
GRANT SELECT ON connections TO pg_monitor;
GRANT EXECUTE ON FUNCTION disconnect(text, text) TO pg_signal_backend;

