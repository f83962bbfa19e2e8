#!/usr/bin/python3
"""Webhooks: what is sent, how it is signed, and what becomes of each answer."""
import base64
import email.utils
import hashlib
import hmac
import json
import time
import warnings

from courier import *
from servers import *

authority = Authority("authority")
answers = {}        # msg_id -> bytes, or a function


def answer(conn, request, server):
    wanted = answers.get(request.headers.get("webhook-id"), response(200, b"fine"))
    return wanted(conn, request, server) if callable(wanted) else wanted


web = Web(answer, authority.context())


def route(url=None, **more):
    return dict({"url": url or web.url, "secret": SECRET, "ca": authority.pem}, **more)


def signature(secret, request):
    key = base64.b64decode(secret[len("whsec_"):])
    text = "%s.%s." % (request.headers["webhook-id"], request.headers["webhook-timestamp"])
    digest = hmac.new(key, text.encode() + request.body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


c = Courier(webhook=route())
equal(c.statuses[-1], {"email": None, "whatsapp": None, "webhook": ""}, "a webhook is configured")

# What is sent
body = json.dumps({"type": "bug_report.updated", "data": {"title": "Zürich \u2014 \U0001f41e"}}, ensure_ascii=False)
equal(c.deliver("webhook", msg_id="msg_2KWPB", timestamp=1674087231, body=body),
      {"id": 1, "result": "sent", "code": 200, "error": ""}, "sent")
seen = web.requests[-1]
equal((seen.method, seen.path, seen.version), ("POST", "/in", "HTTP/1.1"), "a POST to the URL")
equal(seen.body.decode(), body, "the body, byte by byte")
equal((seen.headers["content-type"], seen.headers["webhook-id"], seen.headers["webhook-timestamp"]),
      ("application/json", "msg_2KWPB", "1674087231"), "its headers")
equal(seen.headers["webhook-signature"], signature(SECRET, seen), "its signature, computed apart")
ok(seen.headers["user-agent"].startswith("bugevents/"), "who it is from")
equal(seen.headers["host"], "localhost:%d" % web.port, "the host")
c.gives("a large body", {"result": "sent"}, "webhook", msg_id="big", body='"' + "x" * 2000000 + '"')
ok(len(web.requests[-1].body) == 2000002 and "expect" not in web.requests[-1].headers,
   "arrives whole, without asking first")
c.gives("an empty body", {"result": "sent"}, "webhook", body="")
equal(web.connections, 1, "all of it over one connection")

# Secrets in turn
other = "whsec_" + base64.b64encode(b"x" * 24).decode()
c.configure(webhook=route(secret=SECRET + "\n" + other + "\n"))
c.gives("two secrets", {"result": "sent"}, "webhook")
equal(web.requests[-1].headers["webhook-signature"].split(" "),
      [signature(s, web.requests[-1]) for s in (SECRET, other)], "are two signatures")

# What each status means
for status, result in [(200, "sent"), (201, "sent"), (204, "sent"), (299, "sent"), (301, "retry"),
                       (302, "retry"), (400, "retry"), (401, "retry"), (404, "retry"), (410, "refused"),
                       (429, "retry"), (500, "retry"), (502, "retry"), (503, "retry"), (599, "retry")]:
    text = b"" if status == 204 else b"because"
    answers["s"] = response(status, text)
    c.gives("HTTP %d: %s" % (status, result),
            {"result": result, "code": status, "error": "" if result == "sent" else "HTTP %d: because" % status},
            "webhook", msg_id="s")
seen = len(web.requests)
answers["moved"] = response(307, b"", "Location: " + web.url)
c.gives("a redirect is not followed", {"result": "retry", "code": 307}, "webhook", msg_id="moved")
equal(len(web.requests), seen + 1, "one request")

# Retry-After
for value, low, high in [("120", 120, 120), ("0", 0, 0), ("99999999999999", 86400, 86400),
                         (email.utils.formatdate(time.time() + 300, usegmt=True), 280, 300),
                         (email.utils.formatdate(time.time() - 300, usegmt=True), 0, 0),
                         (email.utils.formatdate(time.time() + 10 ** 7, usegmt=True), 86400, 86400)]:
    answers["later"] = response(429, b"", "Retry-After: " + value)
    got = c.deliver("webhook", msg_id="later")
    ok(low <= got.get("retry_after", -1) <= high, "Retry-After: " + value, got)
for value in ["soon", "-5", "1.5", "", "x" * 5000]:
    answers["later"] = response(503, b"", "Retry-After: " + value)
    got = c.deliver("webhook", msg_id="later")
    ok("retry_after" not in got and got["code"] == 503, "no Retry-After: " + value[:20], got)
answers["later"] = response(200, b"", "Retry-After: 5")
ok("retry_after" not in c.deliver("webhook", msg_id="later"), "not with a success")

# What strangers say is shown, but harmless
answers["says"] = response(500, b"a\x00b\r\nc\xff\xfe \xc3\xa4" + b"\xe2\x82\xac" * 1000)
got = c.deliver("webhook", msg_id="says")
ok(got["error"].startswith("HTTP 500: a") and "\n" not in got["error"] and "\0" not in got["error"] and
   len(got["error"].encode()) <= 500, "text of the server: one line, cut, UTF-8", got)
answers["echo"] = lambda conn, request, server: response(
    500, (SECRET + " and " + SECRET[6:] + " " * 2000 + SECRET[6:]).encode())
ok(SECRET[6:20] not in c.deliver("webhook", msg_id="echo")["error"], "no secret comes back")

# Broken servers
answers["reset"] = lambda conn, request, server: reset(conn)
c.gives("reset instead of an answer", {"result": "retry", "code": 0, "uncertain": True}, "webhook", msg_id="reset")
answers["garbage"] = lambda conn, request, server: conn.sendall(b"\x00\xff" * 100) or hang_up(conn)
c.gives("garbage instead of an answer", {"result": "retry", "code": 0, "uncertain": True}, "webhook",
        msg_id="garbage")
answers["continue"] = lambda conn, request, server: conn.sendall(b"HTTP/1.1 100 Continue\r\n\r\n") or hang_up(conn)
c.gives("100 and then nothing", {"result": "retry", "code": 0, "uncertain": True}, "webhook", msg_id="continue")
answers["cut"] = lambda conn, request, server: conn.sendall(
    b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf") or hang_up(conn)
c.gives("200 with half a body", {"result": "sent", "code": 200}, "webhook", msg_id="cut")


def flood(status):
    def pour(conn, request, server):
        server.poured = 0
        conn.sendall(b"HTTP/1.1 %d X\r\n\r\n" % status)
        while server.poured < 1 << 30:
            conn.sendall(b"y" * 65536)
            server.poured += 65536
    return pour


for status, result in ((200, "sent"), (500, "retry")):
    answers["flood"] = flood(status)
    c.gives("a body without end: %d" % status, {"result": result, "code": status}, "webhook", msg_id="flood")
    ok(web.poured < 1 << 26, "of which little is taken", web.poured)


def endless_head(conn, request, server):
    conn.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        conn.sendall(b"X-Filler: " + b"z" * 1000 + b"\r\n")


answers["head"] = endless_head
got = c.deliver("webhook", msg_id="head")
ok(got["code"] == 200 and got["result"] == "sent", "a head without end is left at its status", got)


def promises(conn, request, server):
    while True:
        conn.sendall(b"HTTP/1.1 102 Processing\r\n\r\n")


answers["102"] = promises
c.gives("102 without end", {"result": "retry", "code": 0, "uncertain": True}, "webhook", msg_id="102")

# A connection that was kept and died is no reason to send twice
c.gives("a connection is made", {"result": "sent"}, "webhook")
seen, made = len(web.requests), web.connections
answers["dies"] = lambda conn, request, server: hang_up(conn)
c.gives("the connection that was kept ends without an answer", {"result": "retry", "code": 0, "uncertain": True},
        "webhook", msg_id="dies")
equal((len(web.requests), web.connections > made), (seen + 1, True), "the request was made once")
made = web.connections
c.gives("the next one", {"result": "sent"}, "webhook")

# Time
quick = route(timeout=2000)
answers["silence"] = lambda conn, request, server: server.over.wait() and b""
c.configure(webhook=quick)
began = time.monotonic()
c.gives("no answer in time", {"result": "retry", "code": 0, "uncertain": True}, "webhook", msg_id="silence")
ok(1.9 < time.monotonic() - began < 30, "after the timeout")


def drip(conn, request, server):
    conn.sendall(b"HTTP/1.1 503 X\r\nRetry-After: 7\r\nContent-Length: 1000\r\n\r\n")
    while not server.over.wait(0.1):
        conn.sendall(b".")


answers["drip"] = drip
c.gives("a body that drips", {"result": "retry", "code": 503, "retry_after": 7}, "webhook", msg_id="drip")
c.configure(webhook=route(stall_timeout=1000, timeout=600000))
c.gives("next to no bytes", {"result": "retry", "code": 503, "retry_after": 7}, "webhook", msg_id="drip")

# Nobody there
gone = Web(answer)
gone.close()
c.configure(webhook=route(gone.url))
got = c.gives("nobody listens", {"result": "retry", "code": 0}, "webhook")
ok("connect" in got["error"].lower() and "uncertain" not in got, "which is told: " + got["error"])
c.configure(webhook=route("https://no-such-host.invalid/"))
got = c.gives("no such host", {"result": "retry", "code": 0}, "webhook")
ok("resolve" in got["error"].lower() and "uncertain" not in got, "which is told: " + got["error"])
deaf = socket.create_server(("127.0.0.1", 0), backlog=0)
fillers = [socket.socket() for _ in range(3)]
for one in fillers:
    one.setblocking(False)
    one.connect_ex(deaf.getsockname())
c.configure(webhook=route("https://localhost:%d/" % deaf.getsockname()[1], connect_timeout=500, timeout=600000))
got = c.gives("a connection that is never accepted", {"result": "retry", "code": 0}, "webhook")
ok("uncertain" not in got, "is not uncertain", got)
deaf.close()

# Whom it trusts
for context, why in [(Authority("stranger").context(), "a certificate of a stranger"),
                     (authority.context("example.com"), "a certificate of another host"),
                     (authority.context(expired=True), "a certificate that has expired")]:
    wrong = Web(answer, context)
    c.configure(webhook=route(wrong.url))
    got = c.gives(why, {"result": "retry", "code": 0}, "webhook")
    ok("certificate" in got["error"].lower() and "uncertain" not in got and not wrong.requests,
       "is told, and nothing was sent: " + got["error"])
    wrong.close()
c.configure(webhook=route(ca=""))
got = c.gives("without ca the system's authorities count", {"result": "retry", "code": 0}, "webhook")
ok("certificate" in got["error"].lower(), got["error"])
old = authority.context()
warnings.simplefilter("ignore", DeprecationWarning)
old.set_ciphers("ALL:@SECLEVEL=0")
old.minimum_version = ssl.TLSVersion.TLSv1
old.maximum_version = ssl.TLSVersion.TLSv1_1
wrong = Web(answer, old)
c.configure(webhook=route(wrong.url))
c.gives("TLS 1.1", {"result": "retry", "code": 0}, "webhook")
equal(wrong.requests, [], "is too old")

# Without TLS, if the URL says so; a proxy of the environment has no say
plain = Web(answer)
os.environ["http_proxy"] = os.environ["https_proxy"] = "http://127.0.0.1:9"
d = Courier(webhook=route(plain.url))
d.gives("http", {"result": "sent"}, "webhook")
equal(d.leave(), 0, "the carrier ends with 0")

web.close()
equal(c.leave(), 0, "and so does the other one")
equal(c.errors, "", "nothing on standard error")
done()
