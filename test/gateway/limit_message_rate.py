#!/usr/bin/python3
"""message_rate: a token bucket for each connection."""
from harness import *

d = Dispatcher(tip=5, message_rate=60)


def until_limited(client, message):
    """How many pass at once, apart from the one a second that comes back; the refusal."""
    begun = time.monotonic()
    for passed in range(1000):
        reply = client.ask(message)
        if reply["payload"].get("code") == "rate_limited":
            return passed - int(time.monotonic() - begun), reply["payload"]


c = d.lets_in("a client", token("r"))
passed, p = until_limited(c, {"type": "ping"})
ok(passed in (59, 60), "60 messages pass", passed)
ok(0 < p["retry_after"] <= 1, "the next: rate_limited, and when it may again", p)
d.publish(record(payload='{"n":1}'))
equal(c.message()["payload"], {"n": 1}, "the stream goes on for who is limited")
begun = time.monotonic()
d.wait(lambda: time.monotonic() - begun > p["retry_after"], "retry_after")
equal(c.ask({"type": "ping"})["type"], "reply", "after retry_after it may again")

# Anything counts, also what is no message of ours; control frames do not.
c = d.lets_in("another", token("r"))
passed, p = until_limited(c, "nonsense")
ok(passed in (59, 60), "60 pieces of nonsense count as messages", passed)
for _ in range(100):
    c.send_frame(9, b"p")
equal({c.frame() for _ in range(100)}, {(10, b"p")}, "pings of the protocol do not")
equal(d.lets_in("a second connection", token("r")).ask({"type": "ping"})["type"], "reply", "has its own bucket")

# They have a rate of their own, 1200 a minute, and so have fragments with nothing in them.
c.say({"type": "ping"})
equal(c.frame()[0], 1, "who is within it stays")
EMPTY, BEGIN = b"\x00\x80\0\0\0\0", b"\x01\x81\0\0\0\0{"
for name, begin, frames in (("pings", b"", b"\x89\x80\0\0\0\0"), ("pongs", b"", b"\x8a\x80\0\0\0\0"), ("empty fragments", BEGIN, EMPTY)):
    flood = d.lets_in("one that sends " + name, token("f"))
    flood.write(begin + frames * 1100)
    ok(flood.silent() if not begin else not flood.eof, "1100 %s are no flood" % name)
    if begin:
        flood.write(b"\x80\x80\0\0\0\0")
        equal(flood.message()["payload"]["code"], "invalid_message", "... and a message can be made of so many pieces")
        flood.write(begin)
    try:
        flood.write(frames * 1100)
    except OSError:
        pass
    flood.closed()
    equal((flood.code, flood.reason), (1008, "rate_limited"), "1100 more are")

until_limited(c, {"type": "ping"})
c.write(b"\x81\x82\0\0\0\0{}" * 60)
seen = c.closed()
equal((c.code, c.reason), (1008, "rate_limited"), "who goes on is closed")
ok(len(seen) <= 21, "... after twenty refusals", len(seen))

# It makes no difference that one in ten passes.
d.settle(message_rate=600)
c = d.lets_in("a patient one", token("r"))
until_limited(c, {"type": "ping"})
passed, code = 0, None
try:
    for _ in range(20):
        c.write(b"".join(b"\x81\x8f\0\0\0\0" + b'{"type":"ping"}' for _ in range(10)))
        answers = c.messages(10)
        passed += sum(1 for answer in answers if answer["type"] == "reply")
        begun = time.monotonic()
        d.wait(lambda: time.monotonic() - begun > 0.1, "the time that brings one back")
except Closed as closed:
    code = closed.reason
ok(passed > 0, "some pass", passed)
equal(code, "rate_limited", "who goes on is closed, though some of its messages pass")

# Who waits as long as it is told may go on for ever.
c = d.lets_in("one that waits", token("r"))
until_limited(c, {"type": "ping"})
waits = 0
while waits < 30:
    reply = c.ask({"type": "ping"})
    if reply["type"] == "error":
        waits += 1
        begun = time.monotonic()
        d.wait(lambda: time.monotonic() - begun > reply["payload"]["retry_after"], "retry_after")
ok(True, "who waits for retry_after each time is not closed")

d.settle(message_rate=0)
c = d.lets_in("without a limit", token("r"))
equal({c.ask({"type": "ping"})["type"] for _ in range(200)}, {"reply"}, "0 is no limit")
equal(d.stop(), 0, "the gateway ends with 0")
done()
