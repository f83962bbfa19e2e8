"""A connection that outlives its sockets.

Model: it knows its position in the stream, comes back there when a socket ends, and drops what it had
already; so the application gets each event once, in order, or is told that there is a gap.

    connecting -> open -> waiting -> connecting ...     (a socket ended; back-off)
         `-> offline -> open                            (in vain: one attempt a minute)
         any -> closed                                  (close(), or no use to go on)

Concurrency: nothing runs in the background.  Whoever waits, for an event or for an answer, reads for all who
do: what arrives meanwhile is put where it belongs.  A consumer that takes long is one that reads slowly;
at worst the server ends the socket, and the next read resumes.

Failure: what another attempt can't mend is raised by whatever waits.  All else is logged, by the
logger "bugevents".
"""
import asyncio
import inspect
import json
import logging
import random
import ssl as ssl_module
from collections import deque
from datetime import datetime, timezone
from types import TracebackType
from typing import (Any, AsyncIterator, Awaitable, Callable, Deque, Dict, List, Mapping, Optional, Sequence, Tuple,
                    Type, Union)
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import websockets
from websockets.exceptions import ConnectionClosed

from .event import BugeventsError, Event, Gap, Position, ResyncRequired, Row, Rows, passes
from .keeper import Keep, Keeper
from .requests import Answer, Answered, Reply, Requests, retry_after

logger = logging.getLogger("bugevents")

#: Typed otherwise by each version.
open_socket: Callable[..., Any] = getattr(websockets, "connect")

SUBPROTOCOL = "bugevents.v1"

#: What another attempt would not change; where the token is a function's, the next one may be better.
FATAL = {"user_inactive", "forbidden", "origin_not_allowed"}
BAD_TOKEN = {"missing_token", "invalid_token", "token_expired"}

#: Somebody has to leave first.
FULL = {"server_full", "too_many_connections"}

# In seconds.
READY_TIMEOUT = 30.0
TOKEN_TIMEOUT = 30.0
REQUEST_TIMEOUT = 30.0
CLOSE_TIMEOUT = 2.0
PING_INTERVAL = 30.0            # where the server has none
PING_TIMEOUT = 10.0
RENEW_DELAY = 10.0
ROWS_DELAY = 1.0

MOST_OPEN = 8                   # requests that the server answers side by side
PAGE = 1000

#: What is handed over, in its order.
Item = Union[Event, Gap, Rows]

Token = Union[str, Callable[[], Union[str, Awaitable[str]]]]
Ids = Sequence[Union[int, str]]


def connect(url: str, *, token: Token, since: Optional[int] = None, stream: Optional[str] = None,
            since_time: Union[datetime, str, None] = None,
            types: Optional[Sequence[str]] = None, actions: Optional[Sequence[str]] = None,
            project_ids: Optional[Ids] = None, bug_report_ids: Optional[Ids] = None,
            where: Optional[Mapping[str, Any]] = None, any: Optional[Sequence[Mapping[str, Any]]] = None, conflate: bool = False,
            keep: Optional[Keep] = None, on_resync: Optional[Callable[[Gap], Any]] = None,
            on_state: Optional[Callable[[str], Any]] = None, ssl: Optional[ssl_module.SSLContext] = None,
            attempts: int = 5, first_delay: float = 2.0, max_delay: float = 60.0) -> "Connection":
    """A connection to a bugevents server, to be used as ``async with connect(...) as connection``.

    url: ws://host:8432/ws or wss://...; http and https are taken as these.
    token: a token, or a function that returns one, which may be async.  The function is asked at each attempt
        and ahead of expiry; when it fails it is asked again, unless its exception has an attribute
        fatal that is true.
    since, stream: resume there, at what a position was.  Without them it begins with what comes from now on.
    since_time: in their place, begin with what was committed at that moment or later (a datetime, or ISO 8601 with a zone).
    types, actions, project_ids, bug_report_ids, where, any, conflate: narrow the stream, as subscribe() does.
    keep: keep the position, in the file of that name, or by calling a function with it; an event counts as
        handled when the next one is asked for, or the block is left without an exception.  A
        file that is there is where it resumes.
    on_resync: called with a Gap where events are missing.  Without it ResyncRequired is raised there.
    on_state: called with each state that the connection enters.
    attempts, first_delay, max_delay: attempts in a row before it is "offline"; the longest wait for the first one, in
        seconds, which doubles with each; the longest one of all.
    """
    wanted = {"types": types, "actions": actions, "project_ids": project_ids, "bug_report_ids": bug_report_ids,
              "where": where, "any": any, "conflate": conflate or None}
    if (since is None) != (stream is None):
        raise ValueError("since and stream belong together: a seq is a place in one stream")
    if since_time is not None and since is not None:
        raise ValueError("either a position or a moment to begin at")
    return Connection(url, token=token, position=None if since is None or stream is None else Position(stream, since),
                      since_time=_moment(since_time),
                      wanted={name: value for name, value in wanted.items() if value is not None},
                      keep=keep, on_resync=on_resync, on_state=on_state, ssl=ssl,
                      attempts=attempts, first_delay=first_delay, max_delay=max_delay)


def _moment(at: Union[datetime, str, None]) -> Optional[str]:
    return at.astimezone(timezone.utc).isoformat() if isinstance(at, datetime) else at


def _address(url: str, position: Optional[Position], since_time: Optional[str] = None) -> str:
    parts = urlsplit(url)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    if scheme not in ("ws", "wss") or not parts.netloc:
        raise ValueError(f"{url} is not the URL of a server: ws://host:port/ws")
    query = parse_qsl(parts.query)
    if position:
        query += [("since", str(position.seq)), ("stream", position.stream)]
    elif since_time:
        query += [("since_time", since_time)]
    return urlunsplit((scheme, parts.netloc, parts.path if parts.path not in ("", "/") else "/ws",
                       urlencode(query), ""))


def _closed_as(error: ConnectionClosed) -> BugeventsError:
    code = error.rcvd.code if error.rcvd else 1006
    return BugeventsError(error.rcvd.reason if error.rcvd and error.rcvd.reason else "disconnected",
                          f"the connection ended ({code})")


def _forget(task: "asyncio.Future[Any]") -> None:
    """Whatever became of it."""
    if not task.cancelled():
        task.exception()


class Connection:
    """See connect()."""

    def __init__(self, url: str, *, token: Token, position: Optional[Position], wanted: Dict[str, Any],
                 keep: Optional[Keep], on_resync: Optional[Callable[[Gap], Any]],
                 on_state: Optional[Callable[[str], Any]], ssl: Optional[ssl_module.SSLContext],
                 attempts: int, first_delay: float, max_delay: float, since_time: Optional[str] = None) -> None:
        _address(url, None)
        self._url = url
        self._since_time = since_time
        self._token = token
        self._wanted = wanted
        self._on_resync = on_resync
        self._on_state = on_state
        self._options: Dict[str, Any] = {"ssl": ssl} if ssl else {}
        self._attempts, self._first_delay, self._max_delay = attempts, first_delay, max_delay

        self._keeper = Keeper(keep)
        self._position = self._keeper.load() or position    # what was handed over
        self._received = self._position                     # what has come
        self._items: Deque[Tuple[Position, Item]] = deque()

        self._state = "closed"
        self._end: Optional[BaseException] = None           # why it was closed, if it wasn't asked to
        self._session: Optional[Dict[str, Any]] = None
        self._socket: Any = None
        self._incoming: Optional["asyncio.Task[Any]"] = None
        self._refusal: Optional[BugeventsError] = None
        self._requests: Optional[Requests] = None
        self._filtering = False                             # the server doesn't know our filter yet
        self._attempt = 0
        self._next_attempt = 0.0
        self._renew_at: Optional[float] = None
        self._stale = False                                 # rows are wanted first, and not all of them have come
        self._rows_at: Optional[float] = None               # when to ask for them again
        self._rows_from: Optional[int] = None               # the request that asked for them,
        self._question = 0                                  # and how many did
        self._rows_begun = False                            # some have come
        self._complaint = ""
        self._reading: Optional[asyncio.Event] = None       # set when who reads has read
        self._room: asyncio.Semaphore
        self._closing: Optional["asyncio.Future[None]"] = None

    # ---- what an application sees

    @property
    def state(self) -> str:
        """connecting, open, waiting, offline or closed."""
        return self._state

    @property
    def position(self) -> Optional[Position]:
        """Behind the event that was handed over last; None before the first connection."""
        return self._position

    @property
    def session(self) -> Optional[Mapping[str, Any]]:
        """The payload of the server's ready; None unless open."""
        return self._session

    async def __aenter__(self) -> "Connection":
        """Until it is connected, however long that takes; raises what another attempt can't mend."""
        self._room = asyncio.Semaphore(MOST_OPEN)       # of the loop that runs
        self._closing = asyncio.get_running_loop().create_future()
        self._end = None
        self._attempt = 0
        self._next_attempt = 0.0
        self._enter("connecting")
        try:
            await self._until(lambda: self._session is not None)
        except BaseException:
            await self.close()
            raise
        await self._keeper.save(self._position)
        return self

    async def __aexit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                        traceback: Optional[TracebackType]) -> None:
        if kind is None:
            await self._keeper.save(self._position)
        await self.close()

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        """The next event.  The one before counts as handled."""
        await self._keeper.save(self._position)
        while True:
            item = await self._next()
            if isinstance(item, Event):
                return item
            if isinstance(item, Gap):
                await self._tell_gap(item)

    async def _next(self) -> Item:
        """StopAsyncIteration: there is none any more."""
        while not self._items:
            if self._state == "closed":
                raise self._end or StopAsyncIteration
            await self._until(lambda: bool(self._items) or self._state == "closed")
        self._position, item = self._items.popleft()
        return item

    async def subscribe(self, **wanted: Any) -> None:
        """Narrow the stream: types, actions, project_ids, bug_report_ids, where, any, conflate; nothing is everything.
        Kept when the connection comes back."""
        await self._ask("subscribe", wanted)
        self._wanted = wanted
        self._filtering = False

    async def request(self, type: str, payload: Optional[Mapping[str, Any]] = None) -> Dict[str, Any]:
        """Any request of the protocol: its reply's payload, or BugeventsError."""
        reply = await self._ask(type, payload or {})
        return dict(reply["payload"])

    async def wait(self, seq: Union[int, str]) -> bool:
        """Until everything up to a seq was received, such as bugevents.last_seq() returned, to be iterated over; False when that took
        longer than the server's connection_timeout."""
        reply = await self._ask("wait", {"seq": seq})
        return bool(reply["payload"]["reached"])

    async def get(self, type: str, id: Union[int, str]) -> Row:
        """A row as it is now."""
        reply = await self._ask("get", {"type": type, "id": id})
        return Row(reply["payload"], reply["as_of"])

    async def list(self, type: str, *, limit: int = PAGE, **only: Any) -> AsyncIterator[Row]:
        """All rows of a type, page by page; only: project_id, bug_report_id, status, unread.
        It goes on where it was when the connection comes back."""
        after = None
        given = set()
        while True:
            try:
                reply = await self._ask("list", {"type": type, "limit": limit, **only, "after": after})
            except BugeventsError as error:
                # A server that was started again doesn't know the place any more: begin again.
                if after is not None and error.code == "invalid_field" and error.payload.get("field") == "after":
                    after = None
                    continue
                if error.code != "disconnected" or self._state == "closed":
                    raise
                await self._until(lambda: self._session is not None)
                continue
            for row in reply["payload"]["items"]:
                if "id" not in row or str(row["id"]) not in given:
                    yield Row(row, reply["as_of"])
                given.add(str(row.get("id")))
            after = reply["payload"]["next"]
            if after is None:
                return

    async def close(self) -> None:
        """Close it.  Requests that wait fail, iterations end."""
        socket = self._socket
        self._shut()
        if socket:
            await socket.close(1000)

    # ---- who waits, reads

    async def _until(self, done: Callable[[], bool]) -> None:
        while not done():
            if self._state == "closed":
                raise self._end or BugeventsError("disconnected", "the connection is closed")
            if self._reading:
                await self._reading.wait()
                continue
            self._reading = read = asyncio.Event()
            try:
                await self._step()
            finally:
                self._reading = None
                read.set()

    async def _step(self) -> None:
        """One attempt to connect, or at most one message."""
        if self._socket is None:
            await self._try()
            return
        try:
            text = await self._receive(self._patience())
            if text is not None:
                self._read(text)
            elif self._renew_at is not None and self._now() >= self._renew_at:
                await self._renew()
            elif self._rows_at is not None and self._now() >= self._rows_at:
                self._ask_for_rows()
            elif self._socket:
                await self._knock()
        except (ConnectionClosed, OSError, BugeventsError) as error:
            self._lost(error)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _patience(self) -> float:
        """For so long nothing may come; then the token is due, rows, or a ping."""
        interval = float((self._session or {}).get("ping_interval") or PING_INTERVAL)
        due = [at - self._now() for at in (self._renew_at, self._rows_at) if at is not None]
        return max(0.0, min([interval, *due]))

    async def _receive(self, seconds: float) -> Optional[Union[str, bytes]]:
        """The next message; None: not within that time, or the socket was left."""
        if self._incoming is None:      # one that was waited for when the application gave up is still there
            self._incoming = asyncio.ensure_future(self._socket.recv())
        incoming = self._incoming
        await asyncio.wait({incoming}, timeout=seconds)
        if incoming is not self._incoming or not incoming.done():
            return None
        self._incoming = None
        result: Union[str, bytes] = incoming.result()
        return result

    async def _knock(self) -> None:
        """Nothing came for long.  BugeventsError: the socket is dead."""
        incoming = self._incoming
        pong = asyncio.ensure_future(self._ping())
        pong.add_done_callback(_forget)
        await asyncio.wait({pong, incoming} if incoming else {pong}, timeout=PING_TIMEOUT,
                           return_when=asyncio.FIRST_COMPLETED)
        if not pong.done() and not (incoming and incoming.done()):
            raise BugeventsError("timeout", "the connection went silent")
        pong.cancel()

    async def _ping(self) -> None:
        await (await self._socket.ping())

    # ---- a socket's life

    def _enter(self, state: str) -> None:
        if self._state == state:
            return
        self._state = state
        if self._on_state:
            self._on_state(state)

    def _complain(self, error: BaseException) -> None:
        """The log doesn't need to have the same each minute."""
        text = str(error) or type(error).__name__
        logger.log(logging.DEBUG if text == self._complaint else logging.WARNING, "%s", text)
        self._complaint = text

    async def _try(self) -> None:
        assert self._closing
        await asyncio.wait({self._closing}, timeout=max(0.0, self._next_attempt - self._now()))
        if self._state == "closed":
            return
        if self._state != "offline":        # that ends when there is a connection
            self._enter("connecting")
        try:
            await self._dial(await self._ask_token())
        except ConnectionClosed as error:
            self._lost(_closed_as(error))
        except Exception as error:  # pylint: disable=broad-except  # also that of the application's function
            self._lost(error)

    async def _ask_token(self) -> str:
        if isinstance(self._token, str):
            return self._token.strip()
        given = self._token()
        if inspect.isawaitable(given):
            given = await asyncio.wait_for(given, TOKEN_TIMEOUT)
        if not isinstance(given, str) or not given.strip():
            raise BugeventsError("invalid_token", "the function gave no token")
        return given.strip()

    async def _dial(self, token: str) -> None:
        """Until ready."""
        assert self._closing
        end = self._now() + READY_TIMEOUT
        self._refusal = None
        opening = asyncio.ensure_future(self._open(token))
        try:
            await asyncio.wait({opening, self._closing}, timeout=READY_TIMEOUT, return_when=asyncio.FIRST_COMPLETED)
            if self._state == "closed":
                return
            if not opening.done():
                raise BugeventsError("timeout", "the server did not answer in time")
            self._socket = opening.result()
        finally:
            opening.add_done_callback(_forget)
            opening.cancel()
        while self._session is None and self._state != "closed":
            text = await self._receive(max(0.0, end - self._now()))
            if text is not None:
                self._take(json.loads(text))
            elif self._state != "closed":
                raise BugeventsError("timeout", "the server did not say ready in time")

    async def _open(self, token: str) -> Any:
        return await open_socket(
            _address(self._url, self._received, self._since_time), subprotocols=[SUBPROTOCOL, "bearer." + token], max_size=None,
            compression=None, ping_interval=None, open_timeout=None, close_timeout=CLOSE_TIMEOUT, **self._options)

    def _leave(self) -> None:
        """Forget the socket, and what waits for it."""
        if self._incoming:
            self._incoming.add_done_callback(_forget)
            self._incoming.cancel()
        if self._requests:
            self._requests.end((self._filter_answered, self._renewed))
        self._socket = self._session = self._incoming = self._requests = self._renew_at = self._rows_at = None

    def _is_final(self, error: BaseException) -> bool:
        code = getattr(error, "code", None)
        return (getattr(error, "fatal", False) is True or code in FATAL or
                (code in BAD_TOKEN and isinstance(self._token, str)))

    def _lost(self, error: BaseException) -> None:
        """The socket is gone, or was not to be had: come back, unless that is no use."""
        if self._state == "closed":
            return
        socket = self._socket
        self._leave()
        if socket:
            socket.transport.abort()    # its own close may take long
        if isinstance(error, ConnectionClosed):
            error = _closed_as(error)
        error = self._refusal or error
        self._refusal = None
        if self._is_final(error):
            self._finish(error)
        else:
            self._complain(error)
            self._come_back(error)

    def _finish(self, error: BaseException) -> None:
        if self._socket:
            self._socket.transport.abort()
        self._end = error
        self._shut()

    def _shut(self) -> None:
        self._leave()
        self._enter("closed")
        if self._closing and not self._closing.done():
            self._closing.set_result(None)      # who waits, looks

    def _come_back(self, error: BaseException) -> None:
        """Exponential back-off with full jitter, then slowly."""
        payload = getattr(error, "payload", {})
        in_vain = self._attempt >= self._attempts and getattr(error, "code", None) not in FULL
        if in_vain:
            delay = self._max_delay * (1 + random.random()) / 2
        else:
            delay = random.random() * min(self._max_delay, self._first_delay * 2.0 ** min(self._attempt, 64))
        self._attempt += 1
        self._next_attempt = self._now() + max(delay, payload.get("retry_after") or 0)
        self._enter("offline" if in_vain else "waiting")

    # ---- messages

    def _read(self, text: Union[str, bytes]) -> None:
        try:
            self._take(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            # It may have been an event.
            self._lost(BugeventsError("invalid_message", f"the server sent what is no message: {error!r}"))

    def _take(self, message: Dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "connection":
            self._take_connection(message["action"], message["payload"])
        elif kind == "reply" or kind == "error" and "id" in message:
            if self._requests and not self._requests.answer(message) and message["id"] == self._rows_from:
                self._filter_answered({}, BugeventsError.read(message["payload"]))
        elif kind == "state":
            self._take_rows(message)
        elif kind == "error":
            self._take_error(BugeventsError.read(message["payload"]))
        elif "seq" in message:
            self._take_event(message)

    def _take_connection(self, action: str, payload: Dict[str, Any]) -> None:
        if action == "ready":
            self._take_ready(payload)
        elif action == "expiring" and not isinstance(self._token, str):
            self._renew_at = self._now()
        elif action == "stream":        # the same one under another name
            self._received = Position(payload["stream"], payload["seq"])
            if not self._items:
                self._position = self._received

    def _take_ready(self, payload: Dict[str, Any]) -> None:
        self._session = payload
        self._requests = Requests(payload.get("limits", {}), self._now())
        self._attempt = 0
        self._complaint = ""
        # A position is of the stream under which it is told: another one after a restart.
        if self._received is not None and payload["resumed"]:
            self._received = Position(payload["stream"], self._received.seq)
        else:
            self._received = Position(payload["stream"], payload["seq"])
            if self._position is None:
                self._position = self._received
        self._ready(bool(payload["resumed"]))
        if self._state != "closed":
            self._enter("open")

    def _ready(self, resumed: bool) -> None:
        """Say what is wanted."""
        self._filtering = bool(self._wanted)
        if self._filtering:
            self._tell(self._wanted)

    def _tell(self, wanted: Mapping[str, Any]) -> Optional[int]:
        """The number of the request."""
        try:
            return self._send("subscribe", wanted, self._filter_answered)
        except BugeventsError as error:
            self._finish(error)
            return None

    def _ask_for_rows(self) -> None:
        """For who wants them."""

    def _take_rows(self, message: Dict[str, Any]) -> None:
        """Those of an older request are for nobody."""
        assert self._received is not None
        if message["id"] == self._rows_from:
            payload = message["payload"]
            self._stale = not payload.get("last")
            self._rows_begun = True
            self._items.append((self._received, Rows(message["as_of"], payload["type"], payload["items"], self._question,
                                                     bool(payload.get("first")), not self._stale)))

    def _filter_answered(self, reply: Reply, error: Optional[BugeventsError]) -> None:
        """A filter that the server doesn't know would be another stream than was wanted."""
        if error is None:
            self._filtering = False
        elif error.code == "state_interrupted" or error.code == "internal_error" and self._stale:
            self._rows_at = self._now() + max(ROWS_DELAY, error.payload.get("retry_after", 0))
        elif retry_after(error) is not None:
            self._lost(error)
        else:
            self._finish(error)

    def _take_error(self, error: BugeventsError) -> None:
        """A message of the server that names no request; often the last one."""
        if error.code == "resync_required":
            assert self._received is not None
            self._received = Position(self._received.stream, max(self._received.seq, error.payload["seq"]))
            self._gap()
            self._items.append((self._received, Gap(error.payload["oldest"], error.payload["seq"])))
        elif self._requests and (error.code in ("invalid_message", "invalid_field") or "retry_after" in error.payload):
            self._requests.answer_nameless(error, self._now())
        else:
            if self._requests and error.code == "message_too_big":
                self._requests.fail_largest(error)
            self._refusal = error

    def _gap(self) -> None:
        """Rows have to be read anew."""

    def _take_event(self, message: Dict[str, Any]) -> None:
        assert self._received is not None
        event = Event.read(self._received.stream, message)
        if event.seq <= self._received.seq:
            return                      # we had it
        self._received = event.position
        if not self._filtering or passes(self._wanted, event):
            self._items.append((event.position, event))

    async def _tell_gap(self, gap: Gap) -> None:
        if self._on_resync is None:
            raise ResyncRequired(gap)
        done = self._on_resync(gap)
        if inspect.isawaitable(done):
            await done

    # ---- requests

    def _send(self, type: str, payload: Mapping[str, Any], then: Answered) -> int:
        """The number of the request."""
        assert self._requests is not None
        request = self._requests.add(type, payload, then)
        sending = asyncio.ensure_future(self._socket.send(request.text))
        sending.add_done_callback(_forget)      # reading says it
        return request.number

    async def _ask(self, type: str, payload: Mapping[str, Any]) -> Dict[str, Any]:
        """When the server has room for it."""
        async with self._room:
            while True:
                try:
                    await asyncio.wait_for(self._until(lambda: self._session is not None), REQUEST_TIMEOUT)
                    await self._take_turn()
                    answer = Answer()
                    self._send(type, payload, answer.put)
                    await asyncio.wait_for(self._until(answer.there), REQUEST_TIMEOUT)
                    return answer.reply()
                except asyncio.TimeoutError:
                    raise BugeventsError("timeout", "no answer in time") from None
                except BugeventsError as error:
                    wait = retry_after(error)
                    if wait is None:
                        raise
                    if self._requests:
                        self._requests.bucket.pause(self._now() + wait)

    async def _take_turn(self) -> None:
        """Until the server's bucket has room.  BugeventsError: the socket is gone."""
        while self._requests:
            wait = self._requests.bucket.wait(self._now())
            if wait <= 0:
                return
            await asyncio.sleep(wait)
        raise BugeventsError("disconnected", "the connection ended before the answer")

    async def _renew(self) -> None:
        self._renew_at = None
        try:
            token = await self._ask_token()
            if self._requests:
                self._send("authenticate", {"token": token}, self._renewed)
        except Exception as error:  # pylint: disable=broad-except  # that of the application's function
            self._renewal_failed(error)

    def _renewed(self, reply: Reply, error: Optional[BugeventsError]) -> None:
        if error:
            self._renewal_failed(error)
        else:
            self._session = {**(self._session or {}), **reply["payload"]}

    def _renewal_failed(self, error: BaseException) -> None:
        self._complain(error)
        if getattr(error, "fatal", False) is True:
            self._finish(error)
        else:
            self._renew_at = self._now() + RENEW_DELAY


__all__: List[str] = ["Connection", "connect"]
