"""world: one seed, lived through: a schema, its triggers, listeners, and a story.

    World(ground, seed, features).live() -> complaints

Everything that is drawn is drawn before anything runs, so a world can be lived again with less of
it: steps and triggers given by hand in place of those that were drawn.
"""
import json
import random

from listener import Listener, receive_all
from reader import Reader, can_read
from schema import Schema
from session import FAILED, OK, Session
from stage import Stage
from statement import Statements
from story import Story
from trigger import make_triggers
from verdict import Commit, Event, Verdict
from view import Ambiguous, View, Viewer

# Principals of those through whose eyes the complete stream is judged.
PROBES = ((), ('admin',), ('admin', 'user:1'), ('user:1',), ('user:2',), ('user:3',), ('user:4',),
          ('project:1',), ('project:2',), ('project:3',), ('user:2', 'project:1', 'project:2'))
# Who listens: user, role, projects of the token
LISTENERS = (('1', 'admin', ()), ('2', 'user', ()), ('3', 'user', (1,)))


# Who asks for rows and their stream
READERS = (('1', 'admin', ()), ('2', 'user', ()), ('3', 'user', (1,)), ('4', 'user', (2, 3)))
WIDE = 130000           # of a description, so that few rows are more than a gateway has memory for


class World:
    def __init__(self, ground, seed, features, only=None):
        self.ground = ground
        self.seed = seed
        self.only = only            # one kind of complaint
        rng = random.Random(f'world {seed}')
        self.schema = Schema(rng, features)
        self.triggers = make_triggers(rng, self.schema, Statements(rng, self.schema))
        self.watched = rng.random() < 0.85
        self.settings = {'search_path': f'w{seed}', 'statement_timeout': '5s',
                         'bugevents.spill_size': '64kB' if rng.random() < 0.3 else '1MB'}
        self.pieces = self.watched and rng.random() < 0.1 and 'pieces' in features
        if self.pieces:
            self.settings['bugevents.netting_limit'] = 4
        story = Story(rng, self.schema, self.watched)
        self.sessions = story.sessions
        # A lock that isn't given up is a prepared transaction's, of the session itself.
        self.settings['lock_timeout'] = '100ms' if self.sessions == 1 else '2s'
        self.steps = story.steps()
        self.dice = random.Random(f'readers {seed}')
        self.reads = 'states' in features and can_read(self.schema)
        self.wide = self.reads and self.dice.random() < 0.2
        self.readers = []
        self.log = []               # (step, outcome, what was said)
        self.commits = []
        self.numbers = {'transactions': 0, 'events': 0, 'messages': 0, 'states': 0}
        admin_fields = {table.entity: table.admin for table in self.schema.attached}
        self.verdict = Verdict([Viewer(principals, admin_fields) for principals in PROBES],
                               {table.entity: table.quiet for table in self.schema.attached},
                               {table.entity for table in self.schema.attached if table.is_settled})

    # Life

    def live(self):
        """The complaints, in their order, those that are known last."""
        observer = self.ground.connect()
        self.observer = observer.cursor()
        try:
            self.found()
            self.listen()
            self.play()
            self.hear()
        except Ambiguous:
            self.log.append((None, 'ambiguous', ''))
        finally:
            for one in self.readers:
                one.connection.drop()
            self.decide()
            self.observer.execute(f'SET search_path = public; DROP SCHEMA IF EXISTS w{self.seed} CASCADE')
            self.read_events()
            observer.close()
        return self.verdict.complaints

    def found(self):
        name = f'w{self.seed}'
        self.observer.execute(f'DROP SCHEMA IF EXISTS {name} CASCADE; CREATE SCHEMA {name}')
        self.observer.execute(f'SET search_path = {name}')
        self.observer.execute('; '.join(self.founding() + self.triggers))
        self.read_events()
        self.view = View.read(self.observer, self.schema)

    def founding(self):
        widen = [f"UPDATE bugs SET body = repeat(md5(id::text), {WIDE // 32})"] if self.wide else []
        return self.schema.create() + self.schema.fill() + widen + self.schema.attach()

    def listen(self):
        ground = self.ground
        self.listeners = [Listener(ground.port, ground.secret, *who, self.schema) for who in LISTENERS]
        self.readers = [Reader(ground.port, ground.secret, *who, self.schema, dice=self.dice) for who in READERS if self.reads]
        if not receive_all(self.listeners + self.readers, lambda one: one.ready):
            self.verdict.accuse('listener', 0, f'let in are only {[one for one in self.listeners if one.ready]}')
        for reader in self.readers:
            reader.ask()

    def play(self):
        watched = self.watched and self.sessions == 1
        sessions = [Session(self.ground.dsn, self.schema, self.settings, watched)
                    for _ in range(self.sessions)]
        stage = Stage(sessions, self.observer, self.done)
        try:
            stage.play(self.steps)
        finally:
            stage.close()
            for session in sessions:
                session.close()

    def done(self, session, step, outcome):
        self.log.append((step, *outcome))
        for reader in self.readers:
            reader.turn()
        if step.kind == 'begin' and session.trail:
            session.trail.before = self.view
        if outcome in ((OK, 'COMMIT'), (OK, 'COMMIT PREPARED')):
            self.committed(session, step)
        elif step.kind in ('commit', 'rollback', 'rollback prepared') or outcome[0] == FAILED:
            self.rolled_back(step)

    # The judgement

    def committed(self, session, step):
        before = self.view
        self.view, events = self.what_is_there()
        known = self.known(session, before)
        together = self.ended_together(events)
        pieces = self.pieces or session.pieces or self.looks_up_while_prepared(step) or together
        commit = Commit(step.transaction, before, self.view, events, known.pop('touched'), pieces,
                        may_lose=session.may_lose, together=together, **known)
        self.commits.append(commit)
        self.numbers['transactions'] += 1
        self.numbers['events'] += len(events)
        self.verdict.judge(commit)

    def what_is_there(self):
        """The tables, and all events up to where they are."""
        events = self.read_events()
        while True:
            view = View.read(self.observer, self.schema)
            more = self.read_events()
            if not more:
                return view, events
            events += more

    def ended_together(self, events):
        """Did another one that had waited commit with this one?  They are judged as one."""
        xids = list({event.xid for event in events})
        if self.sessions == 1 or len(xids) < 2:
            return False
        self.observer.execute("SELECT bool_and(pg_xact_status(xid::xid8) = 'committed') FROM unnest(%s) AS xid", (xids,))
        return self.observer.fetchone()[0]

    def known(self, session, before):
        """What is known of a transaction beside what was there before and is there now."""
        known = {'touched': before.differences(self.view)}
        if session.trail and session.trail.before is before:
            known = session.trail.known(self.view, session.actor)
        if self.pieces:             # they end behind statements of functions, too
            known['states'] = None
        if self.schema.followed:
            known['touched'] |= before.differences(self.view, by=lambda row: row)
        return known

    def looks_up_while_prepared(self, step):
        """Is it judged when it is prepared, by what may change until it is committed?"""
        return step.kind == 'commit prepared' and any(table.follows for table in self.schema.attached)

    def rolled_back(self, step):
        """Of several sessions another may have ended at once; the next commit tells."""
        events = self.read_events() if self.sessions == 1 else []
        if events:
            self.verdict.accuse('aborted', step.transaction, f'{step.sql} left {len(events)} events: {events[:3]}')

    def read_events(self):
        self.observer.execute("SELECT seq, xid::text, type, action, string_to_array(audience, ' '), payload, changes, actor"
                              ' FROM bugevents.events(%s, 100000)', (self.ground.position,))
        events = [Event(*row) for row in self.observer.fetchall()]
        if events:
            self.ground.position = events[-1].seq
        return events

    def decide(self):
        """What a story that was cut short left prepared."""
        self.observer.execute('SELECT gid FROM pg_prepared_xacts')
        for name, in self.observer.fetchall():
            self.observer.execute(f"ROLLBACK PREPARED '{name}'")

    def hear(self):
        """What the listeners were sent, once all of it has come."""
        mark = f'fence of {self.seed}'
        self.observer.execute("SELECT bugevents.send('fence', 'passed', %s)", (json.dumps({'mark': mark}),))
        self.read_events()
        if not receive_all(self.listeners, lambda one: one.fence == mark):
            self.verdict.accuse('listener', 0, f'never got to the end: {[one for one in self.listeners if one.fence != mark]}')
        for one in self.listeners:
            self.numbers['messages'] += len(one.events)
            if self.commits and not self.verdict.complaints:
                one.judge(self.verdict, self.commits)
            one.connection.drop()
        self.hear_readers()

    def hear_readers(self):
        """Those that ask: the rows of the last request, and all that comes behind them."""
        if not receive_all(self.readers, Reader.is_done):
            self.verdict.accuse('state', 0, f'never came: {[(one, one.answers[-1].number) for one in self.readers if not one.is_done()]}')
        for one in self.readers:
            if not one.gone:
                one.end(self.ground.position)
        if not receive_all(self.readers, lambda one: one.waited):
            self.verdict.accuse('state', 0, f'never got to the end: {[one for one in self.readers if not one.waited]}')
        for one in self.readers:
            self.numbers['states'] += len(one.answers)
            if self.commits and not self.verdict.complaints:
                one.judge(self.verdict, self.commits)

    # To be shown

    def story(self):
        """Schema, what happened up to the complaint, and the complaint."""
        complaint = self.verdict.complaints[0]
        for sql in self.founding() + self.triggers[1:]:
            yield ' '.join(sql.split())
        for step, outcome, said in self.log_up_to(complaint):
            if step is None:
                break
            session = f'{step.session}: ' if self.sessions > 1 else ''
            yield f'{session}{step.sql}{"" if outcome == OK else f"    -- {outcome} {said}"}'
        yield f'{complaint.kind}: {complaint.text}'

    def log_up_to(self, complaint):
        ends = [i for i, (step, *_) in enumerate(self.log) if step and step.transaction == complaint.transaction]
        return self.log[:ends[-1] + 1] if ends else self.log
