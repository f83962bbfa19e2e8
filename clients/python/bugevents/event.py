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
                   message.get("actor"), message["payload"], message.get("changes") or {})


class Gap(NamedTuple):
    """Events are missing: read the data anew.  The stream goes on behind seq."""

    #: The first seq that the server still has.
    oldest: int
    seq: int


class Row(NamedTuple):
    """A row as it is now.  It has every change up to as_of: apply the events behind that."""

    row: Dict[str, Any]
    as_of: int


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


def _has(wanted: Optional[List[Any]], value: Any) -> bool:
    if not isinstance(wanted, (list, tuple)) or not wanted:
        return True
    return value is not None and str(value) in [str(item) for item in wanted]


def passes(wanted: Optional[Mapping[str, Any]], event: Event) -> bool:
    """Does an event pass a filter?  The server's rule."""
    if not wanted:
        return True
    project = "id" if event.type == "project" else "project_id"
    bug = "id" if event.type == "bug_report" else "bug_report_id"
    return (_has(wanted.get("types"), event.type) and _has(wanted.get("actions"), event.action) and
            _has(wanted.get("project_ids"), event.payload.get(project)) and
            _has(wanted.get("bug_report_ids"), event.payload.get(bug)))
