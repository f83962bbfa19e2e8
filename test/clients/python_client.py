#!/usr/bin/python3
"""The Python client's own: as a wheel that pip installs, what is kept, without async, when the application gives up.

What it has in common with the other clients is in behaviours.py.  TAP.
"""
import asyncio
import contextlib
import datetime
import inspect
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(HERE, "..", "..", "clients", "python")
sys.path.insert(0, os.path.join(HERE, "behaviours"))
from server import STREAM, Server  # noqa: E402  pylint: disable=wrong-import-position

PATIENCE = float(os.environ.get("BUGEVENTS_TEST_PATIENCE", "20"))
folder = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with  # to the end
count = failed = 0


def ok(good, name, detail=""):
    global count, failed
    count += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {count} - {name}", flush=True)
    if not good:
        for line in str(detail).splitlines():
            print(f"# {line}", flush=True)


def equal(got, wanted, name):
    ok(got == wanted, name, f"got:    {got!r}\nwanted: {wanted!r}")


def runs(name, *command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)
    ok(done.returncode == 0, name, done.stdout)
    return done.stdout


# ---- the package

def package():
    """Where pip has put it."""
    source = os.path.join(folder.name, "source")
    shutil.copytree(SOURCE, source, ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__", ".mypy_cache"))
    pip = ["/usr/bin/python3", "-m", "pip", "--disable-pip-version-check", "--no-cache-dir"]
    options = {"cwd": folder.name, "env": {**os.environ, "HOME": folder.name}}
    runs("a wheel is built, offline", *pip, "wheel", "--no-index", "--no-build-isolation", "--no-deps", "-w", "wheels", source, **options)
    wheels = os.listdir(os.path.join(folder.name, "wheels"))
    with open(os.path.join(HERE, "..", "..", "bugevents.control"), encoding="utf-8") as control:
        version = control.read().split("default_version = '")[1].split("'")[0]
    equal(wheels, [f"bugevents-{version}-py3-none-any.whl"], "its version is the extension's")
    runs("... and installed", *pip, "install", "--no-index", "--no-deps", "--target", "site", f"wheels/{wheels[0]}", **options)
    site = os.path.join(folder.name, "site")
    equal(sorted(os.listdir(os.path.join(site, "bugevents"))),
          sorted([*(name for name in os.listdir(os.path.join(SOURCE, "bugevents")) if not name.startswith("__pycache__")), "__pycache__"]),
          "with all that it has")
    runs("its types fit, strictly", "mypy", "--python-executable", "/usr/bin/python3", "--strict", "--cache-dir", os.path.join(folder.name, "mypy"),
         os.path.join(site, "bugevents"))
    with open(os.path.join(folder.name, "typed.py"), "w", encoding="utf-8") as file:
        file.write("import typing\n\nimport bugevents\n\nasync def main() -> None:\n"
                   "    async with bugevents.connect('ws://x', token=lambda: 't', types=['comment']) as connection:\n"
                   "        async for event in connection:\n            print(event.seq + 1, event.tx.of, event.name.upper())\n"
                   "        async for row, as_of in connection.list('comment'):\n            print(row['id'], as_of + 1)\n\n"
                   "    async with bugevents.collection('ws://x', 'comment', token='t', where={'user_id': [7, None]}) as rows:\n"
                   "        async for changes in rows:\n            print([key for key, row, _ in changes.changes if row], len(rows.rows))\n\n"
                   "with bugevents.rows('ws://x', 'comment', token='t') as blocking:\n"
                   "    for changes in blocking:\n        print([key for key, _, _ in changes.changes], len(blocking.rows))\n\n"
                   "for one in bugevents.follow('ws://x', token='t', keep='file'):\n    print(one.position.seq)\n"
                   "    bug = typing.cast(bugevents.BugReport, one.payload)\n    print(bug['title'].upper(), bug.get('truncated'))\n")
    runs("an application's types fit", "mypy", "--python-executable", "/usr/bin/python3", "--strict", "--cache-dir", os.path.join(folder.name, "mypy"),
         "typed.py", cwd=folder.name, env={**os.environ, "MYPYPATH": site})
    with open(os.path.join(folder.name, "mistyped.py"), "w", encoding="utf-8") as file:
        file.write("import typing\n\nimport bugevents\n\nbug = typing.cast(bugevents.BugReport, {})\nprint(bug['titel'])\n")
    done = subprocess.run(["mypy", "--python-executable", "/usr/bin/python3", "--strict", "--cache-dir", os.path.join(folder.name, "mypy"), "mistyped.py"],
                          cwd=folder.name, env={**os.environ, "MYPYPATH": site}, stdout=subprocess.PIPE, text=True, check=False)
    ok(done.returncode == 1 and "titel" in done.stdout, "a field that a bug doesn't have is found", done.stdout)
    for example in ("mirror.py", "board.py"):
        runs(f"{example}'s, too", "mypy", "--python-executable", "/usr/bin/python3", "--strict", "--cache-dir", os.path.join(folder.name, "mypy"),
             os.path.join(SOURCE, "examples", example), cwd=folder.name, env={**os.environ, "MYPYPATH": site})
    return site


sys.path.insert(0, package())
import bugevents  # noqa: E402  pylint: disable=wrong-import-position

equal(os.path.dirname(os.path.dirname(bugevents.__file__)), os.path.join(folder.name, "site"), "what follows is about the installed one")
equal([name for name in bugevents.__all__ if not inspect.getdoc(getattr(bugevents, name))], [], "all that it has is described")


# ---- a server in this process

class Scripted(Server):
    """A server whose connections say ready, and which says events when it is told."""

    async def welcome(self, **payload):
        peer = await asyncio.wait_for(self.peers.get(), PATIENCE)
        peer.say({"type": "connection", "action": "ready",
                  "payload": {"stream": STREAM, "seq": 10, "resumed": "since" in peer.query, "ping_interval": 30, **payload}})
        return peer


def event(seq, kind="bug_report"):
    return {"type": kind, "action": "created", "seq": seq, "tx": {"id": "7", "n": 1, "of": 1}, "at": "2026-01-31T12:00:00.123456Z",
            "payload": {"id": seq}}


@contextlib.asynccontextmanager
async def scripted():
    server = Scripted()
    await server.begin()
    try:
        yield server, f"ws://127.0.0.1:{server.port}/ws"
    finally:
        await server.end()


async def until(condition):
    async def wait():
        while not condition():
            await asyncio.sleep(0)
    await asyncio.wait_for(wait(), PATIENCE)


def in_file(name):
    with open(name, encoding="utf-8") as file:
        return json.load(file)


async def test_keeping_in_a_file():
    name = os.path.join(folder.name, "position.json")
    async with scripted() as (server, url):
        async def consume(until, wrong=False):
            async with bugevents.connect(url, token="T", keep=name) as connection:
                async for one in connection:
                    if wrong:
                        raise KeyError(one.seq)
                    if one.seq == until:
                        break
        task = asyncio.ensure_future(consume(13))
        peer = await server.welcome()
        await until(lambda: os.path.exists(name))
        equal(in_file(name), {"stream": STREAM, "seq": 10}, "a file: it has the beginning at once")
        for seq in (11, 12, 13, 14):
            peer.say(event(seq))
        await task
        equal(in_file(name)["seq"], 13, "left without an exception: the last event was handled")
        task = asyncio.ensure_future(consume(0, wrong=True))
        peer = await server.welcome(resumed=True)
        equal(peer.query["since"], "13", "it resumes there")
        peer.say(event(14))
        equal([repr(error) for error in await asyncio.gather(task, return_exceptions=True)], ["KeyError(14)"], "an exception is the application's")
        equal(in_file(name)["seq"], 13, "left with an exception: it was not")
    with open(name, "w", encoding="utf-8") as file:
        file.write("{")
    try:
        bugevents.connect("ws://x", token="T", keep=name)
        ok(False, "a file that has something else")
    except ValueError as error:
        ok(name in str(error), "a file that has something else is named", error)


async def test_keeping_by_a_function():
    kept = []

    async def keep(position):
        await asyncio.sleep(0)
        kept.append(position)

    async with scripted() as (server, url):
        opening = asyncio.ensure_future(bugevents.connect(url, token="T", keep=keep).__aenter__())
        peer = await server.welcome()
        connection = await opening
        peer.say(event(11))
        peer.say(event(12))
        one = await connection.__anext__()
        equal((kept, connection.position), ([(STREAM, 10)], one.position), "a function: not before the event is handled")
        await connection.__anext__()
        equal(kept, [(STREAM, 10), (STREAM, 11)], "... but then")
        await connection.close()


async def test_giving_up():
    """An application that waits with a bound of its own loses nothing."""
    async with scripted() as (server, url):
        opening = asyncio.ensure_future(bugevents.connect(url, token="T").__aenter__())
        peer = await server.welcome()
        connection = await opening
        got = []
        for seq in range(11, 111):
            waiting = asyncio.ensure_future(connection.__anext__())
            await asyncio.sleep(0)
            peer.say(event(seq))
            for _ in range(seq % 7):
                await asyncio.sleep(0)
            waiting.cancel()
            got += [one.seq for one in await asyncio.gather(waiting, return_exceptions=True) if isinstance(one, bugevents.Event)]
        while len(got) < 100:
            got.append((await asyncio.wait_for(connection.__anext__(), PATIENCE)).seq)
        equal(got, list(range(11, 111)), "an application that gives up waiting, again and again, loses no event")
        await connection.close()


async def test_gap_without_listener():
    async with scripted() as (server, url):
        opening = asyncio.ensure_future(bugevents.connect(url, token="T", since=3, stream=STREAM).__aenter__())
        peer = await server.welcome(resumed=False)
        peer.say({"type": "error", "payload": {"code": "resync_required", "message": "", "oldest": 8, "seq": 10}})
        peer.say(event(11))
        connection = await opening
        try:
            await connection.__anext__()
            ok(False, "a gap is raised")
        except bugevents.ResyncRequired as gap:
            equal((gap.gap, gap.code), ((8, 10), "resync_required"), "a gap that nobody is to be told of is raised")
        equal((await connection.__anext__()).seq, 11, "... and whoever goes on has what is behind it")
        await connection.close()


async def test_many_requests():
    async with scripted() as (server, url):
        opening = asyncio.ensure_future(bugevents.connect(url, token="T").__aenter__())
        peer = await server.welcome()
        connection = await opening
        most = 0

        async def serve():
            nonlocal most
            while True:
                waiting = [await peer.requests.get()]
                await asyncio.sleep(0)
                while not peer.requests.empty():
                    waiting.append(peer.requests.get_nowait())
                most = max(most, len(waiting))
                for request in waiting:
                    peer.say({"type": "reply", "id": request["id"], "as_of": 10, "payload": {"id": request["payload"]["id"]}})

        serving = asyncio.ensure_future(serve())
        rows = await asyncio.wait_for(asyncio.gather(*(connection.get("bug_report", i) for i in range(200))), PATIENCE)
        equal([row.row["id"] for row in rows], list(range(200)), "200 requests side by side, while nobody iterates")
        ok(most <= 8, "eight at a time", most)
        serving.cancel()
        await connection.close()


async def test_moment_and_wait():
    async with scripted() as (server, url):
        at = datetime.datetime(2026, 1, 31, 13, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))

        async def script():
            peer = await server.welcome(resumed=True)
            asked = await peer.requests.get()
            while asked["type"] != "wait":
                asked = await peer.requests.get()
            peer.say({"type": "reply", "id": asked["id"], "payload": {"reached": True, "seq": 12}})
            return dict(peer.query), asked
        scripting = asyncio.ensure_future(script())
        async with bugevents.connect(url, token="T", since_time=at) as connection:
            equal(await connection.wait(12), True, "waiting for a seq")
            query, asked = await asyncio.wait_for(scripting, PATIENCE)
            equal((asked["type"], asked["payload"]), ("wait", {"seq": 12}), "... asks the server")
            equal(str(query.get("since_time")), "2026-01-31T12:00:00+00:00", "a moment to begin at")
    for wrong in ({"since": 1, "stream": "x", "since_time": at}, {"since": 1}):
        try:
            bugevents.connect("ws://x", token="T", **wrong)
            ok(False, f"{wrong}")
        except ValueError:
            ok(True, f"{sorted(wrong)}: not both, not half")


def test_follow():
    """Without async; the server has a thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def serve(coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, loop)

    server = Scripted()
    serve(server.begin()).result(PATIENCE)
    url = f"ws://127.0.0.1:{server.port}/ws"

    async def script(first):
        peer = await server.welcome()
        for seq in (first, first + 1):
            peer.say(event(seq))
        peer.cut()
        peer = await server.welcome()
        peer.say(event(first + 2))
        return await asyncio.wait_for(peer.closed_with, PATIENCE)

    scripting = serve(script(11))
    got = []
    for one in bugevents.follow(url, token="T", first_delay=0.01, types=["bug_report"]):
        got.append((one.seq, one.position, one.name))
        if len(got) == 3:
            break
    equal(got, [(seq, (STREAM, seq), "bug_report.created") for seq in (11, 12, 13)], "follow: events, over an end of the connection")
    scripting.result(PATIENCE)
    ok(True, "... and when the loop is left it is closed")

    async def refuse():
        peer = await asyncio.wait_for(server.peers.get(), PATIENCE)
        peer.say({"type": "error", "payload": {"code": "user_inactive", "message": "no"}})
        peer.close(1008, "user_inactive")

    serve(refuse())
    try:
        list(bugevents.follow(url, token="T"))
        ok(False, "follow: a refusal")
    except bugevents.BugeventsError as error:
        equal(error.code, "user_inactive", "follow: a refusal is raised")
    serve(server.end()).result(PATIENCE)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def test_mirror():
    """The example with a database of its own, killed and started again."""
    name = os.path.join(folder.name, "mirror.sqlite")
    token = os.path.join(folder.name, "token")
    with open(token, "w", encoding="utf-8") as file:
        file.write("T\n")

    def bugs():
        if not os.path.exists(name):
            return None
        with contextlib.closing(sqlite3.connect(name)) as database:
            try:
                return [database.execute("SELECT seq FROM position").fetchall(),
                        {number: json.loads(row).get("title") for number, row in database.execute("SELECT id, row FROM bugs")}]
            except sqlite3.OperationalError:
                return None

    async def shows(wanted, what):
        try:
            await until(lambda: bugs() == wanted)
        except asyncio.TimeoutError:
            pass
        equal(bugs(), wanted, what)

    def says(peer, action, seq, **payload):
        peer.say({**event(seq), "action": action, "payload": payload})

    async with scripted() as (server, url):
        async def start():
            return await asyncio.create_subprocess_exec(
                "/usr/bin/python3", os.path.join(SOURCE, "examples", "mirror.py"), url, token, name,
                env={**os.environ, "PYTHONPATH": os.path.join(folder.name, "site")})

        async def asked(peer, kind):
            while True:
                request = await asyncio.wait_for(peer.requests.get(), PATIENCE)
                if request["type"] == kind:
                    return request

        def listed(peer, request, as_of, **rows):
            peer.say({"type": "reply", "id": request["id"], "as_of": as_of, "payload": {
                "items": [{"id": int(number[1:]), "title": title} for number, title in rows.items()], "next": None}})

        process = await start()
        peer = await server.welcome()
        request = await asked(peer, "list")
        says(peer, "updated", 11, id=1, title="older than the list")
        says(peer, "deleted", 13, id=2)
        listed(peer, request, 12, b1="one", b2="two", b3="three")
        await shows([[(13,)], {"1": "one", "3": "three"}], "a mirror: rows, and the events that came beside them")
        says(peer, "created", 14, id=4, title="four")
        await shows([[(14,)], {"1": "one", "3": "three", "4": "four"}], "... and what comes")
        process.kill()
        await process.wait()
        process = await start()
        peer = await server.welcome()
        equal((peer.query["since"], peer.query["stream"]), ("14", STREAM), "killed and started again it resumes there")
        says(peer, "updated", 15, id=3, title="trois")
        says(peer, "moved_out", 16, id=1)
        await shows([[(16,)], {"3": "trois", "4": "four"}], "... with what was missed")
        peer.say({"type": "error", "payload": {"code": "resync_required", "message": "", "oldest": 20, "seq": 30}})
        listed(peer, await asked(peer, "list"), 31, b7="seven")
        await shows([[(30,)], {"7": "seven"}], "a gap: it is read anew")
        process.kill()
        await process.wait()


def test_what_is_wrong():
    for what, options in (("a URL", {"url": "tracker", "token": "T"}), ("since", {"url": "ws://x", "token": "T", "since": 1})):
        try:
            bugevents.connect(**options)
            ok(False, f"{what} that is none")
        except ValueError as error:
            ok(True, f"{what} that is none is said at once: {error}")


for test in (test_keeping_in_a_file, test_keeping_by_a_function, test_giving_up, test_gap_without_listener, test_many_requests, test_moment_and_wait, test_mirror):
    asyncio.run(test())
test_follow()
test_what_is_wrong()
folder.cleanup()
print(f"1..{count}")
sys.exit(1 if failed else 0)
