#!/usr/bin/python3
"""Live delivery: ready, order, envelope, audiences, subscriptions."""
from harness import *

d = Dispatcher(tip=100, ping_interval=30000)
equal(d.hello[0], pipe.VERSION, "HELLO names the pipe's version")
equal(d.statuses, [""], "an empty STATUS: the configuration is in force")
ok(d.listening[-1].startswith("127.0.0.1:"), "it listens on what it was passed")

c = d.ready(token("42"))
equal(c.headers.get("sec-websocket-accept"), base64.b64encode(hashlib.sha1(
    base64.b64encode(b"0123456789abcdef") + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
).digest()).decode(), "the handshake is answered")
p = c.ready["payload"]
equal((c.ready["type"], c.ready["action"]), ("connection", "ready"), "ready comes first")
equal((p["user_id"], p["role"], p["stream"], p["seq"], p["resumed"]),
      ("42", "user", STREAM_ID, 100, False), "ready says who and where")
ok(len(p["connection_id"]) == 32 and p["expires_at"].endswith("Z") and
   p["ping_interval"] == 30 and p["limits"]["max_message_size"] == 65536,
   "ready says the rest", p)

d.publish(record(payload='{"id":1,"title":"a"}', changes='{"title":["b","a"]}'),
          record(action="assigned", payload='{"id":1}'))
equal(c.text(), b'{"type":"bug_report","action":"updated","seq":101,"tx":{"id":"7741",'
      b'"n":1,"of":2},"at":"2026-01-31T12:00:00.123456Z","payload":{"id":1,"title":"a"},'
      b'"changes":{"title":["b","a"]}}', "an event is the envelope of the contract")
second = c.message()
equal((second["seq"], second["tx"], "changes" in second),
      (102, {"id": "7741", "n": 2, "of": 2}, False), "no changes, no member")

strings = ["", "x" * 7000, "x" * 70000, "\u00e9\u20ac\U0001f600" * 1000, "y" * 1000000]
for s in strings:
    d.publish(record(payload=json.dumps({"s": s}, ensure_ascii=False)))
equal([c.message()["payload"]["s"] == s for s in strings], [True] * 5,
      "payloads of every frame length arrive as they are")

# Audiences
user = d.ready(token("7"))
number = d.ready(token(7))
admin = d.ready(token("8", role="admin"))
admin2 = d.ready(token("9", is_admin=True))
member = d.ready(token("10", projects=["p1", 5]))
equal(admin2.ready["payload"]["role"], "admin", "is_admin makes an admin")
d.publish(record(type="notification", audience="user:7", payload='{"n":1}'))
d.publish(record(type="user", audience="admin\nuser:7", payload='{"n":2}'))
d.publish(record(audience="project:5", payload='{"n":3}'))
d.publish(record(audience="project:p1\nproject:5", payload='{"n":4}'))
d.publish(record(audience="user:70", payload='{"n":5}'))
d.publish(record(payload='{"n":6}'), record(audience="user:7", payload='{"n":7}'),
          record(audience="admin", payload='{"n":8}'), record(payload='{"n":9}'))
d.publish(record(audience="", payload='{"n":10}'))


def numbers(client):
    """What came up to the tip."""
    seen = []
    reply = {"payload": {"seq": -1}}
    while reply["payload"]["seq"] < d.tip:
        client.say({"type": "ping"})
        reply = client.message()
        while reply["type"] != "reply":
            seen.append(reply["payload"]["n"])
            reply = client.message()
    return seen


d.progress()
equal(numbers(c), [6, 9], "everyone sees what is for all, and only that")
equal(numbers(user), [1, 2, 6, 7, 9], "a user sees what is for that user")
equal(numbers(number), [1, 2, 6, 7, 9], "a number as sub is the same user")
equal(numbers(admin), [2, 6, 8, 9], "an admin sees what is for admins")
equal(numbers(member), [3, 4, 6, 9], "a member sees the project's events")

# Subscriptions
s = d.ready(token("20"))
reply = s.ask({"type": "subscribe", "id": "s1", "payload": {
    "types": ["bug_report"], "actions": ["created", "updated"], "project_ids": [7, "x"],
    "bug_report_ids": []}})
equal(reply, {"type": "reply", "id": "s1", "payload": {"seq": d.tip}},
      "subscribe is answered with the seq from which it counts")
d.publish(record(project="7", payload='{"n":1}'), record(project="8", payload='{"n":2}'),
          record(payload='{"n":3}'), record(type="comment", project="7", payload='{"n":4}'),
          record(project="x", payload='{"n":5}'),
          record(action="deleted", project="x", payload='{"n":6}'))
d.publish(record(audience="admin", project="7", payload='{"n":7}'))
equal(numbers(s), [1, 5], "a subscription narrows, and shows nothing that may not be seen")
s.ask({"type": "subscribe", "payload": {"bug_report_ids": [12]}})
d.publish(record(bug="12", payload='{"n":1}'), record(bug="13", payload='{"n":2}'),
          record(type="comment", bug="12", payload='{"n":3}'))
equal(numbers(s), [1, 3], "the next subscribe takes the place of the first")
s.ask({"type": "subscribe", "payload": {}})
d.publish(record(bug="13", payload='{"n":4}'))
equal(numbers(s), [4], "an empty subscribe is everything")
s.ask({"type": "unsubscribe"})
d.publish(record(payload='{"n":5}'))
equal(numbers(s), [], "after unsubscribe nothing comes")
s.ask({"type": "subscribe"})
d.publish(record(payload='{"n":6}'))
equal(numbers(s), [6], "until the next subscribe")

# Many clients, interleaved matches
many = [d.ready(token(str(1000 + i))) for i in range(50)]
for n in range(20):
    d.publish(*[record(audience="user:%d" % (1000 + (n + i) % 50) if i % 3 else "all",
                       payload='{"n":%d}' % (n * 10 + i)) for i in range(10)])
good = 0
for k, client in enumerate(many):
    wanted = [n * 10 + i for n in range(20) for i in range(10)
              if i % 3 == 0 or (n + i) % 50 == k]
    good += numbers(client) == wanted
equal(good, 50, "runs with gaps reach each of 50 clients as they should")

# Who waits for a position is told behind all events up to there.
w = d.ready(token("1"))
tip = d.tip
equal(w.ask({"type": "wait", "id": 1, "payload": {"seq": tip}})["payload"], {"seq": tip, "reached": True}, "wait: it is there")
for n in range(8):
    w.say({"type": "wait", "id": "w%d" % n, "payload": {"seq": str(tip + 2) if n else tip + 1}})
equal(w.ask({"type": "wait", "id": "more", "payload": {"seq": tip + 9}})["payload"]["code"], "rate_limited", "... eight of one client")
d.publish(record())
equal([w.message().get("id", "event") for _ in range(2)], ["event", "w0"], "... is told behind the event")
ok(w.silent(), "... and the others go on waiting")
d.progress(tip + 2)
found = [w.message() for _ in range(7)]
equal((sorted(m["id"] for m in found), {m["payload"]["seq"] for m in found}), (["w%d" % n for n in range(1, 8)], {tip + 2}), "... also where no event was")
w.say({"type": "wait", "id": "gone", "payload": {"seq": tip + 50}})
ok(w.silent(), "one waits on")
d.settle(connection_timeout=1000)
equal(w.ask({"type": "wait", "id": "late", "payload": {"seq": tip + 70}})["payload"], {"seq": tip + 2, "reached": False}, "... but not for ever")
w.close()
d.wait(lambda: len(d.closed) > 0, "it to be let go of")
d.publish(*[record() for _ in range(60)])

equal(d.stop(), 0, "the gateway ends with 0")
done()
