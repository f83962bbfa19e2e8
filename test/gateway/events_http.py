#!/usr/bin/python3
"""GET /events: Server-Sent Events and long poll are two more ways to write the stream that WebSockets get."""
import json
import os
import re
import socket
import struct
import time

from harness import (ANSWER, ANSWERS, HERE, VERBS, Dispatcher, STREAM_ID, access, done, equal, ok, record, token, wait_for)

POLICY = 1008


class Get:
    """One request, and its answer as it comes."""

    def __init__(self, dispatcher, query="", tok=None, headers=(), method="GET", path="/events", sse=False):
        self.dispatcher = dispatcher
        self.sock = socket.create_connection(("127.0.0.1", dispatcher.port))
        lines = ["%s %s%s HTTP/1.1" % (method, path, "?" + query if query else ""), "Host: localhost"]
        if tok is not False:
            lines.append("Authorization: Bearer " + (tok or token("1")))
        if sse:
            lines.append("Accept: text/event-stream")
        self.sock.sendall("\r\n".join(lines + list(headers) + ["", ""]).encode())
        self.sock.setblocking(False)
        self.bytes = b""
        self.ended = False

    def read(self):
        self.dispatcher.pump()
        try:
            while True:
                data = self.sock.recv(1 << 16)
                if not data:
                    self.ended = True
                    break
                self.bytes += data
        except BlockingIOError:
            pass
        return self

    def until(self, condition, what):
        wait_for(lambda: condition(self.read()), what)
        return self

    def end(self):
        return self.until(lambda s: s.ended, "the end of the answer")

    @property
    def head(self):
        return self.bytes.split(b"\r\n\r\n")[0].decode()

    @property
    def status(self):
        return int(self.head.split()[1]) if b"\r\n\r\n" in self.bytes else None

    @property
    def body(self):
        return self.bytes.split(b"\r\n\r\n", 1)[1].decode() if b"\r\n\r\n" in self.bytes else ""

    def header(self, name):
        found = re.search(r"(?im)^%s: (.*?)\r?$" % name, self.head)
        return found and found.group(1)

    def json(self):
        self.end()
        return json.loads(self.body)

    @property
    def messages(self):
        """[(id, event, data)] of the whole events that came; comments are left out."""
        found = []
        for block in self.body.split("\n\n")[:-1]:
            fields = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
            if "data" in fields:
                found.append((fields.get("id"), fields["event"], json.loads(fields["data"])))
        return found

    def wait_messages(self, n):
        return self.until(lambda s: len(s.messages) >= n, "%d messages" % n).messages


def code(get):
    return get.json()["payload"]["code"]


d = Dispatcher(tip=100)

# ---------------------------------------------------------------- long poll

first = Get(d)
equal(first.json(), {"stream": STREAM_ID, "seq": 100, "events": []}, "without a position: where the stream is, at once")
equal((first.status, first.header("content-type"), first.header("cache-control"), first.header("x-accel-buffering")),
      (200, "application/json", "no-store", "no"), "... as JSON that nobody keeps")
equal(int(first.header("content-length")), len(first.body.encode()), "... of a length that is said")

d.publish(record(payload='{"id":1}', project="7"), record(type="comment", action="created", payload='{"id":2}', bug="1"))
answer = Get(d, "since=100&stream=%s&wait=25" % STREAM_ID).json()
equal((answer["seq"], [e["seq"] for e in answer["events"]], answer["events"][0]["payload"]),
      (102, [101, 102], {"id": 1}), "what is there comes at once")
equal(set(answer["events"][0]), {"type", "action", "seq", "tx", "at", "payload"}, "... as events that a WebSocket gets")

waits = Get(d, "since=102&stream=%s&wait=25" % STREAM_ID)
d.wait(lambda: len(d.admitted) == 1, "it to be let in")
other = Get(d, "since=102&stream=%s&wait=25&types=project" % STREAM_ID)
d.wait(lambda: len(d.admitted) == 2, "the other one")
d.publish(record(payload='{"id":3}'))
equal([e["payload"]["id"] for e in waits.json()["events"]], [3], "who waits is answered by the next event")
equal(other.read().bytes, b"", "... but not by one that it left out")
d.publish(record(type="project", action="created"))
answer = other.json()
equal((answer["seq"], [e["type"] for e in answer["events"]]), (104, ["project"]), "... but by one that it wants")
began = time.monotonic()
empty = Get(d, "since=104&stream=%s&wait=1" % STREAM_ID).json()
ok(empty == {"stream": STREAM_ID, "seq": 104, "events": []} and time.monotonic() - began >= 0.9,
   "nothing came: an empty answer, when its time is over", empty)
d.progress(110)
equal(Get(d, "since=104&stream=%s" % STREAM_ID).json(), {"stream": STREAM_ID, "seq": 110, "events": []},
      "the position goes on where nothing is for it")

for query, ids in (("types=bug_report", [101, 103]), ("types=comment,project", [102, 104]), ("actions=created", [102, 104]),
                   ("project_ids=7", [101]), ("bug_report_ids=1", [102]), ("types=comment&actions=updated", []),
                   ("filter=%7B%22types%22%3A%5B%22project%22%5D%7D", [104]), ("filter=%7B%22where%22%3A%7B%22id%22%3A%5B2%2C3%5D%7D%7D", [102, 103]),
                   ("filter=%7B%22any%22%3A%5B%7B%22types%22%3A%5B%22project%22%5D%7D%2C%7B%22where%22%3A%7B%22id%22%3A1%7D%7D%5D%7D", [101, 104]), ("types=", [101, 102, 103, 104])):
    equal([e["seq"] for e in Get(d, "since=100&stream=%s&%s" % (STREAM_ID, query)).json()["events"]], ids, "the filter " + query)

# Only what it may see, as WebSockets.
d.publish(record(audience="user:2"), record(audience="admin"), record(audience="all", payload='{"id":1,"x":2}', open_payload='{"id":1}'))
since = "since=110&stream=" + STREAM_ID
equal([[(e["seq"], e["payload"]) for e in Get(d, since, tok=tok).json()["events"]]
       for tok in (token("1"), token("2"), token("3", role="admin"))],
      [[(113, {"id": 1})], [(111, {}), (113, {"id": 1})], [(112, {}), (113, {"id": 1, "x": 2})]],
      "everybody gets what they may see")

# From the journal, and as much at a time as fits.
size = 4000     # the window has a megabyte
for _ in range(600):
    d.publish(record(payload=json.dumps({"id": d.tip, "text": "x" * size})))
position, got, polls = 113, [], 0
while position < d.tip:
    answer = Get(d, "since=%d&stream=%s" % (position, STREAM_ID)).json()
    ok(answer["seq"] > position, "the position goes on") if answer["seq"] <= position else None
    position, polls = answer["seq"], polls + 1
    got += [e["seq"] for e in answer["events"]]
equal((got, polls > 5), (list(range(114, d.tip + 1)), True), "much comes in several answers, exactly")
equal([e["seq"] for e in Get(d, "since=113&stream=%s&wait=9" % STREAM_ID).json()["events"]][:3], [114, 115, 116],
      "what the window has not is fetched")
ok(d.all_fetches > 0, "... from the journal")

# From a moment, which the database knows.
d.auto_answer = lambda client, request, verb, text: (asked.append((verb, json.loads(text))), d.send(
    ANSWER, struct.pack("=QIIQII24s24s", client, request, ANSWERS["OBJECT"], 0, 0, 0, b"", b"") + b'{"seq":%d}' % found_at))
asked, found_at = [], 110
equal(([e["seq"] for e in Get(d, "since_time=2026-01-31T12:00:00Z").json()["events"]][:2], asked),
      ([113, 114], [(VERBS["SINCE"], {"at": 1769860800000000})]), "a moment is looked up, and the stream goes on there")
ws = d.ready(query="since_time=2026-01-31T12:00:00.25Z")
equal((ws.ready["payload"]["seq"], ws.ready["payload"]["resumed"], asked[-1][1]), (110, True, {"at": 1769860800250000}), "... by WebSocket")
d.auto_answer = lambda client, request, verb, text: d.send(
    ANSWER, struct.pack("=QIIQII24s24s", client, request, ANSWERS["ERROR"], 0, 0, 0, b"internal_error", b"") + b"it took too long")
failed = Get(d, "since_time=2026-01-31T12:00:00Z")
equal((code(failed), failed.status), ("internal_error", 500), "the database can't tell")
d.auto_answer = None
gone = Get(d, "since_time=2026-01-31T12:00:00Z")
d.wait(lambda: len(d.asked) == 4, "ASK")
client = d.asked[-1][0]
gone.sock.close()
d.wait(lambda: client in d.closed, "it to be let go of")
ok(True, "who goes meanwhile is let go of")
equal(code(Get(d, "since_time=yesterday")), "invalid_field", "what is no moment")

d.dropped = 112
d.progress()
d.settle()
gone = Get(d, "since=105&stream=" + STREAM_ID)
equal((code(gone), gone.status, json.loads(gone.body)["payload"]["seq"], json.loads(gone.body)["payload"]["stream"],
       json.loads(gone.body)["payload"]["oldest"]), ("resync_required", 410, d.tip, STREAM_ID, 112), "what is gone is told")
equal((code(Get(d, "since=105&stream=another")), code(Get(d, "since=105"))), ("resync_required",) * 2, "... and another stream")
d.dropped = 0

# ---------------------------------------------------------------- Server-Sent Events

sse = Get(d, sse=True)
ready = sse.wait_messages(1)[0]
equal((sse.status, sse.header("content-type"), sse.header("cache-control"), sse.header("x-accel-buffering")),
      (200, "text/event-stream; charset=utf-8", "no-store", "no"), "a stream of events")
equal((ready[0], ready[1], ready[2]["payload"]["seq"], ready[2]["payload"]["user_id"]),
      ("%s:%d" % (STREAM_ID, d.tip), "connection.ready", d.tip, "1"), "it begins with ready, and the position")
narrow = Get(d, "types=comment", sse=True, headers=("Accept: text/html;q=1, text/event-stream ;q=0.9",))
narrow.wait_messages(1)
ws = d.ready()
seq = d.publish(record(payload='{"id":1,\n\r"json":\n 2}', changes='{"a":[1,\r\n2]}'), record(type="comment", action="created"), record(audience="user:9"))
seen = sse.wait_messages(3)[1:]
equal([(m[0], m[1]) for m in seen], [("%s:%d" % (STREAM_ID, seq), "bug_report.updated"), ("%s:%d" % (STREAM_ID, seq + 1), "comment.created")],
      "each event has its position and its name")
equal([m[2] for m in seen], [ws.message(), ws.message()], "... and is what a WebSocket gets, whatever line ends are in it")
equal([m[1] for m in narrow.wait_messages(2)[1:]], ["comment.created"], "... those that are wanted")

back = Get(d, sse=True, headers=("Last-Event-ID: %s:%d" % (STREAM_ID, seq),))
equal([m[0] for m in back.wait_messages(2)], ["%s:%d" % (STREAM_ID, seq), "%s:%d" % (STREAM_ID, seq + 1)], "Last-Event-ID resumes")
back = Get(d, "since=1&stream=x", sse=True, headers=("Last-Event-ID: %s:%d" % (STREAM_ID, seq),))
equal(back.wait_messages(2)[1][1], "comment.created", "... and counts more than where it began")
back = Get(d, sse=True, headers=("Last-Event-ID: nonsense",))
equal([m[1] for m in back.wait_messages(2)], ["connection.ready", "error"], "a position that is none: resync_required")
d.publish(record())
equal(back.wait_messages(3)[2][1], "bug_report.updated", "... and then live")

# ---------------------------------------------------------------- who may, and how many

for sse_too in (False, True):
    form = "SSE" if sse_too else "JSON"
    missing = Get(d, tok=False, sse=sse_too).end()
    bad = Get(d, tok="a.b.c", sse=sse_too).end()
    old = Get(d, tok=token("1", ttl=-5), sse=sse_too).end()
    found = [(g.status, g.messages[0][2] if sse_too else json.loads(g.body)) for g in (missing, bad, old)]
    equal([(s, m["type"], m["payload"]["code"]) for s, m in found],
          [(401, "error", "missing_token"), (401, "error", "invalid_token"), (401, "error", "token_expired")], "bad tokens, " + form)
    if sse_too:
        equal(missing.messages[0][1], "error", "... as an event")
equal(missing.header("www-authenticate"), "Bearer", "... with the header that belongs to it")
equal(Get(d, "access_token=" + token("1"), tok=False).json()["events"], [], "the token may be in the query")
equal(Get(d, "token=" + token("1"), tok=False).json()["events"], [], "... by either name")
equal(code(Get(d, "token=%s&access_token=%s" % (token("1"), token("1")), tok=False)), "invalid_token", "... but not by both")

for query, field in (("wait=61", "wait"), ("wait=x", "wait"), ("wait=-1", "wait"), ("type=bug_report", "type"), ("types=a&types=b", "types"),
                     ("filter=x", "filter"), ("filter=%7B%22types%22%3A7%7D", "types"), ("filter=%7B%22nothing%22%3A7%7D", "nothing"),
                     ("conflate=yes", "conflate"), ("a%0D%0Ab=1", "query"), ("types=%00", "types"), ("types=%zz", "types")):
    get = Get(d, query)
    equal((code(get), get.status, json.loads(get.body)["payload"]["field"]), ("invalid_field", 400, field), "not understood: " + query)
equal(code(Get(d, "wait=61", tok=False)), "missing_token", "... which is told to who shows a token")

d.settle(allowed_origins="https://app.example")
page = Get(d, headers=("Origin: https://app.example",)).end()
equal((page.status, page.header("access-control-allow-origin"), page.header("vary")), (200, "https://app.example", "Origin"), "a page that may read it")
page = Get(d, headers=("Origin: https://evil.example",)).end()
equal((page.status, page.header("access-control-allow-origin"), json.loads(page.body)["payload"]["code"]), (403, None, "origin_not_allowed"), "... and one that may not")
asks = Get(d, method="OPTIONS", tok=False, headers=("Origin: https://app.example", "Access-Control-Request-Method: GET", "Access-Control-Request-Headers: authorization")).end()
equal((asks.status, asks.header("access-control-allow-origin"), asks.header("access-control-allow-methods"), "Authorization" in asks.header("access-control-allow-headers")),
      (204, "https://app.example", "GET", True), "a browser that asks first")
asks = Get(d, method="OPTIONS", tok=False, headers=("Origin: https://evil.example",)).end()
equal((asks.status, asks.header("access-control-allow-origin")), (403, None), "... for a page that may not")
equal(Get(d, headers=("Origin: https://app.example",), tok="x").end().header("access-control-allow-origin"), "https://app.example", "a page reads why it is refused")
d.settle(allowed_origins="")
equal(Get(d, headers=("Origin: http://localhost",)).end().status, 200, "a page from here")

d.per_user = 2
held = [Get(d, "since=%d&stream=%s&wait=60" % (d.tip, STREAM_ID), tok=token("many")) for _ in range(2)]
d.wait(lambda: sum(u == "many" for u in d.admitted.values()) == 2, "both to be let in")
third = Get(d, tok=token("many"))
equal((code(third), third.status, third.header("retry-after")), ("too_many_connections", 429, "1"), "connections of a user are counted")
equal(d.refuses("... with those by WebSocket", "too_many_connections", tok=token("many"))["code"], "too_many_connections", "... in the same way")
for one in held:
    one.sock.close()
d.wait(lambda: "many" not in d.admitted.values(), "them to go")
d.per_user = None
ok(True, "who goes is let go of")
d.settle(max_connections=1)
full = Get(d, sse=True).end()
equal((full.status, full.messages[0][2]["payload"]["code"]), (503, "server_full"), "a full server")
d.settle(max_connections=10000, handshake_rate=3, trusted_proxies="127.0.0.1")
far = ("X-Forwarded-For: 192.0.2.1",)
equal([Get(d, headers=far).end().status for _ in range(3)], [200] * 3, "an address may come so often")
last = Get(d, headers=far).end()
equal((last.status, json.loads(last.body)["payload"]["code"], int(last.header("retry-after")) >= 1), (429, "rate_limited", True), "... and not more")
equal(d.knock("192.0.2.1").outcome(), "rate_limited", "... nor by WebSocket")
d.settle(handshake_rate=0)

for method, path, status in (("POST", "/events", 405), ("HEAD", "/events", 405), ("GET", "/events/", 404)):
    equal(Get(d, method=method, path=path).end().status, status, "%s %s" % (method, path))
equal(Get(d, headers=("Content-Length: 5",)).end().status, 400, "a request with a body")

# ---------------------------------------------------------------- how it ends

short = Get(d, sse=True, tok=token("7", ttl=2))
equal([(m[1], m[2].get("payload", m[2]).get("code", "")) for m in short.wait_messages(4)],
      [("connection.ready", ""), ("connection.expiring", ""), ("error", "token_expired"), ("close", 1008)], "a token that ends: told, and then the end")
short.end()
ok(True, "... of the connection, too")
waits = Get(d, "since=%d&stream=%s&wait=60" % (d.tip, STREAM_ID), tok=token("7", ttl=1)).end()
equal((waits.status, json.loads(waits.body)["payload"]["code"]), (401, "token_expired"), "... of one that waits")

d.settle(ping_interval=100)
alive = Get(d, sse=True, tok=token("8")).until(lambda s: s.body.count(": keep-alive\n") >= 2, "signs of life")
equal(alive.body.count("id: %s:%d\n\n" % (STREAM_ID, d.tip)), alive.body.count(": keep-alive\n"), "signs of life have the position")
d.settle(ping_interval=0)

changed = Get(d, sse=True, tok=token("9"))
changed.wait_messages(1)
d.publish(record(type="user", audience="admin", access=access("i", "users", "9", "user")))
equal([m[1] for m in changed.wait_messages(3)], ["connection.ready", "error", "close"], "who may not any more, is told")
equal(changed.messages[1][2]["payload"]["code"], "user_inactive", "... why")
poll = Get(d, "since=%d&stream=%s&wait=60" % (d.tip, STREAM_ID), tok=token("10"))
d.wait(lambda: "10" in d.admitted.values(), "it to be let in")
d.publish(record(type="user", audience="admin", access=access("i", "users", "10", "user")))
equal((code(poll), poll.status), ("user_inactive", 403), "... in JSON")

moved = Get(d, sse=True)
poll = Get(d, "since=%d&stream=%s&wait=60" % (d.tip, STREAM_ID))
moved.wait_messages(1)
d.wait(lambda: list(d.admitted.values()).count("1") >= 2, "the one that waits")
d.stream, d.tip = "99999999-2222-3333-4444-555555555555", 5000
d.begin()
error = moved.wait_messages(2)[1]
equal((error[1], error[2]["payload"]["code"], error[2]["payload"]["stream"]), ("error", "resync_required", d.stream), "another stream begins: told")
equal(code(poll), "resync_required", "... to who waits")
d.publish(record())
equal(moved.wait_messages(3)[2][0], "%s:5001" % d.stream, "... and goes on in it")

# ---------------------------------------------------------------- who reads slowly

slow = Get(d, sse=True, tok=token("11"))
slow.wait_messages(1)
begin = d.tip
for _ in range(40):
    d.publish(*[record(payload=json.dumps({"id": i, "text": "y" * 4000})) for i in range(100)])
d.publish(record(type="last"))
wait_for(lambda: slow.read().body.endswith("\n\n") and '"type":"last"' in slow.body[-2000:], "all of it")
equal([m[0] for m in slow.messages[1:]], ["%s:%d" % (d.stream, s) for s in range(begin + 1, d.tip + 1)], "who reads slowly gets it all, in order")

d.settle(client_lag_limit=50)
stuck = Get(d, sse=True, tok=token("12"))
stuck.wait_messages(1)
ends = []
for _ in range(60):
    d.publish(*[record(payload=json.dumps({"id": i, "text": "z" * 40000})) for i in range(10)])
d.wait(lambda: any(e == (1013, "too_far_behind") for e in d.endings.values()), "it to be let go")
seen = stuck.end().messages
equal((seen[-2][2]["payload"]["code"], seen[-1][1]), ("too_far_behind", "close"), "client_lag_limit holds, too")
equal([seen[-3][0]], ["%s:%d" % (d.stream, seen[-2][2]["payload"]["seq"])], "... and it is told its position")
d.settle(client_lag_limit=0)

# ---------------------------------------------------------------- the end of all

api = Get(d, path="/asyncapi.yaml", tok=False).end()
equal((api.status, api.header("content-type")), (200, "application/yaml"), "/asyncapi.yaml")
with open(os.path.join(HERE, "..", "..", "docs", "asyncapi.yaml"), encoding="utf-8") as file:
    ok(file.read() == api.body, "... is the API's description")
again = Get(d, path="/asyncapi.yaml", tok=False, headers=("If-None-Match: " + api.header("etag"),)).end()
equal((again.status, again.body, again.header("etag")), (304, "", api.header("etag")), "... is not sent again")

poll = Get(d, "since=%d&stream=%s&wait=60" % (d.tip, d.stream), tok=token("13"))
last = Get(d, sse=True, tok=token("14"))
last.wait_messages(1)
d.wait(lambda: "13" in d.admitted.values(), "the one that waits")
equal(d.stop(), 0, "the gateway ends")
equal((last.end().messages[-1][1:], poll.json()["payload"]["code"], poll.status),
      (("close", {"code": 1012, "reason": "shutting_down"}), "shutting_down", 503), "... and says so")
done()
