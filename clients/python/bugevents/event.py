"""What a connection hands over: events, rows, positions, errors."""
from typing import Any, Dict, List, Mapping, NamedTuple, Optional


class Position(NamedTuple):
    """A place in a stream: to be kept, and given to connect() as since and stream."""

    stream: str
    seq: int


class Transaction(NamedTuple):
    """The transaction of an event: its events are contiguous, n counts from 1 to of."""

    id: str
    n: int
    of: int


class Event(NamedTuple):
    """One change, as it was committed."""

    type: str
    action: str
    seq: int
    stream: str
    tx: Transaction
    #: The moment of the commit, ISO 8601 in UTC.
    at: str
    #: The id of the user who did it, where the database was told.
    actor: Optional[str]
    #: The row as it is now; for "deleted", as it was.
    payload: Dict[str, Any]
    #: Of updates: the old and the new value of each changed field.
    changes: Dict[str, List[Any]]
    #: A row that was there before, told again by bugevents.replay(): nothing happened to it.
    replay: bool = False

    @property
    def name(self) -> str:
        """type.action, such as bug_report.created."""
        return f"{self.type}.{self.action}"

    @property
    def position(self) -> Position:
        """Where to resume when this event has been handled."""
        return Position(self.stream, self.seq)

    @classmethod
    def read(cls, stream: str, message: Mapping[str, Any]) -> "Event":
        """The event of a server's message; KeyError: that is none."""
        tx = message.get("tx") or {}
        return cls(message["type"], message["action"], message["seq"], stream,
                   Transaction(tx.get("id", ""), tx.get("n", 1), tx.get("of", 1)), message.get("at", ""),
                   message.get("actor"), message["payload"], message.get("changes") or {},
                   message.get("replay", False))


class Gap(NamedTuple):
    """Events are missing: read the data anew.  The stream goes on behind seq."""

    #: The first seq that the server still has.
    oldest: int
    seq: int


class Row(NamedTuple):
    """A row as it is now.  It has every change up to as_of: apply the events behind that."""

    row: Dict[str, Any]
    as_of: int


class Rows(NamedTuple):
    """Some of the rows that were asked for together with the stream."""

    as_of: int
    type: str
    items: List[Dict[str, Any]]
    #: Which question they answer.
    question: int
    #: Nothing of what came before counts.
    first: bool
    last: bool


class BugeventsError(Exception):
    """code is an error code of the protocol, or "disconnected" or "timeout"."""

    def __init__(self, code: str, message: str = "", payload: Optional[Mapping[str, Any]] = None) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.payload: Dict[str, Any] = dict(payload or {})

    @classmethod
    def read(cls, payload: Mapping[str, Any]) -> "BugeventsError":
        """The error of a server's payload."""
        return cls(payload["code"], payload.get("message", ""), payload)


class ResyncRequired(BugeventsError):
    """There is a gap, and no on_resync to be told of it.  Who iterates on has what is behind it."""

    def __init__(self, gap: Gap) -> None:
        super().__init__("resync_required", "events are missing here: read the data anew", gap._asdict())
        self.gap = gap


#: Actions that are about a whole table.
OF_ALL_ROWS = ("truncated", "reload")


def _form(value: Any) -> Any:
    """Scalars as they are compared: 7 and "7" are the same."""
    return value if value is None or isinstance(value, bool) else [] if isinstance(value, (dict, list)) else str(value)


def _among(wanted: Any, value: Any) -> bool:
    """Nothing is the same as a list."""
    form = _form(value)
    items = wanted if isinstance(wanted, (list, tuple, set, frozenset)) else [wanted]
    return form != [] and any(type(_form(item)) is type(form) and _form(item) == form for item in items)


def _holds(wanted: Mapping[str, Any], type: str, action: str, row: Mapping[str, Any]) -> bool:
    """All that one filter asks, of one version of a row."""
    def named(name: str, value: str) -> bool:
        return not isinstance(wanted.get(name), (list, tuple)) or not wanted[name] or _among(wanted[name], value)

    def field(name: str, values: Any) -> bool:
        return _among(values, row[name]) if name in row else action == "moved_out"

    def routed(name: str, entity: str, other: str) -> bool:
        return not wanted.get(name) or field("id" if type == entity else other, wanted[name])

    is_schema = type == "schema"        # of the type that it is about, too
    typed = named("types", type) or is_schema and named("types", str(row.get("type")))
    return typed and named("actions", action) and (is_schema or action in OF_ALL_ROWS or (
        routed("project_ids", "project", "project_id") and routed("bug_report_ids", "bug_report", "bug_report_id") and
        all(field(name, values) for name, values in (wanted.get("where") or {}).items())))


def passes_as(wanted: Mapping[str, Any], type: str, action: str, row: Mapping[str, Any]) -> bool:
    """Does a row pass, as it stands there?"""
    any_of = wanted.get("any") or [{}]
    return _holds(wanted, type, action, row) and any(_holds(one, type, action, row) for one in any_of)


def passes(wanted: Optional[Mapping[str, Any]], event: Event) -> bool:
    """Does an event pass a filter?  The server's rule: an update by what the row is or was."""
    if not wanted or passes_as(wanted, event.type, event.action, event.payload):
        return True
    before = {name: values[0] for name, values in event.changes.items()}
    return bool(before) and passes_as(wanted, event.type, event.action, {**event.payload, **before})
