"""The Python client, driven line by line for behaviours.py; its clock moves when it is told."""
import asyncio
import json
import logging
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "clients", "python"))
import bugevents  # noqa: E402  pylint: disable=wrong-import-position


class Loop(asyncio.SelectorEventLoop):
    """Its time stands still but when it is moved."""

    moved = 0.0

    def time(self):
        return self.moved


def say(*what):
    print(json.dumps(what), flush=True)


class Told(logging.Handler):
    def emit(self, record):
        if record.levelno >= logging.WARNING:
            say("told", record.getMessage().split(":")[0])


async def settle():
    for _ in range(30):
        await asyncio.sleep(0)


class Driver:
    def __init__(self):
        self.connection = self.collection = self.options = None
        self.tasks = []

    def tokens(self, script):
        def token():
            given = script.pop(0) if len(script) > 1 else script[0]
            say("token", given)
            if given.startswith("!"):
                error = RuntimeError("signed out" if given == "!fatal" else "no token")
                error.fatal = given == "!fatal"
                raise error
            return given
        return token

    async def follow(self, url, token, filter=None, **options):
        self.connection = bugevents.connect(
            url, token=self.tokens(list(token)) if isinstance(token, list) else token, **(filter or {}), **options,
            on_state=lambda state: say("state", state), on_resync=lambda gap: say("resync", gap.seq))
        error = None
        try:
            async with self.connection as connection:
                async for event in connection:
                    say("event", event.seq, event.payload.get("id"))
        except asyncio.CancelledError:
            raise
        except Exception as caught:  # pylint: disable=broad-except
            error = caught
        say("end", None if error is None else getattr(error, "code", str(error)))

    async def collect(self, url, token, type, filter=None):
        self.collection = bugevents.collection(url, type, token=token, **(filter or {}), on_state=lambda state: say("state", state))
        try:
            async with self.collection as rows:
                say("ready")
                self.tell(bugevents.Changes([bugevents.Change(key, row, None) for key, row in rows.rows.items()], None))
                async for changes in rows:
                    self.tell(changes)
        except bugevents.BugeventsError as error:
            say("not ready", error.code)
            say("told", error.code)

    @staticmethod
    def tell(changes):
        say("changed", *(-key if row is None else row.get("title", key) for key, row, _ in changes.changes))

    async def answer(self, asking):
        try:
            say("answer", await asking)
        except Exception as error:  # pylint: disable=broad-except
            say("failed", getattr(error, "code", repr(error)))

    async def do(self, what, *args):
        connection = self.connection
        if what == "open" and not args[0].pop("listen", True):
            self.options = args[0]          # it is one with its connection
        elif what == "collect":
            self.tasks.append(asyncio.ensure_future(self.collect(self.options["url"], self.options["token"], *args)))
        elif what == "rows":
            return [row.get("title", key) for key, row in self.collection.rows.items()]
        elif what == "open":
            self.tasks.append(asyncio.ensure_future(self.follow(**args[0])))
        elif what in ("advance", "sleep"):
            asyncio.get_running_loop().moved += args[0] / 1000
        elif what == "get":
            return self.get(*args)
        elif what == "list":
            return self.list(*args)
        elif what == "request":
            return connection.request(*args)
        elif what == "subscribe":
            return connection.subscribe(**args[0])
        elif what == "position":
            return connection.position.seq if connection.position else None
        elif what == "close":
            await connection.close()
        elif what != "sync":
            raise ValueError(what)
        return None

    async def get(self, *args):
        return (await self.connection.get(*args)).row["id"]

    async def list(self, type):
        return [row["id"] async for row, _ in self.connection.list(type)]


async def main():
    logging.getLogger("bugevents").addHandler(Told())
    logging.getLogger("bugevents").propagate = False
    random.random = lambda: 1.0
    reader = asyncio.StreamReader(limit=1 << 24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    driver = Driver()
    while line := await reader.readline():
        await settle()
        what, *args = json.loads(line)
        result = await driver.do(what, *args)
        if asyncio.iscoroutine(result):
            driver.tasks.append(asyncio.ensure_future(driver.answer(result)))
        else:
            await settle()
            say("done", result)
    for task in driver.tasks:
        task.cancel()
    await asyncio.gather(*driver.tasks, return_exceptions=True)


loop = Loop()
asyncio.set_event_loop(loop)
loop.run_until_complete(main())
