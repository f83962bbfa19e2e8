"""The stream without async."""
import asyncio
from typing import Any, Iterator

from .connection import connect
from .event import Event


def follow(url: str, **options: Any) -> Iterator[Event]:
    """The events as an iteration that blocks; the options are those of connect().

    ``keep`` counts an event as handled when the next one is asked for.  Nothing is read while the application
    works: a connection that ended meanwhile is resumed.  Where an event loop runs already, use connect().
    """
    connection = connect(url, **options)
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(connection.__aenter__())
        while True:
            try:
                event = loop.run_until_complete(connection.__anext__())
            except StopAsyncIteration:
                return
            yield event
    finally:
        loop.run_until_complete(connection.close())
        loop.run_until_complete(_end_tasks())
        loop.close()


async def _end_tasks() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
