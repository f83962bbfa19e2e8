#!/usr/bin/python3
"""The dispatcher decides who stays, and knows who is there."""
import signal
import urllib.request

from harness import *


def nothing_came(dispatcher, client):
    """By the time that another connection was answered."""
    urllib.request.urlopen("http://127.0.0.1:%d/health" % dispatcher.port).read()
    return not client.buffer and not select.select([client.sock], [], [], 0)[0]


d = Dispatcher(tip=10)

# Nothing is said before the answer; what the client said meanwhile isn't lost.
d.auto_admit = False
c = d.connect(token("42", role="admin"))
d.wait(lambda: d.opened, "OPEN")
number, user, role, address, ident = d.opened[0]
equal((user, role, address), ("42", "admin", "127.0.0.1"), "OPEN says who asks")
d.publish(record(payload='{"early":1}'))
c.say({"type": "ping", "id": "early"})
ok(nothing_came(d, c), "no message before ADMIT")
d.admit(number)
ready = c.message()
equal((ready["action"], ready["payload"]["seq"], ready["payload"]["connection_id"]),
      ("ready", 11, ident), "ready after ADMIT, at the tip of that moment")
equal(c.message()["id"], "early", "what was sent while it waited is answered")
d.publish(record(payload='{"live":1}'))
equal(c.message()["seq"], 12, "and then live")

# Refusals.
for verdict, code, close in ((1, "too_many_connections", 1008), (2, "server_full", 1013),
                             (3, "internal_error", 1011)):
    c2 = d.connect(token("7"))
    d.wait(lambda: len(d.opened) > verdict, "OPEN")
    d.admit(d.opened[-1][0], verdict)
    seen = c2.closed()
    equal(([m["payload"]["code"] for m in seen], c2.code, c2.reason), ([code], close, code),
          "refused: " + code)
equal(d.closed, [], "who was refused is not CLOSED")

# Gone while it waits: taken back once the answer is there.
c3 = d.connect(token("8"))
d.wait(lambda: d.opened[-1][1] == "8", "OPEN")
waiting = d.opened[-1][0]
c3.close()
c4 = d.connect(token("9"))
d.wait(lambda: d.opened[-1][1] == "9", "OPEN")
d.admit(waiting)
d.admit(d.opened[-1][0])
d.wait(lambda: d.closed == [waiting], "CLOSED for who went while it waited")
ok(True, "who went while it waited is CLOSED after ADMIT")
equal(c4.message()["action"], "ready", "the next in the queue is let in")
d.auto_admit = True

# Reports.
c.say({"type": "ping"})
c.message()
d.wait(lambda: d.reports.get(number, (0, 0, 0))[2] >= 2, "a report")
equal((d.starts[number], d.reports[number]), (11, (12, 1, 2)), "CLIENTS: start, cursor, events sent, messages received")
d.publish(record(payload='{"last":1}'))
c.message()

# DISCONNECT.
d.send(DISCONNECT, struct.pack("=Q64s", 10 ** 9, b"nobody"))
d.send(DISCONNECT, struct.pack("=Q64s", number, b"be gone"))
equal((c.closed(), c.code, c.reason), ([], 1008, "be gone"), "DISCONNECT closes with its reason")
d.wait(lambda: number in d.closed, "CLOSED")
equal(d.closed.count(number), 1, "CLOSED comes once")
equal(d.reports[number], (13, 2, 2), "ahead of it what was not reported yet")

# Who replaces his only connection, in one turn: the dispatcher hears of the old one's end first, in
# whatever order the two sockets are read.
d.per_user = 1
for order in ("the new one first", "the old one first"):
    old = d.ready(token("50"))
    before = len(d.opened)
    new = Client(d, handshake=False)
    new.write(b"GET /ws?token=%s HTTP/1.1\r\nHost: 127.0.0.1\r\n" % token("50").encode())
    nothing_came(d, new)                # it is accepted, and its head begun
    os.kill(d.process.pid, signal.SIGSTOP)
    rest = (b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: " + base64.b64encode(b"0123456789abcdef") + b"\r\n\r\n")
    steps = [lambda: new.write(rest), old.close]
    for step in steps if order == "the new one first" else reversed(steps):
        step()
    os.kill(d.process.pid, signal.SIGCONT)
    new.head = new.read_head()
    d.wait(lambda: len(d.opened) > before, "OPEN")
    message = new.message()
    equal(message["action"], "ready", "a connection that replaces another is let in: " + order)
    new.close()
    d.wait(lambda: "50" not in d.admitted.values(), "CLOSED")
d.per_user = None

# A dispatcher that hangs: who waits for its answer is told, and what it says later is passed over.
d.configure(connection_timeout=300)
d.auto_admit = False
c6 = d.connect(token("60"))
d.wait(lambda: d.opened[-1][1] == "60", "OPEN")
late = d.opened[-1][0]
seen = c6.closed()
equal(([m["payload"]["code"] for m in seen], c6.code), (["internal_error"], 1011), "who isn't admitted in time is told")
d.admit(late)
d.wait(lambda: late in d.closed, "CLOSED for who was admitted too late")
ok(True, "... and CLOSED when it is admitted after all")
d.auto_admit = True
d.configure(connection_timeout=60000)

# Before there is a stream: admitted, welcomed when it begins.
e = Dispatcher(tip=3, start=False)
e.configure()
e.wait_listening()
c5 = e.connect(token("1"))
e.wait(lambda: e.admitted, "OPEN")
ok(nothing_came(e, c5), "admitted, but no stream yet")
e.begin()
equal(c5.message()["payload"]["seq"], 3, "welcomed when the stream begins")

# A wrong answer is a broken pipe.
e.send(ADMIT, struct.pack("=QIiQ", 77, 0, 0, 0) + NO_GRANT)
equal(e.wait_exit(), 0, "an ADMIT that answers nothing ends the gateway in good order")
equal(d.stop(), 0, "and so does SHUTDOWN")
done()
