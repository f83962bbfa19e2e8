"""bystander: who wants nothing but ten events a second and an answer each second.

Two processes: one commits, one listens and asks.  Each writes down what it saw, by one clock, so
that neither's wait becomes the other's.
"""
import json
import os
import select
import sys
import time

import psycopg2

sys.path.append(os.path.join(os.path.dirname(os.path.realpath(__file__)), '..', 'torture'))

from websocket import Connection, make_token          # noqa: E402

EVENTS_A_SECOND = 10
PATIENCE = 60


class Client:
    """A connection that waits for what it reads."""

    def __init__(self, port, secret, user, role='user', query='', receive_buffer=None):
        self.connection = Connection(port, f'token={make_token(secret, user, role)}{query}', receive_buffer)
        self.ready = None
        self.pending = []

    def pump(self, seconds):
        """What came within that time, at the most."""
        connection = self.connection
        writing = [connection] if connection.outbox else []
        readable, writable, _ = select.select([connection], writing, [], seconds)
        if writable:
            connection.write()
        if readable:
            connection.read()
        return [json.loads(text) for text in connection.messages()] if readable else []

    def wait(self, condition, patience=PATIENCE):
        """The first message for which it holds."""
        end = time.monotonic() + patience
        while time.monotonic() < end and not self.connection.ended:
            if not self.pending:
                self.pending = self.pump(0.1)
            while self.pending:
                message = self.pending.pop(0)
                if condition(message):
                    return message
        return None

    def open(self):
        self.ready = self.wait(lambda message: message['type'] in ('connection', 'error'))
        return self

    def say(self, message):
        self.connection._send(1, json.dumps(message).encode())

    def drop(self):
        self.connection.drop()


def write_ticks(dsn, path, stop):
    """A line for each: number, before, after, what went wrong."""
    connection = psycopg2.connect(dsn)
    connection.autocommit = True
    cursor = connection.cursor()
    next_at = time.monotonic()
    n = 0
    with open(path, 'w', buffering=1) as file:
        while not stop.is_set():
            n += 1
            before = time.monotonic()
            wrong = ''
            try:
                cursor.execute('INSERT INTO projects (name) VALUES (%s)', (f'tick {n}',))
            except psycopg2.Error as error:
                wrong = str(error).splitlines()[0]
            file.write(f'{n}\t{before}\t{time.monotonic()}\t{wrong}\n')
            next_at = max(next_at + 1 / EVENTS_A_SECOND, time.monotonic() - 1)
            time.sleep(max(0, next_at - time.monotonic()))


class Listener:
    """The one who listens and asks, and comes back where it was."""

    def __init__(self, port, secret, file):
        self.port, self.secret, self.file = port, secret, file
        self.seq = self.asked = None
        self.come('')

    def come(self, query):
        self.client = Client(self.port, self.secret, '1', query=query).open()
        self.asked = None
        if self.client.ready and self.client.ready['type'] == 'connection':
            self.stream = self.client.ready['payload']['stream']
            self.seq = self.seq or self.client.ready['payload']['seq']
            self.client.say({'type': 'subscribe', 'payload': {'types': ['project']}})

    def ask(self, now):
        self.client.say({'type': 'get', 'id': 'light', 'payload': {'type': 'project', 'id': 1}})
        self.asked = now

    def take(self, message):
        now = time.monotonic()
        if message.get('id') == 'light':
            wrong = '' if message['type'] == 'reply' else message['payload']['code']
            self.file.write(f'a\t{self.asked}\t{now}\t{wrong}\n')
            self.asked = None
        elif message['type'] == 'project':
            self.seq = message['seq']
            name = str(message['payload'].get('name'))
            if name.startswith('tick '):
                self.file.write(f'e\t{name[5:]}\t{now}\n')

    def come_back(self):
        self.file.write(f'x\t{time.monotonic()}\tthe connection ended: {self.client.connection.closed}\n')
        self.come(f'&since={self.seq}&stream={self.stream}')


def listen(port, secret, path, stop):
    """A line for each event that came, answer, and end: e, number, when; a, asked, answered, wrong; x, when, why."""
    next_ask = time.monotonic()
    with open(path, 'w', buffering=1) as file:
        listener = Listener(port, secret, file)
        while not stop.is_set():
            now = time.monotonic()
            if listener.asked is None and now >= next_ask:
                listener.ask(now)
                next_ask = now + 1
            for message in listener.client.pump(0.05 if listener.asked else min(0.05, max(0, next_ask - now))):
                listener.take(message)
            if listener.client.connection.ended and not stop.is_set():
                listener.come_back()
        if listener.asked and time.monotonic() > listener.asked + 2:
            file.write(f'a\t{listener.asked}\t{time.monotonic()}\tno answer until the end\n')


class Seen:
    """Both records, read."""

    def __init__(self, ticks_path, heard_path):
        with open(ticks_path) as file:
            lines = [line.rstrip('\n').split('\t') for line in file]
        self.ticks = [(int(n), float(before), float(after), wrong) for n, before, after, wrong in lines]
        self.arrived, self.answers, self.ends = {}, [], []
        with open(heard_path) as file:
            for line in file:
                kind, *rest = line.rstrip('\n').split('\t')
                if kind == 'e':
                    self.arrived.setdefault(int(rest[0]), []).append(float(rest[1]))
                elif kind == 'a':
                    self.answers.append((float(rest[0]), float(rest[1]), rest[2]))
                else:
                    self.ends.append((float(rest[0]), rest[1]))

    def between(self, begin, end):
        """What went wrong and how long it took, for what was begun within that time."""
        ticks = [tick for tick in self.ticks if begin <= tick[1] < end]
        good = [tick for tick in ticks if not tick[3]]
        answers = [answer for answer in self.answers if begin <= answer[0] < end]
        return {
            'ticks': len(ticks),
            'refused': [f'tick {n}: {wrong}' for n, _, _, wrong in ticks if wrong],
            'lost': [f'tick {n}' for n, _, _, _ in good if n not in self.arrived]
                    + [f'tick {n} came {len(self.arrived[n])} times' for n, _, _, _ in good
                       if len(self.arrived.get(n, [1])) > 1],
            'ended': [what for at, what in self.ends if begin <= at < end],
            'delay': max((max(0, self.arrived[n][0] - after) for n, _, after, _ in good if n in self.arrived), default=0),
            'write': max((after - before for _, before, after, _ in good), default=0),
            'asked': len(answers),
            'unanswered': [wrong for _, _, wrong in answers if wrong],
            'answer': max((answered - asked for asked, answered, _ in answers), default=0),
        }
