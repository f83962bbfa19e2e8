"""The rows of a type that pass a filter, kept current.

Model: a connection whose subscription asks for the rows first.  The server gives them as of one place in the
stream, and every event behind it; so what a collection has is what a SELECT at that place had.  Rows are read anew
where events don't tell what became of them: where there is a gap, when a table was truncated or reloaded, when
the user's own rights change.  Until the new ones are complete there are those from before.

Concurrency: that of the connection.  Rows change while the next change is waited for, and at no other time.
"""
from types import TracebackType
from typing import Any, AsyncIterator, Dict, List, Mapping, NamedTuple, Optional, Sequence, Type, Union

from .connection import Connection, Ids
from .event import OF_ALL_ROWS, BugeventsError, Event, Rows, passes_as

#: What a row is known by.
Key = Union[int, str]


class Change(NamedTuple):
    """What became of a row."""

    id: Key
    #: As it is now; None when it is gone.
    row: Optional[Dict[str, Any]]
    #: As it was; None when it was not there.
    before: Optional[Dict[str, Any]]


class Changes(NamedTuple):
    """What changed at a time."""

    changes: List[Change]
    #: By which event; None when all rows were read.
    event: Optional[Event]


def collection(url: str, type: str, *, token: Any, where: Optional[Mapping[str, Any]] = None,
               any: Optional[Sequence[Mapping[str, Any]]] = None, project_ids: Optional[Ids] = None,
               bug_report_ids: Optional[Ids] = None, **options: Any) -> "Collection":
    """The rows of a type, to be used as ``async with collection(...) as rows``, which waits until they are there.

    where: fields of the payload, and what they may be: a value or a list of some.  7 and "7" are the same.
    any: filters, one of which must hold as well.
    project_ids, bug_report_ids: as for connect().
    options: token and those of connect() that are about the connection: ssl, on_state, attempts, first_delay, max_delay.
    """
    wanted = {"where": where, "any": any, "project_ids": project_ids, "bug_report_ids": bug_report_ids}
    return Collection(_Source(type, {name: value for name, value in wanted.items() if value is not None},
                              url, token=token, **options))


def _key(row: Mapping[str, Any]) -> Key:
    key: Key = row["id"] if row.get("id") is not None else f"{row.get('user_id')} {row.get('project_id') or row.get('principal')}"
    return key


class _Source(Connection):
    """A connection that asks for rows."""

    def __init__(self, type: str, wanted: Dict[str, Any], url: str, *, token: Any, ssl: Any = None, on_state: Any = None,
                 attempts: int = 5, first_delay: float = 2.0, max_delay: float = 60.0) -> None:
        super().__init__(url, token=token, position=None, wanted={}, keep=None, on_resync=None, on_state=on_state,
                         ssl=ssl, attempts=attempts, first_delay=first_delay, max_delay=max_delay)
        self.type = type
        self.filter = wanted
        self.user = ""
        self._stale = True

    def _subscription(self) -> Dict[str, Any]:
        """And what changes what the user may see."""
        plain = {name: value for name, value in self.filter.items() if name != "any"}
        return {"types": [self.type, "membership", "user"], "any": [
            *({**plain, **one, "where": {**self.filter.get("where", {}), **one.get("where", {})},
               "types": [self.type]} for one in self.filter.get("any") or [{}]),
            {"types": ["membership"], "where": {"user_id": [self.user]}}, {"types": ["user"], "where": {"id": [self.user]}}]}

    def _ready(self, resumed: bool) -> None:
        assert self._session
        self.user = self._session["user_id"]
        self._stale = self._stale or not resumed
        if self._stale:
            self._ask_for_rows()
        else:
            self._tell(self._subscription())

    def _ask_for_rows(self) -> None:
        self._rows_at = None
        self._question += 1
        self._rows_begun = False
        self._rows_from = self._tell({**self._subscription(), "state": [self.type]})

    def _gap(self) -> None:
        """The rows that were asked for and have not begun to come are from behind it."""
        if not self._stale or self._rows_begun:
            self.read_anew()

    def read_anew(self) -> None:
        """The rows; when there is a connection."""
        self._stale = True
        if self._session:
            self._ask_for_rows()

    async def next(self) -> Union[Event, Rows]:
        """What is to be handed over."""
        while True:
            item = await self._next()
            if isinstance(item, (Event, Rows)):
                return item


class _Reading:
    """Rows that come in parts, and the events behind them."""

    def __init__(self, question: int) -> None:
        self.question = question
        self.rows: Dict[Key, Dict[str, Any]] = {}
        self.events: List[Event] = []


class Collection:
    """See collection()."""

    def __init__(self, source: _Source) -> None:
        #: By the rows' ids.
        self.rows: Dict[Key, Dict[str, Any]] = {}
        self._source = source
        self._loaded = False
        self._as_of = 0
        self._reading: Optional[_Reading] = None

    @property
    def state(self) -> str:
        """That of the connection."""
        return self._source.state

    async def __aenter__(self) -> "Collection":
        """Until the rows are there; raises what another attempt can't mend."""
        await self._source.__aenter__()
        try:
            while not self._loaded:
                self._take(await self._source.next())
        except StopAsyncIteration:
            raise BugeventsError("disconnected", "the connection is closed") from None
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                        traceback: Optional[TracebackType]) -> None:
        await self.close()

    async def close(self) -> None:
        """Close its connection."""
        await self._source.close()

    def __aiter__(self) -> AsyncIterator[Changes]:
        return self

    async def __anext__(self) -> Changes:
        """The next changes, which the rows have then."""
        while True:
            changes = self._take(await self._source.next())
            if changes.changes:
                return changes

    def _take(self, item: Union[Event, Rows]) -> Changes:
        return self._take_rows(item) if isinstance(item, Rows) else Changes(self._take_event(item), item)

    def _is_of_rights(self, event: Event) -> bool:
        user = self._source.user
        return ((event.type == "membership" and str(event.payload.get("user_id")) == user) or
                (event.type == "user" and str(event.payload.get("id")) == user and "role" in event.changes))

    def _take_event(self, event: Event) -> List[Change]:
        is_ours, is_of_all = event.type == self._source.type, event.action in OF_ALL_ROWS
        is_of_columns = event.type == "schema" and event.payload.get("type") == self._source.type
        if self._is_of_rights(event) or is_of_columns or (is_ours and is_of_all):
            self._source.read_anew()
        if not is_ours or is_of_all or event.seq <= self._as_of:
            return []
        if self._reading:
            self._reading.events.append(event)
        return self._apply(self.rows, event.action, event.payload) if self._loaded else []

    def _apply(self, rows: Dict[Key, Dict[str, Any]], action: str, row: Dict[str, Any]) -> List[Change]:
        """What became of it."""
        key = _key(row)
        before = rows.get(key)
        if action not in ("deleted", "moved_out") and passes_as(self._source.filter, self._source.type, action, row):
            rows[key] = row
            return [Change(key, row, before)]
        return [Change(key, None, rows.pop(key))] if before is not None else []

    def _take_rows(self, part: Rows) -> Changes:
        if part.first or self._reading is None or self._reading.question != part.question:
            self._reading = _Reading(part.question)
        if part.type == self._source.type:
            for row in part.items:
                self._apply(self._reading.rows, "", row)
        return Changes(self._complete(self._reading, part.as_of) if part.last else [], None)

    def _complete(self, reading: _Reading, as_of: int) -> List[Change]:
        for event in reading.events:
            if event.seq > as_of:
                self._apply(reading.rows, event.action, event.payload)
        gone = [Change(key, None, row) for key, row in self.rows.items() if key not in reading.rows]
        other = [Change(key, row, self.rows.get(key)) for key, row in reading.rows.items() if self.rows.get(key) != row]
        self.rows.clear()
        self.rows.update(reading.rows)
        self._reading, self._as_of, self._loaded = None, as_of, True
        return gone + other
