"""writers: random transactions whose effects prove themselves.

Every transaction writes a row into the table ledger, its last act: its name, its
xid, what its statement's snapshot saw, and how many events it must publish, with
a digest of what they are.  So the ledger, which lives and dies with the
transactions, says which events have to be there, without asking bugevents.

The choice of each transaction's work depends on the seed, the writer and the
transaction's number alone; what comes of it depends on the others.
"""
import hashlib
import json
import random
import time
import zlib

import psycopg2

HOT = 10                # rows of projects, bug_reports and users that all writers change
LIST_MAX = 40           # events of which the ledger has the list itself
# What looks up other tables is for admins, as they may be others when it is committed, and tells others to read again.
LOOKS_UP_EARLY = ' looks up when it is prepared'


def commits_prepared(name):
    """What becomes of a prepared transaction: whoever decides it, decides the same."""
    return zlib.crc32(name.encode()) % 4 != 0


def connect(dsn):
    connection = psycopg2.connect(dsn)
    connection.autocommit = True
    return connection


class Transaction:
    """One transaction of one writer: runs it, keeping what it must publish."""

    def __init__(self, cursor, writer, number, rng, settings):
        self.name = f'w{writer}.{number}'
        self.cursor = cursor
        self.rng = rng
        self.settings = settings
        self.expected = []
        self.base = (writer * 10**6 + number) * 10**4
        self.used = 0
        self.marks = 0
        self.depth = 0
        self.looks_up = False   # what it wrote depends on other tables
        # The rows of the transactions right before, of which some were committed.
        self.earlier = [self.base - 10**4 * back for back in range(1, 6) if back < number]

    def run(self, sql, *values):
        self.cursor.execute(sql, values)
        return self.cursor.fetchall() if self.cursor.description else []

    def expect(self, kind, action, ident, mark=None, **fields):
        """A change of a row; fields whose change is an event of its own: name=(old, new)."""
        self.expected.append((kind, action, ident, mark, fields))

    def net(self):
        """The signatures of what is published: each row once, where it was changed first; or, if it was
        not changed itself, where what it looks up was."""
        rows = {}
        changed = {(kind, ident) for kind, action, ident, _, _ in self.expected if action != 'looked up'}
        for kind, action, ident, mark, fields in self.expected:
            if action == 'looked up':
                action = 'updated'
                if (kind, ident) in changed and (kind, ident) not in rows:
                    continue            # judged with the row's own change, which comes later
            row = rows.setdefault((kind, ident), {'came': action == 'created', 'action': None, 'old': {}, 'new': {}})
            if action == 'touched':
                continue
            row['action'], row['mark'] = action, mark
            for field, (old, new) in fields.items():
                row['old'].setdefault(field, old)
                row['new'][field] = new
        lines = []
        for (kind, ident), row in rows.items():
            if row['action'] is None:
                continue
            if row['action'] == 'deleted':
                if not row['came']:
                    lines.append(f'{kind} deleted {ident}')
            elif row['came'] or row['action'] not in ('created', 'updated'):
                lines.append(f'{kind} {"created" if row["came"] else row["action"]} {ident} {row["mark"]}')
            else:
                changed = [field for field in ('status', 'assignee') if row['old'].get(field) != row['new'].get(field)]
                actions = ['updated'] + ['status_changed' if field == 'status' else
                                         'assigned' if row['new']['assignee'] else 'unassigned' for field in changed]
                lines += [f'{kind} {action} {ident} {row["mark"]}' for action in actions]
        return lines

    def new_id(self):
        self.used += 1
        return self.base + self.used

    def new_mark(self):
        """What a row is marked with, a different one each time: an UPDATE must change something."""
        self.marks += 1
        return f'{self.name}/{self.marks}'

    # The kinds of work

    def count_hot_row(self):
        mark = self.new_mark()
        ident = self.rng.randint(1, HOT)
        if self.run('UPDATE projects SET description = (description::bigint + 1)::text, name = %s'
                    ' WHERE id = %s RETURNING id', mark, ident):
            self.expect('project', 'updated', ident, mark)

    def tell_what_is_seen(self):
        ident = self.rng.randint(1, HOT)
        version = self.run('SELECT description FROM projects WHERE id = %s', ident)[0][0]
        comment = self.new_id()
        self.looks_up = True
        mark = f'{self.new_mark()} saw {ident} {version}'
        self.run('INSERT INTO comments (id, bug_report_id, user_id, content) VALUES (%s, %s, 1, %s)',
                 comment, self.rng.randint(1, HOT), mark)
        self.expect('comment', 'created', comment, mark)

    def add_projects(self):
        mark = self.new_mark()
        for _ in range(self.rng.choice((1, 1, 2, 5))):
            ident = self.new_id()
            self.run('INSERT INTO projects (id, name, description) VALUES (%s, %s, %s)',
                     ident, mark, 'x' * self.rng.choice((0, 10, 100, 3000)))
            self.expect('project', 'created', ident, mark)

    def add_bug_report(self):
        mark = self.new_mark()
        ident = self.new_id()
        self.run('INSERT INTO bug_reports (id, title, description, project_id) VALUES (%s, %s, %s, %s)',
                 ident, mark, 'äöü \t"\\ ' * self.rng.randint(0, 20), self.rng.randint(1, HOT))
        self.expect('bug_report', 'created', ident, mark)

    def change_bug_report(self):
        mark = self.new_mark()
        ident = self.rng.choice([self.rng.randint(1, HOT)] + [base + 1 for base in self.earlier])
        status = self.rng.choice(('open', 'closed'))
        assignee = self.rng.choice((None, 1, 2))
        found = self.run(
            'UPDATE bug_reports b SET title = %s, status = %s, assignee_id = %s'
            ' FROM (SELECT id, status, assignee_id FROM bug_reports WHERE id = %s FOR UPDATE) o'
            ' WHERE b.id = o.id RETURNING o.status, o.assignee_id', mark, status, assignee, ident)
        for old_status, old_assignee in found:
            self.expect('bug_report', 'updated', ident, mark, status=(old_status, status),
                        assignee=(old_assignee, assignee))

    def change_user(self):
        mark = self.new_mark()
        ident = self.rng.randint(1, HOT)
        # Those who are connected (all but the last) stay what they are: the table decides.
        status = self.rng.choice(('active', 'active', 'inactive')) if ident == HOT else 'active'
        found = self.run(
            'UPDATE users u SET phone = %s, status = %s FROM (SELECT id, status FROM users WHERE id = %s FOR UPDATE) o'
            ' WHERE u.id = o.id RETURNING o.status', mark, status, ident)
        for old_status, in found:
            self.expect('user', 'updated', ident, mark, status=(old_status, status))

    def add_user(self):
        mark = self.new_mark()
        ident = self.new_id()
        self.run('INSERT INTO users (id, username, phone) VALUES (%s, %s, %s)', ident, f'u{ident}', mark)
        self.expect('user', 'created', ident, mark)

    def delete_earlier(self):
        table, kind = self.rng.choice((('projects', 'project'), ('comments', 'comment'), ('users', 'user')))
        if self.earlier:
            ident = self.rng.choice(self.earlier) + self.rng.randint(1, 3)
            self.looks_up |= kind == 'comment'
            for found, in self.run(f'DELETE FROM {table} WHERE id = %s RETURNING id', ident):
                self.expect(kind, 'deleted', found)

    def send(self):
        mark = self.new_mark()
        audience = self.rng.choice(('all', 'admin', 'user:2', 'user:3 admin', 'project:1', 'project:2 user:4'))
        ident = self.new_id()
        self.run("SELECT bugevents.send('note', 'sent', jsonb_build_object('id', %s, 'mark', %s, 'for', %s), %s)",
                 ident, mark, audience, audience)
        self.expect('note', 'sent', ident, mark)

    def change_nothing(self):
        """It is written first all the same, which is its place should something change it later."""
        ident = self.rng.randint(1, HOT)
        self.run('UPDATE bug_reports SET title = title WHERE id = %s', ident)
        self.expect('bug_report', 'touched', ident)

    def add_many(self):
        """Large enough to spill, or to find no room in the queue."""
        mark = self.new_mark()
        n = self.rng.randint(150, self.settings['many'])
        first = self.base + self.used + 1
        self.used += n
        self.run("INSERT INTO projects (id, name, description) SELECT i, %s, repeat('y', %s)"
                 ' FROM generate_series(%s::bigint, %s::bigint) i',
                 mark, self.rng.choice((20, 400, 700)), first, first + n - 1)
        for ident in range(first, first + n):
            self.expect('project', 'created', ident, mark)

    def add_large(self):
        mark = self.new_mark()
        ident = self.new_id()
        self.run('INSERT INTO projects (id, name, description) VALUES (%s, %s, %s)',
                 ident, mark, 'z' * self.rng.choice((30000, 70000, 200000)))
        self.expect('project', 'created', ident, mark)

    def one_of(self, first):
        """A row that all writers change, or perhaps one of an earlier transaction."""
        if not self.earlier or self.rng.random() < 0.7:
            return self.rng.randrange(first, first + HOT)
        return self.rng.choice(self.earlier) + self.rng.randint(1, 3)

    # Boards are projects, too, in partitions

    def add_board(self):
        mark = self.new_mark()
        ident = self.new_id()
        self.run('INSERT INTO boards (id, state, name) VALUES (%s, %s, %s)', ident, self.rng.choice(('open', 'closed')), mark)
        self.expect('project', 'created', ident, mark)

    def some_board(self):
        return self.one_of(HOT + 1)

    def move_board(self):
        """To another partition; and some on to another, or back."""
        ident = self.some_board()
        for _ in range(self.rng.choice((1, 1, 2))):
            mark = self.new_mark()
            for found, in self.run("UPDATE boards SET state = CASE state WHEN 'open' THEN 'closed' ELSE 'open' END, name = %s"
                                   ' WHERE id = %s RETURNING id', mark, ident):
                self.expect('project', 'updated', found, mark)

    def replace_board(self):
        """Deleted and inserted again under its key, here or in another partition.  Not one that this transaction made."""
        ident = self.some_board()
        for found, in self.run('DELETE FROM boards WHERE id = %s RETURNING id', ident):
            self.expect('project', 'deleted', found)
            mark = self.new_mark()
            self.run('INSERT INTO boards (id, state, name) VALUES (%s, %s, %s)', ident, self.rng.choice(('open', 'closed')), mark)
            self.expect('project', 'created', found, mark)

    def rekey_board(self):
        if not self.earlier:
            return
        ident = self.rng.choice(self.earlier) + self.rng.randint(1, 3)
        if any((kind, known) == ('project', ident) for kind, _, known, _, _ in self.expected):
            return
        mark = self.new_mark()
        new = self.new_id()
        for found, in self.run('UPDATE boards SET id = %s, name = %s WHERE id = %s RETURNING id', new, mark, ident):
            self.expect('project', 'deleted', ident)
            self.expect('project', 'created', found, mark)

    # Replies are comments whose triggers write others

    def add_branch(self):
        """A reply to a reply to a reply."""
        mark = self.new_mark()
        parent = None
        for _ in range(3):
            ident = self.new_id()
            self.run('INSERT INTO replies (id, parent, content) VALUES (%s, %s, %s)', ident, parent, mark)
            self.expect('comment', 'created', ident, mark)
            parent = ident

    def delete_branch(self):
        """One, and what hangs on it by cascades."""
        if not self.earlier:
            return
        ident = self.rng.choice(self.earlier) + self.rng.randint(1, 4)
        found = self.run('WITH RECURSIVE branch AS (SELECT id, 0 AS depth FROM replies WHERE id = %s'
                         ' UNION ALL SELECT r.id, depth + 1 FROM branch b JOIN replies r ON r.parent = b.id)'
                         ' SELECT id FROM branch ORDER BY depth', ident)
        if self.run('DELETE FROM replies WHERE id = %s RETURNING id', ident):
            for deleted, in found:
                self.expect('comment', 'deleted', deleted)

    def some_reply(self):
        return self.one_of(1)

    def change_reply(self):
        """One whose trigger changes another one, too."""
        how = self.rng.choice(('before', 'early', 'late'))
        ident, sibling = self.some_reply(), self.some_reply()
        if not self.run('SELECT id FROM replies WHERE id = %s FOR UPDATE', ident):
            return
        mark = self.new_mark()
        echoed = ident != sibling and self.run('SELECT id FROM replies WHERE id = %s FOR UPDATE', sibling)
        self.run('UPDATE replies SET content = %s, how = %s, sibling = %s WHERE id = %s', mark, how, sibling, ident)
        both = [(ident, mark)] + ([(sibling, f'{mark}!')] if echoed else [])
        for changed, text in both if how == 'late' else reversed(both):
            self.expect('comment', 'updated', changed, text)

    def change_both_replies(self):
        """Two at once, of which the first one's trigger changes the other one again."""
        how = self.rng.choice(('early', 'late'))
        ident, sibling = self.some_reply(), self.some_reply()
        if ident == sibling or len(self.run('SELECT id FROM replies WHERE id IN (%s, %s) FOR UPDATE', ident, sibling)) < 2:
            return
        mark = self.new_mark()
        order = [found for found, in self.run(
            'UPDATE replies SET content = %s, how = CASE id WHEN %s THEN %s END, sibling = %s WHERE id IN (%s, %s) RETURNING id',
            mark, ident, how, sibling, ident, sibling)]
        for changed in order if how == 'late' else [sibling, ident]:
            self.expect('comment', 'updated', changed, f'{mark}!' if changed == sibling else mark)

    # Labelled ones are comments of which the text and the audience stand elsewhere

    def add_labelled(self):
        ident = self.new_id()
        who = self.rng.choice((None, 'admin', 'user:3', 'project:2'))
        self.looks_up = True
        mark = self.new_mark() + (f' for {who}' if who else '')
        self.run('INSERT INTO labelled VALUES (%s)', ident)
        self.expect('comment', 'created', ident, mark)
        self.step()
        self.run('INSERT INTO labels VALUES (%s, %s)', ident, 'not yet')
        if who:
            self.run('INSERT INTO confined VALUES (%s, %s)', ident, who)
        self.run('UPDATE labels SET content = %s WHERE id = %s', mark, ident)

    def change_label(self):
        if not self.earlier:
            return
        ident = self.rng.choice(self.earlier) + self.rng.randint(1, 3)
        if not self.run('SELECT id FROM labelled WHERE id = %s FOR UPDATE', ident):
            return
        self.looks_up = True
        for text, in self.run("UPDATE labels SET content = %s || substring(content FROM '( for .*)?$') WHERE id = %s RETURNING content", self.new_mark(), ident):
            self.expect('comment', 'looked up', ident, text)

    def delete_labelled(self):
        if self.earlier:
            ident = self.rng.choice(self.earlier) + self.rng.randint(1, 3)
            self.looks_up = True
            for found, in self.run('DELETE FROM labelled WHERE id = %s RETURNING id', ident):
                self.expect('comment', 'deleted', found)

    def fail(self):
        """Only within a savepoint."""
        try:
            self.run('INSERT INTO projects (id, name) VALUES (%s, %s), (1, %s)', self.new_id(), self.name, self.name)
        except psycopg2.IntegrityError:
            return
        raise AssertionError('a second project 1')

    KINDS = ((count_hot_row, 30), (tell_what_is_seen, 25), (add_projects, 20), (add_bug_report, 10),
             (change_bug_report, 20), (change_user, 10), (add_user, 5), (delete_earlier, 10), (send, 15),
             (change_nothing, 3), (add_large, 1), (add_board, 8), (move_board, 12), (replace_board, 6), (rekey_board, 6),
             (add_branch, 6), (delete_branch, 6), (change_reply, 15), (change_both_replies, 15), (add_labelled, 8),
             (change_label, 8), (delete_labelled, 4))

    def step(self):
        kinds, weights = zip(*self.KINDS)
        self.rng.choices(kinds, weights)[0](self)

    def level(self):
        """A savepoint, released or rolled back to."""
        self.depth += 1
        name = f's{self.depth}'
        kept = len(self.expected)
        self.run(f'SAVEPOINT {name}')
        if self.rng.random() < 0.15:
            self.fail()
            back = True
        else:
            if self.rng.random() < self.settings['many_share']:
                self.add_many()
            self.block()
            back = self.rng.random() < 0.5
        if back:
            self.run(f'ROLLBACK TO {name}')
            del self.expected[kept:]
        if self.rng.random() < 0.7:
            self.run(f'RELEASE {name}')
        self.depth -= 1

    def block(self):
        for _ in range(self.rng.choice((1, 1, 2, 3))):
            if self.depth < 4 and self.rng.random() < 0.25:
                self.level()
            else:
                self.step()

    def sign(self, as_what):
        """The row in the ledger, with what this very statement could see."""
        lines = self.net()
        text = '\n'.join(lines)
        self.run('INSERT INTO ledger (name, xid, seen, n, digest, list)'
                 ' SELECT %s, pg_current_xact_id()::text::bigint, pg_current_snapshot()::text, %s, %s, %s',
                 self.name + as_what, len(lines), hashlib.md5(text.encode()).hexdigest(),
                 text if len(lines) <= LIST_MAX else None)

    def perform(self):
        """All of it; 'prepared', 'committed' or 'rolled back'."""
        rng = self.rng
        self.run(rng.choices(('BEGIN', 'BEGIN ISOLATION LEVEL REPEATABLE READ'), (9, 1))[0])
        if rng.random() < self.settings['asynchronous']:
            self.run('SET LOCAL synchronous_commit = off')
        if rng.random() < 0.5:
            self.run('SET LOCAL bugevents.spill_size = 64')
        many = rng.random() < self.settings['many_share']
        if many and rng.random() < 0.7:
            self.add_many()
        if many and rng.random() < 0.7:
            self.level()
        self.block()
        end = rng.choices(('COMMIT', 'ROLLBACK', 'PREPARE'), (80, 8, 12))[0]
        self.sign(LOOKS_UP_EARLY if end == 'PREPARE' and self.looks_up else '')
        if end == 'PREPARE':
            self.run(f"PREPARE TRANSACTION '{self.name}'")
            return 'prepared'
        self.run(end)
        return 'committed' if end == 'COMMIT' else 'rolled back'


def decide(cursor, name):
    """COMMIT PREPARED or ROLLBACK PREPARED, as its name says."""
    cursor.execute(f"{'COMMIT' if commits_prepared(name) else 'ROLLBACK'} PREPARED '{name}'")


class Tally:
    """Numbers that the main process shows."""
    NAMES = ('committed', 'rolled back', 'prepared', 'failed', 'decided', 'lost connections')

    def __init__(self, context):
        self.values = {name: context.Value('q', 0) for name in self.NAMES}

    def add(self, name, n=1):
        with self.values[name].get_lock():
            self.values[name].value += n

    def get(self):
        return {name: value.value for name, value in self.values.items()}


def keep_connected(dsn, stop, tally, session):
    """Call session(cursor) until stop; connect again whenever the connection is lost."""
    while not stop.is_set():
        try:
            connection = connect(dsn)
        except psycopg2.Error:
            stop.wait(0.1)
            continue
        try:
            session(connection, connection.cursor())
        except psycopg2.Error:
            tally.add('lost connections')
        finally:
            connection.close()


def run_writer(dsn, seed, writer, settings, stop, tally):
    number = 0

    def one(connection, cursor):
        rng = random.Random(f'{seed}/writer/{writer}/{number}')
        transaction = Transaction(cursor, writer, number, rng, settings)
        try:
            end = transaction.perform()
            tally.add(end)
            if end == 'prepared' and rng.random() < 0.4:
                decide(cursor, transaction.name)
                tally.add('decided')
        except psycopg2.Error:
            if connection.closed:
                raise
            tally.add('failed')
            cursor.execute('ROLLBACK')
        stop.wait(rng.expovariate(1) * settings['pause'])

    def session(connection, cursor):
        nonlocal number
        cursor.execute("SET lock_timeout = '500ms'; SET statement_timeout = '20s'")
        while not stop.is_set():
            number += 1
            one(connection, cursor)

    keep_connected(dsn, stop, tally, session)


def decide_all(cursor, tally, may_wait):
    """Every prepared transaction, or those that nobody else decides just now."""
    cursor.execute('SELECT gid FROM pg_prepared_xacts ORDER BY prepared')
    for name, in cursor.fetchall():
        try:
            decide(cursor, name)
            tally.add('decided')
        except psycopg2.errors.UndefinedObject:
            pass                        # its writer was faster
        except psycopg2.errors.ObjectNotInPrerequisiteState:
            if may_wait:
                raise


def run_registrar(dsn, seed, stop, tally):
    """The session that decides what others prepared, now or after a restart."""
    rng = random.Random(f'{seed}/registrar')

    def session(_connection, cursor):
        cursor.execute("SET statement_timeout = '20s'")
        while not stop.is_set():
            decide_all(cursor, tally, False)
            stop.wait(rng.random())

    keep_connected(dsn, stop, tally, session)


def run_scribe(dsn, path, stop, position, failure):
    """Copies the journal into a file while it is there, only what a crash can't take back.

    What was read is kept once a synchronous commit that came later is through:
    then the WAL up to it is flushed, and so is all that was read.
    """
    since = 0

    def session(_connection, cursor):
        nonlocal since
        cursor.execute('SET synchronous_commit = on; SET statement_timeout = 0')
        while True:
            cursor.execute('SELECT seq, xid::text::bigint, type, action, audience, payload::text, changes::text'
                           ' FROM bugevents.events(%s, 5000)', (since,))
            rows = cursor.fetchall()
            if rows:
                cursor.execute('UPDATE scribe SET seq = %s', (rows[-1][0],))
                for row in rows:
                    file.write(json.dumps(row) + '\n')
                file.flush()
                since = rows[-1][0]
                position.value = since
            elif stop.is_set():
                return
            else:
                time.sleep(0.1)

    with open(path, 'w') as file:
        while True:
            try:
                connection = connect(dsn)
                try:
                    session(connection, connection.cursor())
                    return
                finally:
                    connection.close()
            except psycopg2.errors.ObjectNotInPrerequisiteState as error:
                failure.value = str(error).encode()[:1000]
                return
            except psycopg2.Error:
                time.sleep(0.1)
