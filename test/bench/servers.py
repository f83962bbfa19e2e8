"""servers: the servers that are compared, and the load client of each.

A server has a name, a port, the processes that serve, and a source of events:
the database in which the load client commits, or the floor's control socket.
"""
import json
import os
import select
import socket
import ssl
import time

from cluster import free_port
from process import settle

# At most so many clients begin their handshake together, except in a storm.
CONNECT_STEP = 500


class Load:
    """A load client: one line of command, one line of answer."""

    def __init__(self, cluster, server, clients):
        self.server = server
        self.clients = clients
        url = f'{"tls:" if server.tls else ""}127.0.0.1:{server.port}'
        command = [f'{cluster.programs}/load', url, str(clients), server.source()]
        if server.secret():
            command.append(server.secret())
        self.process = cluster.user.start(command, cluster.log(f'load-{server.name}'), stdin=-1, stdout=-1, text=True)

    def ask(self, command, timeout=900):
        self.process.stdin.write(command + '\n')
        self.process.stdin.flush()
        if not select.select([self.process.stdout], [], [], timeout)[0]:
            raise SystemExit(f'bench: {self.server.name}: no answer to {command}')
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f'bench: {self.server.name}: the load client ended at {command}')
        return json.loads(line)

    def connect(self):
        for upto in list(range(CONNECT_STEP, self.clients, CONNECT_STEP)) + [self.clients]:
            answer = self.ask(f'connect {upto}')
            if answer['ready'] < upto:
                raise SystemExit(f'bench: {self.server.name}: {answer["ready"]} of {upto} clients connected')
        return self

    def keep_apart(self):
        """Give the load client a core to itself, as on a machine of its own.

        Else the kernel often wakes the server on the core where the client waits,
        and the client reads nothing until the server has written to all.
        """
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) > 1:
            set_cores([self.process.pid], cores[:1])
            set_cores(self.server.busy_pids(), cores[1:])
        return self

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        set_cores(self.server.busy_pids(), os.sched_getaffinity(0))


def set_cores(pids, cores):
    for pid in pids:
        for task in os.listdir(f'/proc/{pid}/task'):
            os.sched_setaffinity(int(task), cores)


def faults(answer):
    """What a measurement must not have; empty if it's clean."""
    names = [name for name in ('uneven', 'disorder', 'resyncs', 'lost') if answer.get(name)]
    if answer.get('complete') is False:
        names.append('incomplete')
    return names


class Server:
    def __init__(self, cluster, tls=False):
        self.cluster = cluster
        self.process = None
        self.tls = tls

    def certificate(self):
        """The files of a certificate and its key for a server that does TLS, else none."""
        return self.cluster.certificate() if self.tls else []

    def secret(self):
        return None

    def pids(self):
        return [self.process.pid]

    def load(self, clients):
        return Load(self.cluster, self, clients)

    def wait_listening(self):
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                socket.create_connection(('127.0.0.1', self.port), timeout=1).close()
                return
            except OSError:
                if self.process and self.process.poll() is not None:
                    break
                time.sleep(0.05)
        raise SystemExit(f'bench: {self.name} does not listen; see {self.cluster.log("peer-" + self.name)}')

    def settle(self):
        settle(self.busy_pids())

    def busy_pids(self):
        return self.pids()

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None


class Bugevents(Server):
    name = 'bugevents'

    def start(self):
        self.port = self.cluster.port
        if self.tls:
            cert, key = self.certificate()
            self.cluster.set('bugevents.tls_key_file', f"'{key}'")
            self.cluster.set('bugevents.tls_cert_file', f"'{cert}'")
            self.wait_encrypted()
        self.wait_listening()
        return self

    def wait_encrypted(self):
        context = ssl._create_unverified_context()
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                with socket.create_connection(('127.0.0.1', self.port), timeout=5) as plain:
                    context.wrap_socket(plain).close()
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit('bench: bugevents does no TLS')

    def stop(self):
        if self.tls:
            for name in ('cert', 'key'):
                self.cluster.psql('postgres', f'ALTER SYSTEM RESET bugevents.tls_{name}_file')
            self.cluster.psql('postgres', 'SELECT pg_reload_conf()')

    def source(self):
        return 'pg:' + self.cluster.conninfo('bugevents')

    def secret(self):
        return self.cluster.secret

    def pids(self):
        return self.cluster.gateways()

    def busy_pids(self):
        return self.cluster.gateways() + self.cluster.dispatchers()


class Floor(Server):
    name = 'floor'

    def start(self, event_size=420):
        self.port = free_port()
        self.control = f'{self.cluster.work}/tmp/floor.{self.port}'
        self.process = self.cluster.user.start(
            [f'{self.cluster.programs}/floor', str(self.port), str(event_size), self.control, *self.certificate()],
            self.cluster.log('peer-floor'))
        self.wait_listening()
        return self

    def source(self):
        return 'floor:' + self.control


class Node(Server):
    name = 'node'

    def start(self):
        self.port = free_port()
        here = f'{self.cluster.tree}/test/bench'
        self.process = self.cluster.user.start(
            ['node', f'{here}/peer_node.mjs', str(self.port), f'{self.cluster.work}/tmp', 'node',
             self.cluster.user.name, *self.certificate()], self.cluster.log('peer-node'))
        self.wait_listening()
        return self

    def source(self):
        return 'pg:' + self.cluster.conninfo('node')


class FastApi(Server):
    name = 'fastapi'

    def start(self):
        self.port = free_port()
        self.process = self.cluster.user.start(
            ['python3', '-m', 'uvicorn', '--app-dir', f'{self.cluster.tree}/test/bench', '--port', str(self.port),
             '--ws', 'websockets', '--ws-ping-interval', '86400', '--backlog', '4096', '--log-level', 'warning',
             *self.tls_options(), 'peer_fastapi:app'],
            self.cluster.log('peer-fastapi'),
            env={'BENCH_PGHOST': f'{self.cluster.work}/tmp', 'BENCH_PGDATABASE': 'fastapi',
                 'BENCH_PGUSER': self.cluster.user.name, 'PYTHONDONTWRITEBYTECODE': '1'})
        self.wait_listening()
        return self

    def tls_options(self):
        if not self.tls:
            return []
        cert, key = self.certificate()
        return ['--ssl-certfile', cert, '--ssl-keyfile', key]

    def source(self):
        return 'pg:' + self.cluster.conninfo('fastapi')
