"""storm: everybody is cut off, misses some events, and comes back at once."""
import shutil
import subprocess

from process import cpu_seconds, say
from servers import Bugevents, Floor, faults

LIMIT = 120
# A FETCH on the pipe, as strace writes its header: 24 bytes, kind 104 (src/common/pipe/message.h).
FETCH = r'\30\0\0\0h\0\0\0'
# Transactions missed, events in each.  The second is more than the smallest window.
MISSED = {'from the window': (100, 1), 'from the journal': (100, 50)}


def count_fetches(cluster, log):
    """Begin to count the gateway's requests for history, for strace can see them."""
    gateway = cluster.gateways()[0]
    return subprocess.Popen(['strace', '-qq', '-f', '-s', '65536', '-e', 'trace=sendto', '-o', log, '-p', str(gateway)],
                            stderr=subprocess.DEVNULL)


def fetches(tracer, log):
    tracer.terminate()
    tracer.wait()
    with open(log) as file:
        return sum(line.count(FETCH) for line in file if 'sendto(3,' in line)


def measure(cluster, report, rounds, quick):
    clients = 1000 if quick else 10000
    bugevents = Bugevents(cluster).start()
    try:
        for number in range(rounds):
            for where, missed in MISSED.items():
                cluster.set('bugevents.window_size', "'1MB'" if 'journal' in where else "'64MB'")
                bugevents.settle()
                storm(report, bugevents, where, clients, *missed)
                floor = Floor(cluster).start(420)
                try:
                    storm(report, floor, where, clients, *missed)
                finally:
                    floor.stop()
                if number == 0:
                    count_reads(cluster, report, bugevents, where, clients, *missed)
            say(f'    round {number + 1}')
    finally:
        cluster.psql('postgres', 'ALTER SYSTEM RESET bugevents.window_size')
        cluster.psql('postgres', 'SELECT pg_reload_conf()')


def describe(where, clients, missed):
    return f'{clients:,} clients miss {missed:,} events, {where}'


def come_back(server, clients, transactions, size):
    """Connect, go, miss that much, come back; the answer and the server's CPU."""
    load = server.load(clients).connect()
    try:
        load.ask('burst 1 3 10')
        load.ask('drop')
        server.settle()
        load.ask(f'unseen {size} {transactions}')
        server.settle()
        before = cpu_seconds(server.pids())
        answer = load.ask(f'resume {transactions * size} {LIMIT}')
        return answer, cpu_seconds(server.pids()) - before
    finally:
        load.close()


def storm(report, server, where, clients, transactions, size):
    case = describe(where, clients, transactions * size)
    answer, used = come_back(server, clients, transactions, size)
    if faults(answer):
        report.note('storm', f'{server.name}: {case}: {" ".join(faults(answer))}'
                    f' ({answer["ready"]} ready, {answer["deliveries"]} deliveries, {answer["resyncs"]} resyncs)')
    report.add('storm', case, 'all are connected', 's', server.name, answer['ready_seconds'], base='floor')
    report.add('storm', case, 'all have caught up', 's', server.name, answer['seconds'], base='floor')
    report.add('storm', case, 'server CPU', 's', server.name, used, base='floor')


def count_reads(cluster, report, server, where, clients, transactions, size):
    """Once more, slower, to see how often the journal is asked."""
    if not shutil.which('strace'):
        report.note('storm', 'journal reads: not counted: strace is not installed')
        return
    log = cluster.log(f'strace.{size}')
    tracer = count_fetches(cluster, log)
    come_back(server, clients, transactions, size)
    report.add('storm', describe(where, clients, transactions * size), 'journal reads', 'count', server.name,
               fetches(tracer, log))
