"""latency: from the INSERT to the client, beside the INSERT's own round trip."""
from process import say
from servers import Bugevents, FastApi, Floor, Node, faults

PAUSE = 0.004


def measure(cluster, report, rounds, quick):
    servers = [Bugevents(cluster).start(), Node(cluster).start(), FastApi(cluster).start(), Floor(cluster).start()]
    count = 200 if quick else 1000
    try:
        for clients in (1, 100):
            loads = [server.load(clients).connect().keep_apart() for server in servers]
            for load in loads:
                load.ask(f'latency 50 {PAUSE}')
            for number in range(rounds):
                for load in loads:
                    one(report, load, clients, count)
                say(f'    round {number + 1}: {clients} clients')
            for load in loads:
                load.close()
    finally:
        for server in servers:
            server.stop()


def one(report, load, clients, count):
    answer = load.ask(f'latency {count} {PAUSE}')
    name = load.server.name
    if faults(answer):
        report.note('latency', f'{name}, {clients} clients: {" ".join(faults(answer))}')
    case = f'{clients} client{"s" if clients > 1 else ""}'

    def add(measure, value):
        report.add('latency', case, measure, 'ms', name, value, base='node')

    # The floor has no INSERT: it is told over a socket that there is an event.
    if name != 'floor':
        add('INSERT round trip p50', answer['commit']['p50'])
        add('INSERT to client less round trip, p50', answer['delivery']['p50'] - answer['commit']['p50'])
    add('INSERT to client p50', answer['delivery']['p50'])
    add('INSERT to client p99', answer['delivery']['p99'])
    if clients > 1:
        add('INSERT to last client p50', answer['last']['p50'])
