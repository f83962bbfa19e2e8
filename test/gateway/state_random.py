#!/usr/bin/python3
"""state, at random: state and stream together are the table, at each seq, for whoever may see what.

A table is written by transactions that overlap: each takes its seqs before it becomes visible, and they
become visible in any order.  Rounds of reading see what is visible at that moment, and their answers come
behind all that they may be based on, as the dispatcher has it.  Rows move between audiences, rights come
and go, tables are truncated, clients read or don't, narrow their streams, ask again and again.  Each client
keeps its rows by what it is told alone, and they are compared with the table before each event and at the end.
In every fourth world there is little memory, so that rows are spooled, and read page by page.

    state_random.py [SEED [COUNT [until]]]      SEED 0: drawn; until: up to the first that fails
"""
import random

from harness import *

ROWS = ANSWERS["ROWS"]
AUDIENCES = ["all", "admin", "admin\nproject:5", "project:5\nproject:6", "project:6", "user:1", "user:2\nuser:3"]
USERS = {"1": ("user", {5}), "2": ("user", {6}), "3": ("user", {5, 6}), "4": ("user", set()), "9": ("admin", set())}
STEPS = 60


def shown(n, secret, project, key, pad=""):
    return '{"id":%d,"n":%d,"secret":%s,"project_id":%d%s}' % (key, n, secret, project, pad)


class Row:
    def __init__(self, key, project, audience, n, secret=0):
        self.key, self.project, self.audience, self.n, self.secret = key, project, audience, n, secret

    def event(self, action="updated", audience=None, old=None):
        pad = ',"pad":"%s"' % ("x" * World.pad) if World.pad else ""
        changes = {"n": [old.n, self.n], "project_id": [old.project, self.project], "secret": [old.secret, self.secret]} if old else {}
        changes = {name: pair for name, pair in changes.items() if pair[0] != pair[1]}
        open_changes = {name: pair for name, pair in changes.items() if name != "secret"}
        return record(action=action, audience=audience or self.audience, key=str(self.key), bug=str(self.key), project=str(self.project),
                      payload=shown(self.n, self.secret, self.project, self.key, pad), open_payload=shown(self.n, "null", self.project, self.key, pad),
                      changes=json.dumps(changes) if changes else "", open_changes=json.dumps(open_changes) if open_changes else "")


FILTERS = [None, None, {"project_ids": [1]}, {"project_ids": [2, 3]}, {"where": {"n": [0, 1, 4]}}, {"where": {"n": 2}, "project_ids": ["1", 2]},
           {"any": [{"project_ids": [3]}, {"where": {"n": 3}}]}, {"where": {"secret": [0, 2]}}]


def fits(narrow, n, secret, project):
    """Does a row pass a filter?"""
    lists = [(narrow.get("project_ids"), project)] + [(narrow.get("where", {}).get(name), value) for name, value in (("n", n), ("secret", secret))]
    return (all(wanted is None or str(value) in [str(one) for one in (wanted if isinstance(wanted, list) else [wanted])] for wanted, value in lists) and
            ("any" not in narrow or any(fits(one, n, secret, project) for one in narrow["any"])))


def minus(one, other):
    """Who belongs to one but not to the other, as row_audience.c writes it; None: nobody."""
    lines = [] if "all" in other.split("\n") else [line for line in one.split("\n") if line not in other.split("\n")]
    return "\n".join(sorted(lines + ["!" + line for line in other.split("\n")])) if lines else None


def changed(old, new):
    """The events of a row that was one thing and is another."""
    if old is None:
        return [new.event("created")]
    if new is None:
        return [old.event("deleted")]
    lost, gained, kept = minus(old.audience, new.audience), minus(new.audience, old.audience), new.audience
    if old.audience == new.audience:
        lost = gained = None
    elif gained:
        kept = "\n".join(sorted(new.audience.split("\n") + ["&" + line for line in old.audience.split("\n")]))
    told = []
    if lost:
        told.append(record(action="moved_out", audience=lost, key=str(old.key), bug=str(old.key), project=str(old.project),
                           payload='{"id":%d}' % old.key))
    if gained:
        told.append(new.event("created", gained))
    if (old.n, old.project) != (new.n, new.project):
        told.append(new.event("updated", kept, old))
    elif old.secret != new.secret:
        told.append(new.event("updated", kept if gained else kept + "\n&admin", old))
    return told


class Transaction:
    def __init__(self, events, rows, rights=()):
        self.events, self.rows, self.rights = events, rows, rights
        self.visible = self.aborted = False


class Reader:
    """A client, and what it knows."""
    def __init__(self, world, user):
        self.world, self.user = world, user
        self.client = world.d.ready(world.token(user), **({"rcvbuf": 4096} if World.pad > 100000 else {}))
        self.rows = None        # not known
        self.filter = None
        self.asked = 0
        self.stale = False
        self.as_of = 0
        self.tx = None

    def ask(self):
        self.asked += 1
        self.rows, self.filter, self.tx = None, random.choice(FILTERS), None
        self.client.say({"type": "subscribe", "id": self.asked, "payload": {"state": True, "types": ["bug_report"], **(self.filter or {})}})

    def wanted(self, seq):
        """What it has to know when everything up to seq was told."""
        return self.world.seen(self.user, self.filter, seq)

    def compare(self, seq, when):
        # Who gains or loses a right has to ask again.
        self.stale = self.stale or any(self.as_of < at <= seq for at in self.world.changed[self.user])
        if self.rows is not None and not self.stale and self.rows != self.wanted(seq):
            raise AssertionError("user %s %s seq %d: %s" % (self.user, when, seq, difference(self.rows, self.wanted(seq))))

    def take(self, message):
        kind = message["type"]
        if kind == "state" and message["id"] == self.asked:
            part = message["payload"]
            if part.get("first"):
                self.rows, self.partial, self.stale, self.as_of = None, {}, False, message["as_of"]
            if message["as_of"] != self.as_of or any(item["id"] in self.partial for item in part["items"]):
                raise AssertionError("a part: %r" % message)
            self.partial.update({item["id"]: (item["n"], item["secret"]) for item in part["items"]})
            if part.get("last"):
                self.rows = self.partial
                self.compare(self.as_of, "as of")
        elif kind == "error" and message.get("id") == self.asked:
            self.rows, self.asked = None, -1
            if message["payload"]["code"] != "state_interrupted":
                raise AssertionError("%r" % message)
        elif "seq" in message and self.rows is not None:
            self.take_event(message)

    def take_event(self, event):
        tx = event["tx"]["id"]
        if event["seq"] <= self.as_of:
            raise AssertionError("%r overlaps with the state as of %d" % (event, self.as_of))
        if tx != self.tx:
            self.compare(event["seq"] - event["tx"]["n"], "before")
        self.tx = tx
        if event["action"] == "truncated":
            self.rows.clear()
        elif event["action"] in ("moved_out", "deleted"):
            self.rows.pop(event["payload"]["id"], None)
        elif "id" in event["payload"]:
            self.take_row(event["payload"])

    def take_row(self, row):
        """An update passes by the row as it is or was: one that doesn't pass any more is dropped."""
        if fits(self.filter or {}, row["n"], row["secret"], row["project_id"]):
            self.rows[row["id"]] = (row["n"], row["secret"])
        else:
            self.rows.pop(row["id"], None)

    def read(self, most):
        """What has come, up to so many messages."""
        while most and (len(self.client.buffer) > 1 or self.client.fill()):
            self.take(self.client.message())
            most -= 1

    def catch_up(self):
        self.client.say({"type": "ping", "id": "caught up"})
        while (message := self.client.message()).get("id") != "caught up":
            self.take(message)


def difference(got, wanted):
    return ", ".join("%s: got %s, wanted %s" % (key, got.get(key), wanted.get(key))
                     for key in sorted(set(got) | set(wanted)) if got.get(key) != wanted.get(key))


class World:
    pad = 0
    paged = 0       # pages read, in all worlds

    def __init__(self, seed):
        random.seed(seed)
        World.pad = {0: 120000, 2: 15000}.get(seed % 4, 0)     # more than the kernel takes for who does not read, or than there is memory
        self.d = Dispatcher(tip=100, window_size=64 << 20, state_cache_size=(2 if seed % 4 == 2 else 64) << 20)     # what the harness has of history lacks the transactions
        self.spools = {}                            # pages, by number
        self.d.auto_answer = self.question
        self.rights = {user: set(projects) for user, (_, projects) in USERS.items()}
        self.table = {n: Row(n, n % 3 + 1, random.choice(AUDIENCES), 0) for n in range(1, 80 if World.pad else 40)}
        self.visible = dict(self.table)             # by key
        self.history = [(100, dict(self.table), {user: set(p) for user, p in self.rights.items()})]
        self.pending = []                           # transactions that have their seqs
        self.held = []                              # answers, and how many transactions they have to wait for
        self.questions = []
        self.number = 100                           # of rows ever
        self.changed = {user: [] for user in USERS} # rights, at these seqs
        self.d.tables = {user: self.statements(user) for user in USERS}
        self.readers = [Reader(self, user) for user in USERS]

    def token(self, user):
        return token(user, role=USERS[user][0])

    def statements(self, user):
        return access("a", "u", user, USERS[user][0]) + b"".join(access("m", "p%d" % p, user, str(p)) for p in self.rights[user])

    def seen(self, user, narrow, seq):
        """What a user sees of the table as of a seq."""
        table, rights = next((table, rights) for at, table, rights in reversed(self.history) if at <= seq)
        mine = {"all", "user:" + user} | {"project:%d" % p for p in rights[user]} | ({"admin"} if USERS[user][0] == "admin" else set())
        secret = lambda row: row.secret if USERS[user][0] == "admin" else None
        return {key: (row.n, secret(row)) for key, row in table.items()
                if mine & set(row.audience.split("\n")) and fits(narrow or {}, row.n, secret(row), row.project)}

    # What happens

    def question(self, *one):
        if one[2] == VERBS["SPOOLED"]:
            self.page(one[0], one[1], json.loads(one[3]))
        else:
            self.questions.append(one)

    def page(self, client, request, asked):
        """Of a spool; or it isn't needed any more."""
        at, pages = asked.get("at"), self.spools.pop(asked["spool"], [])
        if at is not None:
            World.paged += 1
            self.spools[asked["spool"]] = pages
        self.d.send(ANSWER, struct.pack("=QIIQII24s24s", client, request, ROWS, self.d.tip, len(pages[at]) if pages and at is not None else 0, 0, b"", b"") +
                    (b"".join(pages[at]) if pages and at is not None else b"") + (b"+%d" % (at + 1) if at is not None and at + 1 < len(pages) else b"."))

    def free_keys(self):
        taken = {key for tx in self.pending for key in tx.rows}
        return [key for key in self.table if key not in taken]

    def reserve(self):
        """A transaction takes its seqs; its rows are its own until it ends."""
        rows, events = {}, []
        for _ in range(random.choice([1, 1, 1, 2, 4])):
            what = random.random()
            keys = [key for key in self.free_keys() if key not in rows]
            if what < 0.2 or not keys:
                self.number += 1
                key, old, new = self.number, None, Row(self.number, self.number % 3 + 1, random.choice(AUDIENCES), 1)
            else:
                key = random.choice(keys)
                old = self.table[key]
                new = None if what < 0.3 else Row(key, random.choice([1, 2, 3, old.project, old.project]), random.choice(AUDIENCES) if what < 0.55 else old.audience,
                                                  old.n + (what < 0.45 or what > 0.65), old.secret + (what > 0.6 and what < 0.75))
            told = changed(old, new)
            if told:
                rows[key] = new
                events += told
        if events:
            self.pending.append(Transaction(events, rows))

    def change_rights(self):
        user = random.choice([user for user in USERS if user != "9"])
        project = random.choice([5, 6])
        leaves = project in self.rights[user]
        self.pending.append(Transaction([record(type="membership", action="deleted" if leaves else "created", audience="admin\nuser:" + user, key="m",
                                                access=access("l" if leaves else "m", "p%d" % project, user, str(project)))],
                                        {}, (user, project, leaves)))
        while self.pending:
            self.end()

    def notice(self):
        """Nobody else writes then, since it has the table locked."""
        while self.pending:
            self.end()
        truncated = random.random() < 0.3
        self.pending.append(Transaction([record(action="truncated" if truncated else "reload", payload='{"table":"x"}')],
                                        {key: None for key in self.table} if truncated else {}))
        self.end()

    def show(self, tx):
        """It becomes visible, whoever has lower seqs."""
        tx.visible = True
        for key, row in tx.rows.items():
            self.apply(self.visible, key, row)

    def apply(self, table, key, row):
        if row is None:
            table.pop(key, None)
        else:
            table[key] = row

    def end(self):
        """One that is pending becomes visible, or is rolled back; and what is settled is delivered."""
        tx = random.choice([tx for tx in self.pending if not tx.visible] or self.pending)
        tx.aborted = not tx.rights and random.random() < 0.1 and not tx.visible
        if tx.aborted:
            tx.rows = {}
        if not tx.visible:
            self.show(tx)
        while self.pending and self.pending[0].visible:
            self.deliver(self.pending.pop(0))

    def deliver(self, tx):
        for key, row in tx.rows.items():
            self.apply(self.table, key, row)
        if tx.rights:
            user, project, leaves = tx.rights
            (self.rights[user].discard if leaves else self.rights[user].add)(project)
        seq = self.d.tip + len(tx.events)
        if tx.rights:
            self.changed[user].append(seq)
        self.history.append((seq, dict(self.table), {user: set(p) for user, p in self.rights.items()}))
        if tx.aborted:
            self.d.progress(seq)
        elif len(tx.events) > 1 and random.random() < 0.3:
            self.deliver_in_two(tx)
        else:
            self.d.publish(*tx.events, xid=seq)
        for held in self.held:
            held[0] -= 1
        self.answer_held()

    def deliver_in_two(self, tx):
        first, of, cut = self.d.tip + 1, len(tx.events), random.randrange(1, len(tx.events))
        for i, one in enumerate(tx.events):
            self.d.journal[first + i] = one
        self.d.send(EVENTS, events(first, tx.events[:cut], tx_of=of, xid=first + of - 1))
        self.read_some()
        self.d.tip += of
        self.d.send(EVENTS, events(first + cut, tx.events[cut:], tx_n=cut + 1, tx_of=of, xid=first + of - 1))

    def answer(self):
        """A round of reading, of what is visible now."""
        client, request, _verb, payload = self.questions.pop(0)
        asked = json.loads(payload)
        after = int(asked.get("after", "9:0").split(":")[1])
        rows = [row for key, row in sorted(self.visible.items()) if key > after and asked.get("project_id", str(row.project)) == str(row.project)]
        page = rows[:random.choice([3, 10, 30])]
        records = [row.event() for row in page]
        if "spool" in asked:
            pages = [] if "after" not in asked else self.spools[asked["spool"]]
            self.spools[asked["spool"]] = pages + [records[n:n + 5] for n in range(0, len(records), 5)]
            records = []
        rest = b"".join(records) + (b"+9:%d" % page[-1].key if len(page) < len(rows) else b".")
        self.held.append([len(self.pending), struct.pack("=QIIQII24s24s", client, request, ROWS, self.d.tip, len(records), 0, b"", b"") + rest])
        self.answer_held()

    def answer_held(self):
        for held in [held for held in self.held if held[0] <= 0]:
            self.held.remove(held)
            self.d.send(ANSWER, held[1])

    def read_some(self):
        for reader in random.sample(self.readers, 2):
            reader.read(random.choice([1, 5, 100]))

    def step(self, most=1.0):
        self.d.pump()
        what = random.random() * most
        if what < 0.3:
            self.reserve()
        elif what < 0.5 and self.pending:
            self.end()
        elif what < 0.75 and self.questions:
            self.answer()
        elif what < 0.85:
            random.choice(self.readers).ask()
        elif what < 0.88:
            self.change_rights()
        elif what < 0.9:
            self.notice()
        self.read_some()

    def run(self):
        for reader in self.readers:
            reader.ask()
        for _ in range(STEPS):
            self.step()
        for reader in self.readers:
            reader.ask()
        for _ in range(STEPS):
            self.step(0.75)     # nobody asks again, so that who reads slowly comes to an end
            if random.random() < 0.06:
                self.change_rights()
        while self.pending:
            self.end()
        self.d.wait(self.all_done, "all states")
        for reader in self.readers:
            reader.catch_up()
            reader.compare(self.d.tip, "at the end")
        self.d.stop()

    def all_done(self):
        while self.questions:
            self.answer()
        for reader in self.readers:
            reader.read(1000)
            if reader.asked == -1:
                reader.asked = 1000
                reader.ask()
        return all(reader.rows is not None and not reader.stale for reader in self.readers) or self.again()

    def again(self):
        for reader in self.readers:
            if reader.rows is not None and reader.stale:
                reader.ask()
        return False


given = sys.argv[1:3]
seed, count = (list(map(int, given)) + [1, 6][len(given):])[:2]
seed = seed or random.SystemRandom().randrange(1 << 30)
for one in range(seed, seed + count):
    try:
        World(one).run()
        ok(True, "seed %d" % one)
    except (AssertionError, TimeoutError) as error:
        ok(False, "seed %d" % one, error)
        if "until" in sys.argv:
            break
ok(count < 4 or World.paged > 0, "rows that there is no memory for were read by pages")
done()
