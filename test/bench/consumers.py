"""consumers: events that a consumer in SQL takes in a second, beside one that empties an outbox."""
import time

from process import say

EVENTS = 100000
BATCH = 1000

TAKE = {
    'bugevents': ("SELECT bugevents.set_consumer('bench', bugevents.last_seq())",
                  f"SELECT count(payload) FROM bugevents.consume('bench', {BATCH})"),
    'outbox': ('TRUNCATE outbox',
               f'WITH taken AS (DELETE FROM outbox WHERE id IN (SELECT id FROM outbox ORDER BY id LIMIT {BATCH} FOR UPDATE SKIP LOCKED)'
               ' RETURNING event) SELECT count(event) FROM taken'),
}
LOOP = '''DO $$
DECLARE
    n int;
BEGIN
    LOOP
        n := ({});
        COMMIT;
        EXIT WHEN n = 0;
    END LOOP;
END $$'''


def fill(cluster, design, events, size):
    """So many events, in transactions of size rows."""
    cluster.psql(design, f'''DO $$ BEGIN FOR i IN 1..{events // size} LOOP
        INSERT INTO bulk (title, description, creator_id, project_id)
            SELECT 'a title', repeat('After a reload it is fine. ', 8), 1, 1 FROM generate_series(1, {size});
        COMMIT; END LOOP; END $$''', options='-c synchronous_commit=off')


def measure(cluster, report, rounds, quick):
    events = EVENTS // 10 if quick else EVENTS
    for _ in range(rounds):
        for size in (1, 100):
            for design, (begin, take) in TAKE.items():
                cluster.psql(design, begin)
                fill(cluster, design, events, size)
                loop = LOOP.format(take) if design == 'bugevents' else LOOP.format('0').replace('n := (0);', take.replace(
                    'SELECT count(event) FROM taken', 'SELECT count(event) INTO n FROM taken') + ';')
                began = time.monotonic()
                cluster.psql(design, loop)
                report.add('consumers', f'transactions of {size}', f'taken, {BATCH} at a time', 'rate', design,
                           events / (time.monotonic() - began), base='outbox')
        say('    a round')
