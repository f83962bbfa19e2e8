"""memory: what an idle connection keeps resident in the server, and what a session needs for a large transaction."""
from commit import LABELS
from process import resident_bytes, say
from servers import Bugevents, FastApi, Floor, Node

# By how much a session's address space grows: shared memory is in it from the beginning.
PEAK = r"SELECT (regexp_match(pg_read_file('/proc/self/status'), 'VmPeak:\s+(\d+) kB'))[1];"
TRANSACTION = f'''
INSERT INTO bulk (title, creator_id, project_id) SELECT 'first', 1, 1 FROM generate_series(1, 1000);
{PEAK}
INSERT INTO bulk (title, creator_id, project_id) SELECT 'many', 1, 1 FROM generate_series(1, {{rows}});
{PEAK}
SET session_replication_role = replica;
TRUNCATE bulk;
'''


def measure_transactions(cluster, report, rows):
    cluster.set('bugevents.projector', 'off')
    for design in ('bare', 'bugevents', 'outbox'):
        before, after = map(int, cluster.psql(design, TRANSACTION.format(rows=rows)).split())
        report.add('memory', f'INSERT of {rows:,} rows', 'session grows by', 'kB', LABELS[design], after - before, base='no trigger')
        say(f'    {LABELS[design]}: {(after - before) / 1024:.1f} MB for {rows:,} rows')
    cluster.set('bugevents.projector', 'on')


def measure(cluster, report, rounds, quick):
    measure_transactions(cluster, report, 100_000 if quick else 1_000_000)
    clients = 1000 if quick else 10000
    for kind, tls in ((kind, tls) for tls in (False, True) for kind in (Bugevents, Floor, Node, FastApi)):
        server = kind(cluster, tls).start()
        load = None
        try:
            if server.name == 'bugevents':
                restart(cluster, server)
            before = resident_bytes(server.pids())
            load = server.load(clients).connect()
            server.settle()
            after = resident_bytes(server.pids())
        finally:
            if load:
                load.close()
            server.stop()
        report.add('memory', f'{clients:,} idle connections' + (', TLS' if tls else ''), 'resident, each', 'kB', server.name,
                   (after - before) / clients / 1024, base='node')
        report.add('memory', 'no connection' + (', TLS' if tls else ''), 'resident', 'kB', server.name, before / 1024, base='node')
        say(f'    {server.name}: {(after - before) / clients / 1024:.2f} kB')


def restart(cluster, server):
    """A gateway that has served before has memory at hand: begin with a new one."""
    cluster.control('restart')
    server.wait_listening()
