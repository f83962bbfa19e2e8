#!/usr/bin/python3
"""Resume: from the window, through FETCH, shared fetches, and when it can't be."""
from harness import *


def seqs(client, upto):
    """The seqs of the events up to one."""
    seen = []
    while not seen or seen[-1] < upto:
        seen.append(client.message()["seq"])
    return seen


def resume(d, since, stream=None, sub="1", **more):
    return d.ready(token(sub), query="since=%s&stream=%s" % (since, stream or d.stream), **more)


d = Dispatcher(tip=1000, dropped=500)
for n in range(100):
    d.publish(record(payload='{"n":%d}' % n))
c = resume(d, 1040)
equal((c.ready["payload"]["seq"], c.ready["payload"]["resumed"]), (1040, True),
      "ready says that it goes on from since")
equal(seqs(c, 1100), list(range(1041, 1101)), "what was missed comes from the window")
d.publish(record())
equal(seqs(c, 1101), [1101], "then it is live")
equal(d.all_fetches, 0, "without a fetch")
c = resume(d, d.tip)
d.publish(record())
equal(seqs(c, d.tip), [d.tip], "since the tip is live at once")

# What can't be exact
# A client that another gateway served a moment ahead of this one is held.
ahead = d.connect(token("1"), query="since=%d&stream=%s" % (d.tip + 2, d.stream))
d.wait(lambda: d.opened[-1][0] in d.admitted, "the one ahead to be admitted")
d.publish(record(), record())
d.publish(record())
ahead.ready = ahead.message()
equal((ahead.ready["payload"]["seq"], ahead.ready["payload"]["resumed"]), (d.tip - 1, True),
      "a client that is ahead is held until the stream gets there")
equal(seqs(ahead, d.tip), [d.tip], "... and goes on exactly")

for name, query in [("another stream", "since=1050&stream=" + STREAM_ID[:-1] + "6"),
                    ("no stream", "since=1050"),
                    ("a since above the tip", "since=9999&stream=" + STREAM_ID),
                    ("a since that was dropped", "since=499&stream=" + STREAM_ID),
                    ("a since that is no number", "since=10x&stream=" + STREAM_ID),
                    ("a negative since", "since=-1&stream=" + STREAM_ID),
                    ("an empty since", "since=&stream=" + STREAM_ID),
                    ("a huge since", "since=99999999999999999999&stream=" + STREAM_ID)]:
    c = d.ready(token(), query=query)
    error = c.message()
    p = error["payload"]
    ok(c.ready["payload"]["seq"] == d.tip and not c.ready["payload"]["resumed"] and
       error["type"] == "error" and p["code"] == "resync_required" and
       p["oldest"] == 500 and p["seq"] == d.tip, name + ": resync_required", error)
d.publish(record())
equal(seqs(c, d.tip), [d.tip], "and then it is live")
d.stop()

# History
d = Dispatcher(tip=0, stream=STREAM_ID)
body = json.dumps({"s": "x" * 1000})
for n in range(6000):
    d.publish(record(payload=body))
d.progress(6010)
c = d.wait(lambda: (lambda c: c if c.ready["payload"]["seq"] == 6010 else c.close())(
    d.ready(token())), "the tip")
ok(c, "PROGRESS moves the tip")
c = resume(d, 0)
equal(seqs(c, 6000), list(range(1, 6001)), "6 MB of history come through FETCH, then the window")
first = d.all_fetches
ok(3 <= first <= 8, "in some fetches of about a megabyte", first)
d.publish(record())
equal(seqs(c, 6011), [6011], "then it is live")

# A storm: many clients at many places share the fetches
d.auto_fetch = False
before = d.all_fetches
storm = [resume(d, (i * 37) % 4000, sub=str(i)) for i in range(200)]
d.auto_fetch = True
d.answer_fetches()
for i in range(5):
    d.publish(record())      # live delivery goes on
good = sum(seqs(c, d.tip) == [n for n in range((i * 37) % 4000 + 1, 6001)] + list(range(6011, d.tip + 1))
           for i, c in enumerate(storm))
equal(good, 200, "200 clients at 200 places get all they missed, in order")
ok(d.all_fetches - before <= 20, "with a handful of fetches", d.all_fetches - before)

# Gone meanwhile
d.stop()
d = Dispatcher(tip=0)
for n in range(3000):
    d.publish(record(payload=body))
d.auto_fetch = False
stale = resume(d, 3)
other = resume(d, 2990)
d.wait(lambda: d.fetches, "a fetch")
equal(d.fetches[0][2], 3, "a fetch begins where the client stands")
d.dropped = 100
d.auto_fetch = True
d.answer_fetches()
m = stale.message()
equal((m["payload"]["code"], m["payload"]["oldest"], m["payload"]["seq"]),
      ("resync_required", 100, 3000), "history that goes away meanwhile is told")
equal(seqs(other, 3000), list(range(2991, 3001)), "others are not concerned")
d.publish(record())
equal((stale.message()["seq"], other.message()["seq"]), (3001, 3001), "then it is live")

# Another history altogether
d.stream = STREAM_ID[:-1] + "9"
d.tip = 50
d.begin()
m = stale.message()
equal((m["payload"]["code"], m["payload"]["seq"]), ("resync_required", 50),
      "another stream: resync_required")
d.publish(record(payload='{"new":1}'))
equal(stale.message()["seq"], 51, "and the new stream follows")
equal(d.stop(), 0, "the gateway ends with 0")

# A stream that goes on further ahead: no gap
d = Dispatcher(tip=10)
c = d.ready(token())
for n in range(11, 21):
    d.journal[n] = record(payload='{"n":%d}' % n)
d.tip = 20
d.begin()
d.publish(record())
equal(seqs(c, 21), list(range(11, 22)), "a STREAM further ahead is bridged from the journal")

# The same one under another name
old, new, unheard = STREAM_ID, STREAM_ID[:-1] + "8", STREAM_ID[:-1] + "7"
d.stream, d.past = new, [(old, 21)]
d.begin()
m = c.message()
equal((m["type"], m["action"], m["payload"]), ("connection", "stream", {"stream": new, "seq": 21}),
      "a stream that goes on has another name")
d.publish(record())
equal(c.message()["seq"], 22, "... and goes on")
d.stream, d.past = unheard, [(new, 21), (old, 21)]
d.begin()
equal(c.message()["payload"]["code"], "resync_required", "it doesn't where something that was sent is not of it")

# A standby, which may be behind
d.follows = 1
d.begin()
for what, stream, since in (("a seq", unheard, d.tip + 5), ("an era", STREAM_ID[:-1] + "6", 1)):
    c = d.connect(token(), query="since=%d&stream=%s" % (since, stream))
    seen = c.closed()
    equal(([m["payload"]["code"] for m in seen], c.code), (["behind"], 1013), what + " that it is not at yet")
c = d.connect(token(), query="since=22&stream=" + new)
equal([c.message().get("action"), c.message()["payload"]["code"]], ["ready", "resync_required"],
      "what is of another history, it knows")
c = d.connect(token(), query="since=%d&stream=%s" % (d.tip + 1, unheard))
d.publish(record())
equal((c.message()["payload"]["resumed"], d.stream), (True, unheard), "one a moment ahead is waited for")
d.condition(b"this standby is too far behind its primary", behind=1)
c = d.connect(token())
seen = c.closed()
equal(([m["payload"]["code"] for m in seen], c.code), (["behind"], 1013), "far behind, it lets nobody in")
d.stop()
done()
