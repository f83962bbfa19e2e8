#!/usr/bin/python3
"""What looks like an attack is counted and told, and a flood of it is not a flood of messages."""
from harness import *

d = Dispatcher(tip=1, message_rate=2, connection_timeout=400, max_message_size=1000, trusted_proxies="127.0.0.1",
               handshake_rate=0, auth_failure_rate=0)


def raw(data):
    c = Client(d, handshake=False)
    c.write(data)
    return c


def end(client):
    try:
        client.closed()
    except (Closed, OSError, EOFError):
        pass


def suspected(kind, act):
    before = d.abuse(kind, "127.0.0.1")
    counted = d.counter("bugevents_security_events_total", kind)
    act()
    d.wait(lambda: d.abuse(kind, "127.0.0.1") == before + 1 and
           d.counter("bugevents_security_events_total", kind) == counted + 1, kind)
    ok(True, kind)


suspected("missing_token", lambda: end(Client(d, "")))
suspected("invalid_token", lambda: end(d.connect("x.y.z")))
suspected("expired_token", lambda: end(d.connect(token("1", ttl=-1000))))
suspected("wrong_origin", lambda: end(Client(d, token("1"), origin="https://evil.example")))
suspected("unknown_path", lambda: Client(d, "", path="/wp-login.php"))
suspected("unknown_path", lambda: Client(d, token("1"), path="/other"))
suspected("malformed_request", lambda: raw(b"\x16\x03\x01 what is this\r\n\r\n"))
suspected("malformed_request", lambda: raw(b"GET /" + b"x" * 17000))
slow = raw(b"GET /ws HTTP/1.1\r\n")
suspected("slow_request", lambda: slow.rest())
c = d.ready(token("1"))
suspected("malformed_frame", lambda: c.send_frame(3, b"reserved"))
c = d.ready(token("1"))
suspected("malformed_message", lambda: c.send_frame(1, b"\xff\xfe"))
c = d.ready(token("1"))
suspected("message_too_big", lambda: c.send_frame(1, b"x" * 2000))
c = d.ready(token("1"))
suspected("other_user", lambda: c.say({"type": "authenticate", "payload": {"token": token("2")}}))
c = d.ready(token("1"))


def flood():
    for n in range(40):
        c.say({"type": "ping", "id": n})


suspected("too_many_messages", flood)

# A flood from many addresses: few messages, and all are counted.
before = len(d.abuses)
counted = d.counter("bugevents_security_events_total", "missing_token")
for n in range(300):
    end(Client(d, "", headers=("X-Forwarded-For: 10.1.%d.%d" % (n // 250, n % 250),)))
d.wait(lambda: d.counter("bugevents_security_events_total", "missing_token") == counted + 300, "the count")
told = d.abuses[before:]
equal(sum(times for _kind, times, _address in told), 300, "each of a flood is told")
ok(any(address == "" for _kind, _times, address in told) or len(told) == 300,
   "... those that don't fit together, without an address", told[-3:])
ok(not any("eyJ" in repr(line) for line in d.logs + d.statuses), "no token in what is logged")
d.stop()
done()
