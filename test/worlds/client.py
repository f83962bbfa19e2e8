"""client: somebody who is connected, asks, and notes what it is told."""
import json
import select
import time

from websocket import Connection, make_token

PATIENCE = 20           # seconds


class Late(Exception):
    """What should have come did not."""


class Client:
    def __init__(self, ground, who, role, projects, since=None):
        query = f'token={make_token(ground.secret, who, role, projects)}'
        if since:
            query += '&since=%s&stream=%s' % since
        self.who, self.role, self.projects = who, role, projects
        self.connection = Connection(ground.port, query)
        self.messages = []
        self.asked = 0

    @property
    def gone(self):
        return bool(self.connection.closed or self.connection.ended)

    def say(self, kind, payload):
        self.asked += 1
        self.connection._send(1, json.dumps({'type': kind, 'id': self.asked, 'payload': payload}).encode())
        return self.asked

    def take(self):
        self.connection.read()
        self.messages += [json.loads(text) for text in self.connection.messages()]

    def wait(self, found):
        """The first message that fits; None: it was closed."""
        at, end = 0, time.monotonic() + PATIENCE
        while True:
            while at < len(self.messages):
                if found(self.messages[at]):
                    return self.messages[at]
                at += 1
            if self.gone:
                return None
            if time.monotonic() > end:
                raise Late(f'{self.who} waits, and has {self.messages[-3:]}')
            readable, writable, _ = select.select([self.connection], [self.connection] if self.connection.outbox else [], [], 0.2)
            if writable:
                self.connection.write()
            if readable:
                self.take()

    def ready(self):
        """The position at which it begins; None: it was not let in."""
        message = self.wait(lambda m: m['type'] == 'connection' and m['action'] == 'ready')
        return message and (message['payload']['seq'], message['payload']['stream'])

    def ask(self, kind, **payload):
        number = self.say(kind, payload)
        answer = self.wait(lambda m: m.get('id') == number)
        if answer is None:
            raise Late(f'{self.who} asked for {kind}, and was closed: {self.connection.closed}')
        return answer

    def state(self, kind):
        """The rows of a kind, as they are."""
        number = self.say('subscribe', {'state': [kind]})
        if self.wait(lambda m: m.get('id') == number and (m['type'] == 'error' or m['payload'].get('last'))) is None:
            raise Late(f'{self.who} asked for a state, and was closed: {self.connection.closed}')
        parts = [m for m in self.messages if m['type'] == 'state' and m['id'] == number]
        first = max(at for at, part in enumerate(parts) if part['payload'].get('first'))
        return [row for part in parts[first:] for row in part['payload']['items']]

    def passed(self, mark):
        """Wait for a fence."""
        return self.wait(lambda m: m['type'] == 'fence' and m['payload']['mark'] == mark)

    def close(self):
        self.connection.drop()
