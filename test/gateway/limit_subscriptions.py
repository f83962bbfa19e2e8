#!/usr/bin/python3
"""A connection has one subscription, whose lists have 1000 entries at most."""
from harness import *

d = Dispatcher(tip=5)
c = d.ready(token("1"))


def subscribe(**payload):
    reply = c.ask({"type": "subscribe", "payload": payload})
    return reply["payload"].get("code", "none"), reply["payload"].get("field")


for field in ("types", "actions", "project_ids", "bug_report_ids"):
    equal(subscribe(**{field: [str(i) for i in range(1000)]}), ("none", None), "1000 " + field)
    equal(subscribe(**{field: [str(i) for i in range(1001)]}), ("invalid_field", field), "1001 " + field)
equal(subscribe(types=["t"] * 1001), ("invalid_field", "types"), "the same one 1001 times")
equal(subscribe(types=["x" * 255]), ("none", None), "a long entry")
equal(subscribe(types=["x" * 256]), ("invalid_field", "types"), "a longer one")

# What is wrong is said.
for payload, words in (({"project_ids": list(range(1001))}, "at most 1000 entries"), ({"project_ids": 7}, "expected a list of ids"),
                       ({"types": {"a": 1}}, "expected a list of strings"), ({"types": [7]}, "strings of at most 255 bytes"),
                       ({"bug_report_ids": [1.5]}, "each a number or a string")):
    reply = c.ask({"type": "subscribe", "payload": payload})
    ok(words in reply["payload"]["message"], "%.40s: %s" % (payload, words), reply)

# A refused one leaves what was there.
equal(subscribe(project_ids=[7]), ("none", None), "a small one")
subscribe(project_ids=list(range(1001)))
d.publish(record(project="8", payload='{"n":8}'), record(project="7", payload='{"n":7}'))
equal(c.message()["payload"], {"n": 7}, "a subscription that is refused changes nothing")

# It replaces the one before: however often, memory stays.


def memory():
    with open("/proc/%d/statm" % d.process.pid) as f:
        return int(f.read().split()[1]) * 4096


full = {f: ["x%d" % i * 4 for i in range(1000)] for f in ("types", "actions")}
for _ in range(50):
    subscribe(**full)
before = memory()
for _ in range(500):
    subscribe(**full)
if not os.environ.get("BUGEVENTS_GATEWAY"):     # a sanitizer keeps what is freed for a while
    ok(memory() - before < 4 << 20, "500 large subscriptions one after the other take no memory", memory() - before)
equal(d.stop(), 0, "the gateway ends with 0")
done()
