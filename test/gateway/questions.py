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
for message, verb in (({"type": "read", "payload": {"notification_id": 7}}, "READ"),
                      ({"type": "read_all"}, "READ_ALL"),
                      ({"type": "unwatch", "payload": {"bug_report_id": 1}}, "UNWATCH"), ({"type": "connections"}, "CONNECTIONS"),
                      ({"type": "disconnect", "payload": {"connection_id": "x"}}, "DISCONNECT"),
                      ({"type": "inspect", "payload": {"parts": ["alerts"]}}, "INSPECT"),
                      ({"type": "explain", "payload": {"seq": 7, "user_id": "1"}}, "EXPLAIN"),
                      ({"type": "visible", "payload": {"seqs": [7], "user_id": 1}}, "VISIBLE")):
    before = len(d.asked)
    c.say({**message, "id": before})
    one = asked(d, before + 1)
    equal((one[2], json.loads(one[3])), (VERBS[verb], message.get("payload", {})), "%s is a verb of its own" % message["type"])
    told = {"CONNECTIONS": {"items": []}, "DISCONNECT": {"disconnected": True}, "INSPECT": {"alerts": []}, "EXPLAIN": {"items": []},
            "VISIBLE": {"items": []}}.get(verb, {"done": True})
    answer(d, one[0], one[1], OBJECT, json.dumps(told).encode())
    reply = c.message()
    equal((reply["type"], reply["id"], reply["payload"]), ("reply", before, told), "... and answered with an object")
for message, code in (({"type": "read"}, "missing_field"), ({"type": "read", "payload": {"notification_id": None}}, "invalid_field"),
                      ({"type": "explain", "payload": {"user_id": 1}}, "missing_field"),
                      ({"type": "explain", "payload": {"seq": 1}}, "missing_field"), ({"type": "visible"}, "missing_field"),
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
def lists(who, **payload):
    who.say({"type": "list", "id": "list", "payload": {"type": "comment", **payload}})


def round_of(count):
    """What is asked for in this round: its question, how many rows, and where it goes on."""
    one = asked(d, count)
    payload = json.loads(one[3])
    equal((one[2], payload["type"]), (VERBS["LIST"], "comment"), "list is another verb")
    return one, payload["limit"], payload.get("after")


def rows(*specs):
    return b"".join(record(key=str(key), audience=audience, payload='{"n":%d}' % key) for key, audience in specs)


def items_of(reply):
    return [row["n"] for row in reply["payload"]["items"]], reply["payload"]["next"]


before = len(d.asked)
lists(c)
one, limit, after = round_of(before + 1)
equal((limit, after), (100, None), "a hundred rows, from the beginning")
answer(d, one[0], one[1], ROWS, rows((1, "all"), (2, "admin"), (3, "all")) + b".9:3", count=3)
equal(items_of(c.message()), ([1, 3], None), "of rows, those that may be seen; there are no more")
lists(c)
one, limit, after = round_of(before + 2)
answer(d, one[0], one[1], ROWS, b".")
equal(items_of(c.message()), ([], None), "none")

# Filters of rows are judged here, by what the client sees of them.
lists(c, limit=1, where={"n": [3, 5]}, any=[{"where": {"n": 3}}, {"project_ids": [1]}])
one, limit, after = round_of(before + 3)
equal(json.loads(one[3]).get("any"), None, "any is not passed on")
answer(d, one[0], one[1], ROWS, rows((1, "all"), (3, "all"), (4, "all"), (5, "all")) + b".9:5", count=4)
equal(items_of(c.message()), ([3], None), "of rows, those that pass; there are no more")
lists(c, where={"n": []})
equal(c.message()["payload"]["field"], "where", "a filter that is none is refused")
lists(c, any=[{"where": 7}])
equal(c.message()["payload"]["field"], "where", "nor is one within any")
before += 1

# A page is full of what is seen, and ends by it.
lists(c, limit=2)
one, limit, after = round_of(before + 3)
answer(d, one[0], one[1], ROWS, rows((1, "admin"), (2, "all"), (3, "admin")) + b'+9:"3', count=3)
one, limit, after = round_of(before + 4)
equal(after, '9:"3', "hidden rows: it goes on behind them")
answer(d, one[0], one[1], ROWS, rows((4, "admin"), (5, "all"), (6, "admin"), (7, "user:1"), (8, "all")) + b"+9:8", count=5)
items, place = items_of(c.message())
equal(items, [2, 5], "... until the page is full")
lists(c, limit=2, after=place)
one, limit, after = round_of(before + 5)
equal(after, "9:5", "the next one begins behind the last row that was seen")
answer(d, one[0], one[1], ROWS, rows((7, "user:1"), (8, "all"), (9, "admin")) + b"+9:9", count=3)
one, limit, after = round_of(before + 6)
equal(after, "9:9", "a full page: is there another row for the client?")
answer(d, one[0], one[1], ROWS, rows((10, "admin")) + b".9:10", count=1)
equal(items_of(c.message()), ([7, 8], None), "... there is none, whatever else there is")

lists(c, limit=2, after=place)
one, limit, after = round_of(before + 7)
answer(d, one[0], one[1], ROWS, rows((7, "user:1"), (8, "all"), (9, "admin")) + b"+9:9", count=3)
one, limit, after = round_of(before + 8)
answer(d, one[0], one[1], ROWS, rows((10, "admin"), (11, "all")) + b"+9:11", count=2)
items, behind = items_of(c.message())
lists(c, limit=2, after=behind)
one, limit, after = round_of(before + 9)
equal((items, after), ([7, 8], "9:8"), "there is one: the next page begins behind the full one")
answer(d, one[0], one[1], ROWS, b".")
c.message()
before += 3

# A place says nothing, and is for who got it, for what was asked.
for text in ("9:5", "9", place[:-1], ("B" if place[0] == "A" else "A") + place[1:], "A" * len(place), "", "+" + place, place + "="):
    lists(c, limit=2, after=text)
    reply = c.message()
    equal((reply["payload"]["code"], reply["payload"]["field"]), ("invalid_field", "after"), "no place: %r" % text[:20])
lists(admin, limit=2, after=place)
equal(admin.message()["payload"]["field"], "after", "another user's is none")
for more in ({"type": "bug_report"}, {"project_id": 5}, {"status": "open"}):
    lists(c, limit=2, after=place, **more)
    equal(c.message()["payload"]["field"], "after", "nor is that of another list: %r" % more)
equal(len(d.asked), before + 6, "... and nobody was asked")
lists(c, limit="3", after=place)
one, limit, after = round_of(before + 7)
equal(after, "9:5", "the number of rows may be another one")
answer(d, one[0], one[1], ROWS, b".")
c.message()
places = set()
for n in (1, 2, 3):
    lists(c, limit=1)
    one, limit, after = round_of(before + 7 + n)
    answer(d, one[0], one[1], ROWS, rows((5 if n < 3 else 5000000, "all"), (6000000, "all")) + b".9:6", count=2)
    places.add(items_of(c.message())[1])
equal((len(places), {len(one) for one in places}), (3, {len(place)}), "the same place twice looks like two, as long as any other")
for limit in (0, 1001, "x", "", 1.5, -1, [], True):
    lists(c, limit=limit)
    equal(c.message()["payload"]["field"], "limit", "limit %r" % (limit,))

# Work is bounded.
lists(c, limit=5)
before = len(d.asked) - (len(d.asked) > before + 10)
for n in range(1, 101):
    one, limit, after = round_of(before + n)
    answer(d, one[0], one[1], ROWS, rows(*((n * 1000 + i, "admin") for i in range(limit))) + b"+9:%d" % (n * 1000 + limit), count=limit)
items, place = items_of(c.message())
equal((items, place is not None), ([], True), "ten thousand rows, none for the client: an empty page, and there are more")
lists(c, limit=5, after=place)
one, limit, after = round_of(before + 101)
equal(after, "9:100100", "... the next one goes on where it was")
answer(d, one[0], one[1], ERROR, "no such field \u00e9".encode(), code=b"invalid_field", field=b"status")
reply = c.message()
equal((reply["id"], reply["payload"]), ("list", {"code": "invalid_field", "message": "no such field \u00e9", "field": "status"}), "an error")
lists(c, limit=5)
one, limit, after = round_of(before + 102)
big = record(key="1", payload='{"n":1,"x":"%s"}' % ("y" * 300000))
answer(d, one[0], one[1], ROWS, big + rows((2, "all")) + b".9:2", count=2)
items, place = items_of(c.message())
equal((items, place is not None), ([1], True), "large rows come in shorter pages")

# One's notifications go the same way.
c.say({"type": "list", "id": 1, "payload": {"type": "notification", "limit": 1, "unread": True}})
one = asked(d, before + 103)
equal((one[2], json.loads(one[3])), (VERBS["NOTIFICATIONS"], {"type": "notification", "limit": 100, "unread": True}), "notifications are another verb")
answer(d, one[0], one[1], ROWS, rows((9, "user:1"), (7, "user:1")) + b".", count=2)
items, place = items_of(c.message())
c.say({"type": "list", "id": 1, "payload": {"type": "notification", "limit": 1, "unread": True, "after": place}})
one = asked(d, before + 104)
equal((items, json.loads(one[3])["after"]), ([9], "9"), "... and go on behind the last one")
answer(d, one[0], one[1], ROWS, rows((7, "user:1")) + b".", count=1)
equal(items_of(c.message()), ([7], None), "... until there are no more")

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
page = record(payload=json.dumps({"page": "p" * (1 << 20)})) + b"."
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
        ("rows for one", lambda x, one: answer(x, one[0], one[1], ROWS, record() + b".1:1", count=1)),
        ("an unknown kind", lambda x, one: answer(x, one[0], one[1], 5)),
        ("a truncated body", lambda x, one: x.send(ANSWER, b"\0" * 40))):
    x = Dispatcher(tip=10)
    y = x.ready(token("1"))
    y.say({"type": "get", "id": 1, "payload": {"type": "x", "id": 1}})
    send(x, asked(x, 1))
    equal(x.wait_exit(), 0, what + ": the gateway ends")
for what, rest, count in (("fewer records than it says", record() + b".1:1", 2), ("rows without a place", record(), 1), ("no sign of more", b"1:1", 0)):
    x = Dispatcher(tip=10)
    y = x.ready(token("1"))
    y.say({"type": "list", "id": 1, "payload": {"type": "x"}})
    one = asked(x, 1)
    answer(x, one[0], one[1], ROWS, rest, count=count)
    equal(x.wait_exit(), 0, what + ": the gateway ends")
d.stop()
done()
