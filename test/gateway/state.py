#!/usr/bin/python3
"""state: rows and stream in one request, asked of the dispatcher once for all, and kept current."""
from harness import *

ROWS, ERROR = ANSWERS["ROWS"], ANSWERS["ERROR"]


def answer(dispatcher, one, rows, more=None, kind=ROWS, count=None, code=b"", field=b""):
    """To a question: rows, and where to go on; or what rest is."""
    rest = rows if isinstance(rows, bytes) else b"".join(rows) + (b"+9:%s" % more if more else b".")
    dispatcher.send(ANSWER, struct.pack("=QIIQII24s24s", one[0], one[1], kind, dispatcher.tip,
                                        len(rows) if count is None else count, 0, code, field) + rest)


def asked(dispatcher, count):
    dispatcher.wait(lambda: len(dispatcher.asked) >= count, "ASK %d" % count)
    return dispatcher.asked[count - 1]


def row(key, n=0, **more):
    return record(key=str(key), bug=str(key), payload='{"id":%d,"n":%d}' % (key, n), **more)


def wants(client, ident, **filters):
    client.say({"type": "subscribe", "id": ident, "payload": {"state": True, **filters}})


def state(client, ident):
    """The rows by id, and as of which seq, of a state whose reply is read, too."""
    reply = client.message()
    equal((reply["type"], reply["id"]), ("reply", ident), "the reply says that it begins")
    rows, as_of, first = {}, reply["payload"]["seq"], True
    while True:
        part = client.message()
        if (part["type"], part["id"], part["as_of"], part["payload"].get("first", False)) != ("state", ident, as_of, first):
            ok(False, "a part", part)
        first = False
        for item in part["payload"]["items"]:
            if item["id"] in rows:
                ok(False, "each row once", item)
            rows[item["id"]] = item["n"]
        if part["payload"].get("last"):
            return rows, as_of


def told(client, seq):
    """Read on until the event with this seq: the gateway knows of it then."""
    while client.message().get("seq") != seq:
        pass


d = Dispatcher(tip=10)
c = d.ready(token("1", projects=[5]))
admin = d.ready(token("2", role="admin"))

# Until the rows are there, the stream goes on as it was.
wants(c, "s", types=["bug_report"])
one = asked(d, 1)
equal((one[0], one[2], json.loads(one[3])), (d.opened[0][0], VERBS["STATE"], {"type": "bug_report"}), "rows of a type are asked for")
seq = d.publish(record(type="comment", key="1"))
equal(c.message()["seq"], seq, "an event of before")
d.publish(row(2, 20), row(7, 70, action="created"))
equal([c.message()["payload"]["n"] for _ in range(2)], [20, 70], "... and of the rows themselves")

# What was read is of before, or after, or of a row that was deleted meanwhile.
d.publish(row(3, action="deleted"))
c.message()
answer(d, one, [row(1), row(2), row(3)], b"3")
one = asked(d, 2)
equal(json.loads(one[3]), {"type": "bug_report", "after": "9:3"}, "the next round begins where the last ended")
d.publish(row(1, 11), row(5, action="deleted"))
c.messages(2)
answer(d, one, [row(4, 40, audience="admin\nproject:5"), row(5), row(6, audience="admin")])
rows, as_of = state(c, "s")
equal((rows, as_of), ({1: 11, 2: 20, 4: 40, 7: 70}, d.tip), "all rows as of one seq, as the client sees them")
d.publish(record(type="comment", key="2"), row(4, 41, audience="admin\nproject:5"))
equal(c.message()["payload"], {"id": 4, "n": 41}, "then the stream of the new subscription")

# What is known needs no question, and is as the stream left it.
d.publish(row(8, 80, action="created"), row(2, action="deleted"))
c.messages(2)
wants(admin, 7, types=["bug_report"])
d.wait(lambda: admin.fill() or admin.buffer, "the admin's rows")
while True:
    message = admin.message()
    if message["type"] == "reply":
        break
part = admin.message()
equal({item["id"]: item["n"] for item in part["payload"]["items"]}, {1: 11, 4: 41, 6: 0, 7: 70, 8: 80},
      "another client's rows, which nobody was asked for")
equal((part["payload"]["first"], part["payload"]["last"], part["id"]), (True, True, 7), "... one part, the first and the last")
equal(len(d.asked), 2, "... nobody at all")
d.wait(lambda: (d.counter("bugevents_row_cache_total", "hit"), d.counter("bugevents_row_cache_total", "miss")) == (1, 1), "COUNTERS")

# So it is with a row.
before = len(d.asked)
equal(admin.ask({"type": "get", "id": 1, "payload": {"type": "bug_report", "id": "4"}})["payload"], {"id": 4, "n": 41}, "get of a row that is known")
d.publish(row(4, 42, audience="admin\nproject:5"))
admin.message()
reply = admin.ask({"type": "get", "id": 1, "payload": {"type": "bug_report", "id": 4}})
equal((reply["payload"]["n"], reply["as_of"]), (42, d.tip), "... never older than what was sent")
equal(len(d.asked), before, "... and nobody is asked")
for who, ident in ((c, 6), (c, 2), (c, "04")):
    who.say({"type": "get", "id": 1, "payload": {"type": "bug_report", "id": ident}})
    before += 1
    answer(d, asked(d, before), b"", kind=ANSWERS["ROW"])
    while who.message()["type"] != "error":
        pass
ok(True, "what isn't known, or not for the client, the database is asked for")

# A row that moves from one audience to another.
d.publish(record(action="moved_out", audience="project:5\n!admin\n!project:6", key="4", payload='{"id":4}'),
          row(4, 43, action="created", audience="project:6\n!admin\n!project:5"), row(4, 43, audience="admin\nproject:6\n&admin\n&project:5"))
member = {5: d.ready(token("5", projects=[5])), 6: d.ready(token("6", projects=[6])), 56: d.ready(token("56", projects=[5, 6]))}
for projects, client in member.items():
    wants(client, "s", types=["bug_report"])
    equal(state(client, "s")[0].get(4), None if projects == 5 else 43, "a row that moved, for a member of %s" % projects)
d.publish(row(4, 44, audience="admin\nproject:6"))
equal(member[6].message()["payload"]["n"], 44, "... and again")
wants(member[6], "s", types=["bug_report"])
equal(state(member[6], "s")[0][4], 44, "... as it is now")

# What is for admins stays with them.
secret = record(key="9", bug="9", payload='{"id":9,"n":99}', open_payload='{"id":9,"n":0}')
seq = d.publish(secret)
for who in (admin, member[5]):
    told(who, seq)
for who, n in ((admin, 99), (member[5], 0)):
    wants(who, "s", types=["bug_report"])
    while True:
        message = who.message()
        if message["type"] == "reply":
            break
    equal([item["n"] for item in who.message()["payload"]["items"] if item["id"] == 9], [n], "fields that are for admins")
    equal(who.ask({"type": "get", "id": 1, "payload": {"type": "bug_report", "id": 9}})["payload"]["n"], n, "... of a row, too")
d.publish(record(key="9", bug="9", audience="all\n&admin", payload='{"id":9,"n":98}', open_payload='{"id":9,"n":0}'))
for who, n in ((admin, 98), (member[5], 0)):
    equal(who.ask({"type": "ping", "id": 1})["type"] if who is member[5] else who.message()["type"], "reply" if who is member[5] else "bug_report", "a change of theirs")
    wants(who, "s", types=["bug_report"])
    who.message()
    equal([item["n"] for item in who.message()["payload"]["items"] if item["id"] == 9], [n], "... hides the row from nobody")

# Ranges.
before = len(d.asked)
wants(c, "s", types=["comment"], project_ids=[5, 6])
got = sorted(asked(d, before + n)[3] for n in (1, 2))
equal([json.loads(one) for one in got], [{"type": "comment", "project_id": "5"}, {"type": "comment", "project_id": "6"}], "projects are read each by itself")
for one in d.asked[before:]:
    project = json.loads(one[3])["project_id"]
    answer(d, one, [record(type="comment", key=project, project=project, payload='{"id":%s,"n":0}' % project)])
while True:
    message = c.message()
    if message["type"] == "reply":
        break
got = []
while True:
    part = c.message()
    got += [item["id"] for item in part["payload"]["items"]]
    if part["payload"].get("last"):
        break
equal(sorted(got), [5, 6], "... and given together")
d.publish(record(type="comment", key="5", project="7", payload='{"id":5,"n":1}'),
          record(type="comment", key="8", project="6", action="created", payload='{"id":8,"n":1}'))
equal(c.message()["payload"]["id"], 8, "a row that comes into the range")
wants(c, "s", types=["comment"], project_ids=[5, 6])
equal((sorted(state(c, "s")[0]), len(d.asked)), ([6, 8], before + 2), "... and one that left it")
wants(c, "s", types=["bug_report"], bug_report_ids=[1, 7])
equal(sorted(state(c, "s")[0]), [1, 7], "of all that is known, what was asked for")

# What is wrong.
for payload, code, field in (({}, "missing_field", "types"), ({"types": []}, "missing_field", "types"),
                             ({"types": ["t%d" % n for n in range(17)]}, "invalid_field", "types"),
                             ({"types": ["x"], "state": 1}, "invalid_field", "state"), ({"types": ["x"], "sate": 1}, "invalid_field", "sate")):
    reply = c.ask({"type": "subscribe", "id": "w", "payload": {"state": True, **payload}})
    equal((reply["id"], reply["payload"]["code"], reply["payload"]["field"]), ("w", code, field), "%r" % payload)
before = len(d.asked)
wants(c, "w", types=["build"])
wants(admin, "w", types=["build", "bug_report"])
one = asked(d, before + 1)
d.wait(lambda: admin.fill() or True, "nothing")
admin.ask({"type": "ping", "id": 1})
answer(d, one, b"no such", kind=ERROR, code=b"invalid_field", field=b"types")
for who in (c, admin):
    reply = who.message()
    equal((reply["type"], reply["id"], reply["payload"]), ("error", "w", {"code": "invalid_field", "message": "no such", "field": "types"}),
          "an error is for all who waited")
d.publish(row(1, 12))
equal((c.message()["payload"]["n"], admin.message()["payload"]["n"]), (12, 12), "... whose subscriptions are as they were")

# Another request takes its place.
wants(c, "a", types=["project"])
one = asked(d, before + 2)
wants(c, "b", types=["project"])
reply = c.message()
equal((reply["id"], reply["payload"]["code"]), ("a", "state_interrupted"), "another state")
reply = c.ask({"type": "subscribe", "id": "c", "payload": {}})
equal((reply["id"], reply["payload"]["code"], c.message()["id"]), ("b", "state_interrupted", "c"), "... or a subscription")
answer(d, one, [row(1)], b"1")
told(c, d.publish(row(1)))
wants(c, "d", types=["project"])
equal(json.loads(asked(d, before + 3)[3]), {"type": "project"}, "what nobody waits for is not read on, and begins anew")
equal(c.ask({"type": "unsubscribe", "id": "e"})["payload"]["code"], "state_interrupted", "unsubscribe ends it")
equal(c.message()["id"], "e", "... and is replied to")
answer(d, d.asked[before + 2], [])
c.ask({"type": "subscribe", "payload": {}})

# What says nothing of single rows.
for action, audience in (("truncated", "all"), ("reload", "all"), ("attached", "admin"), ("detached", "admin")):
    before = len(d.asked)
    told(admin, d.publish(record(action=action, audience=audience, payload='{"table":"x"}')))
    wants(member[5], "s", types=["bug_report"])
    while member[5].buffer:
        member[5].message()
    one = asked(d, before + 1)
    answer(d, one, [row(1)], b"1")
    one = asked(d, before + 2)
    d.publish(record(action=action, audience="admin", payload='{"table":"x"}'))
    answer(d, one, [row(2)])
    one = asked(d, before + 3)
    equal(json.loads(one[3]), {"type": "bug_report"}, "%s: read anew, and again, when it comes in between" % action)
    answer(d, one, [row(3)])
    while True:
        message = member[5].message()
        if message["type"] == "state":
            break
    equal([item["id"] for item in message["payload"]["items"]], [3], "... then there are the rows")
before = len(d.asked)
d.publish(record(access=access("f"), key="1", payload='{"id":1,"n":5}'))
wants(member[6], "s", types=["bug_report"])
while True:
    message = member[6].message()
    if message["type"] == "state":
        break
equal(([item["id"] for item in message["payload"]["items"]], len(d.asked)), ([3], before), "a table that doesn't decide says nothing of these rows")

# Never in the middle of a transaction.
first = d.tip + 1
d.send(EVENTS, events(first, [row(21)], tx_n=1, tx_of=2))
d.tip += 1
told(member[6], first)
wants(member[6], "s", types=["bug_report"])
ok(member[6].silent(), "half of a transaction is no place for a state")
d.send(EVENTS, events(first + 1, [row(22)], tx_n=2, tx_of=2))
d.tip += 1
member[6].message()
rows, as_of = state(member[6], "s")
equal((sorted(rows), as_of), ([3, 21, 22], first + 1), "... its end is")

# Many at once.
before = len(d.asked)
many = [d.ready(token(str(100 + n))) for n in range(50)]
for one in many:
    wants(one, "s", types=["user"])
one = asked(d, before + 1)
many[0].close()
answer(d, one, [row(n, 1) for n in range(100)], b"99")
one = asked(d, before + 2)
answer(d, one, [row(n, 1) for n in range(100, 200)])
equal({len(state(client, "s")[0]) for client in many[1:]}, {200}, "fifty clients, one of which is gone")
equal(len(d.asked), before + 2, "... and two questions")

# Who reads slowly.
told(admin, d.publish(record(action="reload", payload="{}")))
before = len(d.asked)
slow = d.ready(token("300"), rcvbuf=4096)
wants(slow, "s", types=["bug_report"])
fat = ["x" * 20000] * 400
one = asked(d, before + 1)
answer(d, one, [record(key=str(n), payload=json.dumps({"id": n, "n": 0, "x": x})) for n, x in enumerate(fat)])
begun = d.tip
while slow.message()["type"] != "reply":
    pass
for n in range(0, 400, 20):
    d.publish(row(n, 1))
    d.publish(row(n + 1, 1, action="deleted"))
rows, as_of = {}, None
while True:
    part = slow.message()
    if part["type"] != "state":
        ok(False, "nothing else comes in between", part)
    as_of = as_of or part["as_of"]
    rows.update({item["id"]: item["n"] for item in part["payload"]["items"]})
    if part["as_of"] != as_of:
        ok(False, "one seq", part)
    if part["payload"].get("last"):
        break
equal((as_of, len(rows), sum(rows.values())), (begun, 400, 0), "who reads slowly is given the rows as of one seq")
equal([slow.message()["seq"] for _ in range(40)], list(range(begun + 1, d.tip + 1)), "... then all that came since")

# The rows of some types, beside a stream of which nothing is left out.
before = len(d.asked)
d.auto_fetch = False
late = d.connect(token("302"), query="since=5&stream=" + d.stream)
late.message()
d.wait(lambda: d.fetches, "FETCH")
wants(late, "s", state=["gadget"], any=[{"types": ["gadget"]}, {"types": ["comment"]}])
answer(d, asked(d, before + 1), [row(1, 10, type="gadget"), row(2, 20, type="gadget")])
ok(late.silent(), "who lags has to be sent everything first")
seq = d.publish(record(type="user", key="1"))
d.auto_fetch = True
d.answer_fetches()
seqs = []
while True:
    message = late.message()
    if message["type"] == "reply":
        break
    seqs.append(message["seq"])
equal((seqs[-1], message["payload"]["seq"]), (seq, d.tip), "... up to the last event")
part = late.message()
equal((part["as_of"], {item["id"]: item["n"] for item in part["payload"]["items"]}, part["payload"].get("last")), (d.tip, {1: 10, 2: 20}, True),
      "... and then has the rows of the types that were listed, and of no other")
d.publish(record(type="comment", key="1"), row(3, type="gadget"), record(type="user", key="1", audience="all"))
equal([late.message()["type"] for _ in range(2)], ["comment", "gadget"], "... and the stream of both")
wide = d.ready(token("303"))
wants(wide, "s", state=["gadget"])
reply, part = wide.messages(2)
equal((reply["id"], part["payload"]["type"], len(part["payload"]["items"])), ("s", "gadget", 3), "a list of types, beside everything")
for wrong in ([], [1], ["a\nb"], "project", ["t%d" % n for n in range(17)], {}):
    reply = wide.ask({"type": "subscribe", "id": 1, "payload": {"state": wrong}})
    equal((reply["payload"]["code"], reply["payload"]["field"]), ("invalid_field", "state"), "no list of types: %s" % str(wrong)[:20])

# ... and whose rights change meanwhile: it begins anew.
d.tables = {"301": access("a", "u", "301", "user") + access("m", "p", "301", "5")}
slow = d.ready(token("301"), rcvbuf=4096)
d.tables = {}
told(admin, d.publish(record(action="reload", payload="{}")))
before = len(d.asked)
wants(slow, "s", types=["bug_report"])
one = asked(d, before + 1)
answer(d, one, [record(key=str(n), audience="project:5" if n % 2 else "all", payload=json.dumps({"id": n, "n": 0, "x": x})) for n, x in enumerate(fat)])
begun = d.tip
while slow.message()["type"] != "reply":
    pass
part = slow.message()
equal((part["as_of"], part["payload"]["first"]), (begun, True), "it begins")
d.publish(record(type="membership", audience="admin", access=access("l", "p", "301", "5")))
rows, firsts = {}, 1
while True:
    part = slow.message()
    if part["payload"].get("first"):
        rows, firsts, as_of = {}, firsts + 1, part["as_of"]
    rows.update({item["id"]: item["n"] for item in part["payload"]["items"]})
    if part["payload"].get("last"):
        break
equal((firsts, as_of, len(rows), {n % 2 for n in rows}), (2, begun + 1, 200, {0}), "... and again, without what it may not see any more")
equal(len(d.asked), before + 1, "... of what is known")

# Beside a stream it can't jump to a later seq: it is to be asked for again.
d.tables = {"304": access("a", "u", "304", "user") + access("m", "p", "304", "5")}
slow = d.ready(token("304"), rcvbuf=4096)
d.tables = {}
wants(slow, "s", state=["bug_report"])
while slow.message()["type"] != "reply":
    pass
slow.message()
d.publish(record(type="membership", audience="admin", access=access("l", "p", "304", "5")))
seq = d.publish(record(type="comment", key="1"))
while True:
    message = slow.message()
    if message["type"] != "state":
        break
equal((message["id"], message["payload"]["code"], message["payload"]["retry_after"]), ("s", "state_interrupted", 1), "a list of types, when rights change")
equal(slow.message()["seq"], seq, "... and the stream goes on where it was")

# Rows that are too many for memory are kept by the server, and read page by page.
d.settle(state_cache_size=1 << 20)


def big(key, n=0, **more):
    return record(key=str(key), bug=str(key), payload=json.dumps({"id": key, "n": n, "x": "x" * 600}), **more)


def question(payload, verb="STATE"):
    """The next question, which is this one."""
    global questions
    questions += 1
    one = asked(d, questions)
    if (one[2], json.loads(one[3])) != (VERBS[verb], payload):
        ok(False, "asked: %r" % (one,))
    return one


questions = len(d.asked)
wants(member[5], "big", types=["bug_report"])
wants(admin, "big", types=["bug_report"])
answer(d, question({"type": "bug_report"}), [big(n) for n in range(1000)], b"999")
one = question({"type": "bug_report", "spool": 0})
ok(True, "what takes more than half of the cache is read anew, into a spool")
answer(d, one, [], b"500")
one = question({"type": "bug_report", "after": "9:500", "spool": 0})
d.publish(big(1, 7), big(2, action="deleted"), big(2000, 1, action="created"), big(3, 9, audience="admin"),
          record(action="moved_out", audience="all\n!admin", key="4", payload='{"id":4}'))
answer(d, one, [])


def part(client, message=None):
    """The next part of what was asked for as "big", or something else."""
    while True:
        message = client.message()
        if message.get("id") == "big":
            return message


equal([part(who)["payload"]["seq"] for who in (member[5], admin)], [d.tip] * 2, "the state begins when the last round is there")
first, second = question({"spool": 0, "at": 0}, "SPOOLED"), question({"spool": 0, "at": 0}, "SPOOLED")
begun = d.tip
d.publish(big(5, 8), big(6, action="deleted"))
pages = [[big(n) for n in range(1, 6)], [big(n) for n in range(6, 8)] + [record(key="8", audience="admin", payload='{"id":8,"n":0}')]]
for one in (first, second):
    answer(d, one, b"".join(pages[0]) + b"+77", count=5)
for one in (question({"spool": 0, "at": 77}, "SPOOLED"), question({"spool": 0, "at": 77}, "SPOOLED")):
    answer(d, one, b"".join(pages[1]) + b".", count=3)
for who, wanted in ((member[5], {1: 7, 3: 0, 5: 0, 6: 0, 7: 0, 2000: 1}), (admin, {1: 7, 3: 9, 4: 0, 5: 0, 6: 0, 7: 0, 8: 0, 2000: 1})):
    rows = {}
    while True:
        one = part(who)
        rows.update({item["id"]: item["n"] for item in one["payload"]["items"]})
        if one["as_of"] != begun or one["payload"].get("last"):
            break
    equal((rows, one["as_of"]), (wanted, begun), "rows of the spool, but for what events said up to the seq")
    equal([who.message()["seq"] for _ in range(2)], [begun + 1, begun + 2], "... then the stream")
told(admin, d.publish(big(1, 8)))
wants(admin, "big", types=["bug_report"])
part(admin)
answer(d, question({"spool": 0, "at": 0}, "SPOOLED"), b"".join(pages[0]) + b".", count=5)
while not (one := part(admin))["payload"].get("last"):
    rows.update({item["id"]: item["n"] for item in one["payload"]["items"]})
rows.update({item["id"]: item["n"] for item in one["payload"]["items"]})
equal((rows[1], rows[5], rows.get(6), one["as_of"]), (8, 8, 0, d.tip), "the spool serves who asks later, and events what changed since")

# A page that is gone; and one who goes while his page is under way.
wants(admin, "big", types=["bug_report"])
part(admin)
answer(d, question({"spool": 0, "at": 0}, "SPOOLED"), b"gone", kind=ERROR, code=b"internal_error")
while (one := part(admin))["type"] == "state":
    pass
equal((one["payload"]["code"], one["payload"]["retry_after"]), ("state_interrupted", 1), "a page that can't be had")
wants(admin, "big", types=["bug_report"])
part(admin)
one = question({"spool": 0, "at": 0}, "SPOOLED")
while part(admin)["type"] != "state":
    pass
admin.say({"type": "subscribe", "id": "other", "payload": {}})
while admin.message().get("id") != "other":
    pass
told(member[5], d.publish(record(action="reload", payload="{}")))
ok(len(d.asked) == questions, "what is still being read is not dropped")
answer(d, one, b"".join(pages[0]) + b".", count=5)
answer(d, question({"spool": 0}, "SPOOLED"), b".", count=0)
ok(True, "... what nobody needs any more is")

# No room on the server: spools that nobody reads go first, and only then it is too much.
for kind in ("comment", "gadget"):
    wants(admin, "big", types=[kind])
    answer(d, question({"type": kind}), [big(n, type=kind) for n in range(1000)], b"999")
    one = question({"type": kind, "spool": 0 if kind == "comment" else 1})
    if kind == "comment":
        answer(d, one, [])
        part(admin)
        answer(d, question({"spool": 0, "at": 0}, "SPOOLED"), b".", count=0)
        while not part(admin)["payload"].get("last"):
            pass
answer(d, one, b"no room", kind=ERROR, code=b"state_too_big")
one = question({"spool": 0}, "SPOOLED")
answer(d, one, b".", count=0)
one = question({"type": "gadget", "spool": 1})
ok(True, "what nobody reads makes room")
answer(d, one, b"no room", kind=ERROR, code=b"state_too_big")
equal(part(admin)["payload"], {"code": "state_too_big", "message": "no room"}, "... where that is not enough, it is too much")
answer(d, question({"spool": 1}, "SPOOLED"), b".", count=0)
admin.ask({"type": "subscribe", "id": 1, "payload": {}})

# Memory is bounded: who reads too slowly is told.
d.settle(state_cache_size=16 << 20)
slow = []
for n in range(3):
    before = len(d.asked)
    slow.append(d.ready(token(str(310 + n)), rcvbuf=4096))
    wants(slow[n], "s", types=["project"])
    fat = [record(type="project", key=str(k), payload=json.dumps({"id": k, "n": n, "x": "y" * 75000})) for k in range(100)]
    if n != 1:
        answer(d, asked(d, before + 1), fat)
    while slow[n].message()["type"] != "reply":
        pass
    for one in fat:
        d.publish(one)
seen = [slow[0].message()]
while seen[-1]["type"] != "error":
    seen.append(slow[0].message())
equal((seen[0]["payload"].get("first"), seen[-1]["id"], seen[-1]["payload"]["code"]), (True, "s", "state_interrupted"),
      "three who don't read: the first is told that it is over")
equal(slow[0].message()["seq"], seen[0]["as_of"] + 1, "... and its stream goes on behind")
for one in slow[1:]:
    while not (part := one.message())["payload"].get("last"):
        pass
    equal(one.message()["seq"], part["as_of"] + 1, "... the others get all of it, and what follows")

# The stream is replaced.
before = len(d.asked)
other = d.ready(token("303"))
wants(other, "s", types=["comment"])
one = asked(d, before + 1)
d.stream = "22222222-2222-3333-4444-555555555555"
d.tip += 1000
d.begin()
d.progress()
answer(d, one, [record(type="comment", key="1", payload='{"id":1,"n":1}')])
one = asked(d, before + 2)
answer(d, one, [record(type="comment", key="2", payload='{"id":2,"n":2}')])
equal(other.message()["payload"]["code"], "resync_required", "another stream")
rows, as_of = state(other, "s")
equal((rows, as_of), ({2: 2}, d.tip), "... whose rows are read anew")

# A dispatcher that can't be understood.
for what, rest, count in (("fewer records than it says", row(1) + b".", 2), ("rows without a place", row(1), 1), ("no sign of more", b"1:1", 0)):
    x = Dispatcher(tip=10)
    y = x.ready(token("1"))
    wants(y, 1, types=["x"])
    answer(x, asked(x, 1), rest, count=count)
    equal(x.wait_exit(), 0, what + ": the gateway ends")
equal(d.stop(), 0, "it ends")
done()
