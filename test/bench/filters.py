"""filters: what an event costs a gateway whose clients ask for values of a field, each for another one."""
import os
import sys

from process import cpu_seconds, raise_file_limit, say

CLIENTS = (1, 1000, 10000)
EVENTS = 5000
BURST = 50


def measure(cluster, report, rounds, quick):
    os.environ['BUGEVENTS_GATEWAY'] = f'{cluster.tree}/src/gateway/bugevents-gateway'
    sys.path.insert(0, f'{cluster.tree}/test/gateway')
    import harness
    for clients in CLIENTS:
        if not quick or clients <= 1000:
            compare(harness, report, clients, rounds)


def event(harness, value):
    return harness.record(key=str(value), project='7', payload='{"id":%d,"title":"The list jumps","description":null,"status":"open",'
                          '"priority":"high","creator_id":12,"assignee_id":%d,"project_id":7,"created_at":"2026-01-31T12:00:00.123456Z",'
                          '"updated_at":"2026-01-31T12:00:00.123456Z"}' % (value, value),
                          changes='{"title":["The list jumped","The list jumps"]}')


def compare(harness, report, clients, rounds):
    """The gateway alone, fed by its pipe.  Each event passes one filter; so does the last one, whose client is read."""
    dispatcher = harness.Dispatcher(tip=1, ping_interval=3600000)
    try:
        readers = [dispatcher.ready(harness.token(str(i))) for i in range(clients)]
        for i, reader in enumerate(readers):
            reader.ask({'type': 'subscribe', 'payload': {'where': {'status': ['open', 'triaged'], 'assignee_id': i}}})
        say(f'    {clients} clients, each with a filter of its own')
        for _ in range(rounds):
            before = cpu_seconds([dispatcher.process.pid])
            for n in range(0, EVENTS, BURST):
                dispatcher.publish(*[event(harness, (n + i + 1) % clients) for i in range(BURST - 1)], event(harness, 0))
                while readers[0].message()['seq'] < dispatcher.tip:
                    pass
            used = cpu_seconds([dispatcher.process.pid]) - before
            report.add('filters', 'an event that one filter lets pass', 'gateway CPU per event', 'us',
                       f'{clients:,} filter{"s" if clients > 1 else ""}', used / EVENTS * 1e6, base='1 filter')
        for reader in readers:
            reader.close()
    finally:
        dispatcher.process.kill()
        dispatcher.process.wait()


def alone():
    """Without a cluster, on what is built here."""
    from report import Report
    class Here:
        tree = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), '..', '..'))
    raise_file_limit(65536)
    report = Report()
    measure(Here, report, int(os.environ.get('ROUNDS') or 3), bool(os.environ.get('QUICK')))
    report.print()


if __name__ == '__main__':
    alone()
