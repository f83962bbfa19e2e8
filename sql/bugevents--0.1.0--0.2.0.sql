/* bugevents--0.1.0--0.2.0.sql: what 0.2.0 has that 0.1.0 had not */
\echo Use "ALTER EXTENSION bugevents UPDATE" to load this file. \quit

-- What was written while another database was served: a row or a few, then nobody resumes from
-- before.  Not dumped.
CREATE TABLE bugevents.unserved (at timestamptz NOT NULL);
COMMENT ON TABLE bugevents.unserved IS 'this database was written to while bugevents.database named another one';
