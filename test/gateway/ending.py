#!/usr/bin/python3
"""How a gateway ends, is configured again and waits for what it needs."""
import signal
from harness import *


def http(d, line, *lines, host="x"):
    c = Client(d, handshake=False)
    c.request(line, (("Host: " + host,) if host else ()) + lines)
    head = c.read_head()
    return c.status, c.rest(), c.headers


def ends(name, how, wanted_code=0):
    d = Dispatcher()
    clients = [d.ready(token(str(i))) for i in range(20)]
    start = time.monotonic()
    how(d)
    codes = set()
    for c in clients:
        c.closed()
        codes.add((c.code, c.reason))
    equal(codes, {(1012, "shutting_down")}, name + ": every client is closed with 1012")
    equal(d.wait_exit(), wanted_code, name + ": it ends with 0")
    ok(time.monotonic() - start < PATIENCE / 3, name + ": soon")


ends("SHUTDOWN", lambda d: d.send(SHUTDOWN))
ends("SIGTERM", lambda d: d.process.send_signal(signal.SIGTERM))
ends("end of the pipe", lambda d: d.sock.shutdown(socket.SHUT_RDWR))
ends("nonsense", lambda d: d.send(EVENTS, b"nonsense"))

# Ends before it began
for name, how in [("SIGTERM", lambda d: d.process.send_signal(signal.SIGTERM)),
                  ("end of the pipe", lambda d: d.sock.close()),
                  ("SHUTDOWN", lambda d: d.send(SHUTDOWN))]:
    d = Dispatcher(start=False)
    d.wait(lambda: d.hello, "HELLO")
    how(d)
    equal(d.wait_exit(), 0, name + " before CONFIG: it ends with 0")

# Order of things
d = Dispatcher(start=False, tip=7)
d.configure()
d.wait_listening()
status, body, headers = http(d, "GET /ready HTTP/1.1")
equal((status, body), (503, b"no stream yet\n"), "/ready: 503 and why, before STREAM")
equal((headers["content-type"], headers["cache-control"], headers["content-length"]),
      ("text/plain; charset=utf-8", "no-store", "14"), "with the right headers")
d.condition(b"something is to be done")
d.wait(lambda: http(d, "GET /ready HTTP/1.1")[:2] == (503, b"something is to be done\n"), "/ready with the condition")
ok(True, "/ready: 503 and what is to be done, if that is known")
early = d.connect(token())
early.say({"type": "ping", "id": 1})
d.begin()
equal(early.message()["action"], "ready", "who came before STREAM gets its ready then")
equal(early.message()["id"], 1, "and what it asked meanwhile is answered after")
status, body, headers = http(d, "GET /ready HTTP/1.1")
equal((status, body), (200, b"ok, but: something is to be done\n"), "/ready: 200, and what is to be done besides")
d.condition(b"x" * 5000)
d.wait(lambda: http(d, "GET /ready HTTP/1.1")[1].count(b"x") > 200, "/ready with a long condition")
d.condition(b"")
d.wait(lambda: http(d, "GET /ready HTTP/1.1")[:2] == (200, b"ok\n"), "/ready without condition")
ok(True, "/ready: 200 and nothing else, when it is done")
status, body, headers = http(d, "GET /health HTTP/1.1")
equal((status, body), (200, b"ok\n"), "/health: 200")
equal(http(d, "HEAD /health HTTP/1.1")[:2], (200, b""), "HEAD has no body")
equal(http(d, "GET /nothing HTTP/1.1")[0], 404, "anything else: 404")
equal(http(d, "POST /health HTTP/1.1", "Content-Length: 3")[0], 405, "POST: 405")
equal(http(d, "GET /ws HTTP/1.1")[0], 426, "/ws without an upgrade: 426")
equal(http(d, "GET /health HTTP/1.0")[:2], (200, b"ok\n"), "HTTP/1.0, as a balancer's check may speak: 200")
equal(http(d, "GET /health HTTP/1.0", host=None)[:2], (200, b"ok\n"), "without a Host, too")
equal(http(d, "GET /health HTTP/1.1", host=None)[0], 400, "which HTTP/1.1 must have: 400")
equal(http(d, "GET /ws HTTP/1.0", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")[0], 505, "an upgrade needs HTTP/1.1: 505")
equal(http(d, "GET /health HTTP/2.0")[0], 505, "HTTP/2.0 in HTTP/1's words: 505")
for name, line, lines in [
        ("a bare line feed", "GET /health HTTP/1.1\nX: y", ()),
        ("no target", "GET HTTP/1.1", ()),
        ("two spaces", "GET  /health HTTP/1.1", ()),
        ("a second Host", "GET /health HTTP/1.1", ("Host: y",)),
        ("white space before the colon", "GET /health HTTP/1.1", ("X : y",)),
        ("a folded line", "GET /health HTTP/1.1", ("X: y", " z")),
        ("a control character", "GET /health HTTP/1.1", ("X: \x01",)),
        ("an absolute target", "GET http://x/health HTTP/1.1", ())]:
    equal(http(d, line, *lines)[0], 400, name + ": 400")
equal(http(d, "GET /health HTTP/1.1", "X: " + "y" * 17000)[0], 431, "a head too long: 431")

# Reload
c = d.ready(token("5"))
old_port = d.port
d.configure(message_rate=1, jwt_algorithms="HS256,HS512")
d.configure(window_size=1 << 22)
with socket.socket() as other:
    other.bind(("127.0.0.1", 0))
    moved = other.getsockname()[1]
d.configure(port=moved)
d.wait_listening(2)
d.publish(record(payload='{"n":1}'))
equal(c.message()["payload"], {"n": 1}, "clients stay while the port moves")
c2 = d.ready(token("6", alg="HS512"))
d.publish(record(payload='{"n":2}'))
equal((c.message()["payload"], c2.message()["payload"]), ({"n": 2}, {"n": 2}),
      "old and new connections get the stream")


def is_closed(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


wait_for(lambda: is_closed(old_port), "the end of the old port")
ok(True, "the old port is closed")
d.configure(jwt_key="-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")
ok("public keys" in d.keyrings[-1], "keys that can't be read are told", d.keyrings)
c3 = d.ready(token("7"))
equal(c3.ready["action"], "ready", "and the old ones stay in force")
d.configure(jwt_key="", listen_addresses="127.0.0.1,127.0.0.2")
d.wait(lambda: d.listening[-1] == "127.0.0.1:%d 127.0.0.2:%d" % (moved, moved), "both")
ok(True, "two addresses are listened on")
c4 = d.ready(token("8"), host="127.0.0.2")
d.configure(listen_addresses="localhost")
d.wait(lambda: d.listening[-1].startswith("127.0.0.1:%d" % moved) and
       "127.0.0.2" not in d.listening[-1], "localhost")
ok(True, "localhost: " + d.listening[-1])
d.publish(record(payload='{"n":3}'))
equal([x.message()["payload"]["n"] for x in (c, c2, c3, c4)], [3] * 4,
      "no connection was lost by all this")
with open("/proc/%d/maps" % d.process.pid) as f:
    maps = f.read()
ok("SYSV" not in maps and "postgres" not in maps, "nothing of PostgreSQL is mapped")
with open("/proc/%d/status" % d.process.pid) as f:
    status = dict(line.split(":", 1) for line in f)
if "sanitized" not in GATEWAY:
    equal(status["Seccomp"].strip(), "2", "a seccomp filter is in force")
equal(status["NoNewPrivs"].strip(), "1", "no new privileges")
with open("/proc/%d/limits" % d.process.pid) as f:
    core = next(line for line in f if line.startswith("Max core file size"))
equal(core.split()[4:6], ["1", "1"], "no core file, nor one for a program that collects them")
equal(d.stop(), 0, "the gateway ends with 0")
done()
