#!/usr/bin/python3
"""Clients that lag: the limit on it, and those who want the last state only."""
from harness import *

FILL = "x" * 2000


def state(key, n, type="bug_report", **more):
    return record(type=type, key=str(key), payload=json.dumps({"id": key, "n": n, "fill": FILL}), **more)


def choke():
    """More than the kernel holds for a client that does not read."""
    for n in range(80):
        d.publish(*[state("choke", n) for _ in range(50)])
        fast.messages(50)


def come(user, **more):
    """A client, with the number that the gateway gave it."""
    client = d.ready(token(user), **more)
    client.number = d.opened[-1][0]
    return client


def read_to(client, seq):
    """The events up to this seq."""
    seen = []
    while not seen or seen[-1]["seq"] < seq:
        seen.append(client.message())
    return seen


# ---- The last state only
d = Dispatcher(tip=0, window_size=64 << 20, connection_timeout=2000, ping_interval=0)
fast = d.ready(token("1"))
slow = come("2", rcvbuf=4096)
equal(slow.ask({"type": "subscribe", "id": 1, "payload": {"conflate": "yes"}})["payload"]["field"],
      "conflate", "conflate is true or false")
for n in range(3):
    d.publish(state(7, n))
equal([slow.message()["payload"]["n"] for _ in range(3)], [0, 1, 2], "who does not ask for it gets every state")
equal(slow.ask({"type": "subscribe", "id": 2, "payload": {"conflate": True}})["type"], "reply",
      "it conflates")
fast.messages(3)
for n in range(5):
    d.publish(state(8, n))
equal([m["payload"]["n"] for m in slow.messages(5)], list(range(5)),
      "as long as it keeps up it gets every state")
fast.messages(5)
choke()
begun = d.tip
for n in range(2000):
    d.publish(state(n % 10, n), state(n % 10, n, type="comment"))
d.publish(record(payload='{"no":"key"}'))
d.publish(record(payload='{"no":"key"}'))
d.publish(state(3, "gone", audience="user:9"))      # not for this client
d.publish(state(4, "last", action="deleted"))
d.publish(record(type="project", key="4", payload='{"id":4}'))
fast_seen = fast.messages(4000 + 4)
seen = [m for m in read_to(slow, d.tip) if m["seq"] > begun]
rows = [(m["type"], m["payload"].get("id"), m["payload"].get("n")) for m in seen]
wanted = {}
for m in fast_seen:
    if "id" in m["payload"]:
        wanted[m["type"], m["payload"]["id"]] = m["payload"].get("n")
last = {}
for kind, key, n in rows:
    if key is not None:
        last[kind, key] = n
equal(last, wanted, "the last state of each row arrives, as everyone else has it")
ok(len(rows) < 1500, "and hardly any other", len(rows))
equal(sum(1 for m in seen if m["payload"].get("no")), 2, "events without a row all arrive")
equal([m["seq"] for m in seen], sorted(m["seq"] for m in seen), "in the order of the stream")
d.publish(state(8, "live"))
equal(slow.message()["payload"]["n"], "live", "then it is live again")
fast.message()

# A row whose later states it does not want is not lost
slow.ask({"type": "subscribe", "id": 3, "payload": {"conflate": True, "actions": ["created"]}})
slow.ask({"type": "subscribe", "id": 3, "payload": {"conflate": True, "types": ["bug_report"],
                                                   "actions": ["updated"]}})
choke()
begun = d.tip
d.publish(state(50, "seen"))
d.publish(state(50, "unseen", action="assigned"))
d.publish(state(51, "old"))
d.publish(state(51, "new"))
seen = [m["payload"]["n"] for m in read_to(slow, d.tip) if m["seq"] > begun]
equal(seen, ["seen", "new"], "only states that it wants overtake others")
fast.messages(4)

# The same from the journal
d.configure(window_size=1 << 20)
choke()
begun = d.tip
for n in range(3000):
    d.publish(state(n % 5, n))
fast.messages(3000)
fetched = d.all_fetches
seen = [m["payload"] for m in read_to(slow, d.tip) if m["seq"] > begun]
ok(d.all_fetches > fetched, "beyond the window the journal is read")
equal({m["id"]: m["n"] for m in seen}, {k: 2995 + k for k in range(5)}, "the last states arrive")
ok(len(seen) < 1500, "and few others", len(seen))

# Off again
slow.ask({"type": "subscribe", "id": 4, "payload": {}})
choke()
begun = d.tip
for n in range(500):
    d.publish(state(1, n))
fast.messages(500)
equal([m["payload"]["n"] for m in read_to(slow, d.tip) if m["seq"] > begun], list(range(500)),
      "without conflate every state arrives")

# ---- The limit
d.configure(client_lag_limit=1000, window_size=64 << 20)
slow.ask({"type": "subscribe", "id": 5, "payload": {"conflate": True}})
choke()
limited = come("3", rcvbuf=4096)
first = limited.ready["payload"]["seq"]
choke()
for n in range(2000):
    d.publish(state(1, n))
d.wait(lambda: limited.number in d.closed, "the end of the one that lags")
ok(slow.number not in d.closed, "who conflates may lag")
seen = []
try:
    while True:
        seen.append(limited.message())
except Closed as closed:
    equal((closed.code, closed.reason), (1013, "too_far_behind"), "past the limit: closed")
told = seen.pop()
equal((told["type"], told["payload"]["code"]), ("error", "too_far_behind"), "and told")
equal([m["seq"] for m in seen], list(range(first + 1, told["payload"]["seq"] + 1)),
      "its position is what it received")
again = d.ready(token("3"), query="since=%d&stream=%s" % (told["payload"]["seq"],
                                                          told["payload"]["stream"]))
equal([m["seq"] for m in read_to(again, d.tip)],
      list(range(told["payload"]["seq"] + 1, d.tip + 1)), "from there it resumes")

# Who comes from far behind is given the chance to get near
far = d.ready(token("4"), rcvbuf=4096, query="since=%d&stream=%s" % (first, STREAM_ID))
end = time.monotonic() + 3
while time.monotonic() < end:
    d.publish(state(1, 0))
    d.pump()
    select.select([], [], [], 0.05)
equal([m["seq"] for m in read_to(far, d.tip)], list(range(first + 1, d.tip + 1)),
      "one that comes from beyond the limit is not turned away")
equal(d.stop(), 0, "the gateway ends with 0")
done()
