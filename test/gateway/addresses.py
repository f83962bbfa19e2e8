#!/usr/bin/python3
"""Which address a client has, behind a proxy and without one."""
from harness import *

d = Dispatcher(tip=1, trusted_proxies="127.0.0.1")
c = d.ready(token("77"))
equal(d.opened[-1][3], "127.0.0.1", "a direct client has its own address")
d.knock("192.0.2.77", token("78")).message()
equal(d.opened[-1][3], "192.0.2.77", "one behind a proxy the one that the proxy names")



# As proxies write it: lines are one list, with ports and brackets.
def seen_as(*lines):
    Client(d, token("78"), headers=lines).message()
    return d.opened[-1][3]


XFF = "X-Forwarded-For: "
equal(seen_as(XFF + "203.0.113.5", XFF + "192.0.2.78"), "192.0.2.78", "of two lines the last entry counts")
equal(seen_as(XFF + "192.0.2.79", "x-forwarded-for: 127.0.0.1"), "192.0.2.79", "... across proxies")
equal(seen_as(XFF + "192.0.2.80:4711"), "192.0.2.80", "a port")
equal(seen_as(XFF + "[2001:db8::80]:4711"), "2001:db8::80", "brackets and a port")
equal(seen_as(XFF + "192.0.2.81, unknown"), "127.0.0.1", "unknown: it is the proxy's")
many = Client(d, handshake=False)
many.request("GET /health HTTP/1.1", ["Host: x"] + [XFF + "192.0.2.1"] * 17)
many.read_head()
equal(many.status, 400, "more lines than any chain has")

# A proxy that hides its clients has a limit for all of them, though loopback has none.
d.settle(handshake_rate=4, auth_failure_rate=2)
equal([Client(d, token("1"), headers=(XFF + "unknown",)).outcome() for _ in range(5)], ["ready"] * 4 + ["rate_limited"],
      "a chain that can't be read has the proxy's own limit")
equal(Client(d, token("1")).outcome(), "ready", "what the proxy asks for itself has none")
equal(d.knock("192.0.2.90").outcome(), "ready", "nor do others wait for it")
equal([Client(d, token("1"), headers=(XFF + "",)).outcome() for _ in range(5)], ["ready"] * 5, "an empty list is none")

# Changed while it runs.
d.configure(handshake_rate=2, trusted_proxies="192.0.2.0/24")
d.wait(lambda: d.knock("192.0.2.50", token("79")).message() and d.opened[-1][3] == "127.0.0.1", "the new list")
equal([d.knock("192.0.2.50").outcome() for _ in range(4)], ["ready"] * 4, "who is no trusted proxy can't claim an address")
equal(d.stop(), 0, "the gateway ends with 0")
done()
