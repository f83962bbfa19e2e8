"""reader: a client that asks for rows and their stream, again and again, and reads when it likes.

Rows as of a seq and the events behind them are all that it knows.  The rows must be those that it
could SELECT at that place in the stream, and so must what the events make of them at each
commit that follows.
"""
import json
import math
import select

from listener import Listener

# What is asked for beside types: values of fields, or projects
NARROWS = (None, None, None, {'where': {'status': ['open', 'closed', 'new']}}, {'where': {'project_id': [1, 3, None]}},
           {'where': {'priority': 'medium', 'project_id': [2, 3]}}, {'project_ids': [1, 2]}, {'any': [{'project_ids': ['3']}, {'where': {'priority': ['high', 'low']}}]})


def can_read(schema):
    """Is everything told that makes rows others?"""
    return all((schema.followed or not table.follows) and not table.quiet for table in schema.attached)


def fits(payload, narrow):
    """Does a row pass?  One without such a field does not."""
    return (all(name in payload and str(payload[name]) in map(str, values if isinstance(values, list) else [values])
                for name, values in narrow.get('where', {}).items()) and
            ('project_ids' not in narrow or str(payload.get('project_id')) in map(str, narrow['project_ids'])) and
            ('any' not in narrow or any(fits(payload, one) for one in narrow['any'])))


class Answer:
    """What came of one request."""

    def __init__(self, number, types, narrow):
        self.number, self.types, self.narrow = number, types, narrow
        self.as_of = None
        self.rows = None            # (entity, key) -> payload; None: not all of them came
        self.events = []
        self.last = False           # no other took its place

    def take(self, message):
        """A part; the first makes void what was before."""
        part = message['payload']
        if part.get('first'):
            self.as_of, self.partial = message['as_of'], {}
        twice = [row['id'] for row in part['items'] if (part['type'], row['id']) in self.partial]
        if twice or message['as_of'] != self.as_of:
            return f'{twice} twice, as of {message["as_of"]} and {self.as_of}'
        self.partial.update(((part['type'], row['id']), row) for row in part['items'])
        self.rows = self.partial if part.get('last') else None
        return None


class Reader(Listener):
    def __init__(self, *who, dice):
        super().__init__(*who)
        self.dice = dice
        self.answers = []
        self.faults = []
        self.asked = 0
        self.waited = False

    def __repr__(self):
        return f'reader, {super().__repr__()}'

    # Asking and receiving

    def say(self, kind, payload):
        self.asked += 1
        self.connection._send(1, json.dumps({'type': kind, 'id': self.asked, 'payload': payload}).encode())

    def ask(self):
        entities = [table.entity for table in self.schema.attached]
        narrow = self.dice.choice(NARROWS)
        types = ['bug_report'] if narrow else self.dice.sample(entities, self.dice.randint(1, len(entities)))
        self.answers.append(Answer(self.asked + 1, types, narrow or {}))
        self.say('subscribe', {'state': True, 'types': types, **(narrow or {})})

    def turn(self):
        """Something happened: ask, read, or neither."""
        if self.gone:
            return
        if self.dice.random() < (0.2 if self.is_done() else 0.02):
            self.ask()
        if self.dice.random() < 0.4 and select.select([self.connection], [], [], 0)[0]:
            self.take()

    def is_done(self):
        return not self.answers or self.answers[-1].rows is not None

    def end(self, seq):
        self.say('wait', {'seq': seq})
        self.end_asked = self.asked

    def take(self):
        self.connection.read()
        for text in self.connection.messages():
            message = json.loads(text)
            if message['type'] == 'connection':
                self.ready |= message['action'] == 'ready'
            elif message['type'] == 'state':
                self.take_part(message)
            elif message['type'] == 'error' and 'id' in message:
                self.take_error(message)
            elif message['type'] == 'reply':
                self.take_reply(message)
            elif 'seq' in message and self.current:
                self.current.events.append(self.event_of(message))

    current = None      # whose stream it is

    def take_reply(self, message):
        self.waited |= message['id'] == getattr(self, 'end_asked', None)
        for answer in self.answers:
            if answer.number == message['id']:
                self.current = answer

    def take_part(self, message):
        answer = next(one for one in self.answers if one.number == message['id'])
        fault = answer.take(message) if answer is self.current else 'a part of another request'
        if fault:
            self.faults.append(f'state {message["id"]}: {fault}')

    def take_error(self, message):
        if message['payload']['code'] != 'state_interrupted':
            self.faults.append(f'{message}')
        elif self.answers and message['id'] == self.answers[-1].number:
            self.answers.pop()
            self.current = None
            self.ask()

    # The judgement

    def selected(self, view, viewer):
        return {key: row for key, row in view.visible(viewer).items() if key[0] in self.judged.types and fits(row, self.judged.narrow)}

    def judge(self, verdict, commits):
        for fault in self.faults[:1]:
            verdict.accuse('state', commits[-1].transaction, f'{self}: {fault}')
        for answer in self.answers:
            answer.last = answer is self.answers[-1]
            if answer.rows is not None and not verdict.complaints:
                self.judged = answer
                self.judge_answer(verdict, commits, answer)

    def judge_answer(self, verdict, commits, answer):
        if any(event.seq <= answer.as_of for event in answer.events):
            verdict.accuse('state', commits[-1].transaction, f'{self}: events up to {answer.as_of}, of which the rows are')
        rows, unknown, events = None, set(), list(answer.events)
        known = math.inf if answer.last else max((event.seq for event in events), default=0)
        for commit in commits:
            viewer, later = self.viewer(commit.before), self.viewer(commit.after)
            if self.may_be_sent_away(commit) or not self.is_active(commit.before):
                return
            if self.gone and not self.is_active(commit.after):
                return              # amid it: the loss of a right goes ahead of the rest
            last = commit.events[-1].seq if commit.events else 0
            if last and last <= answer.as_of or rows is None and not last:
                continue
            if not last < known:
                return
            if rows is None:
                rows = dict(answer.rows)
                if commit.events[0].seq > answer.as_of:
                    self.compare_at(verdict, commit, rows, self.selected(commit.before, viewer), viewer)
            told = [event for event in events if event.seq <= last]
            events = [event for event in events if event.seq > last]
            for event in told:
                verdict.apply(commit, viewer, rows, event)
            for key in [key for key, row in rows.items() if key[0] not in answer.types or not fits(row, answer.narrow)]:
                del rows[key]
            self.compare(verdict, commit, viewer, later, rows, unknown, {(event.type, event.payload.get('id')) for event in told})
        if rows is None:
            self.compare_at(verdict, commits[-1], answer.rows, self.selected(commits[-1].after, later), later)

    def compare_at(self, verdict, commit, rows, now, viewer):
        """The rows themselves."""
        for key in sorted(rows.keys() | now.keys(), key=str):
            if verdict.is_judged(key, viewer) and rows.get(key) != now.get(key):
                verdict.accuse('state', commit.transaction,
                               f'{key}: {self}\n  as of {self.judged.as_of} is given {rows.get(key)}\n  SELECT {now.get(key)}')
                return
