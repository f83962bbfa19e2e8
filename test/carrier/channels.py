#!/usr/bin/python3
"""One channel's dead server holds up no other, and nothing is sent twice or lost under load."""
import collections
import random
import time

from courier import *
from servers import *

authority = Authority("authority")
rng = random.Random(7)
seen = collections.Counter()
fate = {}       # msg_id -> statuses to come
lock = threading.Lock()


def answer(conn, request, server):
    ident = request.headers["webhook-id"]
    with lock:
        seen[ident] += 1
        status = fate[ident].pop(0)
    if status == 0:
        reset(conn)
    return response(status, b"", *(["Retry-After: 1"] if status == 429 else []))


web = Web(answer, authority.context())
api = Web(lambda conn, request, server: response(200), authority.context())
dead = Smtp(greeting=None)      # accepts, and says nothing

c = Courier(webhook={"url": web.url, "secret": SECRET, "ca": authority.pem, "concurrency": 8},
            whatsapp={"url": api.url, "token": TOKEN, "ca": authority.pem},
            email={"url": dead.url, "from": "bugs@example.com", "tls": "none", "concurrency": 2, "queue": 5})
mails = [c.send("email") for _ in range(8)]
c.wait(lambda: dead.connections == 2, "two connections to the dead server")
equal([c.result(i)["error"] for i in mails[7:]], ["too many deliveries wait in this channel"],
      "a dead server's channel is full")
began = time.monotonic()
for _ in range(20):
    c.gives("a message by another channel passes", {"result": "sent"}, "whatsapp")
    fate["w"] = [200]
    c.gives("and a webhook", {"result": "sent"}, "webhook", msg_id="w")
ok(time.monotonic() - began < 25, "at once: 40 in %.2f s" % (time.monotonic() - began))
equal([i for i in mails[:7] if i in c.results], [], "while the dead server still says nothing")

# Under load: retried until sent, as a courier does; counted on both sides
seen.clear()
N = 1000
for i in range(N):
    fate["m%d" % i] = rng.choice([[], [], [500], [429], [0], [0, 503]]) + [200]
wanted = {name: len(statuses) for name, statuses in fate.items() if name != "w"}
todo = ["m%d" % i for i in range(N)]
under_way = {}      # id -> msg_id
tries = collections.Counter()
sent = set()
while todo or under_way:
    while todo and len(under_way) < 200:
        name = todo.pop()
        tries[name] += 1
        under_way[c.send("webhook", msg_id=name, key=name)] = name
    c.wait(lambda: any(i in c.results for i in under_way), "a result")
    for ident in [i for i in under_way if i in c.results]:
        name = under_way.pop(ident)
        (sent.add if c.results[ident]["result"] == "sent" else todo.append)(name)
equal(len(sent), N, "all of %d are sent" % N)
equal(dict(seen), wanted, "each was asked for as often as its server failed, and once more")
equal(dict(tries), wanted, "one attempt for each send")
ok(web.connections < 1 + sum(wanted.values()) / 2, "over %d connections for %d requests" % (web.connections, sum(wanted.values())))
equal(len(api.requests), 20, "no message was sent twice")

dead.close()
api.close()
web.close()
equal(c.leave(), 0, "the carrier ends with 0")
done()
