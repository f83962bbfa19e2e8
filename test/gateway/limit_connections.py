#!/usr/bin/python3
"""max_connections: clients in all."""
from harness import *

d = Dispatcher(tip=5, max_connections=3, max_unauthenticated_connections=64)
held = [d.lets_in("connection %d of 3" % i, token(str(i))) for i in range(3)]
for i in range(3):
    d.refuses("a fourth, try %d" % i, "server_full", 1013, tok=token("9"))
d.refuses("the token is not looked at then", "server_full", 1013, tok="nonsense")
for client in held:
    ok(client.silent(), "those who are in are not concerned")
held.pop().close()
d.wait(lambda: d.ready(token("4")).ready.get("action") == "ready", "room")
ok(True, "a place is free when a connection goes")

# Sockets that never get so far are bounded, too (limit_unauthenticated.py).
sockets = [Client(d, handshake=False) for _ in range(200)]
d.wait(lambda: sum(1 for s in sockets if s.eof or not s.fill() and s.eof) >= 200 - (3 + 64), "the rest to be closed")
still = [s for s in sockets if not s.eof]
ok(0 < len(still) <= 3 + 64, "sockets without a handshake are bounded", len(still))
ok(held[0].silent(), "who is in stays in")
equal(d.stop(), 0, "the gateway ends with 0")
done()
