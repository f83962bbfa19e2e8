"""gateways: two gateways against one."""
import time

from fanout import COUNTS, one
from process import say
from servers import Bugevents


def wait_gateways(cluster, count):
    until = time.monotonic() + 30
    while len(cluster.gateways()) != count:
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    time.sleep(0.5)
    return True


def measure(cluster, report, rounds, quick):
    clients = 1000 if quick else 10000
    try:
        for number in range(rounds):
            for gateways in (1, 2):
                cluster.set('bugevents.gateways', gateways)
                if not wait_gateways(cluster, gateways):
                    report.note('gateways', f'{len(cluster.gateways())} gateways run where {gateways} are set')
                    return
                server = Bugevents(cluster).start()
                server.label = f'{gateways} gateway{"s" if gateways > 1 else ""}'
                load = server.load(clients).connect()
                try:
                    load.ask('burst 1 5 5')
                    for size, count in COUNTS[clients].items():
                        one(report, load, clients, size, count, part='gateways', base='1 gateway')
                finally:
                    load.close()
                server.settle()
            say(f'    round {number + 1}')
    finally:
        cluster.psql('postgres', 'ALTER SYSTEM RESET bugevents.gateways')
        cluster.psql('postgres', 'SELECT pg_reload_conf()')
        wait_gateways(cluster, 1)
