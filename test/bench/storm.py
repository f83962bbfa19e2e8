"""storm: everybody is cut off, misses some events, and comes back at once."""
from process import cpu_seconds, say
from servers import Bugevents, Floor, faults

LIMIT = 120
# Transactions missed, events in each.  The second is more than the smallest window.
MISSED = {'from the window': (100, 1), 'from the journal': (100, 50)}


def journal_scans(cluster):
    return int(cluster.psql('bugevents', '''
        SELECT coalesce(sum(idx_scan), 0) + (SELECT coalesce(sum(seq_scan), 0) FROM pg_stat_all_tables
            WHERE schemaname = 'bugevents' AND relname LIKE 'journal%')
        FROM pg_stat_all_indexes WHERE schemaname = 'bugevents' AND relname LIKE 'journal%' '''))


def measure(cluster, report, rounds, quick):
    clients = 1000 if quick else 10000
    bugevents = Bugevents(cluster).start()
    for number in range(rounds):
        for where, (transactions, size) in MISSED.items():
            cluster.set('bugevents.window_size', "'1MB'" if 'journal' in where else "'64MB'")
            bugevents.settle()
            storm(report, bugevents, where, clients, transactions, size, cluster)
            floor = Floor(cluster).start(420)
            try:
                storm(report, floor, where, clients, transactions, size, cluster)
            finally:
                floor.stop()
        say(f'    round {number + 1}')
    cluster.psql('postgres', 'ALTER SYSTEM RESET bugevents.window_size')
    cluster.psql('postgres', 'SELECT pg_reload_conf()')


def storm(report, server, where, clients, transactions, size, cluster):
    missed = transactions * size
    case = f'{clients:,} clients miss {missed:,} events, {where}'
    load = server.load(clients).connect()
    try:
        load.ask('burst 1 3 10')
        load.ask('drop')
        server.settle()
        load.ask(f'unseen {size} {transactions}')
        server.settle()
        scans = journal_scans(cluster)
        before = cpu_seconds(server.pids())
        answer = load.ask(f'resume {missed} {LIMIT}')
        used = cpu_seconds(server.pids()) - before
    finally:
        load.close()
    if faults(answer):
        report.note('storm', f'{server.name}: {case}: {" ".join(faults(answer))}'
                    f' ({answer["ready"]} ready, {answer["deliveries"]} deliveries, {answer["resyncs"]} resyncs)')
    report.add('storm', case, 'all are connected', 's', server.name, answer['ready_seconds'], base='floor')
    report.add('storm', case, 'all have caught up', 's', server.name, answer['seconds'], base='floor')
    report.add('storm', case, 'server CPU', 's', server.name, used, base='floor')
    if server.name == 'bugevents':
        server.settle()
        reads = journal_scans(cluster) - scans
        report.add('storm', case, 'journal scans', 'count', server.name, reads)
