"""The requests of one socket: when the server has room for them, and whose an answer is."""
import itertools
import json
from typing import Any, Callable, Container, Dict, List, Mapping, NamedTuple, Optional, Tuple

from .event import BugeventsError

#: Of the server's message rate, for tokens.
SPARE = 2


#: A message of the server; empty, where there is an error.
Reply = Dict[str, Any]

#: Called with the answer, at once: with a reply, or with an error.
Answered = Callable[[Reply, Optional[BugeventsError]], None]


class Request(NamedTuple):
    """One that was sent."""

    number: int
    sent: int
    text: str
    then: Answered


class Answer:
    """One that is waited for."""

    def __init__(self) -> None:
        self._answer: Optional[Tuple[Reply, Optional[BugeventsError]]] = None

    def put(self, reply: Reply, error: Optional[BugeventsError]) -> None:
        """It is there."""
        self._answer = (reply, error)

    def there(self) -> bool:
        """Is it?"""
        return self._answer is not None

    def reply(self) -> Reply:
        """BugeventsError: it is an error."""
        assert self._answer is not None
        reply, error = self._answer
        if error:
            raise error
        return reply


class Bucket:
    """The server's token bucket, as it is there or emptier."""

    def __init__(self, per_minute: int, now: float) -> None:
        self._rate = per_minute / 60
        self._most = max(1.0, per_minute - SPARE)
        self._left = self._most
        self._at = now
        self._paused_until = now

    def wait(self, now: float) -> float:
        """How many seconds the server takes no message."""
        paused = self._paused_until - now
        if not self._rate:
            return paused
        self._left = min(self._most, self._left + max(0.0, now - self._at) * self._rate)
        self._at = now
        return max(paused, (1 - self._left) / self._rate)

    def take(self) -> None:
        """One was sent."""
        self._left -= 1

    def pause(self, until: float) -> None:
        """The server said so."""
        self._paused_until = max(self._paused_until, until)


class Requests:
    """Those of one socket that wait for their answers, by id, in the order in which they were sent."""

    def __init__(self, limits: Mapping[str, Any], now: float) -> None:
        self.bucket = Bucket(limits.get("message_rate", 0), now)
        self._most_bytes = limits.get("max_message_size", 0)
        self._ids = itertools.count(1)
        self._waiting: Dict[int, Request] = {}
        self._nameless: List[BugeventsError] = []
        self._nameless_sent = 0
        self._sent = 0

    def add(self, type: str, payload: Mapping[str, Any], then: Answered) -> Request:
        """One that is sent now.  BugeventsError: it is too big."""
        number = next(self._ids)
        text = json.dumps({"type": type, "id": number, "payload": payload}, separators=(",", ":"))
        if self._most_bytes and len(text.encode()) > self._most_bytes:
            raise BugeventsError("message_too_big", f"the server takes {self._most_bytes} bytes at most")
        self._sent += 1
        request = self._waiting[number] = Request(number, self._sent, text, then)
        self.bucket.take()
        return request

    def answer(self, message: Reply) -> bool:
        """A reply, or an error with an id.  False: it is of none that waits."""
        request = self._waiting.pop(message["id"], None)
        if request and message["type"] == "reply":
            request.then(message, None)
        elif request:
            request.then({}, BugeventsError.read(message["payload"]))
        self._attribute()
        return request is not None

    def answer_nameless(self, error: BugeventsError, now: float) -> None:
        """An error without an id."""
        self._nameless.append(error)
        self._nameless_sent = self._sent
        self.bucket.pause(now + error.payload.get("retry_after", 0))
        self._attribute()

    def _attribute(self) -> None:
        """Each message is answered once: when of those that were sent as many are left as there are
        errors without an id, these are theirs."""
        asked = [number for number, request in self._waiting.items() if request.sent <= self._nameless_sent]
        if not self._nameless or len(asked) > len(self._nameless):
            return
        errors, self._nameless = self._nameless, []
        for number, error in zip(asked, errors):
            self._waiting.pop(number).then({}, error)

    def fail_largest(self, error: BugeventsError) -> None:
        """One was too big for the server."""
        if self._waiting:
            number = max(self._waiting, key=lambda number: len(self._waiting[number].text))
            self._waiting.pop(number).then({}, error)

    def end(self, internal: Container[Answered]) -> None:
        """The socket is gone: tell who waits, but the connection itself."""
        waiting, self._waiting = self._waiting, {}
        for request in waiting.values():
            if request.then not in internal:
                request.then({}, BugeventsError("disconnected", "the connection ended before the answer"))


def retry_after(error: Optional[BaseException]) -> Optional[float]:
    """When to ask again what was refused for its moment only; None: never."""
    if isinstance(error, BugeventsError) and error.code == "rate_limited":
        return error.payload.get("retry_after")
    return None
