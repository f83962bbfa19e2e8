"""projector: CPU that it takes for an event from which nobody is told anything: a title that changes."""
import time

from process import cpu_seconds, say

EVENTS = 100000
ROWS = 10   # of a transaction
KEPT = {
    'nothing is kept': {'bugevents.history': 'off', 'bugevents.statistics': 'off', 'bugevents.archive': 'off'},
    'history': {'bugevents.history': 'on', 'bugevents.statistics': 'off', 'bugevents.archive': 'on'},
    'history and statistics': {'bugevents.history': 'on', 'bugevents.statistics': 'on', 'bugevents.archive': 'on'},
}
BEHIND = """SELECT coalesce(sum(value), 1) FROM bugevents.stats
    WHERE name IN ('bugevents_projector_lag_seq', 'bugevents_gathering_lag_seq')"""
FILLING = "SELECT count(*) FROM bugevents.fill_progress WHERE state IN ('waiting', 'running')"


def wait(cluster, query):
    until = time.monotonic() + 300
    while cluster.psql('bugevents', query) != '0':
        if time.monotonic() > until:
            raise SystemExit('bench: the projector does not come to its end')
        time.sleep(0.2)


def change_titles(cluster, events, title):
    cluster.psql('bugevents', f'''DO $$ BEGIN FOR i IN 1..{events // ROWS} LOOP
        UPDATE bug_reports SET title = '{title} ' || i WHERE id BETWEEN (i % 1000) * {ROWS} + 1 AND (i % 1000) * {ROWS} + {ROWS};
        COMMIT; END LOOP; END $$''', options='-c synchronous_commit=off')


def measure(cluster, report, rounds, quick):
    events = EVENTS // 10 if quick else EVENTS
    for number in range(rounds):
        for case, settings in KEPT.items():
            for name, value in settings.items():
                cluster.set(name, value)
            time.sleep(1)
            wait(cluster, FILLING)
            wait(cluster, BEHIND)
            projectors = cluster.projectors()
            before = cpu_seconds(projectors)
            change_titles(cluster, events, f'{case} {number}')
            wait(cluster, BEHIND)
            report.add('projector', case, 'CPU for an event', 'us', 'bugevents', (cpu_seconds(projectors) - before) / events * 1e6)
        say('    a round')
    for name in KEPT['history']:
        cluster.set(name, 'DEFAULT')
