"""fanout: what a delivery costs the server, and how many it makes in a second."""
from process import cpu_seconds, say
from servers import Bugevents, FastApi, Floor, Node, faults

# Transactions per round, by clients and by events in a transaction.
COUNTS = {100: {1: 400, 50: 60}, 1000: {1: 150, 50: 30}, 10000: {1: 30, 50: 8}}
LIMIT = 20.0


def event_size(server):
    """The payload of a report's event, as this server frames it."""
    load = server.load(1).connect()
    answer = load.ask('burst 1 20 10')
    load.close()
    return round(answer['bytes'] / answer['deliveries']) - 4


def measure(cluster, report, rounds, quick):
    for tls in (False, True):
        bugevents = Bugevents(cluster, tls).start()
        size = event_size(bugevents)
        servers = [bugevents, Floor(cluster, tls).start(size), Node(cluster, tls).start(),
                   FastApi(cluster, tls).start()]
        report.note('fanout', f'an event is {size} bytes; the floor sends as many')
        try:
            for clients, counts in COUNTS.items():
                if quick and clients > 1000:
                    continue
                compare(report, servers, clients, counts, rounds)
        finally:
            for server in servers:
                server.stop()


def compare(report, servers, clients, counts, rounds):
    loads = []
    try:
        for server in servers:
            loads.append(server.load(clients).connect().keep_apart())
            say(f'    {clients} clients connected to {server.name}')
        for load in loads:
            load.ask('burst 1 5 5')
            load.ask('burst 50 1 5')
        for number in range(rounds):
            for size, count in counts.items():
                for load in loads:
                    one(report, load, clients, size, count)
            say(f'    round {number + 1}: {clients} clients')
    finally:
        for load in loads:
            load.close()


def one(report, load, clients, size, count, part='fanout', base='floor'):
    server = load.server
    pids = server.pids()
    others = [pid for pid in server.busy_pids() if pid not in pids]
    before, others_before = cpu_seconds(pids), cpu_seconds(others)
    answer = load.ask(f'burst {size} {count} {LIMIT}')
    used, others_used = cpu_seconds(pids) - before, cpu_seconds(others) - others_before
    name = server.label if hasattr(server, 'label') else server.name
    if faults(answer):
        report.note(part, f'{name}, {clients} clients, bursts of {size}: {" ".join(faults(answer))}')
    deliveries = max(answer['deliveries'], 1)
    case = f'{clients:,} clients, ' + (f'bursts of {size}' if size > 1 else 'single events') + (', TLS' if server.tls else '')
    report.add(part, case, 'CPU per delivery', 'us', name, used / deliveries * 1e6, base=base)
    report.add(part, case, 'deliveries', 'rate', name, deliveries / answer['seconds'], base=base)
    if others:
        report.add(part, case, 'dispatcher CPU per event', 'us', name,
                   others_used / (answer['bursts'] * size) * 1e6)

