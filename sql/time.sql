-- The user's clock: reminders that are repeated, digests, quiet hours.
SET timezone = 'UTC';

CREATE FUNCTION series(first_at timestamptz, every interval, zone text, n int) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    at timestamptz := first_at;
BEGIN
    FOR i IN 1..n LOOP
        at := bugevents.next_time(first_at, every, zone, at);
        RETURN NEXT at AT TIME ZONE zone;
    END LOOP;
END $$;

-- Nine o'clock is nine o'clock, over both changes of the clock.
SELECT series('2026-03-27 09:00+01', '1 day', 'Europe/Berlin', 4);
SELECT series('2026-10-23 09:00+02', '1 day', 'Europe/Berlin', 4);
-- A time that isn't there on one day, and is there twice on another one.
SELECT series('2026-03-27 02:30+01', '1 day', 'Europe/Berlin', 4);
SELECT series('2026-10-23 02:30+02', '1 day', 'Europe/Berlin', 4);
-- 24 hours are 24 hours.
SELECT series('2026-03-28 09:00+01', '24 hours', 'Europe/Berlin', 2);
-- The 31st comes back after shorter months, and the leap day after three years.
SELECT series('2026-01-31 09:00+01', '1 month', 'Europe/Berlin', 6);
SELECT series('2024-02-29 09:00+01', '1 year', 'Europe/Berlin', 4);
SELECT series('2026-01-31 09:00+01', '1 month 1 day 1 hour', 'Europe/Berlin', 3);
-- A day that a country left out.
SELECT series('2011-12-28 09:00-10', '1 day', 'Pacific/Apia', 3);
-- What is due since long ago takes no longer, and what is not due yet stays.
SELECT bugevents.next_time('4712-01-31 12:30+00 BC', '1 minute', 'UTC', '2026-01-01 00:00:30+00');
SELECT bugevents.next_time('4712-01-31 12:30+00 BC', '1 day', 'UTC', '2026-01-01 00:00:30+00');
SELECT bugevents.next_time('2026-01-31 09:00+00', '1 day', 'UTC', '2026-01-01 00:00+00');

-- Digests end by the user's clock, quiet hours too.
INSERT INTO bugevents.delivery_options (user_id, time_zone, digest) VALUES ('berlin', 'Europe/Berlin', '1 day'), ('sydney', 'Australia/Sydney', '1 day'), ('hourly', 'Asia/Kathmandu', '1 hour');
INSERT INTO bugevents.delivery_options (user_id, time_zone, digest, quiet_from, quiet_until) VALUES ('morning', 'Europe/Berlin', '1 day', '22:00', '08:00');
SELECT user_id, at, bugevents.delivery_time(user_id, 'email', at) AT TIME ZONE time_zone AS local
  FROM bugevents.delivery_options, unnest(ARRAY['2026-03-28 22:30+00', '2026-03-29 12:00+00', '2026-10-25 00:30+00', '2026-10-25 01:30+00']::timestamptz[]) AS at
 WHERE user_id IN ('berlin', 'sydney', 'hourly', 'morning') ORDER BY user_id, at;
SELECT bool_and(bugevents.delivery_time('berlin', 'email', at) > at) AS never_before FROM generate_series('2026-01-01'::timestamptz, '2027-01-01', '17 minutes') AS at;
SELECT bugevents.time_zone('berlin'), bugevents.time_zone('nobody');

DELETE FROM bugevents.delivery_options WHERE user_id IN ('berlin', 'sydney', 'hourly', 'morning');
DROP FUNCTION series(timestamptz, interval, text, int);
