#!/usr/bin/python3
"""allowed_origins: whose pages may connect."""
from harness import *

d = Dispatcher(tip=5)
good = token("1")
own = "http://127.0.0.1:%d"
d.lets_in("no origin: no browser", good)
d.lets_in("the same origin", good, origin=own % d.port)
d.lets_in("the same origin by https", good, origin="https://127.0.0.1:%d" % d.port)
for origin in ("http://evil", "null", "", "http://127.0.0.1:1", own % d.port + "/", "ftp://127.0.0.1:%d" % d.port):
    d.refuses("origin %r" % origin, "origin_not_allowed", tok=good, origin=origin)
d.refuses("another origin with a bad token is not told about the token", "origin_not_allowed", tok="x", origin="http://evil")
d.settle(allowed_origins="https://a.example, https://b.example")
d.lets_in("a listed origin", good, origin="https://b.example")
for origin in (own % d.port, "https://b.exampl", "https://b.example.evil", "https://b.example:444", "http://b.example",
               "https://a.example, https://b.example", "*", ""):
    d.refuses("when others are listed: origin %r" % origin, "origin_not_allowed", tok=good, origin=origin)
d.settle(allowed_origins="*")
d.lets_in("any origin", good, origin="https://evil")
equal(d.stop(), 0, "the gateway ends with 0")
done()
