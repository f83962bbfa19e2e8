#!/usr/bin/python3
"""What tables say of users: at admission, and as the stream changes it."""
from harness import *


def mark(text="x", audience="all", **more):
    return record(payload=json.dumps({"m": text}), audience=audience, **more)


def marks(client, n):
    return [m["payload"]["m"] for m in client.messages(n)]


def refused(client, code, close, name):
    seen = client.closed()
    return equal(([m["payload"].get("code") for m in seen if m["type"] == "error"],
                  client.code, client.reason), ([code], close, code), name)


d = Dispatcher(tip=100)

# At admission: the lower role wins, projects add up.
d.tables["1"] = access("a", "t", "1", "user") + access("m", "m:1", "1", "7")
d.tables["2"] = access("a", "t", "2", "admin")
boss = d.ready(token("1", role="admin", projects=["3"]))
equal(boss.ready["payload"]["role"], "user",
      "ready says the lower role")
admin = d.ready(token("2", role="admin"))
equal(admin.ready["payload"]["role"], "admin", "an admin by both")
d.wait(lambda: d.roles, "ROLE")
equal(d.roles, [(1, "user")], "the dispatcher hears of the lower role, once")
d.publish(mark("admin", "admin"), mark("7", "project:7"), mark("3", "project:3"), mark("8", "project:8"))
equal(marks(boss, 2), ["7", "3"], "projects by the table and by the token")
equal(marks(admin, 1), ["admin"], "an admin sees what is for admins")

# Inactive at admission.
d.tables["5"] = access("i", "t", "5", "user")
refused(d.connect(token("5")), "user_inactive", 1008, "inactive")
d.tables["6"] = access("a", "t", "6", "user") + access("i", "u", "6", "user")
refused(d.connect(token("6")), "user_inactive", 1008, "inactive in one of two tables")
d.wait(lambda: 3 in d.closed and 4 in d.closed, "CLOSED of whom the tables turned away")
ok(True, "who was turned away frees its place")

# A change in the middle of what arrives together: exactly there.
d.publish(mark("a", "project:8"), mark("b", access=access("m", "m:2", "1", "8")), mark("c", "project:8"),
          mark("d", access=access("l", "m:2", "1")), mark("e", "project:8"), mark("f"))
equal(marks(boss, 4), ["b", "c", "d", "f"], "joining and leaving within one message")
equal(marks(admin, 3), ["b", "d", "f"], "... which concerns nobody else")

# Whole messages in one write of the dispatcher.
first = d.tip + 1
blob = b""
for i, (who, statement) in enumerate([("admin", b""), ("all", access("a", "t", "2", "user")), ("admin", b""),
                                      ("all", access("a", "t", "2", "admin")), ("admin", b"")]):
    body = events(first + i, [mark(str(i), who, access=statement)])
    blob += struct.pack("=II", len(body), EVENTS) + body
d.tip += 5
d.outbox += blob
d.pump()
equal(marks(admin, 4), ["0", "1", "3", "4"], "demoted and promoted again between events")
d.wait(lambda: len(d.roles) == 3, "ROLE")
equal(d.roles[1:], [(2, "user"), (2, "admin")], "the dispatcher hears of it")
equal(marks(boss, 2), ["1", "3"], "another client gets its own")

# What is said twice, and what is outdated.
d.as_of = d.tip + 3
late = d.ready(token("2", role="admin"))
d.as_of = None
first = d.publish(mark("1", access=access("i", "t", "2", "user")))
equal(refused(admin, "user_inactive", 1008, "deactivated: closed") and marks(late, 1), ["1"],
      "who was admitted as of a later seq stays")
d.publish(mark("2"), mark("3"), mark("4"))
equal(marks(late, 3), ["2", "3", "4"], "... and goes on")
d.publish(mark("5", access=access("d", "t", "2")), mark("6"))
refused(late, "user_inactive", 1008, "a later one closes it: deleted")
equal(marks(boss, 6), ["1", "2", "3", "4", "5", "6"], "nobody else is concerned")

# An answer that an event has overtaken, which says something else of the user: asked again.
d.tables["21"] = access("a", "t", "21", "user")
d.auto_admit = False
came = len(d.opened)
newcomer = d.connect(token("21"))
d.wait(lambda: len(d.opened) == came + 1, "OPEN")
d.as_of = d.tip
d.publish(mark(access=access("i", "t", "21", "user")))
d.admit(d.opened[came][0])
d.as_of = None
d.wait(lambda: len(d.opened) == came + 2, "AGAIN")
equal(d.opened[came], d.opened[came + 1], "an answer that is outdated is asked for again")
d.tables["21"] = access("i", "t", "21", "user")
d.auto_admit = True
d.admit(d.opened[came + 1][0])
refused(newcomer, "user_inactive", 1008, "... and who was deactivated meanwhile isn't let in")
equal(marks(boss, 1), ["x"], "nobody else is concerned")
d.tables["22"] = access("a", "t", "22", "user")
d.auto_admit = False
newcomer = d.connect(token("22"))
d.wait(lambda: len(d.opened) == came + 3, "OPEN")
d.publish(mark(access=access("a", "t", "23", "user")))
d.as_of = d.tip - 1
d.admit(d.opened[came + 2][0])
d.as_of = None
d.auto_admit = True
equal(newcomer.message()["action"], "ready", "... unless the event was about somebody else")
equal(marks(boss, 1), ["x"], "an event")

# Nothing of later events, although all arrived at once; two connections of the user.
d.tables["9"] = access("a", "t", "9", "user")
two = [d.ready(token("9")), d.ready(token("9"))]
d.publish(mark("before"), mark("after", access=access("i", "t", "9", "user")), mark("later"))
for client in two:
    seen = client.closed()
    equal([m["payload"].get("m") or m["payload"]["code"] for m in seen], ["before", "user_inactive"],
          "events up to the change, the reason, the end")
equal(marks(boss, 3), ["before", "after", "later"], "the others got all")

# History says nothing about now: events that are fetched change nobody.
since = d.tip
d.journal[since + 1] = mark("old", access=access("i", "t", "1", "user"))
d.journal[since + 2] = mark("older", "project:7")
d.journal[since + 3] = mark("hidden", "project:8")
d.tip = since + 3
f = Dispatcher(tip=d.tip)
f.journal = dict(d.journal)
f.tables["1"] = d.tables["1"]
again = f.ready(token("1"), query="since=%d&stream=%s" % (since, STREAM_ID))
ok(again.ready["payload"]["resumed"], "resumed")
equal(marks(again, 2), ["old", "older"], "history is judged by what holds now, and does nothing")
ok(again.silent(), "what isn't its project's is not in it")

# A slow client: deactivated while it lags, it gets nothing more.
f.tables["4"] = access("a", "t", "4", "user")
slow = f.ready(token("4"), rcvbuf=4096)
big = "y" * 100000
for i in range(100):
    f.publish(record(payload=json.dumps({"m": i, "big": big})))
f.publish(mark("deactivated", access=access("i", "t", "4", "user")), mark("secret"))
f.wait(lambda: f.closed, "CLOSED")
seen = [m["payload"].get("m", m["payload"].get("code")) for m in slow.closed()]
ok("secret" not in seen and seen == sorted(seen[:-1]) + ["user_inactive"] and len(seen) < 100,
   "what it lagged behind stays behind", seen)

# All is void: connect again.
f.publish(mark("t", access=access("v")))
f_seen = [m for m in again.closed() if m["type"] == "error"]
equal((f_seen[0]["payload"]["code"], again.code, again.reason), ("access_changed", 1012, "access_changed"),
      "void: everybody is looked up again")
again = f.ready(token("1"))

# A part of the stream was missed, or it is another one: the same.
stranger = f.ready(token("77"))
f.tip += 10
f.begin()
refused(again, "access_changed", 1012, "a part of the stream was missed")
refused(stranger, "access_changed", 1012, "... for whom nothing was known, too")

# Two renderings of one event.
f.tables["a"] = access("a", "t", "a", "admin")
g = [f.ready(token("a", role="admin")), f.ready(token("77")), f.ready(token("a", role="admin")), f.ready(token("78"))]
secret = dict(payload='{"m":"s","mail":"x"}', changes='{"mail":["x","y"],"m":["r","s"]}',
              open_payload='{"m":"s"}', open_changes='{"m":["r","s"]}')
f.publish(mark("1"), record(**secret), mark("2"), record(**{**secret, "open_changes": ""}), mark("3"))
for i, client in enumerate(g):
    got = [(m["payload"], m.get("changes"), m["seq"] - f.tip) for m in client.messages(5)]
    full = {"m": "s", "mail": "x"}, {"mail": ["x", "y"], "m": ["r", "s"]}
    wanted = [({"m": "1"}, None, -4), full + (-3,), ({"m": "2"}, None, -2), full + (-1,), ({"m": "3"}, None, 0)]
    if i % 2:
        wanted[1] = ({"m": "s"}, {"m": ["r", "s"]}, -3)
        wanted[3] = ({"m": "s"}, None, -1)
    equal(got, wanted, ("an admin" if i % 2 == 0 else "another") + " gets its rendering")
f.publish(mark("4", access=access("a", "t", "a", "user")), record(**secret))
equal([m["payload"] for m in g[0].messages(2)], [{"m": "4"}, {"m": "s"}], "once demoted, the open one")

# require_user, live.
for user in "77", "78", "79":
    f.tables[user] = access("u", "", user, "")
g[1] = f.ready(token("77"))
f.configure(require_user=1)
refused(g[1], "forbidden", 1008, "who isn't known is turned out by a reload")
refused(f.connect(token("79")), "forbidden", 1008, "... and not let in")
equal(f.ready(token("a")).ready["payload"]["user_id"], "a", "who is known is")
equal(f.ready(token("80")).ready["payload"]["user_id"], "80", "... and everybody, where no table says who is a user")
f.configure(require_user=0)
ok(f.ready(token("79")), "off again")

# The tables' projects stay when the token is renewed, and the token's go.
d.tables["1"] = access("a", "t", "1", "user") + access("m", "m:1", "1", "7")
reply = boss.ask({"type": "authenticate", "payload": {"token": token("1", role="admin", projects=["4"])}})
equal(reply["payload"]["role"], "user", "authenticate tells the lower role")
d.publish(mark("7", "project:7"), mark("3", "project:3"), mark("4", "project:4"), mark("a", "admin"))
equal(marks(boss, 2), ["7", "4"], "projects after authenticate")

# Groups and others' principals, at admission and later; what tables say of one user concerns no other.
h = Dispatcher(tip=1)
h.tables["21"] = access("p", "g:1", "21", "group:qa") + access("p", "g:2", "21", "user:22")
deputy, other = h.ready(token("21")), h.ready(token("22"))
h.publish(mark("qa", "group:qa"), mark("22", "user:22"), mark("q", "group:q"))
equal(marks(deputy, 2), ["qa", "22"], "a member of a group, and a deputy")
h.publish(mark("a", access=access("p", "g:3", "22", "group:qa")), mark("qa", "group:qa"),
          mark("b", access=access("l", "g:1", "21", "") + access("i", "t", "22", "user")), mark("c", "group:qa"), mark("d"))
equal(marks(deputy, 4), ["a", "qa", "b", "d"], "... leaves the group, and stays when the other one is deactivated")
equal([m["payload"].get("m", m["payload"].get("code")) for m in other.closed()[-4:]], ["22", "a", "qa", "user_inactive"], "... who joined it")

# What can't be understood breaks the pipe.
d.publish(mark("x", access=b"m no end"))
equal(d.wait_exit(), 0, "a statement that is none ends the gateway in good order")
equal(f.stop(), 0, "SHUTDOWN ends it in good order")
done()
