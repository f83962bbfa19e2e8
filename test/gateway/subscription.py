#!/usr/bin/python3
"""What a client narrowed its stream to: the dispatcher hears of it, once, and in few bytes."""
from harness import *

d = Dispatcher(tip=5)
c = d.ready(token("1"))
client = d.opened[-1][0]


def told(n):
    d.wait(lambda: len(d.subscriptions) >= n, "SUBSCRIPTION %d" % n)
    return d.subscriptions[n - 1]


def subscribe(**payload):
    return c.ask({"type": "subscribe", "payload": payload})["type"]


subscribe(types=["comment", "bug_report"], project_ids=[7, "x"], conflate=True)
equal(told(1), (client, b"c\0tbug_report\0tcomment\0p7\0px\0"), "a subscription")
c.ask({"type": "unsubscribe"})
equal(told(2), (client, b"n\0c\0tbug_report\0tcomment\0p7\0px\0"), "none for now")
subscribe()
equal(told(3), (client, b""), "everything")
subscribe(bug_report_ids=list(range(1000)), actions=["created"])
equal(told(4), (client, b"acreated\0B1000\0"), "a long list is its length")
subscribe(types=["\u20ac" * 50], actions=["x" * 255])
equal(told(5)[1], ("t" + "\u20ac" * 50).encode() + b"\0A1\0", "so is one that has no room")

# Many at once are told once, and what is the same as before isn't told again.
for i in range(50):
    subscribe(project_ids=[i])
told(6)
d.wait(lambda: d.subscriptions[-1] == (client, b"p49\0"), "the last of many")
ok(len(d.subscriptions) < 20, "not each of many", len(d.subscriptions))
seen = len(d.subscriptions)
c.ask({"type": "unsubscribe"})
subscribe(project_ids=[49])
other = d.ready(token("2"))
other.ask({"type": "subscribe", "payload": {"types": ["t"]}})
d.wait(lambda: d.subscriptions[-1] == (d.opened[-1][0], b"tt\0"), "another client's")
ok(len(d.subscriptions) - seen in (1, 3), "what didn't change isn't told", d.subscriptions[seen:])

# A refused one changes nothing, nor does one who never asks for anything.
other.ask({"type": "subscribe", "payload": {"types": [1]}})
for field in ("types", "actions", "project_ids", "bug_report_ids"):
    for odd in ("a\nb", "\t", "\x7f", "\x1b[31m", "a\0"):
        other.ask({"type": "subscribe", "payload": {field: ["x", odd]}})
quiet = d.ready(token("3"))
number = d.opened[-1][0]
quiet.ask({"type": "ping"})
d.wait(lambda: d.reports.get(number, (0, 0, 0))[2] == 1, "the report on a quiet one")
equal([i for i in d.subscriptions if i[0] == number], [], "who narrows nothing is not told of")
equal(d.subscriptions[-1][1], b"tt\0", "a subscription that is refused changes nothing")
equal(d.stop(), 0, "the gateway ends with 0")
done()
