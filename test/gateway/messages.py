#!/usr/bin/python3
"""What clients send: requests, mistakes, frames by the book and against it."""
from harness import *

d = Dispatcher(tip=5)
c = d.ready(token("1"))


def code(reply):
    return reply.get("payload", {}).get("code")


equal(c.ask({"type": "ping", "id": 7}),
      {"type": "reply", "id": 7, "payload": {"pong": True, "seq": 5}}, "ping")
equal(c.ask({"type": "ping"}), {"type": "reply", "id": None,
      "payload": {"pong": True, "seq": 5}}, "ping without an id")
equal(c.ask({"type": "ping", "id": 'a"\\\u00e9\n'})["id"], 'a"\\\u00e9\n', "an id is echoed as it is")

for name, message, wanted, field in [
        ("no JSON", "nonsense", "invalid_message", None),
        ("nothing", "", "invalid_message", None),
        ("half an object", '{"type":"ping"', "invalid_message", None),
        ("something behind it", '{"type":"ping"} x', "invalid_message", None),
        ("a list", "[]", "invalid_message", None),
        ("a string", '"ping"', "invalid_message", None),
        ("null", "null", "invalid_message", None),
        ("a member twice", '{"type":"ping","type":"ping"}', "invalid_message", None),
        ("deep nesting", "[" * 5000, "invalid_message", None),
        ("deep nesting in an object", '{"a":' * 100 + "1" + "}" * 100, "invalid_message", None),
        ("no type", '{"id":1}', "missing_field", "type"),
        ("a type that is no string", '{"type":1}', "invalid_field", "type"),
        ("an unknown type", '{"type":"nothing"}', "unknown_type", None),
        ("a type in another case", '{"type":"PING"}', "unknown_type", None),
        ("get, for now", '{"type":"get","payload":{"type":"bug_report","id":1}}', "unknown_type", None),
        ("a payload that is no object", '{"type":"subscribe","payload":[]}', "invalid_field", "payload"),
        ("an id that is an object", '{"type":"ping","id":{}}', "invalid_field", "id"),
        ("an id that is too long", '{"type":"ping","id":"%s"}' % ("x" * 300), "invalid_field", "id"),
        ("types: no list", '{"type":"subscribe","payload":{"types":"bug"}}', "invalid_field", "types"),
        ("types: a number", '{"type":"subscribe","payload":{"types":[1]}}', "invalid_field", "types"),
        ("actions: null", '{"type":"subscribe","payload":{"actions":null}}', "invalid_field", "actions"),
        ("project_ids: a fraction", '{"type":"subscribe","payload":{"project_ids":[1.5]}}', "invalid_field", "project_ids"),
        ("project_ids: a truth", '{"type":"subscribe","payload":{"project_ids":[true]}}', "invalid_field", "project_ids"),
        ("bug_report_ids: a list", '{"type":"subscribe","payload":{"bug_report_ids":[[1]]}}', "invalid_field", "bug_report_ids"),
        ("too many ids", '{"type":"subscribe","payload":{"bug_report_ids":%s}}' % json.dumps(list(range(1001))), "invalid_field", "bug_report_ids"),
        ("authenticate: no token", '{"type":"authenticate","payload":{}}', "missing_field", "token"),
        ("authenticate: no string", '{"type":"authenticate","payload":{"token":1}}', "invalid_field", "token"),
        ("authenticate: a bad token", '{"type":"authenticate","payload":{"token":"x"}}', "invalid_token", None)]:
    reply = c.ask(message)
    equal((reply["type"], code(reply), reply["payload"].get("field")), ("error", wanted, field),
          name + ": " + wanted)
equal(c.ask({"type": "nothing", "id": "e"})["id"], "e", "an error echoes the id")
equal(c.ask({"type": "subscribe", "payload": {}, "more": 2})["type"], "reply",
      "members of a message that are not known are ignored")
unknown = c.ask({"type": "subscribe", "payload": {"project_id": [1]}})
equal((code(unknown), unknown["payload"]["field"]), ("invalid_field", "project_id"),
      "a filter that is not known is refused, for it would widen the stream")
equal(code(c.ask({"type": "authenticate", "id": 1, "payload": {"token": token("2")}})), "forbidden",
      "authenticate for another user: forbidden")
reply = c.ask({"type": "authenticate", "id": 1, "payload": {"token": token("1", role="admin", ttl=99)}})
equal((reply["type"], reply["payload"]["role"]), ("reply", "admin"), "authenticate renews the role")
d.publish(record(audience="admin", payload='{"n":1}'))
equal(c.message()["payload"], {"n": 1}, "which counts at once")
c.ask({"type": "authenticate", "payload": {"token": token("1")}})
d.publish(record(audience="admin"), record(payload='{"n":2}'))
equal(c.message()["payload"], {"n": 2}, "in both directions")

# Frames
c.send_frame(1, b'{"type":"pi', fin=False)
c.send_frame(9, b"in between")
c.send_frame(0, b'ng","id":', fin=False)
c.send_frame(0, b"", fin=False)
c.send_frame(0, b'"f"}')
equal(c.frame(), (10, b"in between"), "a ping between fragments gets its pong")
equal(c.message()["id"], "f", "fragments are put together")
c.send_frame(9, b"x" * 125)
equal(c.frame(), (10, b"x" * 125), "a ping of 125 bytes")
c.send_frame(9)
equal(c.frame(), (10, b""), "a ping of none")
c.send_frame(10, b"unasked")
for byte in b"\x81\x8f" + b"\0\0\0\0" + b'{"type":"ping"}':
    c.write(bytes([byte]))
equal(c.message()["type"], "reply", "a frame byte by byte")
c.write(b"".join(b"\x81\x8f" + b"\0\0\0\0" + b'{"type":"ping"}' for _ in range(500)))
equal(sum(c.message()["type"] == "reply" for _ in range(500)), 500, "500 messages at once")
text = json.dumps({"type": "ping", "id": "\U0001f600"}, ensure_ascii=False).encode()
cut = text.index(b"\xf0") + 2
c.send_frame(1, text[:cut], fin=False)
c.send_frame(0, text[cut:])
equal(c.message()["id"], "\U0001f600", "a character may be cut by fragments")
big = json.dumps({"type": "ping", "pad": "x" * 65000})
equal(c.ask(big)["type"], "reply", "a message just below the limit")
c.send_frame(8, struct.pack(">H", 1000) + b"bye")
equal(c.closed() == [] and (c.code, c.reason), (1000, ""), "a close is answered in kind")
c.rest()
ok(c.eof, "and the connection ends")


def fails(name, wanted, how, error=None):
    c = d.ready(token("f"))
    how(c)
    seen = c.closed()
    codes = [code(m) for m in seen]
    equal((c.code, codes), (wanted, [error] if error else []), "%s: %s" % (name, wanted))


fails("binary", 1003, lambda c: c.send_frame(2, b"x"), "invalid_message")
fails("bad UTF-8", 1007, lambda c: c.send_frame(1, b'"\xff"'), "invalid_message")
fails("an overlong form", 1007, lambda c: c.send_frame(1, b"\xc0\x80"), "invalid_message")
fails("a surrogate", 1007, lambda c: c.send_frame(1, b"\xed\xa0\x80"), "invalid_message")
fails("above U+10FFFF", 1007, lambda c: c.send_frame(1, b"\xf4\x90\x80\x80"), "invalid_message")
fails("half a character", 1007, lambda c: c.send_frame(1, b"\xe2\x82"), "invalid_message")
fails("too big", 1009, lambda c: c.send_frame(1, b"x" * 65537), "message_too_big")
fails("too big by its header", 1009, lambda c: c.send_frame(1, b"", length=1 << 40), "message_too_big")


def fragments(c):
    c.send_frame(1, b"x" * 40000, fin=False)
    c.send_frame(0, b"x" * 40000, fin=False)


fails("too big in fragments", 1009, fragments, "message_too_big")
fails("an unmasked frame", 1002, lambda c: c.send_frame(1, b"{}", mask=None))
for bit in (0x10, 0x20, 0x40):
    fails("reserved bit %#x" % bit, 1002, lambda c: c.send_frame(1, b"{}", rsv=bit))
for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
    fails("opcode %d" % opcode, 1002, lambda c: c.send_frame(opcode, b""))
fails("a fragmented ping", 1002, lambda c: c.send_frame(9, b"", fin=False))
fails("a ping of 126 bytes", 1002, lambda c: c.send_frame(9, b"x" * 126))
fails("a continuation of nothing", 1002, lambda c: c.send_frame(0, b"x"))


def interrupted(c):
    c.send_frame(1, b"x", fin=False)
    c.send_frame(1, b"x")


fails("a message within a message", 1002, interrupted)
fails("a length in needless form", 1002, lambda c: c.write(b"\x81\xfe\x00\x05" + b"\0" * 9))
fails("a length of 2^63", 1002, lambda c: c.write(b"\x81\xff\x80" + b"\0" * 11))
fails("a close of one byte", 1002, lambda c: c.send_frame(8, b"x"))
for bad in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000):
    fails("a close with %d" % bad, 1002, lambda c: c.send_frame(8, struct.pack(">H", bad)))
fails("a close with bad UTF-8", 1007, lambda c: c.send_frame(8, b"\x03\xe8\xff"), "invalid_message")
for good in (1000, 1001, 1003, 1011, 3000, 4999):
    fails("a close with %d, answered in kind," % good, good, lambda c: c.send_frame(8, struct.pack(">H", good)))
c = d.ready(token("f"))
c.send_frame(8)
c.closed()
ok(c.code == 1000, "a close without a code is answered")

# Nothing comes after the close frame
c = d.ready(token("g"))
c.send_frame(2, b"x")
d.publish(record(), record())
c.closed()
equal(c.rest(), b"", "nothing comes after a close frame")

equal(d.stop(), 0, "the gateway ends with 0")
done()
