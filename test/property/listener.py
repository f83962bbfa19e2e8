"""listener: a client over WebSocket, and what it shows: the fold of what it was told.

It knows the rows that it could SELECT when it connected and applies every message to them.  At each
commit of the story what it shows must be what it could SELECT then, by the rights it has then.  Of
some rows it can't know: those that came into its sight by a right and not by a change, and those
whose looked-up values changed where nobody follows them.  They count again when they are told of.
"""
import json
import select
import time

from verdict import Event, is_row, key_of
from view import Viewer
from websocket import Connection, make_token

PATIENCE = 20           # seconds


class Listener:
    def __init__(self, port, secret, user, role, projects, schema):
        self.user, self.role, self.projects = user, role, projects
        self.schema = schema
        self.admin_fields = {table.entity: table.admin for table in schema.attached}
        self.connection = Connection(port, f'token={make_token(secret, user, role, projects)}')
        self.events = []
        self.ready = False
        self.fence = None

    def __repr__(self):
        return f'client of user {self.user} (role {self.role}, projects {self.projects})'

    # Receiving

    def take(self):
        self.connection.read()
        for text in self.connection.messages():
            message = json.loads(text)
            if message['type'] == 'connection':
                self.ready |= message['action'] == 'ready'
            elif message['type'] == 'fence':
                self.fence = message['payload']['mark']
            elif 'seq' in message:
                self.events.append(self.event_of(message))

    @staticmethod
    def event_of(message):
        return Event(message['seq'], message['tx']['id'], message['type'], message['action'], None,
                     message['payload'], message.get('changes'), message.get('actor'))

    @property
    def gone(self):
        return bool(self.connection.closed or self.connection.ended)

    # What it may see

    def is_active(self, view):
        if not self.decides('user'):
            return True
        row = view.of('user').get(int(self.user))
        return bool(row) and row.payload['status'] == 'active'

    def decides(self, entity):
        return any(table.entity == entity for table in self.schema.attached)

    def viewer(self, view):
        principals = {f'user:{self.user}'} | {f'project:{project}' for project in self.projects}
        person = view.of('user').get(int(self.user))
        if self.role == 'admin' and (not self.decides('user') or person and person.payload['role'] == 'admin'):
            principals.add('admin')
        principals |= {f'project:{row.payload["project_id"]}' for row in view.of('membership').values()
                       if str(row.payload['user_id']) == self.user}
        return Viewer(principals, self.admin_fields)

    # The judgement

    def selected(self, view, viewer):
        return view.visible(viewer)

    def judge(self, verdict, commits):
        state, unknown, last = None, set(), 0
        events = iter(self.events + [None])
        event = next(events)
        for commit in commits:
            viewer, later = self.viewer(commit.before), self.viewer(commit.after)
            if state is None:
                state = commit.before.visible(viewer)
            if self.may_be_sent_away(commit):
                return
            if not self.is_active(commit.before):
                break
            last = commit.events[-1].seq if commit.events else last
            seen = []
            while event and event.seq <= last:
                seen.append(event)
                event = next(events)
            for message in seen:
                verdict.apply(commit, viewer, state, message)
            self.compare(verdict, commit, viewer, later, state, unknown, {key_of(e) for e in seen if is_row(e)})
        if event:
            verdict.accuse('listener', commits[-1].transaction, f'{self} was sent what it should not have been: {event}')
        if self.gone and all(self.is_active(commit.after) for commit in commits):
            verdict.accuse('listener', commits[-1].transaction, f'{self} was disconnected: {self.connection.closed}')

    def may_be_sent_away(self, commit):
        """To be looked up again: what a piece says of rights is not what they are at the commit."""
        return (self.gone and commit.pieces and self.connection.closed and self.connection.closed[1] == 'access_changed' and
                any(event.type in ('user', 'membership') for event in commit.events))

    def compare(self, verdict, commit, viewer, later, state, unknown, told):
        """What it shows, against what it can SELECT."""
        now = self.selected(commit.after, later)
        unknown -= told
        if viewer.principals != later.principals:
            self.regroup(commit, later, state, unknown, now)
        stale = {key for key in commit.before.rows.keys() & commit.after.rows.keys()
                 if key not in commit.touched and commit.before.rows[key] != commit.after.rows[key]}
        unknown |= stale
        for key in unknown:
            state.pop(key, None)
        for key in sorted(state.keys() | now.keys(), key=str):
            shown, selected = state.get(key), now.get(key)
            if key not in unknown and verdict.is_judged(key, later) and verdict.differ(key, shown, selected):
                verdict.accuse('fold', commit.transaction,
                               f'{key}: {self}\n  shows  {shown}\n  SELECT {selected}')
                return

    @staticmethod
    def regroup(commit, later, state, unknown, now):
        """Its rights changed in this transaction: rows come and go in its sight without a message."""
        for key in [key for key in state if key not in now]:
            del state[key]
        unknown |= {key for key in now if key not in state}
        unknown |= commit.touched


def receive_all(listeners, condition):
    """Until the condition holds for each that is not gone."""
    end = time.monotonic() + PATIENCE
    while True:
        waiting = [one for one in listeners if not one.gone and not condition(one)]
        if not waiting or time.monotonic() > end:
            return not waiting
        connections = {one.connection: one for one in waiting}
        readable, writable, _ = select.select(connections, [one for one in connections if one.outbox], [], 0.5)
        for connection in writable:
            connection.write()
        for connection in readable:
            connections[connection].take()
