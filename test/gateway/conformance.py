#!/usr/bin/python3
"""RFC 6455, case by case: framing, fragments, control frames, UTF-8, closing.

The groups are those of the field's conformance suites; the cases and the client
are our own.  The server echoes no message, but the id of a ping request, so the
id carries what is to be seen whole.
"""
from harness import *

MAX = 65536
d = Dispatcher(tip=5)
parting = []        # seconds from a close frame to the end, where we answered nothing


def frame(opcode, payload=b"", fin=True, rsv=0, mask=b"\1\2\3\4", form=None):
    """A frame as bytes; form: 7, 16 or 64 bits of length, whatever fits or not."""
    n = len(payload)
    form = form or (7 if n < 126 else 16 if n < 65536 else 64)
    length = {7: bytes([n & 0x7f]), 16: b"\x7e" + struct.pack(">H", n & 0xffff),
              64: b"\x7f" + struct.pack(">Q", n)}[form]
    head = bytes([(0x80 if fin else 0) | rsv | opcode, (0x80 if mask else 0) | length[0]]) + length[1:]
    if mask is None:
        return head + payload
    return head + mask + bytes(b ^ mask[i & 3] for i, b in enumerate(payload))


def ask(ident, size=0):
    """A request whose answer is echo(ident), as text of at least this size."""
    text = json.dumps({"type": "ping", "id": ident}, ensure_ascii=False).encode()
    pad = size - len(text) - len(b',"pad":""')
    return text if pad < 0 else text[:-1] + b',"pad":"' + b"x" * pad + b'"}'


def echo(ident):
    return 1, {"type": "reply", "id": ident, "payload": {"pong": True, "seq": 5}}


def pong(payload=b""):
    return 10, payload


def closing(code, reason=None):
    return 8, code, reason


def read(c):
    """One frame, as the functions above write it."""
    opcode, payload = c.frame()
    if opcode == 1:
        return 1, json.loads(payload)
    if opcode == 8:
        code = struct.unpack(">H", payload[:2])[0] if payload else None
        return 8, code, payload[2:].decode()
    return opcode, payload


def matches(got, wanted):
    return got[0] == wanted[0] and (
        got[1] == wanted[1] and wanted[2] in (None, got[2]) if got[0] == 8 else got == wanted)


# One connection for all that it must survive.
good = d.ready(token("good"))


def chopped(data, size):
    return [data[i:i + size] for i in range(0, len(data), size)] or [b""]


def passes(name, data, *wanted, chop=0):
    """These bytes are answered so, and the connection goes on."""
    for piece in chopped(data, chop) if chop else [data]:
        good.write(piece)
    good.write(frame(1, ask("end of case")))
    got = [read(good) for _ in range(len(wanted) + 1)]
    equal(got, list(wanted) + [echo("end of case")], name)


ERRORS = {1003: "invalid_message", 1007: "invalid_message", 1009: "message_too_big", 1002: None}


def fails(name, data, code, *before, reason=None):
    """These bytes are answered by what stands in before, an error (but for 1002), a
    close frame with this code, and the end; with nothing behind it."""
    c = d.ready(token("bad"))
    for piece in data if isinstance(data, list) else [data]:
        c.write(piece)
    got = [read(c)]
    while got[-1][0] != 8:
        got.append(read(c))
    began = time.monotonic()
    rest = c.rest()
    parting.append(time.monotonic() - began)
    error = ERRORS.get(code)
    wanted = list(before) + ([(1, error)] if error and reason is None else [])
    wanted.append(closing(code, reason))
    shown = [(1, g[1]["payload"]["code"]) if g[0] == 1 and g[1]["type"] == "error" else g for g in got]
    ok(len(shown) == len(wanted) and all(map(matches, shown, wanted)) and rest == b"" and not c.reset,
       "%s: %d" % (name, code), "got %r and %r, reset: %s\nwanted %r" % (shown, rest, c.reset, wanted))
    c.close()


# ---- 1: frames of all sizes, in one piece and in many
for size in (0, 125, 126, 127, 128, 65535, MAX):
    data = frame(1, ask(size, size))
    for chop in (0, 1, 997) if size < 200 else (0, 997):
        passes("text of %d bytes%s" % (size, ", chopped by %d" % chop if chop else ""), data,
               echo(size), chop=chop)
passes("an empty frame among fragments", frame(1, b"", fin=False) + frame(0, b"", fin=False) +
       frame(0, ask("a")), echo("a"))
passes("500 messages at once", frame(1, ask("m")) * 500, *[echo("m")] * 500)
passes("a mask of zeros", frame(1, ask("z"), mask=b"\0\0\0\0"), echo("z"))
passes("a mask of ones", frame(1, ask("z"), mask=b"\xff\xff\xff\xff"), echo("z"))
for opcode, name in ((1, "text"), (0, "continuation"), (9, "ping"), (8, "close"), (2, "binary")):
    fails("%s, not masked" % name, frame(opcode, b"", mask=None), 1002)
fails("not masked, told by two bytes", frame(1, b"x" * 100, mask=None)[:2], 1002)
for n, form in ((0, 16), (125, 16), (0, 64), (125, 64), (126, 64), (65535, 64)):
    fails("%d bytes by a length of %d bits" % (n, form), frame(1, b"x" * n, form=form), 1002)
for n in (1 << 63, (1 << 64) - 1):
    fails("a length of %#x" % n, b"\x81\xff" + struct.pack(">Q", n) + b"\1\2\3\4", 1002)
fails("binary", frame(2, b"x"), 1003)
fails("binary, empty", frame(2), 1003)
fails("binary, the first of fragments", frame(2, b"x", fin=False), 1003)

# ---- 2: pings and pongs
for payload in (b"", b"hello", bytes(range(125)), b"\xff" * 125):
    passes("a ping of %d bytes" % len(payload), frame(9, payload), pong(payload))
passes("a ping of 125 bytes, byte by byte", frame(9, b"x" * 125), pong(b"x" * 125), chop=1)
passes("ten pings", b"".join(frame(9, b"%d" % i) for i in range(10)), *[pong(b"%d" % i) for i in range(10)])
passes("a pong that nobody asked for", frame(10))
passes("... with a payload", frame(10, b"unasked"))
passes("... then a ping", frame(10, b"unasked") + frame(9, b"x"), pong(b"x"))
for opcode, name in ((9, "ping"), (10, "pong"), (8, "close")):
    fails("a %s of 126 bytes" % name, frame(opcode, b"\x03\xe8" + b"x" * 124), 1002)
    fails("a fragmented %s" % name, frame(opcode, b"", fin=False), 1002)
    fails("a continued %s" % name, frame(opcode, b"", fin=False) + frame(0, b""), 1002)

# ---- 3 and 4: reserved bits and opcodes, alone, after a good message, within one
AFTER = frame(1, ask("before"))
for rsv in (0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70):
    for opcode, name in ((1, "text"), (9, "ping"), (8, "close"), (10, "pong")):
        fails("reserved bits %#x on %s" % (rsv, name), frame(opcode, b"", rsv=rsv), 1002)
    fails("reserved bits %#x after a message" % rsv, AFTER + frame(1, ask("x"), rsv=rsv) + AFTER,
          1002, echo("before"))
    fails("reserved bits %#x on a continuation" % rsv, frame(1, b"{", fin=False) + frame(0, b"}", rsv=rsv), 1002)
for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
    fails("opcode %d" % opcode, frame(opcode), 1002)
    fails("opcode %d with a payload" % opcode, frame(opcode, b"x" * 100), 1002)
    fails("opcode %d after a message" % opcode, AFTER + frame(opcode, b"x") + AFTER, 1002, echo("before"))
    fails("opcode %d between fragments" % opcode, frame(1, b"{", fin=False) + frame(opcode), 1002)

# ---- 5: fragments
whole = ask("in fragments \u20ac")
for size in (1, 2, 7, len(whole) - 1):
    parts = chopped(whole, size)
    data = b"".join(frame(0 if i else 1, p, fin=i == len(parts) - 1) for i, p in enumerate(parts))
    passes("%d fragments" % len(parts), data, echo("in fragments \u20ac"))
    passes("%d fragments, byte by byte" % len(parts), data, echo("in fragments \u20ac"), chop=1)
passes("fragments with an empty last one", frame(1, ask("e"), fin=False) + frame(0, b""), echo("e"))
passes("a ping between fragments", frame(1, whole[:9], fin=False) + frame(9, b"p") + frame(0, whole[9:]),
       pong(b"p"), echo("in fragments \u20ac"))
passes("pings and pongs between all fragments, each of another size",
       b"".join(frame(0 if i else 1, p, fin=i == len(whole) - 1) + frame(10) + frame(9, b"%d" % i)
                for i, p in enumerate(chopped(whole, 1))),
       *[pong(b"%d" % i) for i in range(len(whole) - 1)], echo("in fragments \u20ac"),
       pong(b"%d" % (len(whole) - 1)))
passes("a message of the largest size in 64 fragments",
       b"".join(frame(0 if i else 1, p, fin=i == 63) for i, p in enumerate(chopped(ask("big", MAX), MAX // 64))),
       echo("big"))
passes("two fragmented messages, one after the other",
       frame(1, ask("1")[:5], fin=False) + frame(0, ask("1")[5:]) +
       frame(1, ask("2")[:6], fin=False) + frame(0, ask("2")[6:]), echo("1"), echo("2"))
for fin in (True, False):
    fails("a continuation of nothing, %s" % ("final" if fin else "to go on"), frame(0, b"x", fin=fin), 1002)
    fails("... after a message that was whole", AFTER + frame(0, b"x", fin=fin), 1002, echo("before"))
    fails("... after one in fragments", frame(1, ask("f")[:4], fin=False) + frame(0, ask("f")[4:]) +
          frame(0, b"x", fin=fin), 1002, echo("f"))
    fails("a message within a message, %s" % ("final" if fin else "to go on"),
          frame(1, b"{", fin=False) + frame(1, b"}", fin=fin), 1002)
fails("binary within a text", frame(1, b"{", fin=False) + frame(2, b"}"), 1002)

# ---- 6: UTF-8, cut everywhere
TEXTS = ("\u00e9", "\u20ac", "\U0001f600", "\u0080\u07ff\u0800\uffff\U00010000\U0010ffff", "\ud7ff\ue000",
         "\u03ba\u1f79\u03c3\u03bc\u03b5", "\ufdd0\ufffe\U0001fffe", "a\u0301")
for text in TEXTS:
    data = ask(text)
    name = text.encode("unicode_escape").decode()
    first = next(i for i, b in enumerate(data) if b >= 0x80)
    last = max(i for i, b in enumerate(data) if b >= 0x80)
    cuts = range(first, last + 2)
    passes("%s, cut into fragments at each byte" % name,
           b"".join(frame(1, data[:i], fin=False) + frame(0, data[i:]) for i in cuts), *[echo(text)] * len(cuts))
    passes("%s, in fragments of a byte" % name,
           b"".join(frame(0 if i else 1, data[i:i + 1], fin=i == len(data) - 1) for i in range(len(data))),
           echo(text))
    passes("%s, byte by byte on the wire" % name, frame(1, data), echo(text), chop=1)
BAD = {"a continuation byte": b"\x80", "the last one": b"\xbf", "overlong, two bytes": b"\xc0\x80",
       "overlong c1": b"\xc1\xbf", "overlong, three bytes": b"\xe0\x9f\xbf", "overlong, four bytes": b"\xf0\x8f\xbf\xbf",
       "the first surrogate": b"\xed\xa0\x80", "the last surrogate": b"\xed\xbf\xbf",
       "a pair of surrogates": b"\xed\xa0\x80\xed\xb0\x80", "above U+10FFFF": b"\xf4\x90\x80\x80",
       "f5": b"\xf5\x80\x80\x80", "five bytes": b"\xf8\x88\x80\x80\x80", "six bytes": b"\xfc\x84\x80\x80\x80\x80",
       "fe": b"\xfe", "ff": b"\xff", "a letter within two bytes": b"\xc3x", "within three": b"\xe2\x82x",
       "within four": b"\xf0\x9f\x98x", "a new character within one": b"\xe2\xe2\x82\xac"}
for name, bytes_ in BAD.items():
    text = b'{"type":"ping","id":"\xc3\xa9' + bytes_ + b'"}'
    fails("%s" % name, frame(1, text), 1007)
    at = text.index(bytes_, 23)
    for i in range(1, len(bytes_)):
        fails("%s, in fragments, cut after byte %d" % (name, i),
              frame(1, text[:at + i], fin=False) + frame(0, text[at + i:]), 1007)
    fails("%s, at once, though the message goes on" % name, frame(1, text[:-2], fin=False), 1007)
    fails("%s, at once, though the frame goes on" % name, frame(1, text + b" " * 100)[:-102], 1007)
for cut in (b"\xc3", b"\xe2", b"\xe2\x82", b"\xf0", b"\xf0\x9f", b"\xf0\x9f\x98"):
    fails("a text that ends within a character (%s)" % cut.hex(), frame(1, cut), 1007)
    fails("... and an empty last fragment (%s)" % cut.hex(), frame(1, cut, fin=False) + frame(0), 1007)
    fails("... after the next message has begun well (%s)" % cut.hex(), AFTER + frame(1, cut), 1007, echo("before"))
passes("a ping is not text", frame(9, b"\xff\xfe"), pong(b"\xff\xfe"))
passes("... nor between the halves of a character", frame(1, whole[:whole.index(b"\xe2") + 1], fin=False) +
       frame(9, b"\xff") + frame(0, whole[whole.index(b"\xe2") + 1:]), pong(b"\xff"), echo("in fragments \u20ac"))


# ---- 7: closing
def close(code, reason=b""):
    return frame(8, struct.pack(">H", code) + reason)


for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999):
    fails("a close with %d, answered in kind," % code, close(code), code, reason="")
for code in (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 9999, 65535):
    fails("a close with %d" % code, close(code), 1002)
fails("a close without a code", frame(8), 1000, reason="")
fails("a close of one byte", frame(8, b"\x03"), 1002)
fails("a close with a reason", close(1000, b"bye"), 1000, reason="")
fails("... of 123 bytes", close(1000, b"x" * 123), 1000, reason="")
fails("... of 124 bytes", close(1000, b"x" * 124), 1002)
fails("... in all of UTF-8", close(1000, "\u00e9\u20ac\U0001f600".encode()), 1000, reason="")
for name, bytes_ in BAD.items():
    fails("a close with a reason that is not UTF-8: " + name, close(1000, b"x" + bytes_), 1007)
fails("... that ends within a character", close(1000, b"x\xe2\x82"), 1007)
fails("a close byte by byte", chopped(close(1001, b"bye"), 1), 1001, reason="")
fails("a close between fragments", frame(1, b"{", fin=False) + close(1000), 1000, reason="")
fails("messages, then a close", AFTER * 3 + close(1000), 1000, *[echo("before")] * 3, reason="")
fails("a ping, then a close", frame(9, b"p") + close(1000), 1000, pong(b"p"), reason="")
for name, more in (("a message", AFTER), ("a ping", frame(9)), ("a close", close(1001)), ("a broken frame", b"\xff\xff"),
                   ("binary", frame(2, b"x")), ("half a frame", AFTER[:5]), ("1 MB", b"x" * (1 << 20))):
    fails("a close, then %s, which is not looked at," % name, close(1000) + more, 1000, reason="")
for name, more in (("a message", AFTER), ("1 MB", b"x" * (1 << 20))):
    fails("a broken frame, then %s" % name, frame(3) + more, 1002)

# ---- 9: sizes
fails("a byte too many", frame(1, b"x" * (MAX + 1)), 1009)
fails("too large by its header alone", frame(1, b"x" * (MAX + 1))[:14], 1009)
fails("2^40 bytes by the header", b"\x81\xff" + struct.pack(">Q", 1 << 40) + b"\1\2\3\4", 1009)
fails("too large in fragments", frame(1, b"x" * 40000, fin=False) + frame(0, b"x" * 40000, fin=False), 1009)
fails("one byte too large, by the last fragment",
      frame(1, b"x" * MAX, fin=False) + frame(0, b"", fin=False) + frame(0, b"x"), 1009)

# ---- The end of a connection
ok(min(parting) < 1, "nobody is waited for: %d times, median %.1f ms" % (
    len(parting), 1000 * sorted(parting)[len(parting) // 2]))
c = d.ready(token("deaf"))
c.write(frame(3))
while read(c)[0] != 8:
    pass
c.rest()
end = time.monotonic() + PATIENCE
try:
    while time.monotonic() < end:
        c.write(b"x" * 1000)
        d.pump()
        select.select([], [], [], 0.01)
    ended = False
except OSError:
    ended = True
ok(ended, "a peer that doesn't close is dropped in the end")

# Whose close frame is not answered, but who sends a broken frame then.
c = d.ready(token("late", ttl=5))
while True:
    got = read(c)
    if got[0] == 8:
        break
equal(got, (8, 1008, "token_expired"), "the server closes")
c.write(AFTER + frame(3))
equal((c.rest(), c.eof), (b"", True), "what comes behind its close is not answered, and a broken frame ends it")

# Nothing of the stream comes behind a close frame.
c = d.ready(token("g"))
c.write(frame(2, b"x"))
d.publish(record(), record())
while read(c)[0] != 8:
    pass
equal(c.rest(), b"", "no event comes behind a close frame")
equal([read(good)[1]["type"] for _ in range(2)], ["bug_report"] * 2, "those who behave get them")
equal(d.stop(), 0, "the gateway ends with 0")
done()
