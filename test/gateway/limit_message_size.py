#!/usr/bin/python3
"""max_message_size: one message of a client, in one frame or in many."""
from harness import *

d = Dispatcher(tip=5, max_message_size=1000)


def ping(size):
    text = b'{"type":"ping","pad":""}'
    return text[:-2] + b"x" * (size - len(text)) + text[-2:]


def too_big(name, *frames):
    c = d.ready(token("1"))
    for opcode, payload, fin in frames:
        c.send_frame(opcode, payload, fin=fin)
    equal(([m["payload"]["code"] for m in c.closed()], c.code, c.reason),
          (["message_too_big"], 1009, "message_too_big"), name + ": 1009")


c = d.lets_in("a client", token("1"))
equal(c.ask(ping(1000))["type"], "reply", "as large as allowed")
for part in range(0, 1000, 100):
    c.send_frame(0 if part else 1, ping(1000)[part:part + 100], fin=part == 900)
equal(c.message()["type"], "reply", "in ten fragments")
too_big("a byte more", (1, ping(1001), True))
too_big("a byte more in the second fragment", (1, ping(1001)[:1000], False), (0, b"}", True))
too_big("empty fragments don't hide it", (1, ping(1001)[:999], False), (0, b"", False), (0, b'"}', True))

# Refused by its header: what was announced is neither waited for nor kept.
c = d.ready(token("1"))
c.write(b"\x81\xff" + struct.pack(">Q", 1 << 40) + b"\1\2\3\4")
equal(([m["payload"]["code"] for m in c.closed()], c.code), (["message_too_big"], 1009), "a frame of 1 TB, announced")

d.settle(max_message_size=2000)
equal(d.lets_in("later", token("1")).ask(ping(2000))["type"], "reply", "a larger limit, for those who are new")
equal(c.dispatcher.ready(token("1")).ready["payload"]["limits"]["max_message_size"], 2000, "clients are told")

# The request's head and the token in it have limits of their own.
for size, status in ((15000, 404), (17000, 431)):
    c = Client(d, handshake=False)
    c.request("GET /nothing HTTP/1.1", ["Host: x", "X: " + "y" * size])
    c.read_head()
    equal(c.status, status, "a head of %d bytes: %d" % (size, status))
d.refuses("a token above 8 kB", "invalid_token", tok=token("1", pad="x" * 6200))
equal(d.stop(), 0, "the gateway ends with 0")
done()
