#!/usr/bin/python3
"""get and list: asked of the dispatcher, and shown to whom an event would be."""
from harness import *

ROW, ROWS, ERROR, OBJECT = (ANSWERS[kind] for kind in ("ROW", "ROWS", "ERROR", "OBJECT"))


def answer(dispatcher, client, request, kind, rest=b"", count=0, seq=7, code=b"", field=b""):
    dispatcher.send(ANSWER, struct.pack("=QIIQII24s24s", client, request, kind, seq, count, 0, code, field) + rest)


def asked(dispatcher, count):
    dispatcher.wait(lambda: len(dispatcher.asked) >= count, "ASK %d" % count)
    return dispatcher.asked[count - 1]


d = Dispatcher(tip=10, message_rate=0)
c = d.ready(token("1", projects=[5]))
admin = d.ready(token("2", role="admin"))

# What is asked.
c.say({"type": "get", "id": "a", "payload": {"type": "bug_report", "id": 1}})
client, request, verb, payload = asked(d, 1)
equal((client, verb), (d.opened[0][0], VERBS["GET"]), "get is asked for a client")
equal(json.loads(payload), {"type": "bug_report", "id": 1}, "... with its payload")

# Rows are judged and rendered as events are.
answer(d, client, request, ROW, record(payload='{"id":1}'), count=1)
reply = c.message()
equal((reply["type"], reply["id"], reply["as_of"], reply["payload"]), ("reply", "a", 7, {"id": 1}), "a row")


def get(who, number, rest, count=1):
    """The reply to a get that is answered with this."""
    before = len(d.asked)
    who.say({"type": "get", "id": before, "payload": {"type": "x", "id": 1}})
    one = asked(d, before + 1)
    answer(d, one[0], one[1], ROW, rest, count)
    return who.message()


equal(get(c, 1, b"", 0)["payload"]["code"], "not_found", "no row")
for audience, mine, theirs in (("all", True, True), ("admin", False, True), ("user:1", True, False),
                               ("project:5", True, False), ("project:6\nadmin", False, True),
                               ("all\n!user:1", False, True), ("all\n&admin", False, True)):
    for who, sees, name in ((c, mine, "user 1"), (admin, theirs, "an admin")):
        reply = get(who, 1, record(audience=audience, payload='{"n":1}'))
        equal((reply["type"], reply["payload"].get("code")), ("reply", None) if sees else ("error", "not_found"),
              "audience %r: %s %s" % (audience, name, "sees it" if sees else "doesn't"))
two = record(payload='{"secret":1}', open_payload='{"secret":"hidden"}')
equal((get(c, 1, two)["payload"], get(admin, 1, two)["payload"]), ({"secret": "hidden"}, {"secret": 1}),
      "two renderings: one for admins")

# What users ask for themselves.
for message, verb in (({"type": "list", "payload": {"type": "notification"}}, "NOTIFICATIONS"), ({"type": "read", "payload": {"notification_id": 7}}, "READ"),
                      ({"type": "read_all"}, "READ_ALL"),
                      ({"type": "unwatch", "payload": {"bug_report_id": 1}}, "UNWATCH"), ({"type": "connections"}, "CONNECTIONS"),
                      ({"type": "disconnect", "payload": {"connection_id": "x"}}, "DISCONNECT")):
    before = len(d.asked)
    c.say({**message, "id": before})
    one = asked(d, before + 1)
    equal((one[2], json.loads(one[3])), (VERBS[verb], message.get("payload", {})), "%s is a verb of its own" % message["type"])
    told = {"CONNECTIONS": {"items": []}, "DISCONNECT": {"disconnected": True}}.get(verb, {"done": True})
    answer(d, one[0], one[1], OBJECT, json.dumps(told).encode())
    reply = c.message()
    equal((reply["type"], reply["id"], reply["payload"]), ("reply", before, told), "... and answered with an object")
for message, code in (({"type": "read"}, "missing_field"), ({"type": "read", "payload": {"notification_id": None}}, "invalid_field"),
                      ({"type": "watch", "payload": {"bug_report_id": {}}}, "invalid_field"), ({"type": "unwatch", "payload": {}}, "missing_field")):
    c.say(message)
    equal(c.message()["payload"]["code"], code, "%r: %s" % (message, code))
equal(len(d.asked), before + 1, "... without a word to the database")

# Who wants to watch a bug is shown its row first, in mind; what is written down is the row's own key.
for audience, sees in (("all", True), ("user:1", True), ("project:5", True), ("admin", False), ("project:6", False)):
    before = len(d.asked)
    c.say({"type": "watch", "id": audience, "payload": {"bug_report_id": " 07"}})
    one = asked(d, before + 1)
    equal((one[2], json.loads(one[3])), (VERBS["GET"], {"type": "bug_report", "id": " 07"}), "watch looks at the row")
    answer(d, one[0], one[1], ROW, record(audience=audience, key="7"), count=1)
    if sees:
        one = asked(d, before + 2)
        equal((one[2], json.loads(one[3])), (VERBS["WATCH"], {"bug_report_id": "7"}), "... is for who sees it, by its own key")
        answer(d, one[0], one[1], OBJECT, b'{"watching":true}')
    reply = c.message()
    equal((reply["id"], reply["payload"].get("watching"), reply["payload"].get("code")), (audience, True, None) if sees else (audience, None, "not_found"),
          "... audience %r: %s" % (audience, "watched" if sees else "not found"))
    equal(len(d.asked), before + (2 if sees else 1), "... and nothing more is asked")
before = len(d.asked)
c.say({"type": "watch", "id": 1, "payload": {"bug_report_id": 8}})
one = asked(d, before + 1)
answer(d, one[0], one[1], ROW, b"")
equal(c.message()["payload"]["code"], "not_found", "no row: not found")
c.say({"type": "watch", "id": 1, "payload": {"bug_report_id": 8}})
one = asked(d, before + 2)
answer(d, one[0], one[1], ERROR, b"the database could not answer", code=b"internal_error")
equal(c.message()["payload"]["code"], "internal_error", "an error is passed on")

# Lists.
before = len(d.asked)
c.say({"type": "list", "id": 1, "payload": {"type": "comment"}})
one = asked(d, before + 1)
equal(one[2], VERBS["LIST"], "list is another verb")
answer(d, one[0], one[1], ROWS, record(payload='{"n":1}') + record(audience="admin") + record(payload='{"n":3}') + b'9:"3', count=3)
equal(c.message()["payload"], {"items": [{"n": 1}, {"n": 3}], "next": '9:"3'}, "of rows, those that may be seen, and where to go on")
c.say({"type": "list", "id": 2, "payload": {"type": "comment"}})
one = asked(d, before + 2)
answer(d, one[0], one[1], ROWS)
equal(c.message()["payload"], {"items": [], "next": None}, "none")
c.say({"type": "list", "id": 3, "payload": {"type": "comment", "limit": 0}})
one = asked(d, before + 3)
answer(d, one[0], one[1], ERROR, "no such limit \u00e9".encode(), code=b"invalid_field", field=b"limit")
reply = c.message()
equal((reply["id"], reply["payload"]), (3, {"code": "invalid_field", "message": "no such limit \u00e9", "field": "limit"}), "an error")

# One at a time, and behind what they are based on.
first = len(d.asked)
for n in range(8):
    c.say({"type": "get", "id": n, "payload": {"type": "x", "id": n}})
c.say({"type": "get", "id": "ninth", "payload": {"type": "x", "id": 9}})
reply = c.message()
equal((reply["id"], reply["payload"]["code"], reply["payload"]["retry_after"]), ("ninth", "rate_limited", 1),
      "a ninth open question is refused")
c.say({"type": "ping", "id": "p"})
equal(c.message()["id"], "p", "other requests are answered meanwhile")
equal(len(d.asked), first + 1, "of a client's questions one is asked at a time")
admin.say({"type": "get", "id": "other", "payload": {"type": "x", "id": 1}})
one = asked(d, first + 2)
answer(d, one[0], one[1], ROW, record(), count=1)
equal(admin.message()["id"], "other", "another client's is asked and answered meanwhile")
seq = d.publish(record(payload='{"before":1}'))
equal(admin.message()["seq"], seq, "an event")
for n in range(8):
    one = asked(d, first + (n and n + 1) + 1)
    equal(json.loads(one[3])["id"], n, "the next question is asked when one is answered")
    answer(d, one[0], one[1], ROW, record(payload='{"n":%d}' % n), count=1)
equal(c.message()["seq"], seq, "what came before an answer is delivered before it")
equal([c.message()["id"] for _ in range(8)], list(range(8)), "answers in order")

# Who doesn't read has one answer in memory: nothing more is asked for.
def memory():
    with open("/proc/%d/statm" % d.process.pid) as f:
        return int(f.read().split()[1]) * 4096


lazy = [d.ready(token("5%d" % n), rcvbuf=4096) for n in range(10)]
page = record(payload=json.dumps({"page": "p" * (1 << 20)}))
before = memory()
first = len(d.asked)
d.auto_answer = lambda client, request, *_: answer(d, client, request, ROWS, page, count=1)
for one in lazy:
    for n in range(8):
        one.say({"type": "list", "id": n, "payload": {"type": "x"}})
answered = -1
while answered < len(d.asked):
    answered = len(d.asked)
    c.ask({"type": "ping", "id": "meanwhile"})
    select.select([], [], [], 0.1)
grown = memory() - before
ok(answered - first < 80, "who doesn't read isn't asked for", answered - first)
ok("sanitized" in GATEWAY or grown < 20 << 20, "... so it has an answer in memory, and no more", grown)
equal([[one.message()["id"] for n in range(8)] for one in lazy], [list(range(8))] * 10, "... and all of them when it reads")
d.auto_answer = None

# Too long; gone.
c.say({"type": "get", "id": 1, "payload": {"type": "x", "id": "y" * 5000}})
equal(c.message()["payload"]["code"], "invalid_message", "a payload that is too long for a question")
gone = d.ready(token("3"))
before = len(d.asked)
gone.say({"type": "get", "id": 1, "payload": {"type": "x", "id": 1}})
one = asked(d, before + 1)
gone.close()
d.wait(lambda: one[0] in d.closed, "CLOSED")
answer(d, one[0], one[1], ROW, record(), count=1)
c.say({"type": "ping", "id": "still"})
equal(c.message()["id"], "still", "an answer for who is gone is dropped")

# A dispatcher that can't be understood: the gateway ends rather than guess.
for what, send in (
        ("an answer to nothing", lambda x, one: answer(x, one[0], one[1] + 9, ROW)),
        ("an answer to another client", lambda x, one: answer(x, one[0] + 9, one[1], ROW)),
        ("fewer records than it says", lambda x, one: answer(x, one[0], one[1], ROWS, record(), count=2)),
        ("an unknown kind", lambda x, one: answer(x, one[0], one[1], 5)),
        ("a truncated body", lambda x, one: x.send(ANSWER, b"\0" * 40))):
    x = Dispatcher(tip=10)
    y = x.ready(token("1"))
    y.say({"type": "get", "id": 1, "payload": {"type": "x", "id": 1}})
    send(x, asked(x, 1))
    equal(x.wait_exit(), 0, what + ": the gateway ends")
d.stop()
done()
