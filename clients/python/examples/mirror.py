"""A service with a database of its own: a copy of the bugs, exact over restarts of everything.

    python3 mirror.py URL TOKEN-FILE DATABASE

Each event is written in one transaction with its position, so wherever the service dies it goes on behind the last
event that counts.  What was never read, or can't be had event by event any more, is read as it is now.
"""
import asyncio
import json
import sqlite3
import sys
from typing import Any, Dict, Optional, Tuple

import bugevents


class Mirror:
    """The copy, and up to where it is one."""

    def __init__(self, name: str) -> None:
        self.database = sqlite3.connect(name)
        self.database.executescript(
            "CREATE TABLE IF NOT EXISTS bugs (id TEXT PRIMARY KEY, seq INTEGER NOT NULL, row TEXT NOT NULL);"
            "CREATE TABLE IF NOT EXISTS position (stream TEXT NOT NULL, seq INTEGER NOT NULL);")

    def position(self) -> Tuple[Optional[str], Optional[int]]:
        """Where to go on."""
        found = self.database.execute("SELECT stream, seq FROM position").fetchone()
        return found or (None, None)

    def move(self, position: bugevents.Position) -> None:
        """Within the transaction."""
        self.database.execute("DELETE FROM position")
        self.database.execute("INSERT INTO position VALUES (?, ?)", position)

    def put(self, row: Dict[str, Any], seq: int) -> None:
        """A row as it was at seq; what is newer stays."""
        self.database.execute(
            "INSERT INTO bugs VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, row = excluded.row"
            " WHERE excluded.seq > bugs.seq", (str(row["id"]), seq, json.dumps(row)))

    async def fill(self, connection: bugevents.Connection) -> None:
        """All rows as they are now.  The events since the connection's position are still to come."""
        rows = [one async for one in connection.list("bug_report")]
        position = connection.position
        assert position
        with self.database:
            self.database.execute("DELETE FROM bugs")
            for row, as_of in rows:
                self.put(row, as_of)
            self.move(position)

    async def apply(self, event: bugevents.Event, connection: bugevents.Connection) -> None:
        """One event."""
        if event.action in ("truncated", "reload"):
            await self.fill(connection)
            return
        with self.database:
            if event.action in ("deleted", "moved_out"):
                self.database.execute("DELETE FROM bugs WHERE id = ? AND seq < ?", (str(event.payload["id"]), event.seq))
            else:
                self.put(event.payload, event.seq)
            self.move(event.position)


async def main(url: str, token_file: str, name: str) -> None:
    """Until it is ended."""
    mirror = Mirror(name)
    stream, seq = mirror.position()

    def token() -> str:
        with open(token_file, encoding="utf-8") as file:
            return file.read()          # here your service asks your backend

    async def resync(_: bugevents.Gap) -> None:
        await mirror.fill(connection)

    connection = bugevents.connect(url, token=token, stream=stream, since=seq, types=["bug_report"], on_resync=resync)
    async with connection:
        if seq is None:
            await mirror.fill(connection)
        async for event in connection:
            await mirror.apply(event, connection)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
