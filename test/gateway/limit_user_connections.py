#!/usr/bin/python3
"""max_connections_per_user: the dispatcher counts (test/t/008), the gateway asks and tells."""
from harness import *

d = Dispatcher(tip=5)
d.per_user = 2
one, two = d.lets_in("first", token("u")), d.lets_in("second", token("u"))
d.refuses("a third connection", "too_many_connections", tok=token("u"))
d.refuses("by another route", "too_many_connections", tok=token("u"), route="protocol")
d.lets_in("another user", token("v"))
one.close()
d.wait(lambda: d.ready(token("u")).ready.get("action") == "ready", "room")
ok(True, "a place is free when a connection goes")
ok(two.silent(), "who is in is not concerned")
equal(d.stop(), 0, "the gateway ends with 0")
done()
