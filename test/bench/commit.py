"""commit: what a design costs those who write."""
import re
import time

from meter import ended_seconds
from process import cpu_seconds, say, settle
from servers import Bugevents

UPDATE = r'''\set id random(1, 10000)
\set n random(1, 1000000)
UPDATE bug_reports SET title = 'The list jumps to its top ' || :n, updated_at = now() WHERE id = :id;
'''
VARIANTS = ('bare', 'bugevents', 'unprojected', 'notify', 'outbox')
LABELS = {'bare': 'no trigger', 'empty': 'empty trigger', 'bugevents': 'bugevents', 'unprojected': 'bugevents, projector off',
          'notify': 'pg_notify', 'outbox': 'outbox'}
DATABASES = {'unprojected': 'bugevents'}
BULK_ROWS = 100_000
BULK = f'''
\\timing on
INSERT INTO bulk (title, description, creator_id, assignee_id, project_id)
SELECT 'The list jumps to its top ' || n, repeat('After a reload it is fine. ', 8), n % 50, n % 20, n % 10
FROM generate_series(1, {BULK_ROWS}) n;
\\timing off
SET session_replication_role = replica;
TRUNCATE bulk;
'''


class Writers:
    def __init__(self, cluster, report, quick):
        self.cluster, self.report = cluster, report
        self.seconds = 2 if quick else 6
        self.script = f'{cluster.work}/tmp/update.sql'
        with open(self.script, 'w') as file:
            file.write(UPDATE)

    def pgbench(self, variant, writers, synchronous):
        out = self.cluster.user.run(
            [f'{self.cluster.bin}/pgbench', '-n', '-M', 'prepared', '-c', str(writers), '-j', '2',
             '-T', str(self.seconds), '-f', self.script, '-h', f'{self.cluster.work}/tmp', '-p', '5432',
             '-U', self.cluster.user.name, DATABASES.get(variant, variant)],
            env={'PGOPTIONS': f'-c synchronous_commit={synchronous}'})
        return float(re.search(r'tps = ([0-9.]+)', out).group(1))

    def update(self, variant, writers, synchronous, helpers):
        """helpers: name -> pids of those whose work comes with the transactions."""
        case = f'UPDATE, {writers} writer{"s" if writers > 1 else ""}, synchronous_commit={synchronous}'
        before = {name: cpu_seconds(pids) for name, pids in helpers.items()}
        sessions = ended_seconds(self.cluster.postmaster())
        tps = self.pgbench(variant, writers, synchronous)
        time.sleep(0.3)  # the sessions' processes end a little later
        sessions = ended_seconds(self.cluster.postmaster()) - sessions
        self.report.add('commit', case, 'CPU of the sessions, each', 'us', LABELS[variant],
                        sessions / (tps * self.seconds) * 1e6, base='no trigger')
        self.report.add('commit', case, 'transactions', 'tps', LABELS[variant], tps, base='no trigger')
        for name, pids in helpers.items():
            used = (cpu_seconds(pids) - before[name]) / (tps * self.seconds)
            self.report.add('commit', case, 'CPU beside, each', 'us', f'{LABELS[variant]}: {name}', used * 1e6)

    def bulk(self, variant):
        out = self.cluster.psql(DATABASES.get(variant, variant), BULK)
        seconds = float(re.search(r'Time: ([0-9.]+) ms', out).group(1)) / 1000
        self.report.add('commit', f'INSERT of {BULK_ROWS:,} rows', 'time', 's', LABELS[variant], seconds,
                        base='no trigger')


class Projector:
    """The one variant has none, to show what it costs those who write."""

    def __init__(self, cluster):
        self.cluster = cluster

    def pids(self):
        return self.cluster.projectors()

    def suit(self, variant):
        if variant in ('bugevents', 'unprojected'):
            self.cluster.set('bugevents.projector', 'off' if variant == 'unprojected' else 'on')
            self.wait(1 if variant == 'bugevents' else 0)

    def wait(self, wanted, limit=30):
        until = time.monotonic() + limit
        while len(self.pids()) != wanted:
            if time.monotonic() > until:
                raise SystemExit(f'bench: {len(self.pids())} projectors, not {wanted}')
            time.sleep(0.05)
        settle(self.pids())


def measure(cluster, report, rounds, quick):
    cases = [(writers, sync) for sync in ('on', 'off') for writers in (1, 8, 32)]
    if quick:
        cases = [(8, 'on'), (32, 'on'), (8, 'off')]
    writers = Writers(cluster, report, quick)
    server = Bugevents(cluster).start()
    client = server.load(1).connect()
    listener = cluster.user.start([f'{cluster.programs}/listener', cluster.conninfo('notify'), 'bug_reports'],
                                  cluster.log('listener'), stdout=-1)
    listener.stdout.readline()
    projector = Projector(cluster)
    serving = {'dispatcher': cluster.dispatchers(), 'gateway': cluster.gateways(), 'client': [client.process.pid]}

    def beside(variant):
        if variant == 'notify':
            return {'listener': [listener.pid]}
        if variant == 'bugevents':
            return serving | {'projector': projector.pids()}
        return serving if variant == 'unprojected' else {}

    try:
        for variant in VARIANTS:
            projector.suit(variant)
            writers.pgbench(variant, 8, 'on')  # warm
        for number in range(rounds):
            for case in cases:
                began = time.monotonic()
                for variant in VARIANTS:
                    projector.suit(variant)
                    writers.update(variant, *case, beside(variant))
                    settle(server.busy_pids() + projector.pids())
                say(f'    round {number + 1}: {case[0]} writers, synchronous_commit={case[1]}:'
                    f' {time.monotonic() - began:.0f} s')
            for variant in VARIANTS:
                projector.suit(variant)
                client.ask('watch 0 0')
                writers.bulk(variant)
                if variant in ('bugevents', 'unprojected'):
                    answer = client.ask(f'watch {BULK_ROWS} 60')
                    if answer['deliveries'] != BULK_ROWS:
                        report.note('commit', f'of {BULK_ROWS} rows in one INSERT {answer["deliveries"]} came')
            say(f'    round {number + 1}: INSERT of {BULK_ROWS} rows')
            cluster.psql('postgres', 'CHECKPOINT')
    finally:
        client.close()
        listener.kill()
        listener.wait()
