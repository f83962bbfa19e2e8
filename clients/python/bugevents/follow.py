"""The stream, and rows, without async."""
import asyncio
from types import TracebackType
from typing import Any, Dict, Iterator, Optional, Type

from .collection import Changes, Key, collection
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


def rows(url: str, type: str, **options: Any) -> "BlockingCollection":
    """The rows of a type that pass a filter, kept current, to be used as ``with rows(...) as bugs``; the options are those of collection().

    An iteration blocks until something changes. Where an event loop runs already, use collection().
    """
    return BlockingCollection(url, type, options)


class BlockingCollection:
    """See rows()."""

    def __init__(self, url: str, type: str, options: Dict[str, Any]) -> None:
        self._loop = asyncio.new_event_loop()
        self._collection = collection(url, type, **options)

    @property
    def rows(self) -> Dict[Key, Dict[str, Any]]:
        """By their ids; they change while the next change is waited for."""
        return self._collection.rows

    @property
    def state(self) -> str:
        """That of the connection."""
        return self._collection.state

    def __enter__(self) -> "BlockingCollection":
        """Until the rows are there; raises what another attempt can't mend."""
        try:
            self._loop.run_until_complete(self._collection.__aenter__())
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]) -> None:
        self.close()

    def __iter__(self) -> "BlockingCollection":
        return self

    def __next__(self) -> Changes:
        """The next changes, which the rows have then."""
        try:
            return self._loop.run_until_complete(self._collection.__anext__())
        except StopAsyncIteration:
            raise StopIteration from None

    def close(self) -> None:
        """Close its connection."""
        if self._loop.is_closed():
            return
        self._loop.run_until_complete(self._collection.close())
        self._loop.run_until_complete(_end_tasks())
        self._loop.close()


async def _end_tasks() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
