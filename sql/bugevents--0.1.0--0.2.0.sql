/* bugevents--0.1.0--0.2.0.sql: what 0.2.0 has that 0.1.0 had not */
\echo Use "ALTER EXTENSION bugevents UPDATE" to load this file. \quit

-- The times in which one server gave out seqs without a break.  A position is a seq and the era in
-- which it was given out; stream.id is the last era.  Not dumped.
CREATE TABLE bugevents.eras (
    era         uuid        NOT NULL,
    base        bigint      NOT NULL,
    at          timestamptz NOT NULL,
    timeline    integer,
    upto        bigint,
    ended       boolean
);
COMMENT ON TABLE bugevents.eras IS 'times in which one server gave out seqs without a break';
COMMENT ON COLUMN bugevents.eras.base IS 'its seqs are above this one';
COMMENT ON COLUMN bugevents.eras.timeline IS 'of the WAL; null: a transaction left this row, and the dispatcher has not seen it';
COMMENT ON COLUMN bugevents.eras.upto IS 'this database has all of the era up to this seq';
COMMENT ON COLUMN bugevents.eras.ended IS 'it goes no further here: positions behind upto are of another history';
INSERT INTO bugevents.eras (era, base, at, timeline) SELECT id, 0, now(), 0 FROM bugevents.stream;

-- How far the stream is settled: one row, which the dispatcher changes in place, for those who read
-- a copy of the journal (src/server/journal/settled_mark.c).  Not dumped.
CREATE TABLE bugevents.settled_mark (
    seq         bigint      NOT NULL,
    at          timestamptz NOT NULL
);
COMMENT ON TABLE bugevents.settled_mark IS 'how far the stream was settled, and when that was noted; written in place by the dispatcher';
COMMENT ON COLUMN bugevents.settled_mark.seq IS 'each transaction with a seq up to this one is committed, or rolled back';
INSERT INTO bugevents.settled_mark VALUES (0, now());

-- What was written while another database was served: a row or a few, then nobody resumes from
-- before.  Not dumped.
CREATE TABLE bugevents.unserved (at timestamptz NOT NULL);
COMMENT ON TABLE bugevents.unserved IS 'this database was written to while bugevents.database named another one';

-- Repeated reminders: when the first one was due, since "every" is counted from there.
CREATE TABLE bugevents.reminder_series (
    reminder_id bigint      PRIMARY KEY,
    first_at    timestamptz NOT NULL,
    due_at      timestamptz NOT NULL
);
COMMENT ON TABLE bugevents.reminder_series IS 'from when on reminders are repeated';
COMMENT ON COLUMN bugevents.reminder_series.due_at IS 'as counted; a reminder that is due at another time was set anew';

-- Who did it, why somebody is told, what changed; mentions, projects that are watched, bugs that are muted.
-- What is known of bugs is read anew: projects weren't.
ALTER TABLE bugevents.bugs ADD COLUMN project_id text;
DELETE FROM bugevents.bugs;
CREATE INDEX ON bugevents.people (username);
CREATE TABLE bugevents.project_watchers (
    project_id  text        NOT NULL,
    user_id     text        NOT NULL,
    PRIMARY KEY (project_id, user_id)
);
CREATE INDEX ON bugevents.project_watchers (user_id);
COMMENT ON TABLE bugevents.project_watchers IS 'who watches all bugs of which project, as of the projector''s cursor; see watch()';

CREATE TABLE bugevents.muted (
    bug_report_id text      NOT NULL,
    user_id     text        NOT NULL,
    PRIMARY KEY (bug_report_id, user_id)
);
CREATE INDEX ON bugevents.muted (user_id);
COMMENT ON TABLE bugevents.muted IS 'who wants to hear nothing of which bug, as of the projector''s cursor; see mute()';
ALTER TABLE bugevents.notifications
    ADD COLUMN project_id text, ADD COLUMN actor text, ADD COLUMN reason text, ADD COLUMN url text,
    ADD COLUMN changes jsonb, ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now();
COMMENT ON COLUMN bugevents.notifications.actor IS 'the user who did it last; null: not known';
COMMENT ON COLUMN bugevents.notifications.reason IS 'why this user is told: assignee, creator, mentioned, watcher, project_watcher, reminder';
COMMENT ON COLUMN bugevents.notifications.url IS 'the bug''s page, see bugevents.tracker_url';
COMMENT ON COLUMN bugevents.notifications.changes IS 'fields that changed: the first old value and the last new one';
COMMENT ON COLUMN bugevents.notifications.updated_at IS 'when the last event was committed';
DO $$
DECLARE
    tbl text;
    types text := '''bug_assigned'', ''bug_created'', ''comment_added'', ''mentioned'', ''status_changed'', ''priority_changed'', ''reminder_sent'', ''welcome''';
BEGIN
    FOREACH tbl IN ARRAY ARRAY['notifications', 'preferences', 'templates'] LOOP
        EXECUTE format('ALTER TABLE bugevents.%1$I DROP CONSTRAINT %1$s_type_check, ADD CHECK (type IN (%2$s%3$s))',
            tbl, CASE WHEN tbl <> 'notifications' THEN '''*'', ' ELSE '' END, types);
    END LOOP;
END
$$;
-- What was said in comments that a notification stands for: each of them, in order.
CREATE TABLE bugevents.notification_parts (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    notification_id bigint  NOT NULL,
    comment_id  text,
    actor       text,
    message     text        NOT NULL,
    at          timestamptz NOT NULL
);
CREATE INDEX ON bugevents.notification_parts (notification_id);
CREATE INDEX ON bugevents.notification_parts (comment_id);
COMMENT ON TABLE bugevents.notification_parts IS 'the comments that notifications stand for';
COMMENT ON COLUMN bugevents.notification_parts.message IS 'what the comment says, up to 2000 bytes';
ALTER TABLE bugevents.reminders ADD COLUMN of_due_date boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN bugevents.reminders.of_due_date IS 'made for the bug''s field due_at, and follows it';
CREATE UNIQUE INDEX reminders_of_due_date ON bugevents.reminders (bug_report_id) WHERE of_due_date;

-- Of what stands in a URL, each byte that has no meaning of its own there.
CREATE FUNCTION bugevents.url_encode(value text)
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
COMMENT ON FUNCTION bugevents.url_encode(text) IS 'a text as a part of a URL';

CREATE FUNCTION bugevents.bug_url(bug_id text, project_id text DEFAULT NULL)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT replace(replace(nullif(current_setting('bugevents.tracker_url', true), ''),
                           '{id}', bugevents.url_encode(bug_id)),
                   '{project_id}', bugevents.url_encode(coalesce(project_id, '')))
     WHERE bug_id IS NOT NULL
$$;
COMMENT ON FUNCTION bugevents.bug_url(text, text) IS 'the page of a bug, by bugevents.tracker_url; null: that is not set';

-- The first old value and the last new one, of what changed before and what changed now.
CREATE FUNCTION bugevents.merge_changes(before jsonb, now jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(before, '{}') || (
        SELECT coalesce(jsonb_object_agg(key, jsonb_build_array(coalesce(before -> key -> 0, value -> 0), value -> 1)), '{}')
          FROM jsonb_each(now))
     WHERE coalesce(before, now) IS NOT NULL
$$;
COMMENT ON FUNCTION bugevents.merge_changes(jsonb, jsonb) IS 'changes of two events, one after the other, as those of one';

CREATE FUNCTION bugevents.change_message(changes jsonb)
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
COMMENT ON FUNCTION bugevents.change_message(jsonb) IS 'what changed, in words';
REVOKE ALL ON FUNCTION bugevents.url_encode(text), bugevents.bug_url(text, text), bugevents.merge_changes(jsonb, jsonb), bugevents.change_message(jsonb) FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('bugevents.project_watchers', '');
SELECT pg_catalog.pg_extension_config_dump('bugevents.muted', '');
SELECT pg_catalog.pg_extension_config_dump('bugevents.notification_parts', '');
SELECT pg_catalog.pg_extension_config_dump('bugevents.notification_parts_id_seq', '');

-- With another argument; who may call them may still.
DO $$
DECLARE
    fn text;
    callers text[];
    caller text;
BEGIN
    FOREACH fn IN ARRAY ARRAY['watch', 'unwatch'] LOOP
        SELECT array_agg(a.grantee::regrole::text) INTO callers
          FROM pg_catalog.pg_proc AS p, aclexplode(p.proacl) AS a
         WHERE p.oid = format('bugevents.%s(text, text)', fn)::regprocedure AND a.grantee <> p.proowner AND a.grantee <> 0;
        EXECUTE format('DROP FUNCTION bugevents.%s(text, text)', fn);
        EXECUTE format('CREATE FUNCTION bugevents.%1$s(bug_id text DEFAULT NULL, user_id text DEFAULT NULL, project_id text DEFAULT NULL)
            RETURNS void AS ''MODULE_PATHNAME'', ''bugevents_%1$s'' LANGUAGE C VOLATILE', fn);
        EXECUTE format('REVOKE ALL ON FUNCTION bugevents.%s(text, text, text) FROM PUBLIC', fn);
        FOREACH caller IN ARRAY coalesce(callers, '{}') LOOP
            EXECUTE format('GRANT EXECUTE ON FUNCTION bugevents.%s(text, text, text) TO %s', fn, caller);
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION bugevents.watch(text, text, text)
    IS 'let a user hear of what happens to a bug, or to all bugs of a project, from now on';

COMMENT ON FUNCTION bugevents.unwatch(text, text, text) IS 'take watch() back';

CREATE FUNCTION bugevents.mute(bug_id text, user_id text)
RETURNS void
AS 'MODULE_PATHNAME', 'bugevents_mute'
LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION bugevents.mute(text, text) IS 'let a user hear nothing of a bug any more, whatever the reason';

CREATE FUNCTION bugevents.unmute(bug_id text, user_id text)
RETURNS void
AS 'MODULE_PATHNAME', 'bugevents_unmute'
LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION bugevents.unmute(text, text) IS 'take mute() back';

REVOKE ALL ON FUNCTION bugevents.mute(text, text), bugevents.unmute(text, text) FROM PUBLIC;

-- Not a foreign key: pg_restore --jobs loads tables in any order, and an extension's constraints are there before.
CREATE FUNCTION bugevents.forget_series() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM bugevents.reminder_series AS s USING gone WHERE s.reminder_id = gone.id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION bugevents.forget_series() IS 'trigger that takes along what belongs to a reminder';
REVOKE ALL ON FUNCTION bugevents.forget_series() FROM PUBLIC;
CREATE TRIGGER forget AFTER DELETE ON bugevents.reminders REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION bugevents.forget_series();
SELECT pg_catalog.pg_extension_config_dump('bugevents.reminder_series', '');

-- The first time behind "after" that is a number of periods from first_at, in the time zone's
-- calendar.  Each step is one that can't go too far, and halves the distance at least.
CREATE FUNCTION bugevents.next_time(first_at timestamptz, every interval, time_zone text, after timestamptz)
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
COMMENT ON FUNCTION bugevents.next_time(timestamptz, interval, text, timestamptz)
    IS 'when something that is repeated is due after a moment';

-- Digests end by the user's clock.
CREATE OR REPLACE FUNCTION bugevents.delivery_time(user_id text, channel text, due_at timestamptz)
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

CREATE FUNCTION bugevents.time_zone(user_id text)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce((SELECT o.time_zone FROM bugevents.delivery_options AS o WHERE o.user_id = time_zone.user_id),
                    current_setting('TimeZone'))
$$;
COMMENT ON FUNCTION bugevents.time_zone(text) IS 'the time zone of a user; the database''s, if the user has said nothing';

-- When to remind of a bug's due date: so long before; a date alone means nine in the morning.
CREATE FUNCTION bugevents.due_reminder(due text, user_id text)
RETURNS timestamptz
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN due ~ '^\d{4}-\d\d-\d\d$'
                THEN (due::date + time '09:00') AT TIME ZONE bugevents.time_zone(user_id)
                ELSE due::timestamptz END - current_setting('bugevents.due_reminder')::interval
$$;
COMMENT ON FUNCTION bugevents.due_reminder(text, text) IS 'when to remind of a bug that is due then';
REVOKE ALL ON FUNCTION bugevents.due_reminder(text, text) FROM PUBLIC;


REVOKE ALL ON FUNCTION bugevents.next_time(timestamptz, interval, text, timestamptz), bugevents.time_zone(text) FROM PUBLIC;

CREATE TABLE bugevents.projector_skips (
    seq         bigint      PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE bugevents.projector_skips IS 'events that the projector is to pass over; see projector_skip()';

CREATE FUNCTION bugevents.projector_skip(seq bigint)
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
COMMENT ON FUNCTION bugevents.projector_skip(bigint) IS 'let the projector pass over an event that it can''t get beyond';
REVOKE ALL ON FUNCTION bugevents.projector_skip(bigint) FROM PUBLIC;

CREATE OR REPLACE FUNCTION bugevents.remind(
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

CREATE INDEX ON bugevents.deliveries (channel) WHERE state = 'dead';

ALTER TABLE bugevents.stream ADD COLUMN instance uuid NOT NULL DEFAULT gen_random_uuid();
COMMENT ON COLUMN bugevents.stream.instance IS 'of this database, whatever streams it has; a restored dump has another one';

CREATE FUNCTION bugevents.server_place()
RETURNS jsonb
AS 'MODULE_PATHNAME', 'bugevents_server_place'
LANGUAGE C STABLE STRICT;
COMMENT ON FUNCTION bugevents.server_place() IS 'where this server runs, and which database of which cluster this is';
REVOKE ALL ON FUNCTION bugevents.server_place() FROM PUBLIC;

-- Whose a new delivery is.  What an older dump brings, which has no such column, is nobody's:
-- a session that loads a dump has these two settings off.
CREATE FUNCTION bugevents.delivery_origin()
RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT s.instance FROM bugevents.stream AS s
     WHERE current_setting('check_function_bodies') = 'on' OR current_setting('row_security') = 'on'
$$;
COMMENT ON FUNCTION bugevents.delivery_origin() IS 'the number of this database, for deliveries that are made here';

ALTER TABLE bugevents.deliveries DROP CONSTRAINT deliveries_notification_id_fkey;
CREATE FUNCTION bugevents.forget_deliveries() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM bugevents.deliveries AS d USING gone WHERE d.notification_id = gone.id;
    DELETE FROM bugevents.notification_parts AS p USING gone WHERE p.notification_id = gone.id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION bugevents.forget_deliveries() IS 'trigger that takes along what belongs to a notification';
REVOKE ALL ON FUNCTION bugevents.forget_deliveries() FROM PUBLIC;
CREATE TRIGGER forget AFTER DELETE ON bugevents.notifications REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION bugevents.forget_deliveries();

ALTER TABLE bugevents.deliveries ADD COLUMN origin uuid DEFAULT bugevents.delivery_origin();
COMMENT ON COLUMN bugevents.deliveries.origin IS 'the database that made it; others don''t send it';

-- Mails: languages, what they say, addresses that bounce.
ALTER TABLE bugevents.delivery_options ADD COLUMN locale text CHECK (locale ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$');
COMMENT ON COLUMN bugevents.delivery_options.locale IS 'the language of mails; null: that of bugevents.mail_locale';
ALTER TABLE bugevents.templates ADD COLUMN locale text NOT NULL DEFAULT '*' CHECK (locale ~ '^([*]|[a-z]{2,3}(-[A-Za-z0-9]{2,8})*)$'),
    DROP CONSTRAINT templates_pkey, ADD PRIMARY KEY (type, locale);
COMMENT ON TABLE bugevents.templates IS 'mails of your own; * is for all types without a row';
COMMENT ON COLUMN bugevents.templates.text IS '{{title}}, {{message}}, {{status}}, {{count}}, {{username}}, {{bug_report_id}}, {{type}}, {{created_at}}, {{url}}, {{actor_name}}, {{reason}}, {{project}}';
COMMENT ON COLUMN bugevents.templates.locale IS 'for readers of this language; * is for all others';
ALTER TABLE bugevents.deliveries ADD COLUMN facts jsonb;
COMMENT ON COLUMN bugevents.deliveries.facts IS 'project, status and priority of the bug, as the reader may see them, when it was last tried';
CREATE INDEX ON bugevents.deliveries (channel, user_id, next_attempt_at, id) WHERE state IN ('waiting', 'sending');
-- Who bounces mails gets none until somebody lifts that.
CREATE TABLE bugevents.suspended_addresses (
    address     text        PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT now(),
    code        integer,
    reason      text        NOT NULL
);
COMMENT ON TABLE bugevents.suspended_addresses IS 'addresses that nothing is mailed to: what was sent there came back';
COMMENT ON COLUMN bugevents.suspended_addresses.code IS 'what the mail server answered; null: it was told later, see suspend_address()';

CREATE FUNCTION bugevents.suspend_address(address text, reason text DEFAULT 'it bounced', code integer DEFAULT NULL)
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
COMMENT ON FUNCTION bugevents.suspend_address(text, text, integer) IS 'send no more mails to an address; false: none were';

CREATE FUNCTION bugevents.resume_address(address text)
RETURNS boolean
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    WITH gone AS (DELETE FROM bugevents.suspended_addresses AS s WHERE s.address = lower(resume_address.address) RETURNING 1)
    SELECT EXISTS (SELECT FROM gone)
$$;
COMMENT ON FUNCTION bugevents.resume_address(text) IS 'send mails to an address again; false: it was not suspended';
REVOKE ALL ON FUNCTION bugevents.suspend_address(text, text, integer), bugevents.resume_address(text) FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('bugevents.suspended_addresses', '');

-- What mails say.  A phrase is a line with {{names}}; those of bugevents.phrases go before these.
CREATE FUNCTION bugevents.shipped_phrases(locale text)
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
COMMENT ON FUNCTION bugevents.shipped_phrases(text) IS 'what mails say, by locale, where bugevents.phrases has nothing else';

CREATE TABLE bugevents.phrases (
    locale      text        NOT NULL CHECK (locale ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$'),
    name        text        NOT NULL,
    phrase      text        NOT NULL,
    PRIMARY KEY (locale, name)
);
COMMENT ON TABLE bugevents.phrases IS 'what mails say, in your own words or languages; names as in shipped_phrases(''en'')';

-- Of a locale, the language alone, the setting's, English: the first that has it.
CREATE FUNCTION bugevents.phrase(locale text, name text)
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
COMMENT ON FUNCTION bugevents.phrase(text, text) IS 'what mails say in a language';

-- Controls, and what turns the direction of writing, make a name look like another one.
CREATE FUNCTION bugevents.clean(value text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT btrim(regexp_replace(regexp_replace(value, '[\u200e\u200f\u202a-\u202e\u2066-\u2069]', '', 'g'), '[[:cntrl:]\u2028\u2029]+', ' ', 'g'))
$$;
COMMENT ON FUNCTION bugevents.clean(text) IS 'a text as one line';

-- What a notification says in a mail: a sentence, fields with their old and new values, quotes.
CREATE FUNCTION bugevents.mail_item(n bugevents.notifications, locale text, time_zone text)
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
COMMENT ON FUNCTION bugevents.mail_item(bugevents.notifications, text, text) IS 'what a notification says in a mail';

CREATE FUNCTION bugevents.mail_item_text(item jsonb, locale text)
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
COMMENT ON FUNCTION bugevents.mail_item_text(jsonb, text) IS 'a notification in a mail''s plain text';

CREATE FUNCTION bugevents.html_escape(value text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT replace(replace(replace(replace(replace(value, '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'), '''', '&#39;')
$$;
COMMENT ON FUNCTION bugevents.html_escape(text) IS 'a text in HTML, between tags or quotes';

-- Colors are classes, too, so that a dark page can have others (mail_page); programs that drop
-- the style of the head show what is written here, on white.
CREATE FUNCTION bugevents.mail_item_html(item jsonb, locale text)
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
COMMENT ON FUNCTION bugevents.mail_item_html(jsonb, text) IS 'a notification in a mail''s HTML';

CREATE FUNCTION bugevents.mail_page(content text, footer text, locale text, preview text)
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
COMMENT ON FUNCTION bugevents.mail_page(text, text, text, text) IS 'the HTML of a mail around what it says';

-- One line above a bug: project, number, status, priority, as they are when the mail is sent.
CREATE FUNCTION bugevents.mail_place(item jsonb, facts jsonb, locale text, html boolean)
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
COMMENT ON FUNCTION bugevents.mail_place(jsonb, jsonb, text, boolean) IS 'where a bug stands, in a line of a mail';

-- A bug with what happened to it.
CREATE FUNCTION bugevents.mail_bug(items jsonb, facts jsonb, locale text, html boolean, is_digest boolean)
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
COMMENT ON FUNCTION bugevents.mail_bug(jsonb, jsonb, text, boolean, boolean) IS 'a bug in a mail, with what happened to it';

-- Ways out: of the bug, the kind, all mails.
CREATE FUNCTION bugevents.mail_exits(url text, item jsonb, locale text)
RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_object('text', bugevents.phrase(locale, name), 'url', replace(url, '{{token}}', token)) ORDER BY o), '[]')
      FROM (VALUES (1, 'mute', '.bug.' || encode(convert_to(item ->> 'bug', 'UTF8'), 'hex')), (2, 'no_kind', '.type.' || (item ->> 'type')), (3, 'no_mails', '')) AS x (o, name, suffix),
           LATERAL (SELECT (item ->> 'token') || suffix AS token) AS t
     WHERE url <> '' AND token IS NOT NULL
$$;
COMMENT ON FUNCTION bugevents.mail_exits(text, jsonb, text) IS 'the links of a mail that end mails';

CREATE FUNCTION bugevents.mail_domain()
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(substring(current_setting('bugevents.smtp_from') FROM '@([A-Za-z0-9.-]+)'), 'localhost')
$$;
COMMENT ON FUNCTION bugevents.mail_domain() IS 'the domain in the ids of mails and lists';

-- A label of a list's id (RFC 2919) for a project.
CREATE FUNCTION bugevents.mail_list(project_id text)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce('project-' || CASE WHEN project_id ~ '^[A-Za-z0-9][A-Za-z0-9-]{0,39}$' THEN lower(project_id)
                                       ELSE left(encode(sha256(convert_to(project_id, 'UTF8')), 'hex'), 16) END || '.', '')
        || 'bugs.' || bugevents.mail_domain()
$$;
COMMENT ON FUNCTION bugevents.mail_list(text) IS 'the id of the list that mails about a project''s bugs are of';

-- A mail: members of the message to the carrier.
CREATE FUNCTION bugevents.compose_mail(d bugevents.deliveries)
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
COMMENT ON FUNCTION bugevents.compose_mail(bugevents.deliveries) IS 'what a mail says, as the courier sends it';

-- What a delivery says: members of the message to the carrier.
CREATE OR REPLACE FUNCTION bugevents.compose(delivery_id bigint)
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
COMMENT ON FUNCTION bugevents.compose(bigint) IS 'what a delivery says, as the courier sends it';
REVOKE ALL ON FUNCTION bugevents.shipped_phrases(text), bugevents.phrase(text, text), bugevents.clean(text), bugevents.mail_item(bugevents.notifications, text, text),
    bugevents.mail_item_text(jsonb, text), bugevents.html_escape(text), bugevents.mail_item_html(jsonb, text), bugevents.mail_page(text, text, text, text), bugevents.mail_place(jsonb, jsonb, text, boolean),
    bugevents.mail_bug(jsonb, jsonb, text, boolean, boolean), bugevents.mail_exits(text, jsonb, text), bugevents.mail_domain(), bugevents.mail_list(text), bugevents.compose_mail(bugevents.deliveries) FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('bugevents.phrases', '');

-- Who sends deliveries: one row, written by the first courier and by take_over_deliveries().  It is
-- dumped, and the number in bugevents.stream isn't: so what was restored knows that it is a copy.
CREATE TABLE bugevents.sender (
    instance    uuid        PRIMARY KEY,
    place       jsonb       NOT NULL,
    at          timestamptz NOT NULL DEFAULT now()
);
CREATE TRIGGER wake AFTER INSERT OR UPDATE OR DELETE ON bugevents.sender
    FOR EACH STATEMENT EXECUTE FUNCTION bugevents.wake_courier();
COMMENT ON TABLE bugevents.sender IS 'who sends deliveries; a database that is another one, or elsewhere, sends none';
COMMENT ON COLUMN bugevents.sender.instance IS 'bugevents.stream.instance of the database that sends';
COMMENT ON COLUMN bugevents.sender.place IS 'where its server runs; see server_place()';
SELECT pg_catalog.pg_extension_config_dump('bugevents.sender', '');

CREATE OR REPLACE FUNCTION bugevents.requeue(delivery_id bigint DEFAULT NULL)
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

CREATE FUNCTION bugevents.take_over_deliveries(send boolean DEFAULT true)
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
COMMENT ON FUNCTION bugevents.take_over_deliveries(boolean)
    IS 'send from here from now on, in a copy of the database that did; false: not what waits, which may have been sent there; returns how many wait';
REVOKE ALL ON FUNCTION bugevents.take_over_deliveries(boolean) FROM PUBLIC;

-- Columns go by name only.  What was renamed since attach() was known by its number.
WITH attached AS (
    SELECT t.oid, t.tgrelid, (a.arg ->> 'table')::oid AS tbl, a.arg
      FROM pg_catalog.pg_trigger AS t
     CROSS JOIN LATERAL (SELECT pg_catalog.convert_from(
               pg_catalog.substr(t.tgargs, 1, pg_catalog.octet_length(t.tgargs) - 1),
               pg_catalog.getdatabaseencoding())::jsonb AS arg) AS a
     WHERE t.tgfoid IN ('bugevents.capture'::regproc, 'bugevents.capture_truncate'::regproc) AND t.tgnargs = 1),
named AS (
    SELECT d.oid, d.tgrelid, d.arg - 'table' || pg_catalog.jsonb_object_agg(k.member,
               (SELECT pg_catalog.jsonb_agg(CASE WHEN c.attname IS NULL THEN f.value
                                                 ELSE f.value || pg_catalog.jsonb_build_object('column', c.attname) END - 'attnum'
                                            ORDER BY f.n)
                  FROM pg_catalog.jsonb_array_elements(d.arg -> k.member) WITH ORDINALITY AS f (value, n)
                  LEFT JOIN pg_catalog.pg_attribute AS c
                    ON c.attrelid = d.tbl AND c.attnum = (f.value ->> 'attnum')::smallint AND NOT c.attisdropped)) AS arg
      FROM attached AS d
     CROSS JOIN LATERAL (SELECT m FROM pg_catalog.unnest('{fields,extra}'::text[]) AS m WHERE d.arg ? m) AS k (member)
     WHERE d.tbl = d.tgrelid
        OR d.tbl IN (SELECT a.relid FROM pg_catalog.pg_partition_ancestors(d.tgrelid) AS a)
     GROUP BY d.oid, d.tgrelid, d.arg),
written AS (
    UPDATE pg_catalog.pg_trigger AS t
       SET tgargs = pg_catalog.convert_to(n.arg::text, pg_catalog.getdatabaseencoding()) || '\x00'
      FROM named AS n WHERE n.oid = t.oid
    RETURNING n.tgrelid)
-- Sessions have to read it again.
UPDATE pg_catalog.pg_class AS c SET relhastriggers = true WHERE c.oid IN (SELECT w.tgrelid FROM written AS w);

-- What attached tables look up elsewhere, see follow().  Dumped, as the triggers are.
CREATE TABLE bugevents.follows (
    lookup      regclass    NOT NULL,
    tbl         regclass    NOT NULL,
    keys        text        NOT NULL,
    search_path text        NOT NULL,
    PRIMARY KEY (lookup, tbl)
);
COMMENT ON TABLE bugevents.follows IS 'attached tables that follow others; written by follow() and unfollow(), and kept when a table is detached';
COMMENT ON COLUMN bugevents.follows.keys IS 'query over a row of the lookup: which rows of the table depend on it';
GRANT SELECT ON bugevents.follows TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('bugevents.follows', '');

CREATE FUNCTION bugevents.follow(lookup regclass, tbl regclass, keys text)
RETURNS void
AS 'MODULE_PATHNAME', 'bugevents_follow'
LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION bugevents.follow(regclass, regclass, text)
    IS 'judge rows of an attached table anew when a row of another table changes, that their expressions look into';

CREATE FUNCTION bugevents.unfollow(lookup regclass, tbl regclass)
RETURNS void
AS 'MODULE_PATHNAME', 'bugevents_unfollow'
LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION bugevents.unfollow(regclass, regclass) IS 'take follow() back';
REVOKE ALL ON FUNCTION bugevents.follow(regclass, regclass, text), bugevents.unfollow(regclass, regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION bugevents.follow(regclass, regclass, text), bugevents.unfollow(regclass, regclass)
    TO pg_database_owner;

CREATE FUNCTION bugevents.capture_lookup() RETURNS trigger
AS 'MODULE_PATHNAME', 'bugevents_capture_lookup' LANGUAGE C;
COMMENT ON FUNCTION bugevents.capture_lookup() IS 'trigger of tables that attached ones follow';

CREATE FUNCTION bugevents.capture_lookup_truncate() RETURNS trigger
AS 'MODULE_PATHNAME', 'bugevents_capture_lookup_truncate' LANGUAGE C;
COMMENT ON FUNCTION bugevents.capture_lookup_truncate() IS 'trigger for TRUNCATE of tables that attached ones follow';

REVOKE ALL ON FUNCTION bugevents.capture_lookup() FROM PUBLIC;
REVOKE ALL ON FUNCTION bugevents.capture_lookup_truncate() FROM PUBLIC;

-- Quiet fields; projects, bugs and keys of one's own events.
DROP FUNCTION bugevents.attach(regclass, text, jsonb, text, text, text[], boolean);
CREATE FUNCTION bugevents.attach(
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
COMMENT ON FUNCTION bugevents.attach(regclass, text, jsonb, text, text, text[], boolean, text[])
    IS 'publish the changes of a table''s rows as events of an entity';

DROP FUNCTION bugevents.send(text, text, jsonb, text);
CREATE FUNCTION bugevents.send(type text, action text, payload jsonb, audience text DEFAULT 'all',
    project_id text DEFAULT NULL, bug_report_id text DEFAULT NULL, key text DEFAULT NULL)
RETURNS void
AS 'MODULE_PATHNAME', 'bugevents_send'
LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bugevents.send(text, text, jsonb, text, text, text, text)
    IS 'publish an event of your own when the transaction commits';

-- Whoever attaches tables says what everybody is told.
REVOKE ALL ON FUNCTION bugevents.attach(regclass, text, jsonb, text, text, text[], boolean, text[]),
    bugevents.detach(regclass), bugevents.create_tracker(name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION bugevents.attach(regclass, text, jsonb, text, text, text[], boolean, text[]),
    bugevents.detach(regclass), bugevents.create_tracker(name) TO pg_database_owner;

-- How clients read; a function's columns are changed by making another one.
CREATE FUNCTION bugevents.connections_0_2_0(
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
CREATE OR REPLACE VIEW bugevents.connections AS SELECT * FROM bugevents.connections_0_2_0() AS connections;
COMMENT ON COLUMN bugevents.connections.protocol IS 'how it reads: websocket, sse or json; null: up to a second after it came';
DROP FUNCTION bugevents.connections();
ALTER FUNCTION bugevents.connections_0_2_0() RENAME TO connections;
COMMENT ON FUNCTION bugevents.connections() IS 'the clients that are connected to the gateways';
REVOKE ALL ON FUNCTION bugevents.connections() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION bugevents.connections() TO pg_monitor;

CREATE FUNCTION bugevents.last_seq()
RETURNS bigint
AS 'MODULE_PATHNAME', 'bugevents_last_seq'
LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION bugevents.last_seq() IS 'a seq at or behind which everything stands that has committed so far';

-- Where consumers stand.  Written by consume(), with the reader's transaction.  Not dumped: a restored
-- database is a new stream.
CREATE TABLE bugevents.consumer_positions (
    name        text        PRIMARY KEY,
    seq         bigint      NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    moved_at    timestamptz
) WITH (fillfactor = 50);
COMMENT ON TABLE bugevents.consumer_positions IS 'where the consumers of the stream stand; see consume()';

CREATE VIEW bugevents.consumers AS
    SELECT name, seq AS position, greatest(bugevents.last_seq() - seq, 0) AS lag, created_at, moved_at
      FROM bugevents.consumer_positions;
COMMENT ON VIEW bugevents.consumers IS 'who reads the stream with consume(), and how far they have come';
COMMENT ON COLUMN bugevents.consumers.position IS 'everything up to this seq was consumed';
COMMENT ON COLUMN bugevents.consumers.lag IS 'distance of the position from the end of the stream';
COMMENT ON COLUMN bugevents.consumers.moved_at IS 'when the position moved last';

CREATE FUNCTION bugevents.consume(
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
COMMENT ON FUNCTION bugevents.consume(text, integer, text[])
    IS 'the next events for a consumer, whose position moves with the transaction';

CREATE FUNCTION bugevents.set_consumer(name text, seq bigint DEFAULT NULL)
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
COMMENT ON FUNCTION bugevents.set_consumer(text, bigint)
    IS 'let a consumer, which is made if there is none, go on behind a seq; null: with the oldest event';

CREATE FUNCTION bugevents.drop_consumer(name text)
RETURNS boolean
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH gone AS (DELETE FROM bugevents.consumer_positions AS p WHERE p.name = drop_consumer.name RETURNING 1)
    SELECT EXISTS (SELECT FROM gone)
$$;
COMMENT ON FUNCTION bugevents.drop_consumer(text) IS 'forget a consumer; false: there is none of this name';

-- Consumers see every row's content, and hold history up.
REVOKE ALL ON FUNCTION bugevents.consume(text, integer, text[]), bugevents.set_consumer(text, bigint), bugevents.drop_consumer(text) FROM PUBLIC;
GRANT SELECT ON bugevents.consumers TO pg_monitor;

CREATE FUNCTION bugevents.replay(tbl regclass, "where" text DEFAULT NULL)
RETURNS bigint
AS 'MODULE_PATHNAME', 'bugevents_replay'
LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bugevents.replay(regclass, text)
    IS 'publish an attached table''s rows as they are now, for whoever is to be filled; returns how many';
REVOKE ALL ON FUNCTION bugevents.replay(regclass, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION bugevents.replay(regclass, text) TO pg_database_owner;

-- A text is one principal, and an element of a text[] is one: this makes them of ids.
CREATE FUNCTION bugevents.principal(kind text, id "any")
RETURNS text
AS 'MODULE_PATHNAME', 'bugevents_principal'
LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bugevents.principal(text, "any")
    IS 'the principal of a user, project or group, for audiences: principal(''project'', row.project_id)';

-- One answer for everyone who asks whether what is attached to a table is believed.
CREATE FUNCTION bugevents.decides(tbl regclass)
RETURNS boolean
AS 'MODULE_PATHNAME', 'bugevents_decides'
LANGUAGE C STABLE STRICT;
COMMENT ON FUNCTION bugevents.decides(regclass)
    IS 'is a table attached so that who may see what, notifications, get and list go by its rows?';

CREATE FUNCTION bugevents.expression_errors(tbl regclass, OUT errors bigint, OUT last_error text, OUT last_error_at timestamptz)
AS 'MODULE_PATHNAME', 'bugevents_expression_errors'
LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION bugevents.expression_errors(regclass)
    IS 'how often expressions of an attached table failed since the server''s start, and how last; that only for the table''s owner';

CREATE FUNCTION bugevents.expression_costs(
    tbl regclass,
    OUT evaluated bigint,
    OUT evaluation_ms double precision,
    OUT slowest_ms double precision,
    OUT timeouts bigint,
    OUT suspended boolean)
RETURNS record
AS 'MODULE_PATHNAME', 'bugevents_expression_costs'
LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION bugevents.expression_costs(regclass) IS 'what the expressions of an attached table have cost since the server''s start';

CREATE FUNCTION bugevents.resume_expressions(tbl regclass)
RETURNS boolean
AS 'MODULE_PATHNAME', 'bugevents_resume_expressions'
LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION bugevents.resume_expressions(regclass)
    IS 'let a table take part again whose expressions were suspended; false: it did';

CREATE OR REPLACE VIEW bugevents.attachments AS
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
COMMENT ON COLUMN bugevents.attachments.decides IS 'attached by who owns the database: who may see what, notifications, get and list go by its rows';
COMMENT ON COLUMN bugevents.attachments.errors IS 'expressions that failed since the server''s start; last_error is for the table''s owner';
COMMENT ON COLUMN bugevents.attachments.attached_by IS 'the role that attached it; null: bugevents 0.1.0 didn''t note it';
COMMENT ON COLUMN bugevents.attachments.evaluated IS 'rows whose expressions were evaluated since the server''s start';
COMMENT ON COLUMN bugevents.attachments.quiet IS 'fields whose change alone publishes nothing';
COMMENT ON COLUMN bugevents.attachments.suspended IS 'left out of what is derived, get, list and watch, as its expressions took too long; see resume_expressions()';

-- What is attached stays so, and is published; what of it isn't believed any more is told.
DO $$
DECLARE
    a record;
BEGIN
    FOR a IN SELECT tbl, entity FROM bugevents.attachments WHERE NOT decides ORDER BY tbl::text LOOP
        RAISE WARNING 'table % was attached as "%" by somebody who does not own the database, and decides nothing any more', a.tbl, a.entity
            USING DETAIL = 'Its rows are published as before, but notifications, statistics, get and list pass over them.',
                  HINT = 'Attach it again as the owner of the database, or detach it; bugevents.attachments shows what is attached.';
    END LOOP;
END
$$;

-- Of two memberships that can't be told apart, the first that goes takes the right.
DO $$
DECLARE
    a record;
BEGIN
    FOR a IN SELECT tbl FROM bugevents.attachments AS m
              WHERE entity = 'membership' AND NOT columns ? 'id' AND NOT EXISTS (
                    SELECT FROM pg_catalog.pg_index AS i
                     WHERE i.indrelid = m.tbl AND i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred IS NULL
                       AND NOT EXISTS (
                           SELECT FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, n)
                             LEFT JOIN pg_catalog.pg_attribute AS c ON c.attrelid = m.tbl AND c.attnum = k.attnum
                                   AND c.attname IN (m.columns ->> 'user_id', m.columns ->> 'project_id')
                            WHERE k.n <= i.indnkeyatts AND c.attname IS NULL))
              ORDER BY tbl::text LOOP
        RAISE WARNING 'the memberships in table % can''t be told apart', a.tbl
            USING DETAIL = 'If two rows give a right, losing one of them takes it.',
                  HINT = 'Attach it again: its primary key tells its rows apart then. Without one, give it one first, or a unique index on user and project.';
    END LOOP;
END
$$;

-- A text isn't split any more.
DO $$
DECLARE
    a record;
BEGIN
    FOR a IN SELECT tbl, audience FROM bugevents.attachments
              WHERE audience ~ $re$'[^']*(all|admin|user:|project:)[^']*[ ,][^']*'|'[^']*[ ,][^']*(all|admin|user:|project:)[^']*'$re$
              ORDER BY tbl::text LOOP
        RAISE WARNING 'the audience of table % looks like a text with several principals, and only admins would see its rows', a.tbl
            USING DETAIL = a.audience,
                  HINT = 'Attach it again with a text[]: ARRAY[''admin'', bugevents.principal(''project'', row.project_id)].';
    END LOOP;
END
$$;

-- What is not sent any more says why.
COMMENT ON COLUMN deliveries.state IS 'uncertain: it may have arrived, and is not sent again; skipped: it was not to be sent any more, last_error says why';
CREATE OR REPLACE FUNCTION bugevents.unsubscribe(token text)
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
COMMENT ON FUNCTION bugevents.unsubscribe(text)
    IS 'no more mails for the user of this token, or, as it says, of one kind or about one bug; returns the user, null if there is none';

-- What the projector keeps of events.
ALTER TABLE bugevents.projector ADD COLUMN gathered bigint NOT NULL DEFAULT 0;
UPDATE bugevents.projector SET gathered = cursor;
COMMENT ON COLUMN bugevents.projector.cursor IS 'who is to be told of events up to this seq is';
COMMENT ON COLUMN bugevents.projector.gathered IS 'what is kept of events up to this seq (history, statistics) is written';

-- Written by the projector (src/notify/projector/history.c).  No key: a restored database goes on
-- with other seqs.  Entries come in the order of time, so a BRIN index finds the old ones.
CREATE TABLE bugevents.history (
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
CREATE INDEX ON bugevents.history (entity, id, at, seq);
CREATE INDEX ON bugevents.history USING brin (at) WITH (pages_per_range = 32, autosummarize = on);
COMMENT ON TABLE bugevents.history IS 'who changed what when, one row for each change of a row by a transaction';
COMMENT ON COLUMN bugevents.history.seq IS 'of the event that stands for the change';
COMMENT ON COLUMN bugevents.history.actor IS 'who did it; null: nobody said so, or that one was forgotten';
COMMENT ON COLUMN bugevents.history.changes IS 'old and new value of each field that changed; null: the row came or went';
COMMENT ON COLUMN bugevents.history.open_changes IS 'what others than admins read in its place; null: the same';
COMMENT ON COLUMN bugevents.history.audience IS 'who may read it: whom the event was for';
SELECT pg_catalog.pg_extension_config_dump('bugevents.history', '');

CREATE FUNCTION bugevents.without_person(changes jsonb, user_id text)
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
COMMENT ON FUNCTION bugevents.without_person(jsonb, text) IS 'changes of a row without the id of a user';

CREATE FUNCTION bugevents.forget_user(id text, OUT what text, OUT rows bigint)
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
COMMENT ON FUNCTION bugevents.forget_user(text) IS 'remove a person from all that was derived; returns what was done to how many rows';
REVOKE ALL ON FUNCTION bugevents.without_person(jsonb, text), bugevents.forget_user(text) FROM PUBLIC;

-- Written by the projector (src/notify/projector/statistics.c).  What is counted are facts, as the
-- last event of each row has them: of bugs in bug_stats, of comments in comment_facts.  A count
-- changes by the difference that a fact makes, so it is always that of the facts, in whatever order
-- and how often these come: from events, or from the tables.  Not dumped: a restored database is
-- filled anew.
CREATE TABLE bugevents.project_stats (
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
COMMENT ON TABLE bugevents.project_stats IS 'bugs and comments of each project, a second ago at most';
COMMENT ON COLUMN bugevents.project_stats.open IS 'bugs whose status was none of bugevents.closed_statuses';
COMMENT ON COLUMN bugevents.project_stats.by_priority IS 'without bugs whose priority is for admins only';
COMMENT ON COLUMN bugevents.project_stats.changed_at IS 'when one of the numbers changed last';
COMMENT ON COLUMN bugevents.project_stats.audience IS 'who may see it: who sees the project';
COMMENT ON COLUMN bugevents.project_stats.generation IS 'the filling in which, or after which, its project was seen';

CREATE TABLE bugevents.user_stats (
    user_id     text        PRIMARY KEY,
    created     bigint      NOT NULL DEFAULT 0,
    assigned    bigint      NOT NULL DEFAULT 0,
    assigned_open bigint    NOT NULL DEFAULT 0,
    comments    bigint      NOT NULL DEFAULT 0,
    unread      bigint      NOT NULL DEFAULT 0,
    audience    text[]      NOT NULL,
    generation  integer     NOT NULL
) WITH (fillfactor = 70);
COMMENT ON TABLE bugevents.user_stats IS 'what each user has to do with, a second ago at most';
COMMENT ON COLUMN bugevents.user_stats.unread IS 'notifications that are not read';

CREATE TABLE bugevents.bug_stats (
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
CREATE INDEX ON bugevents.bug_stats (project_id);
CREATE INDEX ON bugevents.bug_stats (creator_id);
CREATE INDEX ON bugevents.bug_stats (assignee_id);
COMMENT ON TABLE bugevents.bug_stats IS 'what there is to each bug, a second ago at most';
COMMENT ON COLUMN bugevents.bug_stats.last_activity_at IS 'when it, or a comment of it, changed last';
COMMENT ON COLUMN bugevents.bug_stats.status IS 'as it was counted; so are the columns behind it';

CREATE TABLE bugevents.comment_facts (
    id          text        PRIMARY KEY,
    bug_report_id text,
    user_id     text,
    generation  integer     NOT NULL
) WITH (fillfactor = 90);
CREATE INDEX ON bugevents.comment_facts (bug_report_id);
CREATE INDEX ON bugevents.comment_facts (user_id);
COMMENT ON TABLE bugevents.comment_facts IS 'which comments were counted';

CREATE TABLE bugevents.stats_due (bug_report_id text NOT NULL);
COMMENT ON TABLE bugevents.stats_due IS 'bugs whose watchers are to be counted again';

-- Reading what was in the tables before they were attached.
CREATE TABLE bugevents.fills (
    entity      text        PRIMARY KEY CHECK (entity IN ('project', 'user', 'bug_report', 'comment')),
    generation  integer     NOT NULL DEFAULT 0,
    tables      oid[]       NOT NULL DEFAULT '{}',
    wanted      boolean     NOT NULL DEFAULT false,
    place       text,
    rows        bigint      NOT NULL DEFAULT 0,
    started_at  timestamptz,
    ended_at    timestamptz
);
INSERT INTO bugevents.fills (entity) VALUES ('project'), ('user'), ('bug_report'), ('comment');
COMMENT ON TABLE bugevents.fills IS 'filling statistics from the tables: how far it has come';
COMMENT ON COLUMN bugevents.fills.tables IS 'which ones were read';
COMMENT ON COLUMN bugevents.fills.wanted IS 'it is to be done again; see rebuild()';
COMMENT ON COLUMN bugevents.fills.place IS 'the row behind which it goes on';
COMMENT ON COLUMN bugevents.fills.rows IS 'that were read';

CREATE VIEW bugevents.fill_progress AS
    SELECT f.entity,
           CASE WHEN f.wanted THEN 'waiting' WHEN f.started_at IS NULL THEN 'none'
                WHEN f.ended_at IS NULL THEN 'running' ELSE 'done' END AS state,
           f.rows,
           (SELECT sum(greatest(c.reltuples, 0))::bigint FROM pg_catalog.pg_class AS c
             WHERE c.oid = ANY (f.tables) OR c.oid IN (SELECT i.relid FROM unnest(f.tables) AS t, pg_catalog.pg_partition_tree(t) AS i WHERE i.isleaf)) AS estimated,
           f.started_at, f.ended_at
      FROM bugevents.fills AS f;
COMMENT ON VIEW bugevents.fill_progress IS 'how far statistics are filled from the tables';
COMMENT ON COLUMN bugevents.fill_progress.estimated IS 'how many rows there are, as PostgreSQL believes';
GRANT SELECT ON bugevents.fill_progress TO pg_monitor;

CREATE FUNCTION bugevents.wake_projector() RETURNS trigger
AS 'MODULE_PATHNAME', 'bugevents_wake_projector' LANGUAGE C;
COMMENT ON FUNCTION bugevents.wake_projector() IS 'trigger that tells the projector of something to do';
REVOKE ALL ON FUNCTION bugevents.wake_projector() FROM PUBLIC;
CREATE TRIGGER wake AFTER UPDATE ON bugevents.fills
    FOR EACH STATEMENT EXECUTE FUNCTION bugevents.wake_projector();

CREATE FUNCTION bugevents.rebuild(what text)
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
COMMENT ON FUNCTION bugevents.rebuild(text) IS 'count ''statistics'' anew from the tables, beside the running stream; see fill_progress';

CREATE FUNCTION bugevents.generation(entity text)
RETURNS integer
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT f.generation FROM bugevents.fills AS f WHERE f.entity = generation.entity $$;
COMMENT ON FUNCTION bugevents.generation(text) IS 'which filling of statistics from tables of an entity is the last';

-- A number that becomes 0 goes.
CREATE FUNCTION bugevents.add_counts(counts jsonb, more jsonb)
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
COMMENT ON FUNCTION bugevents.add_counts(jsonb, jsonb) IS 'numbers by name, added to others';

-- What bugs are now, or that they are gone.  Of several facts of one bug the last one counts; so it is below.
CREATE FUNCTION bugevents.put_bugs(ids text[], gone boolean[], projects text[], statuses text[], priorities text[],
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
COMMENT ON FUNCTION bugevents.put_bugs(text[], boolean[], text[], text[], text[], text[], text[], boolean[], timestamptz[], text[])
    IS 'count bugs as they are now';

CREATE FUNCTION bugevents.put_comments(ids text[], gone boolean[], bugs text[], users text[], at timestamptz[])
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
COMMENT ON FUNCTION bugevents.put_comments(text[], boolean[], text[], text[], timestamptz[]) IS 'count comments as they are now';

CREATE FUNCTION bugevents.put_projects(ids text[], gone boolean[], audiences text[])
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
COMMENT ON FUNCTION bugevents.put_projects(text[], boolean[], text[]) IS 'which projects there are to have statistics of';

CREATE FUNCTION bugevents.count_project(project_id text, OUT bugs bigint, OUT open bigint, OUT by_status jsonb, OUT by_priority jsonb,
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
COMMENT ON FUNCTION bugevents.count_project(text) IS 'the statistics of a project, counted from the facts';

CREATE FUNCTION bugevents.put_users(ids text[], gone boolean[], audiences text[])
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
COMMENT ON FUNCTION bugevents.put_users(text[], boolean[], text[]) IS 'which users there are to have statistics of';

CREATE FUNCTION bugevents.count_user(user_id text, OUT created bigint, OUT assigned bigint, OUT assigned_open bigint, OUT comments bigint, OUT unread bigint)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT (SELECT count(*) FROM bugevents.bug_stats AS b WHERE b.creator_id = count_user.user_id),
           (SELECT count(*) FROM bugevents.bug_stats AS b WHERE b.assignee_id = count_user.user_id),
           (SELECT count(*) FROM bugevents.bug_stats AS b WHERE b.assignee_id = count_user.user_id AND b.open),
           (SELECT count(*) FROM bugevents.comment_facts AS c WHERE c.user_id = count_user.user_id),
           (SELECT count(*) FROM bugevents.notifications AS n WHERE n.user_id = count_user.user_id AND NOT n.read AND NOT n.hidden)
$$;
COMMENT ON FUNCTION bugevents.count_user(text) IS 'the statistics of a user, counted from the facts';

-- What isn't counted by differences: a user reads notifications, a bug gets watchers.
CREATE FUNCTION bugevents.count_again(users text[], bugs text[])
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
COMMENT ON FUNCTION bugevents.count_again(text[], text[]) IS 'count what is unread by these users, and who watches these bugs';

-- Whatever the numbers say, those of the facts.
CREATE FUNCTION bugevents.count_all()
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
COMMENT ON FUNCTION bugevents.count_all() IS 'make all statistics those of the facts';

-- There are none any more.
CREATE FUNCTION bugevents.empty_bugs()
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
COMMENT ON FUNCTION bugevents.empty_bugs() IS 'there are no bugs any more';

CREATE FUNCTION bugevents.empty_comments()
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
COMMENT ON FUNCTION bugevents.empty_comments() IS 'there are no comments any more';

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

REVOKE ALL ON FUNCTION bugevents.rebuild(text), bugevents.generation(text), bugevents.add_counts(jsonb, jsonb),
    bugevents.put_bugs(text[], boolean[], text[], text[], text[], text[], text[], boolean[], timestamptz[], text[]),
    bugevents.put_comments(text[], boolean[], text[], text[], timestamptz[]), bugevents.put_projects(text[], boolean[], text[]), bugevents.count_project(text),
    bugevents.put_users(text[], boolean[], text[]), bugevents.count_user(text), bugevents.count_again(text[], text[]), bugevents.count_all(), bugevents.empty_bugs(), bugevents.empty_comments() FROM PUBLIC;

-- Written by the projector (src/notify/projector/archive.c).
CREATE TABLE bugevents.archive (
    entity      text        NOT NULL,
    id          text        NOT NULL,
    deleted_at  timestamptz NOT NULL,
    actor       text,
    "row"       jsonb       NOT NULL,
    PRIMARY KEY (entity, id)
);
CREATE INDEX ON bugevents.archive (deleted_at, entity);
COMMENT ON TABLE bugevents.archive IS 'rows that were deleted, as their last event had them; see restore()';
COMMENT ON COLUMN bugevents.archive.actor IS 'who did it; null: nobody said so, or that one was forgotten';
COMMENT ON COLUMN bugevents.archive."row" IS 'the payload, with what is for admins only';
SELECT pg_catalog.pg_extension_config_dump('bugevents.archive', '');
GRANT SELECT, DELETE ON bugevents.archive TO pg_database_owner;

-- The columns that the payload of an entity has, with their values there.
CREATE FUNCTION bugevents.restore_row(entity text, "row" jsonb)
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
COMMENT ON FUNCTION bugevents.restore_row(text, jsonb) IS 'insert a row of an attached table from its payload';

CREATE FUNCTION bugevents.restore(type text, id text)
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
COMMENT ON FUNCTION bugevents.restore(text, text)
    IS 'put a deleted row back, with the comments and bugs that went with it; returns how many rows';
REVOKE ALL ON FUNCTION bugevents.restore_row(text, jsonb), bugevents.restore(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION bugevents.restore_row(text, jsonb), bugevents.restore(text, text) TO pg_database_owner;

CREATE FUNCTION bugevents.ignore_applied() RETURNS trigger
AS 'MODULE_PATHNAME', 'bugevents_ignore_applied' LANGUAGE C;
COMMENT ON FUNCTION bugevents.ignore_applied() IS 'trigger that keeps rows out which logical replication applies';
REVOKE ALL ON FUNCTION bugevents.ignore_applied() FROM PUBLIC;

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

-- What keeps updated_at current is the tracker's own, and stays when the extension goes.
COMMENT ON FUNCTION bugevents.set_updated_at() IS 'trigger that keeps updated_at current in trackers that 0.1.0 created';
CREATE OR REPLACE FUNCTION bugevents.create_tracker(schema name DEFAULT 'public')
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

-- How the server is, and was; and who may see an event.
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

REVOKE ALL ON FUNCTION alerts() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION alerts() TO pg_monitor;
GRANT SELECT ON alerts TO pg_monitor;
REVOKE ALL ON FUNCTION samples() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION samples() TO pg_monitor;
GRANT SELECT ON samples TO pg_monitor;

CREATE FUNCTION explain_visibility(user_id text, seqs bigint[], OUT seq bigint, OUT verdict text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'bugevents_explain_visibility'
LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION explain_visibility(text, bigint[])
    IS 'may this user see these events, as things are now: yes, no, or perhaps (by a token''s projects)';
REVOKE ALL ON FUNCTION explain_visibility(text, bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION explain_visibility(text, bigint[]) TO pg_read_all_data;
