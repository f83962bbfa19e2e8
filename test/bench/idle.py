"""idle: CPU that all processes take together while a thousand clients are connected and nothing happens."""
import time

from meter import Meter
from process import say
from servers import Bugevents

CLIENTS = 1000


def measure(cluster, report, rounds, quick):
    seconds = 10 if quick else 30
    cluster.set('bugevents.ping_interval', "'30s'")
    client = Bugevents(cluster).start().load(CLIENTS).connect()
    meter = Meter(cluster)
    meter.start({})
    meter.settle()
    try:
        for number in range(rounds):
            meter.start({})
            time.sleep(seconds)
            used = meter.since()
            for kind, value in used.items():
                report.add('idle', f'{CLIENTS} clients', f'... {kind}', 'percent', 'of a core', value / seconds * 100)
            report.add('idle', f'{CLIENTS} clients', 'all', 'percent', 'of a core', sum(used.values()) / seconds * 100)
            say(f'    round {number + 1}: {sum(used.values()) / seconds * 100:.3f} % of a core')
    finally:
        client.close()
        cluster.set('bugevents.ping_interval', '0')
