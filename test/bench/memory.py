"""memory: what an idle connection keeps resident in the server."""
from process import resident_bytes, say
from servers import Bugevents, FastApi, Floor, Node


def measure(cluster, report, rounds, quick):
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
