"""forms: what a delivery costs as a WebSocket's frame and as a Server-Sent Event."""
import base64
import hashlib
import hmac
import json
import selectors
import socket
import time

from process import cpu_seconds, say
from servers import Bugevents, set_cores

CLIENTS = 1000
COUNTS = {1: 100, 50: 30}
MARK = b'"tx":{'       # once in each event
HEADS = {'WebSocket': 'GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n'
                      'Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n',
         'SSE': 'GET /events HTTP/1.1\r\nAccept: text/event-stream\r\n'}


def sign(secret, user):
    def part(data):
        return base64.urlsafe_b64encode(data).rstrip(b'=')
    signed = b'.'.join(part(json.dumps(one).encode()) for one in (
        {'alg': 'HS256', 'typ': 'JWT'}, {'sub': user, 'exp': int(time.time()) + 36000}))
    return (signed + b'.' + part(hmac.new(secret, signed, hashlib.sha256).digest())).decode()


class Readers:
    """Clients of one form, which count the events that they get."""

    def __init__(self, cluster, form, clients):
        with open(cluster.secret, 'rb') as file:
            secret = file.read().strip()
        self.selector = selectors.DefaultSelector()
        self.seen = [0] * clients
        self.tail = [b''] * clients
        self.sockets = []
        for number in range(clients):
            one = socket.create_connection(('127.0.0.1', cluster.port))
            one.sendall(f'{HEADS[form]}Host: localhost\r\nAuthorization: Bearer {sign(secret, str(number))}\r\n\r\n'.encode())
            got = b''
            while b'"ready"' not in got:
                got += one.recv(65536)
            one.setblocking(False)
            self.selector.register(one, selectors.EVENT_READ, number)
            self.sockets.append(one)

    def wait(self, count):
        """Until each has got so many events."""
        late = sum(seen < count for seen in self.seen)
        until = time.monotonic() + 60
        while late:
            if time.monotonic() > until:
                raise SystemExit(f'bench: {late} clients miss events')
            for key, _ in self.selector.select(1):
                number = key.data
                data = self.tail[number] + key.fileobj.recv(1 << 20)
                before = self.seen[number]
                self.seen[number] += data.count(MARK)
                self.tail[number] = data[-(len(MARK) - 1):]
                late -= before < count <= self.seen[number]

    def close(self):
        self.selector.close()
        for one in self.sockets:
            one.close()


def measure(cluster, report, rounds, quick):
    server = Bugevents(cluster).start()
    clients = CLIENTS // 4 if quick else CLIENTS
    for form in HEADS:
        readers = Readers(cluster, form, clients)
        sent = 0
        for number in range(rounds + 1):
            for size, count in COUNTS.items():
                before = cpu_seconds(server.pids())
                for _ in range(count):
                    cluster.psql('bugevents', f"INSERT INTO bulk (title, creator_id, project_id) SELECT 'a title', 1, 1 FROM generate_series(1, {size})")
                    sent += size
                    readers.wait(sent)
                used = cpu_seconds(server.pids()) - before
                if number > 0:      # the first one warms up
                    report.add('forms', f'{clients:,} clients, ' + (f'bursts of {size}' if size > 1 else 'single events'),
                               'CPU per delivery', 'us', form, used / (count * size * clients) * 1e6, base='WebSocket')
        readers.close()
        say(f'    {form}')
    server.stop()
