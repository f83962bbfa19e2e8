#!/usr/bin/python3
"""The pipe: what the carrier makes of configurations, sends, nonsense and the end."""
import json
import signal
import subprocess

from courier import *
from servers import *

hold = threading.Event()
held = []


def answer(conn, request, server):
    if request.headers["webhook-id"].startswith("hold"):
        held.append(request)
        hold.wait()
    return response(200)


web = Web(answer)


def route(**more):
    return dict({"url": web.url, "secret": SECRET}, **more)


# Started by nobody
equal(subprocess.run([CARRIER, "--version"], capture_output=True).stdout.split()[0], b"bugevents-carrier", "its version")
for args in ([], ["--fd=x"], ["--fd=3"], ["--fd=0"], ["--fd="], ["x"], ["--fd=99999"], ["--fd=3", "x"]):
    ended = subprocess.run([CARRIER, *args], capture_output=True)
    equal((ended.returncode, ended.stdout), (64, b""), "by hand, with %r" % args)

# Configurations
c = Courier()
equal(c.hellos, [{"version": 1, "program": c.hellos[0]["program"]}], "it says hello, once")
equal(c.configure(), {"email": None, "whatsapp": None, "webhook": None}, "nothing is configured")
for channel in BASIC:
    c.gives("so %s is retried" % channel, {"result": "retry", "code": 0, "error": "the channel is not configured"}, channel)
mail = {"url": "smtp://localhost:25", "from": "bugs@example.com"}
chat = {"url": "https://localhost/", "token": TOKEN}
hook = route()
for channel, good, wrong in [
        ("email", mail, [{"url": "http://localhost/"}, {"url": ""}, {"url": "smtp://"}, {"url": "smtp://a b"}, {"url": 1},
                         {"url": "smtp://bugs:hunter22@localhost"}, {"from": ""}, {"from": "x"}, {"from": 7}, {"from": "a@b\r\nX: y"},
                         {"tls": "maybe"}, {"tls": 1}, {"password": "hunter22"}, {"user": "u\n", "password": "hunter22"},
                         {"tls": "none", "user": "u", "password": "hunter22"}, {"timeout": "1"}, {"concurrency": 1.5}]),
        ("whatsapp", chat, [{"url": "http://localhost/"}, {"url": "file:///etc/passwd"}, {"token": ""}, {"token": "hunter22\r\nX: y"},
                            {"token": "hunter 22"}, {"ca": 1}]),
        ("webhook", hook, [{"url": "ftp://localhost/"}, {"secret": ""}, {"secret": "hunter22"}, {"secret": "whsec_hunter22"},
                           {"secret": "whsec_" + base64.b64encode(b"x" * 23).decode()},
                           {"secret": "whsec_" + base64.b64encode(b"x" * 65).decode()},
                           {"secret": "whsec_" + base64.b64encode(b"x" * 32).decode().rstrip("=")},
                           {"secret": SECRET + " hunter22"}, {"secret": " ".join([SECRET] * 5)}, {"secret": None}])]:
    equal(c.configure(**{channel: good})[channel], "", channel + " is configured")
    for change in wrong:
        status = c.configure(**{channel: dict(good, **change)})
        ok(status[channel] and "hunter" not in json.dumps(status), "%s with %r: %s" % (channel, change, status[channel]))
    status = c.configure(**{channel: []})
    equal(status[channel], "the configuration is not an object", channel + " that is no object")
c.configure(webhook=route(url="gopher://x"))
c.configure(webhook=hook)
c.configure(webhook=route(secret="hunter22"))
c.gives("what was in force stays in force", {"result": "sent"}, "webhook")
c.configure()
c.gives("until it is turned off", {"result": "retry", "error": "the channel is not configured"}, "webhook")
c.configure(webhook=dict(hook, later=[1]))
c.gives("what it does not know it ignores", {"result": "sent"}, "webhook")

# Sends
for ident in ("abc", "x" * 255, "\u00e4\"\\\n", 0, -1, 2 ** 63 - 1):
    equal(c.deliver("webhook", id=ident)["id"], ident, "the id %.20r" % ident)
for name, members in [("no channel", {"channel": None}), ("another channel", {"channel": "fax"}), ("no key", {"key": None}),
                      ("a key that is too long", {"key": "x" * 256}), ("a key with a blank", {"key": "a b"}),
                      ("an empty key", {"key": ""}), ("a key that is no text", {"key": 7}), ("no body", {"body": None}),
                      ("a body that is no text", {"body": {}}), ("no msg_id", {"msg_id": None}), ("a dot in msg_id", {"msg_id": "a.b"}),
                      ("a line's end in msg_id", {"msg_id": "a\r\nX-Evil: 1"}), ("no timestamp", {"timestamp": None}),
                      ("a timestamp that is none", {"timestamp": "now"}), ("a timestamp before time", {"timestamp": -1})]:
    message = dict({"type": "send", "id": name, "channel": "webhook", "key": "k-" + name.replace(" ", "-")}, **BASIC["webhook"])
    message.update(members)
    c.say({k: v for k, v in message.items() if v is not None})
    got = c.result(name)
    ok((got["result"], got["code"]) == ("refused", 0) and got["error"], "%s: %s" % (name, got["error"]))

# A key is sent once
seen = len(web.requests)
c.gives("a key", {"result": "sent", "code": 200}, "webhook", key="once")
c.gives("again", {"result": "sent", "code": 200}, "webhook", key="once")
equal(len(web.requests), seen + 1, "one request")
first = c.send("webhook", key="twice", msg_id="hold-1")
c.wait(lambda: held, "a request")
c.gives("a key that is under way", {"result": "retry", "error": "the idempotency key is under way"}, "webhook", key="twice")
hold.set()
equal(c.result(first)["result"], "sent", "the first one is sent")
c.gives("and from then on", {"result": "sent"}, "webhook", key="twice")
equal(len(web.requests), seen + 2, "one request")
for i in range(4096):
    c.send("webhook", key="fill-%d" % i)
    if i % 500 == 499:
        c.wait(lambda: len(c.results) and c.keys in c.results, "results")
c.wait(lambda: all(i in c.results for i in range(1, c.keys + 1) if i > 20), "all results")
seen = len(web.requests)
c.gives("the oldest keys are forgotten", {"result": "sent"}, "webhook", key="once")
equal(len(web.requests), seen + 1, "so that memory has a bound")

# Room
hold.clear()
held.clear()
c.configure(webhook=route(concurrency=2, queue=3))
under_way = [c.send("webhook", msg_id="hold-%d" % i) for i in range(2)]
c.wait(lambda: len(held) == 2, "two requests")
waiting = [c.send("webhook", msg_id="hold-%d" % i) for i in range(3)]
got = c.gives("one more than there is room for", {"result": "retry", "code": 0,
                                                  "error": "too many deliveries wait in this channel"}, "webhook")
equal(len(held), 2, "concurrency is a limit")
c.configure(webhook=route(concurrency=4, queue=3))
c.wait(lambda: len(held) == 4, "four requests")
ok(True, "which can be raised at any time")
hold.set()
equal([c.result(i)["result"] for i in under_way + waiting], ["sent"] * 5, "all are sent")
c.configure(webhook=route(concurrency=1))
hold.clear()
held.clear()
batch = [c.send("webhook", msg_id="hold-%d" % i) for i in range(6)]
c.wait(lambda: held, "a request")
c.gives("another channel", {"result": "retry"}, "email")
equal(len(held), 1, "and lowered")
hold.set()
equal([c.result(i)["result"] for i in batch], ["sent"] * 6, "all are sent")
equal([i for i in c.order if i in batch], batch, "in their order")
hold.clear()
held.clear()
batch = [c.send("webhook", msg_id="hold-%d" % i) for i in range(3)]
c.wait(lambda: held, "a request")
c.configure()
equal([c.result(i)["result"] for i in batch[1:]], ["retry"] * 2, "turned off: what waits is given back")
hold.set()
equal(c.result(batch[0])["result"], "sent", "what is under way ends")

# What waits goes by the new configuration, even if no new one may begin before an old one ends
other = Web(lambda conn, request, server: response(201))
hold.clear()
held.clear()
c.configure(webhook=route(concurrency=1))
batch = [c.send("webhook", msg_id="hold-%d" % i) for i in range(3)]
c.wait(lambda: held, "a request")
c.configure(webhook=route(concurrency=1, url=other.url))
equal((len(other.requests), [i for i in batch if i in c.results]), (0, []), "reconfigured: concurrency is a limit still")
hold.set()
equal([c.result(i)["code"] for i in batch], [200, 201, 201], "what waits goes where it is to go now")
other.close()

# 64 MB may wait
hold.clear()
held.clear()
c.configure(webhook=route(concurrency=1))
batch = [c.send("webhook", msg_id="hold-0")]
c.wait(lambda: held, "a request")
body = '"' + "x" * 4000000 + '"'
batch += [c.send("webhook", body=body) for _ in range(20)]
c.wait(lambda: not c.outbox and len([i for i in batch if i in c.results]) == 4, "four that have no room")
equal({c.results[i]["error"] for i in batch if i in c.results}, {"too many deliveries wait in this channel"},
      "64 MB may wait, no more")
hold.set()
equal([c.result(i)["result"] for i in batch].count("sent"), 17, "those are sent")

# A line's parts may come one by one
for byte in json.dumps({"type": "config", "webhook": route()}).encode() + b"\n":
    c.say(bytes([byte]))
c.wait(lambda: c.statuses[-1]["webhook"] == "", "a status")
ok(True, "a line that comes byte by byte")

# The end: what waits is given back, what is under way may end
hold.clear()
held.clear()
c.configure(webhook=route(concurrency=1))
batch = [c.send("webhook", msg_id="hold-%d" % i) for i in range(3)]
c.wait(lambda: held, "a request")
c.wait(lambda: not c.outbox, "room")
c.sock.shutdown(socket.SHUT_WR)
equal([(c.result(i)["result"], c.results[i]["error"]) for i in batch[1:]], [("retry", "the carrier ends")] * 2,
      "at the end what waits is given back")
hold.set()
equal(c.result(batch[0])["result"], "sent", "what is under way ends")
equal((c.exit_code(), c.errors), (0, ""), "and so does the carrier")

hold.clear()
held.clear()
c = Courier(webhook=route())
stuck = c.send("webhook", msg_id="hold-1")
c.wait(lambda: held, "a request")
equal(c.leave(), 0, "it does not wait for ever")
ok(stuck not in c.results, "what is under way then gets no result")
c = Courier(webhook=route())
stuck = c.send("webhook", msg_id="hold-1")
c.wait(lambda: len(held) == 2, "a request")
c.sock.close()
hold.set()
equal(c.process.wait(PATIENCE), 0, "a courier that is gone: it ends as well")
c.process.stderr.close()
c = Courier()
c.process.send_signal(signal.SIGINT)
c.process.send_signal(signal.SIGHUP)
equal(c.configure(), {"email": None, "whatsapp": None, "webhook": None}, "signals to the server's group are not for it")
equal(c.leave(), 0, "the end of an idle one")

# Nonsense is the end
for name, line in [("no JSON", b"hello\n"), ("an empty line", b"\n"), ("no object", b"[1]\n"), ("no type", b"{}\n"),
                   ("another type", b'{"type":"dance"}\n'), ("half a line", b'{"type":"config"'),
                   ("no UTF-8", b'{"type":"config","x":"\xff"}\n'), ("a member twice", b'{"type":"config","type":"config"}\n'),
                   ("a send without an id", b'{"type":"send"}\n'), ("an id that is none", b'{"type":"send","id":1.5}\n'),
                   ("an id that is too long", b'{"type":"send","id":"' + b"x" * 256 + b'"}\n'),
                   ("a line that is too long", b'{"type":"config","x":"' + b"x" * (4 << 20) + b'"}\n'),
                   ("a line without end", b'{"type":"config","x":"' + b"x" * (4 << 20)), ("too deep", b'{"type":"config","x":' + b"[" * 100000 + b"]" * 100000 + b"}\n")]:
    c = Courier()
    c.say(line)
    if name == "half a line":
        c.sock.shutdown(socket.SHUT_WR)
    equal((c.exit_code(), c.errors), (65, "bugevents carrier: the courier sent what can't be understood\n"), name)
c = Courier()
c.say(b'{"type":"config","x":"' + b"x" * ((4 << 20) - 26) + b'"}\n')
c.wait(lambda: c.statuses, "a status")
ok(True, "a line as long as it may be")
equal(c.leave(), 0, "is no nonsense")

web.close()
done()
