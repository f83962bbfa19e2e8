#!/usr/bin/python3
"""Which address a client has, behind a proxy and without one."""
from harness import *

d = Dispatcher(tip=1, trusted_proxies="127.0.0.1")
c = d.ready(token("77"))
equal(d.opened[-1][3], "127.0.0.1", "a direct client has its own address")
d.knock("192.0.2.77", token("78")).message()
equal(d.opened[-1][3], "192.0.2.77", "one behind a proxy the one that the proxy names")

# Changed while it runs.
d.configure(handshake_rate=2, trusted_proxies="192.0.2.0/24")
d.wait(lambda: d.knock("192.0.2.50", token("79")).message() and d.opened[-1][3] == "127.0.0.1", "the new list")
equal([d.knock("192.0.2.50").outcome() for _ in range(4)], ["ready"] * 4, "who is no trusted proxy can't claim an address")
equal(d.stop(), 0, "the gateway ends with 0")
done()
