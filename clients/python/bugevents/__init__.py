"""Client for bugevents: a PostgreSQL database's changes, live, in order and without gaps.

    async with bugevents.connect(url, token=token, types=["bug_report"]) as connection:
        async for event in connection:
            print(event.name, event.payload["id"])

    for event in bugevents.follow(url, token=token, keep="position.json"):
        print(event.name, event.payload["id"])
"""
from .connection import Connection, connect
from .event import BugeventsError, Event, Gap, Position, ResyncRequired, Row, Transaction, passes
from .follow import follow

__all__ = ["BugeventsError", "Connection", "Event", "Gap", "Position", "ResyncRequired", "Row",
           "Transaction", "connect", "follow", "passes"]
