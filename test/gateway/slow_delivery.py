#!/usr/bin/python3
"""Events that took too long from their commit are told, with the slowest of a second."""
from harness import *

d = Dispatcher(tip=5, log_slow_delivery=1000)


def now(ago):
    return int((time.time() - ago) * 1000000)


def reported():
    """Something that is told behind what is slow: a client's report."""
    before = d.reports.get(number, (0, 0, 0))[2]
    c.ask({"type": "ping"})
    d.wait(lambda: d.reports.get(number, (0, 0, 0))[2] > before, "CLIENTS")
    before = d.counter("bugevents_messages_received_total")
    c.ask({"type": "ping"})
    d.wait(lambda: d.counter("bugevents_messages_received_total") > before, "COUNTERS")


d.publish(record(), at=now(50))
c, other = d.ready(token("1")), d.ready(token("2"))
number = d.opened[0][0]
d.publish(record(), at=now(0))
reported()
equal(d.slow, [], "what nobody was there for, and what is fast, isn't told")

first = d.publish(record(), record(), at=now(5))
d.wait(lambda: d.slow, "SLOW")
seq, us, clients, count = d.slow.pop()
equal((seq, clients, count), (first, 2, 2), "two events of one transaction")
ok(5000000 <= us < 5000000 + 20000000 * SLOWNESS, "how long they took", us)

one = d.publish(record(audience="user:1"), at=now(2))
d.wait(lambda: d.slow, "SLOW")
equal((d.slow[-1][0], d.slow[-1][2:]), (one, (1, 1)), "for one client")
d.slow.clear()
d.publish(record(audience="user:3"), at=now(2))
reported()
equal(d.slow, [], "an event for nobody who is here")

# Many: one message in a second, all of them counted.
slowest = [d.publish(record(), at=now(900 if i == 60 else 3)) for i in range(100)][60]
d.wait(lambda: sum(s[3] for s in d.slow) == 100, "all of them")
ok(len(d.slow) <= 3, "many are told together", d.slow)
ok(slowest in [s[0] for s in d.slow], "with the slowest of them", d.slow)
d.slow.clear()

for limit, ago, wanted in ((5000, 3, 0), (-1, 30, 0), (0, 3, 1)):
    d.configure(log_slow_delivery=limit)
    d.publish(record(), at=now(ago))
    if wanted:
        d.wait(lambda: d.slow, "SLOW")
    reported()
    equal(len(d.slow), wanted, "a limit of %d ms" % limit)
equal(d.stop(), 0, "the gateway ends with 0")
done()
