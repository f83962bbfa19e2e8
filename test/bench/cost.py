"""cost: the CPU that a transaction takes of the whole server, process by process.

Transactions are counted, not seconds: how fast the machine was doesn't matter.  The variants take turns
within each round, and the table has medians.  Everything that the cluster started counts, and what
takes the events out of an outbox or a channel; pgbench and the client that receives don't.
"""
import time

from cluster import free_port
from meter import SESSIONS, Meter
from process import say
from servers import Bugevents, Load, Server

# So many bugs have five people who are told of a new status.
TOLD = 2000
PEOPLE = f'''
UPDATE bug_reports SET creator_id = 101, assignee_id = 102 WHERE id <= {TOLD};
SELECT count(bugevents.watch(b::text, u::text)) FROM generate_series(1, {TOLD}) b, generate_series(103, 105) u;
'''
TITLE = r'''\set id random(1, 10000)
\set n random(1, 1000000)
UPDATE bug_reports SET title = 'The list jumps to its top ' || :n, updated_at = now() WHERE id = :id;
'''
STATUS = rf'''\set id random(1, {TOLD})
UPDATE bug_reports SET status = CASE status WHEN 'open' THEN 'closed' ELSE 'open' END, updated_at = now() WHERE id = :id;
'''
TEN = r'''\set id random(0, 999) * 10
\set n random(1, 1000000)
UPDATE bug_reports SET title = 'The list jumps to its top ' || :n, updated_at = now() WHERE id > :id AND id <= :id + 10;
'''
BULK = '''
INSERT INTO bulk (title, description, creator_id, assignee_id, project_id)
    SELECT 'The list jumps to its top ' || n, repeat('After a reload it is fine. ', 8), n % 50, {assignee}, n % 10
    FROM generate_series(1, {rows}) n;
'''
EMPTY_BULK = 'SET session_replication_role = replica; TRUNCATE bulk;'
BULK_ROWS = 100_000

BASE = 'no trigger'
# label -> database
VARIANTS = {BASE: 'bare', 'empty trigger': 'empty', 'bugevents': 'bugevents', 'without projector': 'bugevents',
            'without clients': 'bugevents', 'outbox, reader': 'outbox', 'pg_notify, listener': 'notify'}


class Outbox(Server):
    name = 'outbox'

    def start(self):
        self.port = free_port()
        self.process = self.cluster.user.start(
            [f'{self.cluster.programs}/outbox', self.cluster.conninfo('outbox'), str(self.port)],
            self.cluster.log('peer-outbox'))
        self.wait_listening()
        return self

    def source(self):
        return 'pg:' + self.cluster.conninfo('outbox')


class Scene:
    """What has to run beside a variant's transactions."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.client = None
        self.other = None
        self.projects = True
        self.outbox = Outbox(cluster)
        self.bugevents = Bugevents(cluster).start()

    def set_projector(self, on):
        if on == self.projects:
            return
        self.projects = on
        self.cluster.set('bugevents.projector', 'on' if on else 'off')
        until = time.monotonic() + 60
        while len(self.cluster.projectors()) != int(on):
            if time.monotonic() > until:
                raise SystemExit('bench: the projector does not follow its setting')
            time.sleep(0.05)

    def begin(self, variant):
        """Returns the processes to be counted besides."""
        if VARIANTS[variant] == 'bugevents':
            self.set_projector(variant != 'without projector')
        if variant in ('bugevents', 'without projector'):
            self.client = Load(self.cluster, self.bugevents, 1).connect()
        elif variant == 'outbox, reader':
            self.outbox.start()
            self.client = Load(self.cluster, self.outbox, 1).connect()
            return {'reader': self.outbox.process.pid}
        elif variant == 'pg_notify, listener':
            self.other = self.cluster.user.start(
                [f'{self.cluster.programs}/listener', self.cluster.conninfo('notify'), 'bug_reports'],
                self.cluster.log('listener'), stdout=-1)
            self.other.stdout.readline()
            return {'reader': self.other.pid}
        return {}

    def end(self):
        if self.client:
            self.client.close()
        if self.other:
            self.other.kill()
            self.other.wait()
        self.client = self.other = None
        self.outbox.stop()


class Case:
    """A transaction, how many of them, and by whom."""

    def __init__(self, name, script, count, writers, synchronous):
        self.name = f'{name}, {writers} writer{"s" if writers > 1 else ""}, sync {synchronous}'
        self.script, self.count, self.writers, self.synchronous = script, count, writers, synchronous

    def run(self, cluster, database):
        path = f'{cluster.work}/tmp/cost.sql'
        with open(path, 'w') as file:
            file.write(self.script)
        cluster.user.run(
            [f'{cluster.bin}/pgbench', '-n', '-M', 'prepared', '-c', str(self.writers), '-j', '2', '-t',
             str(self.count // self.writers), '-f', path, '-h', f'{cluster.work}/tmp', '-p', '5432',
             '-U', cluster.user.name, database], env={'PGOPTIONS': f'-c synchronous_commit={self.synchronous}'})

    def clean(self, cluster, database):
        if database == 'outbox':
            cluster.psql(database, 'VACUUM outbox')


class Bulk:
    """One transaction of many rows; the figures are of a row."""

    def __init__(self, name, assignee):
        self.name = f'INSERT of {BULK_ROWS:,} rows{name}, each row'
        self.count = BULK_ROWS
        self.sql = BULK.format(rows=BULK_ROWS, assignee=assignee)

    def run(self, cluster, database):
        cluster.psql(database, self.sql)

    def clean(self, cluster, database):
        cluster.psql(database, EMPTY_BULK + ('TRUNCATE outbox;' if database == 'outbox' else ''))


def cases(quick):
    if quick:
        return [Case('title', TITLE, 4000, 8, 'on'), Case('title', TITLE, 8000, 8, 'off'),
                Case('status with five to tell', STATUS, 2000, 8, 'on')]
    titles = [Case('title', TITLE, count, writers, synchronous)
              for synchronous, counts in (('on', (3000, 8000, 8000)), ('off', (8000, 16000, 16000)))
              for writers, count in zip((1, 8, 32), counts)]
    return titles + [Case('status with five to tell', STATUS, 4000, 8, 'on'), Case('ten rows', TEN, 2000, 8, 'on'),
                     Bulk('', 'NULL'), Bulk(' with assignees', 'n % 20')]


def measure_one(cluster, report, scene, case, variant):
    database = VARIANTS[variant]
    meter = Meter(cluster)
    others = scene.begin(variant)
    meter.start(others)
    meter.settle()
    meter.start(others)
    case.run(cluster, database)
    used = meter.stop()
    scene.end()
    case.clean(cluster, database)
    if report is None:
        return
    each = {kind: seconds / case.count * 1e6 for kind, seconds in used.items()}
    report.add('cost', case.name, 'machine', 'us', variant, sum(each.values()), base=BASE)
    report.add('cost', case.name, 'sessions', 'us', variant, each.pop(SESSIONS), base=BASE)
    for kind, value in each.items():
        if value >= 0.05:
            report.add('cost', case.name, f'... {kind}', 'us', variant, value)


def warm(cluster, scene):
    """Caches and plans; what is empty at first has rows then, and the planner knows."""
    for variant in VARIANTS:
        for case in (Case('', TITLE, 1000, 8, 'off'), Case('', STATUS, 1000, 8, 'off')):
            measure_one(cluster, None, scene, case, variant)
    cluster.psql('bugevents', 'ANALYZE')


def measure(cluster, report, rounds, quick):
    cluster.psql('bugevents', PEOPLE)
    scene = Scene(cluster)
    try:
        warm(cluster, scene)
        for number in range(rounds):
            for case in cases(quick):
                began = time.monotonic()
                for variant in VARIANTS:
                    measure_one(cluster, report, scene, case, variant)
                say(f'    round {number + 1}: {case.name}: {time.monotonic() - began:.0f} s')
            cluster.psql('postgres', 'CHECKPOINT')
    finally:
        scene.end()
        scene.set_projector(True)
