"""state: everybody opens the same board at once.  How many questions that takes, test/gateway/state.py has."""
import base64
import hashlib
import hmac
import json
import selectors
import socket
import time

from process import cpu_seconds, resident_bytes, say
from servers import Bugevents

ROWS = 10_000
LIMIT = 300
FILL = f"""
TRUNCATE bug_reports, bulk;
INSERT INTO bug_reports (title, description, creator_id, assignee_id, project_id)
    SELECT 'bug ' || n, repeat('words ', 20), 1, 2, n % 50 FROM generate_series(1, {ROWS}) AS n;
ANALYZE bug_reports;
"""


class Client:
    """A connection that asks, and looks for the last part, which says so at its end."""

    def __init__(self, port, token):
        self.socket = socket.create_connection(('127.0.0.1', port))
        self.socket.sendall(f'GET /ws?token={token} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
                            f'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n'.encode())
        said = b''
        while b'"action":"ready"' not in said or not said.endswith(b'}}'):
            said += self.socket.recv(65536)
        self.tail = b''
        self.got = 0
        self.done = False

    def ask(self):
        payload = json.dumps({'type': 'subscribe', 'payload': {'types': ['bug_report'], 'state': True}}).encode()
        self.socket.sendall(bytes([0x81, 0x80 | len(payload)]) + bytes(4) + payload)
        self.socket.setblocking(False)

    def read(self):
        data = self.socket.recv(1 << 20)
        if not data:
            raise SystemExit('bench: a client was cut off')
        self.got += len(data)
        self.tail = (self.tail + data[-64:])[-64:]
        self.done = self.tail.endswith(b'"last":true}}')


def sign(secret, user):
    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b'=').decode()
    signed = part(b'{"alg":"HS256"}') + '.' + part(json.dumps({'sub': str(user), 'exp': int(time.time()) + 3600}).encode())
    return signed + '.' + part(hmac.new(secret, signed.encode(), hashlib.sha256).digest())


def open_board(clients):
    """All ask; the seconds until the first and the last have all rows."""
    selector = selectors.DefaultSelector()
    began = time.monotonic()
    first = None
    for client in clients:
        client.ask()
        selector.register(client.socket, selectors.EVENT_READ, client)
    left = len(clients)
    while left:
        if time.monotonic() - began > LIMIT:
            raise SystemExit(f'bench: {left} clients have no end of their rows')
        for key, _events in selector.select(1):
            key.data.read()
            if key.data.done:
                first = first or time.monotonic() - began
                selector.unregister(key.fileobj)
                left -= 1
    return first, time.monotonic() - began


def measure_once(cluster, report, server, count):
    with open(cluster.secret, 'rb') as file:
        secret = file.read().strip()
    cluster.control('restart')
    server.wait_listening()
    clients = [Client(server.port, sign(secret, n + 1)) for n in range(count)]
    used, resident = cpu_seconds(server.pids()), resident_bytes(server.pids())
    first, last = open_board(clients)
    used, grown = cpu_seconds(server.pids()) - used, resident_bytes(server.pids()) - resident
    case = f'{count:,} clients open {ROWS:,} rows'
    for measure, unit, value in (('the first has them', 's', first), ('all have them', 's', last), ('gateway CPU', 's', used),
                                 ('gateway grows by', 'kB', grown / 1e3), ('sent', 'kB', sum(client.got for client in clients) / 1e3)):
        report.add('state', case, measure, unit, server.name, value)
    say(f'    {case}: first {first:.2f} s, all {last:.2f} s, {used:.2f} s CPU, {grown / 1e6:.1f} MB')
    for client in clients:
        client.socket.close()


def measure(cluster, report, rounds, quick):
    cluster.psql('bugevents', FILL)
    server = Bugevents(cluster).start()
    for _ in range(rounds):
        for count in (1, 100) if quick else (1, 1000):
            measure_once(cluster, report, server, count)
