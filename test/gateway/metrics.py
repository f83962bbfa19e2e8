#!/usr/bin/python3
"""GET /metrics: for this machine and for admins; and what is counted."""
from harness import *

TEXT, ERROR, METRICS = ANSWERS["TEXT"], ANSWERS["ERROR"], VERBS["METRICS"]


def request(d, headers=(), version="1.1"):
    c = Client(d, handshake=False)
    c.request("GET /metrics HTTP/%s" % version, ("Host: x",) + tuple(headers))
    return c


def scrape(d, headers=(), text=b"metric 1\n", kind=TEXT, code=b"internal_error", user=None):
    before = len(d.asked)
    c = request(d, headers)
    d.wait(lambda: len(d.asked) > before, "ASK")
    client, number, verb, payload = d.asked[-1]
    equal(json.loads(payload), {"user_id": user} if user else {}, "... for whom the tables have to say as well" if user else "... and nobody is named")
    equal((client, verb), (0, METRICS), "asked of the dispatcher for nobody in particular")
    d.send(ANSWER, struct.pack("=QIIQII24s24s", client, number, kind, 0, 0, 0, code, b"") + text)
    c.read_head()
    return (c.status, c.headers), c.rest()


d = Dispatcher(tip=1)
(status, headers), body = scrape(d)
equal((status, body), (200, b"metric 1\n"), "from this machine")
ok(headers["content-type"].startswith("text/plain; version=0.0.4"), "as Prometheus wants it")
equal(scrape(d, kind=ERROR)[0][0], 503, "503 when the database can't answer")
bearer = "Authorization: Bearer %s"
proxied = "X-Forwarded-For: 192.0.2.1"
for name, more in (("through a proxy", ()), ("with a user's token", (bearer % token("1"),)),
                   ("with an expired token", (bearer % token("1", role="admin", ttl=-99),)),
                   ("with nonsense", (bearer % "x",))):
    c = request(d, (proxied,) + more)
    c.read_head()
    equal((c.status, c.headers.get("www-authenticate")), (401, "Bearer"), name + ": 401")
for sign in ("Forwarded: for=192.0.2.1", "Via: 1.1 proxy", "X-Real-IP: 192.0.2.1", "X-Forwarded-Proto: https", "X-Forwarded-For: 127.0.0.1",
             "X-Forwarded-For:"):
    c = request(d, (sign,))
    c.read_head()
    equal(c.status, 401, "through a proxy that says so by %s: 401" % sign)
c = request(d, version="1.0")
c.read_head()
equal(c.status, 401, "through a proxy that doesn't say so, in its old words: 401")
equal(scrape(d, (proxied, bearer % token("1", role="admin")), user="1")[0][0], 200, "with an admin's token")
equal(scrape(d, (proxied, bearer % token('"', is_admin=True)), user='"')[0][0], 200, "of either kind")
(status, headers), body = scrape(d, (proxied, bearer % token("1", role="admin")), kind=ERROR, code=b"forbidden", user="1")
equal((status, headers.get("www-authenticate")), (401, "Bearer"), "of an admin that the tables don't have as one: 401")
before = len(d.asked)
gone = request(d)
d.wait(lambda: len(d.asked) > before, "ASK")
gone.close()
(status, headers), body = scrape(d)
equal(status, 200, "one that goes while it waits is forgotten")

# What is counted.
one, two = d.ready(token("1")), d.ready(token("2"))
d.publish(record(), record())
for c in (one, two):
    c.messages(2)
d.publish(record(audience="user:1"))
one.message()
one.say({"type": "ping"})
one.message()
one.say({"type": "nothing"})
one.message()
two.send_frame(8, struct.pack(">H", 1001))
two.closed()
one.sock.close()
for name, label, wanted in (
        ("bugevents_connections_total", "", 2), ("bugevents_events_delivered_total", "", 5),
        ("bugevents_messages_received_total", "", 2), ("bugevents_errors_total", "unknown_type", 1),
        ("bugevents_disconnects_total", "1001", 1), ("bugevents_disconnects_total", "1006", 1)):
    d.wait(lambda: d.counter(name, label) == wanted, "%s %s: %d" % (name, label, wanted))
    ok(True, "%s %s" % (name, label))
ok(d.counter("bugevents_bytes_sent_total", "") > 500, "bytes")
equal(sum(d.counter("bugevents_delivery_seconds_bucket", le) for le in DELAYS), 3,
      "three events in the histogram")
three = Client(d, token("3"), query="since=999999&stream=" + STREAM_ID)
three.messages(2)
d.wait(lambda: d.counter("bugevents_resumes_total", "resync_required") == 1, "a resync")
four = Client(d, token("4"), query="since=%d&stream=%s" % (d.tip, STREAM_ID))
four.message()
d.wait(lambda: d.counter("bugevents_resumes_total", "resumed") == 1, "a resume")
ok(True, "resumes by their result")

# SHUTDOWN with one that waits for its metrics.
waiting = request(d)
d.wait(lambda: d.asked[-1][2] == METRICS, "ASK")
equal(d.stop(), 0, "the end, with one that waits for its metrics")
done()
