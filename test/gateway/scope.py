#!/usr/bin/python3
"""What is for admins comes only while one is connected: then admins get all of it, each event once."""
import random

from harness import *

SECRET = record(type="user", action="created", audience="admin", key="9", payload='{"email":"secret"}')


def admin(d, sub="3", **more):
    return d.ready(token(sub, role="admin"), **more)


def resume(d, since, **more):
    return admin(d, query="since=%d&stream=%s" % (since, d.stream), **more)


def nothing_came(client):
    """By the time that a ping was answered, whose pipe was read before."""
    client.say({"type": "ping", "id": "p"})
    return client.message().get("id") == "p"


def emails(messages):
    return [(m["seq"], m["payload"].get("email")) for m in messages]


d = Dispatcher(whole=False)
user = d.ready(token("1"))
before = d.publish(SECRET)
d.publish(record(payload='{"n":1}', open_payload='{"n":0}'))
equal(user.message()["payload"], {"n": 0}, "without an admin: others get what is for them")
equal(d.all_fetches, 0, "... at once")

# An admin comes, and what is for admins comes after it.
a = admin(d)
held = d.publish(SECRET)
d.publish(record(payload='{"n":2}', open_payload='{"n":0}'))
equal(user.message()["payload"], {"n": 0}, "an admin is there, for whom nothing comes yet: others go on")
ok(nothing_came(a), "... and the admin gets nothing that is not whole")
d.scope(True)
seen = a.messages(2)
equal(emails(seen), [(held, "secret"), (held + 1, None)], "then the admin gets what came meanwhile, whole")
equal(seen[1]["payload"], {"n": 2}, "... the fields for admins, too")
fetches = d.all_fetches
live = d.publish(SECRET)
equal(emails([a.message()]), [(live, "secret")], "... and goes on live")
equal(d.all_fetches, fetches, "... without a fetch")

# Resume, from where the window has no more than everybody may see.
c = resume(d, before - 1)
seen = c.messages(5)
equal([m["seq"] for m in seen], list(range(before, live + 1)), "who resumes from before gets all of it, in order")
equal([m["payload"] for m in seen], [{"email": "secret"}, {"n": 1}, {"email": "secret"}, {"n": 2}, {"email": "secret"}],
      "... whole")
u = d.ready(token("2"), query="since=%d&stream=%s" % (before - 1, d.stream))
equal([m["payload"] for m in u.messages(2)], [{"n": 0}, {"n": 0}], "... and a user what is for users")

# No admin any more, and again.
a.close()
c.close()
d.scope(False)
ok(d.publish(SECRET), "the last one is gone")
missed = d.tip
a = resume(d, missed - 1)
ok(nothing_came(a), "another one waits")
d.scope(True)
equal(emails([a.message()]), [(missed, "secret")], "... and gets it")

# Who becomes an admin by the tables, in the stream.
d.scope(False)
d.tables = {"5": access("a", "t", "5", "user")}
e = admin(d, "5")
equal(e.ready["payload"]["role"], "user", "an admin by the token, not by the tables")
first = d.publish(record(type="user", audience="admin", key="5", payload='{"email":"five"}', access=access("a", "t", "5", "admin")),
                  SECRET)
ok(nothing_came(e), "made an admin by the tables: what isn't whole doesn't come")
d.scope(True)
equal(emails(e.messages(2)), [(first, "five"), (first + 1, "secret")], "... then it does, from that event on")
d.publish(record(type="user", audience="admin", key="5", payload='{"email":"five"}', access=access("a", "t", "5", "user")))
last = d.publish(SECRET, record(payload='{"n":3}'))
equal(e.message()["seq"], last + 1, "made none again: what is for everyone comes, and nothing else")
d.stop()

# At random: whatever comes when, each gets what is for it, each once, in order.
seed = int(os.environ.get("SEED") or random.randrange(1 << 30))
print("# SEED=%d" % seed)
dice = random.Random(seed)
d = Dispatcher(whole=False, window_size=1 << 20)


class Reader:
    def __init__(self, is_admin, since):
        self.is_admin = is_admin
        self.position = since
        self.wanted = []
        self.client = None

    def connect(self):
        role = {"role": "admin"} if self.is_admin else {}
        self.client = d.ready(token("1", **role), query="since=%d&stream=%s" % (self.position, d.stream))
        self.wanted = [(seq, n) for seq, is_secret, n, open_n in published if seq > self.position
                       for n in [n if self.is_admin else open_n] if self.is_admin or not is_secret]

    def read(self, count):
        for seq, n in self.wanted[:count]:
            m = self.client.message()
            if (m["seq"], m["payload"]["n"]) != (seq, n):
                raise AssertionError("%s instead of %s, n %s" % (m, seq, n))
            self.position = seq
        del self.wanted[:count]


published = []
readers = [Reader(i < 3, 0) for i in range(6)]
pad = "x" * 3000
for step in range(400):
    what = dice.random()
    reader = dice.choice(readers)
    if what < 0.6:
        is_secret, has_open, n = dice.random() < 0.4, dice.random() < 0.5, step
        one = record(audience="admin" if is_secret else "all", key=str(step % 7), payload='{"n":%d,"p":"%s"}' % (n, pad),
                     open_payload='{"n":-1}' if has_open else "")
        seq = d.publish(one)
        published.append((seq, is_secret, n, -1 if has_open else n))
        for r in readers:
            if r.client and (r.is_admin or not is_secret):
                r.wanted.append((seq, n if r.is_admin or not has_open else -1))
    elif what < 0.75:
        d.scope(not d.whole)
    elif what < 0.9 and reader.client is None:
        reader.connect()
    elif what < 0.95 and reader.client:
        reader.client.close()
        reader.client = None
    elif reader.client and (d.whole or not reader.is_admin):
        reader.read(dice.randrange(20))
d.scope(True)
for reader in readers:
    if reader.client is None:
        reader.connect()
    reader.read(len(reader.wanted))
ok(True, "400 steps at random: nobody missed anything, nor got it twice")
ok(all(nothing_came(reader.client) for reader in readers), "... nor more than that")
equal(d.stop(), 0, "the gateway ends with 0")
done()
