#!/usr/bin/python3
"""Slow clients: bounded memory, no harm to others, nothing lost."""
from harness import *


def rss(d):
    with open("/proc/%d/status" % d.process.pid) as f:
        for line in f:
            if line.startswith("VmRSS"):
                return int(line.split()[1])


d = Dispatcher(tip=0, window_size=2 << 20)
fast = d.ready(token("1"))
slow = d.ready(token("2"), rcvbuf=4096)
body = json.dumps({"s": "x" * 4000})
before = rss(d)
for n in range(4000):
    d.publish(record(payload=body))
    fast.message()
after = rss(d)
sanitized = "sanitized" in GATEWAY
ok(sanitized or after - before < 12000, "16 MB past a client that reads nothing cost little memory",
   "%s kB, then %s kB" % (before, after))
ok(True, "and every other client got each event at once")

# It asks while it is choked: no spinning
slow.say({"type": "ping", "id": "late"})


def cpu(d):
    with open("/proc/%d/stat" % d.process.pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])


start = cpu(d)
end = time.monotonic() + 1
while time.monotonic() < end:
    d.pump()
    select.select([], [], [], 0.05)
ok(cpu(d) - start < 30, "a choked client that sends does not make the loop spin", cpu(d) - start)

got = []
replied = 0
while not got or got[-1] < d.tip:
    m = slow.message()
    if m["type"] == "reply":
        replied += 1
    else:
        got.append(m["seq"])
equal(got, list(range(1, d.tip + 1)), "when it reads again it gets everything, in order")
ok(d.all_fetches > 3, "by way of the journal", d.all_fetches)
if not replied:
    equal(slow.message().get("id"), "late", "and its answer")
else:
    ok(True, "and its answer")
d.publish(record(payload='{"last":1}'))
equal(slow.message()["payload"], {"last": 1}, "and is live again")

# A large event to one who does not read
big = d.ready(token("3"), rcvbuf=4096)
huge = json.dumps({"s": "z" * 3000000})
d.publish(record(payload=huge, audience="user:3"))
d.publish(record(payload='{"after":1}', audience="user:3"))
equal(len(big.message()["payload"]["s"]), 3000000, "a frame of 3 MB arrives whole")
equal(big.message()["payload"], {"after": 1}, "and the next after it")

# Many choked ones, closed in the middle
crowd = [d.ready(token("c%d" % i), rcvbuf=4096) for i in range(30)]
for n in range(300):
    d.publish(record(payload=body))
for one in crowd[::2]:
    one.close()
for n in range(300):
    d.publish(record(payload=body))
ends = [one for one in crowd[1::2]]
good = 0
for one in ends:
    last = 0
    n = 0
    while last < d.tip:
        last = one.message()["seq"]
        n += 1
    good += n == 600
equal(good, len(ends), "choked clients survive others that vanish")
equal(d.stop(), 0, "the gateway ends with 0")

# Shutdown with a choked client ends in time
d = Dispatcher(tip=0)
slow = d.ready(token("2"), rcvbuf=4096)
for n in range(2000):
    d.publish(record(payload=body))
d.progress()
start = time.monotonic()
equal(d.stop(), 0, "a choked client does not hold up the end")
ok(time.monotonic() - start < PATIENCE / 3, "for more than its time")
done()
