#!/usr/bin/python3
"""connection_timeout: how long a handshake may take, and an answer to a ping."""
from harness import *

d = Dispatcher(tip=5, connection_timeout=400, ping_interval=100)
loris = Client(d, handshake=False)
loris.write(b"GET /ws HTTP/1.1\r\nHost:")
loris.read_head()
equal(loris.status, 408, "a handshake that does not end: 408")
nothing = Client(d, handshake=False)
nothing.rest()
ok(nothing.eof, "a connection that says nothing is closed, too")

# The clock runs from the first byte on, however often more come.
begun = time.monotonic()
slow = Client(d, handshake=False)
request = iter(b"GET /ws HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 10000)


def drip():
    try:
        slow.write(bytes([next(request)]))
    except OSError:
        slow.eof = True
    slow.fill()
    return slow.eof or b"\r\n\r\n" in slow.buffer


d.wait(drip, "the end of a slow-loris")
ok(slow.buffer.startswith(b"HTTP/1.1 408 "), "byte by byte: 408", slow.buffer[:40])
ok(0.35 < time.monotonic() - begun < PATIENCE / 3, "... when its time is over, not later")

dead = d.lets_in("a client", token("1"))
opcode, payload = dead.frame()
equal(opcode, 9, "pings come")
while opcode == 9:
    opcode, payload = dead.frame()
equal(json.loads(payload)["payload"]["code"], "connection_timeout", "a peer that does not answer them is dropped")
alive = d.lets_in("another", token("1"))
begun = time.monotonic()
d.wait(lambda: alive.silent() and time.monotonic() - begun > 1, "its time to pass")
ok(True, "one that speaks is not")
equal(d.stop(), 0, "the gateway ends with 0")
done()
