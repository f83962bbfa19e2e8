"""Client for bugevents: a PostgreSQL database's changes, live, in order and without gaps.

    async with bugevents.connect(url, token=token, types=["bug_report"]) as connection:
        async for event in connection:
            print(event.name, event.payload["id"])

    for event in bugevents.follow(url, token=token, keep="position.json"):
        print(event.name, event.payload["id"])

    async with bugevents.collection(url, "bug_report", token=token, where={"status": "open"}) as bugs:
        async for changes in bugs:
            print(len(bugs.rows))

    with bugevents.rows(url, "bug_report", token=token) as bugs:        # the same without async
        for changes in bugs:
            print(len(bugs.rows))
"""
from .collection import Change, Changes, Collection, collection
from .connection import Connection, connect
from .event import BugeventsError, Event, Gap, Position, ResyncRequired, Row, Transaction, passes
from .follow import BlockingCollection, follow, rows
from .payloads import BugReport, Comment, Notification, Project, User

__all__ = ["BlockingCollection", "BugReport", "BugeventsError", "Change", "Changes", "Collection", "Comment", "Connection",
           "Event", "Gap", "Notification", "Position", "Project", "ResyncRequired", "Row", "Transaction", "User", "collection",
           "connect", "follow", "passes", "rows"]
