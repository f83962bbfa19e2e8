/* bugevents--0.1.0--0.2.0.sql: what 0.2.0 has that 0.1.0 had not */
\echo Use "ALTER EXTENSION bugevents UPDATE" to load this file. \quit
