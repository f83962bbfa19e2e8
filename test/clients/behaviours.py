#!/usr/bin/python3
"""The behaviours that every client has: behaviours/table.json, through the same scripted server.

    behaviours.py [CLIENT [PART OF A NAME]]

A step of the table is one of the server's, one of the client's, or says what is to be heard from it.  Nothing
sleeps: the clients' clocks move when a step moves them, all else is waited for.
"""
import asyncio
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "behaviours"))
from server import STREAM, Server  # noqa: E402  pylint: disable=wrong-import-position

PATIENCE = float(os.environ.get("BUGEVENTS_TEST_PATIENCE", "20"))
SIDE_BY_SIDE = 4
DRIVERS = {
    "js": ["node", "behaviours/drive_js.mjs"],
    "python": ["/usr/bin/python3", "behaviours/drive_python.py"],
}


class Failed(Exception):
    """A step did not go as the table says."""


async def within(waiting, what):
    try:
        return await asyncio.wait_for(waiting, PATIENCE)
    except asyncio.TimeoutError:
        raise Failed(f"waited in vain for {what}") from None


def has(wanted, got):
    """All that is wanted is there; what is null is not."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        return all(got.get(name) is None if value is None else has(value, got.get(name)) for name, value in wanted.items())
    return wanted == got


class Client:
    """A driver's process: what it is told, and what it says."""

    def __init__(self, command):
        self.command = command
        self.log = []
        self.seen = {}
        self.more = asyncio.Condition()
        self.process = None

    async def begin(self):
        self.process = await asyncio.create_subprocess_exec(
            *self.command, cwd=HERE, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
        asyncio.ensure_future(self.listen())

    async def listen(self):
        while line := await self.process.stdout.readline():
            async with self.more:
                self.log.append(json.loads(line))
                self.more.notify_all()

    async def end(self):
        self.process.stdin.close()
        await within(self.process.wait(), "the client's end")

    async def tell(self, *what):
        self.process.stdin.write((json.dumps(what) + "\n").encode())
        await self.process.stdin.drain()

    async def until(self, condition, what):
        async def wait():
            async with self.more:
                await self.more.wait_for(condition)
        await within(wait(), what)

    async def do(self, *what):
        """Told, and done: what came of it."""
        await self.tell(*what)
        return (await self.next("done"))[0]

    async def next(self, kind):
        """The next that it says of a kind."""
        seen = self.seen.get(kind, 0)
        of_kind = lambda: [said[1:] for said in self.log if said[0] == kind]
        await self.until(lambda: len(of_kind()) > seen, kind)
        self.seen[kind] = seen + 1
        return of_kind()[seen]

    def unseen(self, kind):
        return [said[1:] for said in self.log if said[0] == kind][self.seen.get(kind, 0):]


class Run:
    """One behaviour of one client."""

    def __init__(self, client, server):
        self.client, self.server = client, server
        self.peer = None
        self.requests = []
        self.seq = 10

    async def step(self, what, *args):
        await getattr(self, f"do_{what}")(*args)

    # ---- the server

    async def do_accept(self, wanted=None):
        self.peer = await within(self.server.peers.get(), "a connection")
        got = {**self.peer.query, "token": self.peer.token}
        if not has(wanted or {}, got):
            raise Failed(f"connected with {got}")

    async def do_say(self, message):
        self.peer.say(message)

    async def do_ready(self, payload=None):
        self.peer.say({"type": "connection", "action": "ready", "payload": {
            "connection_id": "c", "user_id": "1", "role": "user", "stream": STREAM, "seq": 10, "resumed": False,
            "expires_at": "2026-01-31T13:00:00.000000Z", "ping_interval": 30,
            "limits": {"max_message_size": 65536, "message_rate": 60, "max_connections_per_user": 3},
            **(payload or {})}})

    async def do_welcome(self, payload=None):
        """The usual beginning."""
        await self.do_accept()
        await self.do_ready(payload)
        await self.do_says("state", "connecting")
        await self.do_says("state", "open")

    async def do_event(self, seq, more=None):
        self.peer.say({"type": "bug_report", "action": "updated", "seq": seq, "tx": {"id": "7", "n": 1, "of": 1},
                       "at": "2026-01-31T12:00:00.123456Z", "payload": {"id": seq, "project_id": 1}, **(more or {})})

    async def do_expiring(self):
        self.peer.say({"type": "connection", "action": "expiring", "payload": {"expires_at": "soon", "seconds": 60}})

    async def do_error(self, code, more=None):
        """One that names no request."""
        self.peer.say({"type": "error", "payload": {"code": code, "message": code, **(more or {})}})

    async def do_close(self, code, reason=""):
        self.peer.close(code, reason)

    async def do_refuse(self, code, close=1008, more=None):
        await self.do_error(code, more)
        await self.do_close(close, code)

    async def do_cut(self):
        self.peer.cut()

    async def do_freeze(self):
        self.peer.freeze()

    async def do_away(self):
        await self.server.end()

    async def do_back(self):
        await self.server.begin()

    async def do_mute(self, mute):
        self.server.mute = mute

    async def do_left(self):
        """The client has left this connection."""
        await within(self.peer.closed_with, "the client to leave")

    async def do_request(self, wanted):
        request = await within(self.peer.requests.get(), f"the request {wanted}")
        if not has(wanted, request):
            raise Failed(f"requested: {request}")
        self.requests.append(request)

    async def do_no_request(self):
        await self.client.do("sync")
        if not self.peer.requests.empty():
            raise Failed(f"requested: {self.peer.requests.get_nowait()}")

    async def do_reply(self, payload, which=-1):
        """To the last request, or another one: it is answered with as_of."""
        self.peer.say({"type": "reply", "id": self.requests[which]["id"], "as_of": 10, "payload": payload})

    async def do_fail(self, code, more=None, which=-1):
        self.peer.say({"type": "error", "id": self.requests[which]["id"],
                       "payload": {"code": code, "message": code, **(more or {})}})

    async def do_rows(self, items, last=True, as_of=10, more=None):
        """Of the state that the last request asked for."""
        self.peer.say({"type": "state", "id": self.requests[-1]["id"], "as_of": as_of,
                       "payload": {"type": "bug_report", "items": items, "last": last}, **(more or {})})

    # ---- the client

    async def do_open(self, options=None):
        await self.client.do("open", {"url": f"ws://127.0.0.1:{self.server.port}/ws", "token": "T", **(options or {})})

    async def do_do(self, *what):
        await self.client.do(*what)

    async def do_ask(self, *what):
        await self.client.tell(*what)

    async def do_says(self, kind, *wanted):
        got = await self.client.next(kind)
        if got[:len(wanted)] != list(wanted):
            raise Failed(f"says {kind} {got}")

    async def do_told(self, code):
        """It is said to somebody, however often."""
        await self.client.until(lambda: ["told", code] in self.client.log, f"{code} to be told")

    async def do_silent(self, kind):
        """Nothing more of the kind is said."""
        await self.client.do("sync")
        if self.client.unseen(kind):
            raise Failed(f"says {kind} {self.client.unseen(kind)}")

    async def do_has(self, *rows):
        """The collection, in its order."""
        got = await self.client.do("rows")
        if got != list(rows):
            raise Failed(f"has {got}")

    async def do_position(self, seq):
        got = await self.client.do("position")
        if got != seq:
            raise Failed(f"is at {got}")


async def run(behaviour, command):
    server, client = Server(), Client(command)
    await server.begin()
    await client.begin()
    step = None
    script = Run(client, server)
    try:
        for number, step in enumerate(behaviour["steps"], 1):
            await script.step(*step)
        await client.end()
        return None
    except (Failed, OSError) as error:
        client.process.kill()
        said = " ".join(json.dumps(line) for line in client.log if line != ["done", None])
        return f"step {number}, {json.dumps(step)}: {error}\nit said: {said}"
    finally:
        await server.end()


async def main(only=None, part=""):
    with open(os.path.join(HERE, "behaviours", "table.json"), encoding="utf-8") as file:
        table = json.load(file)
    chosen = [(name, behaviour) for name in DRIVERS for behaviour in table
              if only in (None, name) and part in behaviour["name"] and name in behaviour.get("clients", DRIVERS)]
    room = asyncio.Semaphore(SIDE_BY_SIDE)

    async def tried(name, behaviour):
        async with room:
            return await run(behaviour, DRIVERS[name])

    failed = 0
    results = [asyncio.ensure_future(tried(*one)) for one in chosen]
    for number, ((name, behaviour), result) in enumerate(zip(chosen, results), 1):
        wrong = await result
        failed += wrong is not None
        print(f"{'ok' if wrong is None else 'not ok'} {number} - {name}: {behaviour['name']}", flush=True)
        for line in (wrong or "").splitlines():
            print(f"# {line}", flush=True)
    print(f"1..{len(chosen)}", flush=True)
    return failed


sys.exit(1 if asyncio.run(main(*sys.argv[1:])) else 0)
