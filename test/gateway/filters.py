#!/usr/bin/python3
"""`where` and `any`: what passes, live, behind and conflated, beside a plain reference in Python."""
import random

from harness import *

d = Dispatcher(tip=0)
rand = random.Random(20)

STATUSES = ["open", "triaged", "closed"]
PEOPLE = [1, 2, 3, None]
PROJECTS = ["1", "2", "3"]


# ---------------------------------------------------------------- the reference

def equals(value, wanted):
    """A number and a text are the same if they are written the same; true, false and null only themselves."""
    def form(v):
        return (type(v), v) if v is None or isinstance(v, bool) else str(v)
    return not isinstance(value, (list, dict)) and form(value) == form(wanted)


def filter_holds(wish, event, row):
    if wish.get("types") and event["type"] not in wish["types"]:
        return False
    if wish.get("actions") and event["action"] not in wish["actions"]:
        return False
    if event["action"] in ("truncated", "reload"):
        return True
    if wish.get("project_ids") and str(row["project_id"]) not in map(str, wish["project_ids"]):
        return False
    for field, values in wish.get("where", {}).items():
        values = values if isinstance(values, list) else [values]
        if field not in row:
            if event["action"] != "moved_out":
                return False
        elif not any(equals(row[field], v) for v in values):
            return False
    return True


def passes(wish, event):
    rows = [event["row"]]
    if event["changes"]:
        rows.append({**event["row"], **{k: v[0] for k, v in event["changes"].items()}})
    return any(filter_holds(wish, event, row) and
               (not wish.get("any") or any(filter_holds(one, event, row) for one in wish["any"]))
               for row in rows)


# ---------------------------------------------------------------- at random

def draw_row():
    return {"id": rand.randrange(40), "status": rand.choice(STATUSES), "assignee_id": rand.choice(PEOPLE),
            "project_id": int(rand.choice(PROJECTS)), "urgent": rand.random() < 0.3}


def draw_event():
    action = rand.choice(["created", "updated", "updated", "updated", "deleted", "moved_out", "truncated"])
    if action == "truncated" and rand.random() < 0.7:
        action = "updated"
    row, old = draw_row(), draw_row()
    event = {"type": rand.choice(["bug_report", "bug_report", "task"]), "action": action, "row": row, "changes": None,
             "audience": rand.choice(["all", "all", "admin", "project:%d" % row["project_id"], "user:7", "all\n!user:7"])}
    if action == "updated":
        event["changes"] = {k: [old[k], row[k]] for k in row if k != "id" and old[k] != row[k] and rand.random() < 0.5}
    shown = {"id": row["id"]} if action == "moved_out" else {"table": "bugs"} if action == "truncated" else row
    key = "" if action == "truncated" else str(row["id"])
    event["record"] = record(type=event["type"], action=action, audience=event["audience"], key=key,
                             project=str(row["project_id"]) if key else "", payload=json.dumps(shown),
                             changes=json.dumps(event["changes"]) if event["changes"] else "")
    event["row"] = {"id": row["id"], "project_id": row["project_id"]} if action == "moved_out" else row
    return event


def draw_where():
    where = {}
    for field, values in (("status", STATUSES), ("assignee_id", PEOPLE), ("urgent", [True, False]), ("id", range(40))):
        if rand.random() < 0.35:
            where[field] = rand.sample(list(values), rand.randrange(1, len(values)) if len(values) < 9 else 3)
            if len(where[field]) == 1 and rand.random() < 0.5:
                where[field] = where[field][0]
    return where


def draw_filter():
    wish = {"where": draw_where()}
    if rand.random() < 0.3:
        wish["types"] = ["bug_report"]
    if rand.random() < 0.2:
        wish["actions"] = ["updated", "deleted", "moved_out", "truncated"]
    if rand.random() < 0.3:
        wish["project_ids"] = rand.sample(PROJECTS, 2)
    return wish


def draw_wish():
    wish = draw_filter() if rand.random() < 0.6 else {}
    if rand.random() < 0.5:
        wish["any"] = [draw_filter() for _ in range(rand.randrange(1, 4))]
    return wish


def may_see(who, event):
    lines = event["audience"].split("\n")
    mine = {"all", "user:" + who["user"], *("project:%s" % p for p in who["projects"])} | ({"admin"} if who["admin"] else set())
    return any(line in mine for line in lines) and not any(line[0] == "!" and line[1:] in mine for line in lines)


def drain(client):
    """The seqs that came up to the tip."""
    seen = []
    client.say({"type": "ping", "id": "end"})
    while True:
        m = client.message()
        if m["type"] == "reply":
            if m["payload"]["seq"] >= d.tip:
                return seen
            client.say({"type": "ping", "id": "end"})
        else:
            seen.append(m["seq"])


clients = []
for i in range(40):
    who = {"user": str(i), "admin": i % 5 == 0, "projects": PROJECTS[:i % 4], "wish": draw_wish()}
    who["client"] = d.ready(token(who["user"], role="admin" if who["admin"] else "user", projects=who["projects"]))
    if who["client"].ask({"type": "subscribe", "payload": who["wish"]})["type"] != "reply":
        raise AssertionError(who["wish"])
    clients.append(who)


def wanted(who, stretch):
    return [seq for seq, event in stretch if may_see(who, event) and passes(who["wish"], event)]


good, seen, delivered = True, 0, 0
for turn in range(30):
    stretch = []
    for _ in range(rand.randrange(1, 6)):
        batch = [draw_event() for _ in range(rand.randrange(1, 12))]
        first = d.publish(*[event["record"] for event in batch])
        stretch += [(first + n, event) for n, event in enumerate(batch)]
    for who in clients:
        got, want = drain(who["client"]), wanted(who, stretch)
        seen += len(stretch)
        delivered += len(got)
        if got != want and good:
            good = False
            odd = sorted(set(got) ^ set(want))
            print("# %r of %r, %s: %r" % (odd, who["wish"], who["user"], [e for s, e in stretch if s in odd][:3]))
    who = rand.choice(clients)      # somebody else asks for something else
    who["wish"] = draw_wish()
    who["client"].ask({"type": "subscribe", "payload": who["wish"]})
ok(good, "forty clients with filters get what passes, and nothing else")
ok(seen // 20 < delivered < seen // 2, "of which there is enough", "%d of %d" % (delivered, seen))
for who in clients:
    who["client"].close()


# ---------------------------------------------------------------- behind

def publish(action, **fields):
    changes = fields.pop("changes", None)
    return d.publish(record(action=action, key=str(fields["id"]), payload=json.dumps(fields),
                            changes=json.dumps(changes) if changes else ""))


def read_up_to(client, seq):
    """The seqs that come, the last of which is this one."""
    seen = [client.message()["seq"]]
    while seen[-1] < seq:
        seen.append(client.message()["seq"])
    return seen


d.settle(window_size=1 << 20)
wish = {"where": {"urgent": False, "assignee_id": [1, 2, None]}}
slow = d.ready(token("50", projects=PROJECTS), rcvbuf=4096)
slow.ask({"type": "subscribe", "payload": wish})
who = {"user": "50", "admin": False, "projects": PROJECTS, "wish": wish}
stretch = []
for _ in range(300):
    event = draw_event()
    event["row"]["pad"] = "x" * 60000
    if event["action"] in ("created", "updated"):
        event["record"] = record(type=event["type"], action=event["action"], audience=event["audience"],
                                 key=str(event["row"]["id"]), project=str(event["row"]["project_id"]),
                                 payload=json.dumps(event["row"]), changes=json.dumps(event["changes"]) if event["changes"] else "")
    stretch.append((d.publish(event["record"]), event))
stretch.append((publish("created", id=1, urgent=False, assignee_id=1), None))
equal(read_up_to(slow, d.tip), wanted(who, stretch[:-1]) + [d.tip], "one that reads slowly gets the same, out of the window and of history")
ok(d.all_fetches > 0, "history was asked for", d.all_fetches)


# ---------------------------------------------------------------- the board of one who conflates

lazy = d.ready(token("51"), rcvbuf=4096)
lazy.ask({"type": "subscribe", "payload": {"where": {"status": "open"}, "conflate": True}})
for i in range(200):      # until its socket takes no more
    publish("updated", id=1000 + i, status="open", pad="x" * 60000)
publish("updated", id=1, status="open", title="a")
left = publish("updated", id=1, status="closed", changes={"status": ["open", "closed"]})
publish("updated", id=1, status="closed", title="b", changes={"title": ["a", "b"]})
came = publish("updated", id=2, status="open", changes={"status": ["closed", "open"]})
publish("updated", id=3, status="closed")
equal(read_up_to(lazy, came)[-2:], [left, came], "who conflates is told of a row that left, by the event by which it did")


# ---------------------------------------------------------------- what is refused, and what is told

c = d.ready(token("60"))


def subscribe(**payload):
    reply = c.ask({"type": "subscribe", "payload": payload})
    return reply["payload"].get("code", "none"), reply["payload"].get("field")


for odd in (7, [], "status", {"status": {"not": "open"}}, {"status": []}, {"status": [[]]}, {"": 1}, {"x" * 64: 1},
            {"status": "x" * 256}, {"a\tb": 1}, {"status": "a\nb"}):
    equal(subscribe(where=odd), ("invalid_field", "where"), "where: %r" % (odd,))
equal(subscribe(where={str(i): i for i in range(17)}), ("invalid_field", "where"), "17 fields")
equal(subscribe(where={"id": list(range(1001))}), ("invalid_field", "where"), "1001 values")
for odd in ([], {}, [7], [{}] * 33):
    equal(subscribe(any=odd), ("invalid_field", "any"), "any: %r" % (odd,))
equal(subscribe(any=[{"any": [{}]}]), ("invalid_field", "any"), "any within any")
equal(subscribe(any=[{"conflate": True}]), ("invalid_field", "conflate"), "conflate within any")
equal(subscribe(any=[{"types": "x"}]), ("invalid_field", "types"), "a list within any")

number = d.opened[-1][0]
equal(subscribe(where={"status": ["open", "closed"], "assignee_id": [7, None, True]}), ("none", None), "a filter")
d.wait(lambda: (number, b"wstatus\0v=open\0v=closed\0wassignee_id\0v=7\0v0\0v+\0") in d.subscriptions, "the dispatcher hears of it")
subscribe(where={"id": list(range(1000))}, types=["task"])
d.wait(lambda: (number, b"ttask\0W1\0") in d.subscriptions, "of a long one how long it is")
subscribe(any=[{"where": {"id": 1}}, {"types": ["task"], "project_ids": [2]}])
d.wait(lambda: (number, b"o\0wid\0v=1\0o\0ttask\0p2\0") in d.subscriptions, "of alternatives")
subscribe(any=[{"where": {"id": "x" * 100}}] * 3)
d.wait(lambda: (number, b"O3\0") in d.subscriptions, "of long ones how many")

# A subscription takes the place of the one before, whichever way its events are found.
for wish, want in (({"where": {"id": 1}}, [1]), ({"types": ["bug_report"]}, [1, 2]), ({"project_ids": [5]}, []), ({}, [1, 2]),
                   ({"any": [{"where": {"id": 2}}, {"types": ["task"]}]}, [2]), ({"where": {"id": "02"}}, [])):
    c.ask({"type": "subscribe", "payload": wish})
    first = publish("updated", id=1) - 1
    publish("updated", id=2)
    equal([seq - first for seq in drain(c)], want, "then %r" % wish)
equal(d.stop(), 0, "the gateway ends with 0")
done()
