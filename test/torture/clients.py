"""clients: listeners of every temper, and a record of what each of them was sent.

A process runs several.  Of each connection it keeps where it began, the seqs that
came, and what was said besides; of each event the whole message once, and that it
was the same, byte for byte, whoever received it.  What needs no other knowledge is
judged at once (ascending seqs, one content for a seq); the rest is check.py's.
"""
import json
import pickle
import random
import re
import selectors
import time
import zlib
from array import array

import psycopg2

from websocket import Broken, Connection, make_token
from writers import HOT, connect

EVENT = re.compile(rb'\{"type":"[^"\\]*","action":"[^"\\]*","seq":(\d+),')

# kind: mean seconds that a connection and a pause last, bytes per second read
KINDS = {
    'steady': (None, 0.1, None),
    'hopping': (1.0, 0.1, None),
    'resuming': (6.0, 1.0, None),
    'rewinding': (4.0, 0.5, None),      # goes on from somewhere behind where it was
    'fresh': (5.0, 1.0, None),          # doesn't resume
    'slow': (20.0, 0.5, 150e3),
    'dozing': (15.0, 0.5, None),        # stops reading now and then
    'absent': (5.0, 40.0, None),        # away for longer than the journal goes back
}


class Record:
    """One connection, as check.py reads it."""

    def __init__(self, since):
        self.since = since              # asked for; None: not resumed
        self.position = since           # everything up to it was handled
        self.ready = None               # the payload of ready
        self.seqs = array('Q')
        self.resyncs = []               # (how many seqs came before it, its payload)
        self.tables = None              # what the tables said after ready
        self.end = None


class Client:
    def __init__(self, world, name, kind, user, role, projects):
        self.world = world
        self.name = name
        self.kind = kind
        self.user, self.role, self.projects = user, role, projects
        self.rng = random.Random(f'{world.seed}/client/{name}')
        self.token = make_token(world.secret, user, role, projects)
        self.connection = None
        self.record = None
        self.records = []
        self.stream = None
        self.next_at = time.monotonic() + self.rng.random()
        self.ended_at = 0.0
        self.allowance = 0.0            # bytes that a slow one may read now
        self.dozes_until = 0.0

    def is_behind(self, fence):
        """By the event itself, or by a resync_required that took it there."""
        return bool(fence and self.record and self.record.ready and self.record.position >= fence)

    # Connecting

    def since(self):
        if not self.records or self.kind == 'fresh' and not self.world.hurry:
            return None
        last = self.records[-1]
        if self.kind == 'rewinding' and last.seqs and not self.world.hurry:
            return self.rng.choice(last.seqs[-5000:])
        return last.position

    def connect(self, now):
        since = self.since()
        query = f'token={self.token}'
        if since is not None:
            query += f'&since={since}&stream={self.stream}'
        self.record = Record(since)
        buffer = {'slow': 8192, 'dozing': 16384}.get(self.kind)
        self.connection = Connection(self.world.port, query, buffer)
        self.world.watch(self, writing=True)
        lasts = KINDS[self.kind][0]
        self.next_at = now + self.rng.expovariate(1 / lasts) if lasts else float('inf')
        self.ready_by = now + 30

    def disconnect(self, now, how):
        self.world.unwatch(self)
        self.connection.drop()
        self.connection = None
        self.record.end = how
        self.world.count(f'end: {how}')
        if self.record.ready:
            self.records.append(self.record)
        pause = KINDS[self.kind][1]
        self.ended_at = now
        self.next_at = now + self.rng.expovariate(1 / pause)

    # Receiving

    def readable(self, now):
        connection = self.connection
        limit = self.reading_limit()
        if limit == 0:
            return
        self.allowance -= connection.read(limit)
        try:
            for message in connection.messages():
                self.take(message)
        except Broken as broken:
            self.world.accuse('protocol', f'client {self.name}: {broken}')
            self.disconnect(now, 'broken')
            return
        if connection.closed:
            self.disconnect(now, f'closed {connection.closed[0]} {connection.closed[1]}')
        elif connection.ended:
            self.disconnect(now, 'dropped by the server')

    def reading_limit(self):
        if self.world.hurry or self.kind != 'slow':
            return 1 << 20
        return int(max(0, min(self.allowance, 16384)))

    def wants_to_read(self, now, elapsed):
        """Slow and dozing ones don't always."""
        if self.world.hurry:
            return True
        rate = KINDS[self.kind][2]
        if rate:
            self.allowance = min(rate, self.allowance + rate * elapsed)
            return self.allowance >= 4096
        if self.kind == 'dozing' and now > self.dozes_until + 2 and self.rng.random() < 0.02:
            self.dozes_until = now + self.rng.uniform(0.2, 5)
        return now >= self.dozes_until

    def take(self, message):
        found = EVENT.match(message)
        if found is None:
            self.take_other(json.loads(message))
            return
        seq = int(found.group(1))
        record = self.record
        if record.ready is None:
            self.world.accuse('protocol', f'client {self.name}: an event before ready: {message[:200]!r}')
        elif seq <= record.position:
            self.world.accuse('order', f'client {self.name}, connection {len(self.records) + 1}: seq {seq} after'
                              f' {record.position}; before it came {list(record.seqs[-3:])}; the message:'
                              f' {message[:300].decode()}')
        record.seqs.append(seq)
        record.position = seq
        self.world.see(self, seq, message)

    def take_other(self, message):
        record = self.record
        kind, payload = message['type'], message.get('payload', {})
        if kind == 'connection' and record.ready is None:
            self.take_ready(payload)
        elif kind == 'error' and payload['code'] == 'resync_required' and record.ready:
            record.resyncs.append((len(record.seqs), payload))
            record.position = payload['seq']
            self.world.count('resync_required')
        elif kind == 'error':
            self.world.count(f'error: {payload["code"]}')
        else:
            self.world.accuse('protocol', f'client {self.name}: unexpected {json.dumps(message)[:300]}')

    def take_ready(self, payload):
        record = self.record
        record.ready = payload
        record.position = payload['seq']
        self.stream = payload['stream']
        self.world.count('connections')
        self.world.count('resumed' if payload['resumed'] else 'begun anew')
        if self.kind == 'fresh':
            record.tables = self.world.read_tables()


class World:
    """The event loop of one process of clients."""

    def __init__(self, settings, group, shared):
        self.settings = settings
        self.seed, self.secret, self.port = settings['seed'], settings['secret'], settings['port']
        self.shared = shared
        self.hurry = False              # it is over: go to the end, and stay
        self.counts = {}
        self.accusations = []
        self.sums = {}                  # seq -> checksum of its message
        self.written = 0
        self.delivered = 0
        self.selector = selectors.DefaultSelector()
        self.sample = open(f'{settings["path"]}.{group}.events', 'wb')
        self.path = f'{settings["path"]}.{group}.clients'
        self.clients = [Client(self, *one) for one in settings['clients'][group]]

    def accuse(self, promise, evidence):
        self.accusations.append((promise, evidence))
        self.shared['accusations'].value += 1

    def count(self, what):
        self.counts[what] = self.counts.get(what, 0) + 1

    def see(self, client, seq, message):
        self.delivered += 1
        checksum = zlib.crc32(message)
        known = self.sums.setdefault(seq, checksum)
        if known != checksum:
            self.accuse('content', f'client {client.name} received as {seq} another message than others:'
                        f' {message[:400].decode()}')
        elif len(self.sums) > self.written:
            self.written = len(self.sums)
            self.sample.write(message + b'\n')

    def read_tables(self):
        """What a client reads once it is connected; None while the server is down."""
        try:
            connection = connect(self.settings['dsn'] + ' options=-cstatement_timeout=2000 connect_timeout=2')
            try:
                cursor = connection.cursor()
                cursor.execute(f'SELECT id, description::bigint FROM projects WHERE id <= {HOT}')
                return dict(cursor.fetchall())
            finally:
                connection.close()
        except psycopg2.Error:
            return None

    # The loop

    def watch(self, client, writing=False):
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if writing else 0)
        self.selector.register(client.connection.socket, events, client)

    def unwatch(self, client):
        try:
            self.selector.unregister(client.connection.socket)
        except KeyError:
            pass

    def turn(self, now, elapsed):
        for client in self.clients:
            if client.connection is None:
                if now >= client.next_at or self.hurry and now >= client.ended_at + 0.1:
                    client.connect(now)
                continue
            if client.connection.ended or client.record.ready is None and now > client.ready_by:
                client.disconnect(now, 'dropped by the server' if client.connection.ended else 'no ready')
            elif now >= client.next_at and not self.hurry:
                client.disconnect(now, 'by itself')
            else:
                self.adjust(client, client.wants_to_read(now, elapsed))

    def adjust(self, client, reads):
        events = (selectors.EVENT_READ if reads else 0) | (selectors.EVENT_WRITE if client.connection.outbox else 0)
        socket = client.connection.socket
        watched = self.selector.get_map().get(socket.fileno())
        if not events:
            self.unwatch(client)
        elif watched is None:
            self.selector.register(socket, events, client)
        elif watched.events != events:
            self.selector.modify(socket, events, client)

    def run(self):
        last = time.monotonic()
        while not self.shared['finish'].is_set():
            self.hurry = self.shared['hurry'].is_set()
            now = time.monotonic()
            self.turn(now, now - last)
            last = now
            for key, events in self.selector.select(0.02):
                client = key.data
                if client.connection is None:
                    continue
                if events & selectors.EVENT_WRITE:
                    client.connection.write()
                if events & selectors.EVENT_READ:
                    client.readable(now)
            self.report()
        for client in self.clients:
            if client.connection:
                client.disconnect(last, 'end of the run')
        self.save()

    def report(self):
        self.shared['delivered'].value = self.delivered
        self.shared['connected'].value = sum(
            client.connection is not None and client.record.ready is not None for client in self.clients)
        self.shared['reached'].value = sum(client.is_behind(self.shared['fence'].value) for client in self.clients)

    def save(self):
        self.sample.close()
        with open(self.path, 'wb') as file:
            pickle.dump({
                'clients': [(c.name, c.kind, c.user, c.role, c.projects, c.records)
                            for c in self.clients],
                'counts': self.counts, 'accusations': self.accusations, 'sums': self.sums,
            }, file)


def run_clients(settings, group, shared):
    World(settings, group, shared).run()
