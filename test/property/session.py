"""session: one that runs the steps of its transactions, and knows where it is in them.

An error rolls back to the innermost savepoint, where there is one; else what is left of the
transaction is skipped.  A session that is watched looks at the tables after each statement.
"""
import re

import psycopg2

from trail import Trail
from view import View

OK, FAILED, SKIPPED = 'ok', 'failed', 'skipped'


class Session:
    def __init__(self, dsn, schema, settings, watched):
        self.connection = psycopg2.connect(dsn)
        self.connection.autocommit = True
        self.cursor = self.connection.cursor()
        self.pid = self.connection.get_backend_pid()
        self.schema = schema
        self.watched = watched
        self.trail = None
        self.prepared = {}          # name -> (trail, pieces, may_lose) of a transaction
        for name, value in settings.items():
            self.cursor.execute(f"SET {name} = '{value}'")
        self.begin()

    def begin(self):
        """As a transaction finds it."""
        self.savepoints = []
        self.failed = False
        self.pieces = False         # something was redefined or emptied
        self.may_lose = False       # and so that what is gone can't be told row by row
        self.actor = None           # whom the last statement that was looked at acted for

    def close(self):
        self.connection.close()

    def run(self, step):
        """What became of it, and what the server said."""
        if self.failed and step.kind not in ('begin', 'rollback') and not step.kind.endswith('prepared'):
            return self.give_up(step)
        if not self.knows(step):
            return SKIPPED, ''
        try:
            self.cursor.execute(step.sql)
        except psycopg2.Error as error:
            return self.recover(step, error)
        self.follow(step)
        return OK, self.cursor.statusmessage

    def knows(self, step):
        """Is there the savepoint or the prepared transaction that the step speaks of?"""
        names = {'release': self.savepoints, 'rollback to': self.savepoints,
                 'commit prepared': self.prepared, 'rollback prepared': self.prepared}.get(step.kind)
        return names is None or step.sql.split()[-1] in names

    def give_up(self, step):
        """The rest of a transaction that failed, up to its end."""
        if step.kind in ('commit', 'prepare'):
            self.cursor.execute('ROLLBACK')
            self.failed = False
        return SKIPPED, ''

    def recover(self, step, error):
        said = str(error).split('\n')[0]
        if step.kind in ('commit', 'prepare'):
            self.cursor.execute('ROLLBACK')
        elif self.savepoints:
            name = self.savepoints[-1]
            self.cursor.execute(f'ROLLBACK TO {name}')
            self.look_back(name)
        elif step.kind != 'begin' and not step.kind.endswith('prepared'):
            self.failed = True
        return FAILED, said

    # Where it is

    def follow(self, step):
        name = step.sql.split()[-1]
        if step.kind == 'begin':
            self.begin()
            self.trail = Trail(self.view()) if self.watched else None
        elif step.kind == 'savepoint':
            self.savepoints.append(name)
            if self.trail:
                self.trail.mark(name)
        elif step.kind == 'release':
            del self.savepoints[self.savepoints.index(name):]
            if self.trail:
                self.trail.release(name)
        elif step.kind == 'rollback to':
            del self.savepoints[self.savepoints.index(name) + 1:]
            self.look_back(name)
        elif step.kind == 'prepare':
            if self.cursor.statusmessage == 'PREPARE TRANSACTION':
                self.prepared[name] = self.trail, self.pieces, self.may_lose
            self.trail = None
        elif step.kind.endswith('prepared'):
            self.trail, self.pieces, self.may_lose = self.prepared.pop(name)
        elif step.kind in ('statement', 'truncate', 'ddl'):
            self.look(step)

    def look(self, step):
        self.pieces |= step.kind != 'statement'
        self.may_lose |= bool(re.search('TRUNCATE|PARTITION|DROP TABLE', step.sql))
        if self.trail:
            sent = re.search(r"bugevents.send.*'mark', '(.*)'\)", step.sql)
            if sent:
                self.trail.sent(sent.group(1))
            if 'SET id =' in step.sql:
                self.trail.rekeyed |= {'bug_report', 'comment'}
            self.trail.look(self.view(), self.acts_for(), step.kind == 'ddl')

    def acts_for(self):
        self.cursor.execute("SELECT nullif(current_setting('bugevents.actor', true), '')")
        self.actor = self.cursor.fetchone()[0]
        return self.actor

    def look_back(self, name):
        if self.trail:
            self.trail.roll_back_to(name, self.view())

    def view(self):
        return View.read(self.cursor, self.schema)
