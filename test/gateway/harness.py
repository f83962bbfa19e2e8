"""A dispatcher for tests: drives a gateway through its pipe, and counts in TAP.

The WebSocket client here is written from RFC 6455, apart from the server's code.
Nothing sleeps: everything waits for a condition until a deadline.

What goes over each connection is written to a file of the folder that
BUGEVENTS_RECORD names, if it names one (test/api/recording.mjs reads it).
"""
import base64
import hashlib
import hmac
import itertools
import json
import os
import select
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time

import pipe

HERE = os.path.dirname(os.path.abspath(__file__))
VERIFIER = os.environ.get("BUGEVENTS_VERIFIER") or os.path.join(
    HERE, "..", "..", "src", "verifier", "bugevents-verifier")
GATEWAY = os.environ.get("BUGEVENTS_GATEWAY") or os.path.join(
    HERE, "..", "..", "src", "gateway", "bugevents-gateway")
# For each wait.  Valgrind is slow, and so is a machine that does other things: what is measured by the
# clock may be as many times slower.
PATIENCE = float(os.environ.get("BUGEVENTS_TEST_PATIENCE", "60"))
SLOWNESS = max(1, PATIENCE / 60)

# CONFIG, STREAM ... SLOW: the kinds of messages, by their names in message.h.
globals().update(pipe.numbers("BevMessageKind", "BEV_MSG_"))
ANSWERS = pipe.numbers("BevAnswerKind", "BEV_ANSWER_")
VERBS = pipe.numbers("BevVerb", "BEV_VERB_")
VERDICTS = pipe.numbers("BevVerdict", "BEV_")
SPENT_KINDS = pipe.numbers("BevSpentKind", "BEV_SPENT_")
TOKEN_USES = pipe.numbers("BevTokenUse", "BEV_TOKEN_")
COUNTED = pipe.counters()
ABUSE_KINDS = [value for metric, value in COUNTED if metric == "bugevents_security_events_total"]
DELAYS = [value for metric, value in COUNTED if metric == "bugevents_delivery_seconds_bucket"]

SECRET = b"0123456789abcdef" * 4
STREAM_ID = "11111111-2222-3333-4444-555555555555"

# ---------------------------------------------------------------- TAP

_count = 0
_failed = 0


def ok(condition, name, detail=None):
    global _count, _failed
    _count += 1
    if not condition:
        _failed += 1
    print("%s %d - %s" % ("ok" if condition else "not ok", _count, name), flush=True)
    if not condition and detail is not None:
        for line in str(detail).splitlines():
            print("#   " + line[:400], flush=True)
    return bool(condition)


def equal(got, wanted, name):
    return ok(got == wanted, name, "got:    %r\nwanted: %r" % (got, wanted))


def done():
    print("1..%d" % _count, flush=True)
    sys.exit(1 if _failed else 0)


def wait_for(condition, what, patience=None):
    """Poll until condition() is true; its value, or an exception."""
    end = time.monotonic() + (patience or PATIENCE)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError("waited in vain for " + what)
        select.select([], [], [], 0.005)


# ---------------------------------------------------------------- tokens

def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(sub="1", ttl=3600, secret=SECRET, alg="HS256", header=None, **claims):
    head = {"alg": alg, "typ": "JWT"}
    head.update(header or {})
    body = {"exp": int(time.time()) + ttl}
    if sub is not None:
        body["sub"] = sub
    body.update(claims)
    body = {k: v for k, v in body.items() if v is not None}
    signed = b64url(json.dumps(head).encode()) + "." + b64url(json.dumps(body).encode())
    digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384,
              "HS512": hashlib.sha512}.get(alg, hashlib.sha256)
    return signed + "." + b64url(hmac.new(secret, signed.encode(), digest).digest())


# ---------------------------------------------------------------- events

def record(type="bug_report", action="updated", audience="all", key="", project="",
           bug="", payload="{}", changes="", open_payload="", open_changes="", access=b"", actor=""):
    fields = [f if isinstance(f, bytes) else f.encode()
              for f in (type, action, audience, key, project, bug, payload, changes,
                        open_payload, open_changes, access, actor)]
    size = 4 + 4 * len(fields) + sum(map(len, fields))
    return struct.pack("=I12I", size, *map(len, fields)) + b"".join(fields)


FIELDS = 12


def conceal(one):
    """A record as a gateway without admins gets it (common/event/concealed.c)."""
    lens = struct.unpack_from("=%dI" % FIELDS, one, 4)
    field, at = [], 4 + 4 * FIELDS
    for size in lens:
        field.append(one[at:at + size])
        at += size
    for_others = any(line and line[:1] not in b"!&" and line != b"admin" for line in field[2].split(b"\n"))
    if not for_others:
        for content in (4, 5, 6, 7, 8, 9, 11):
            field[content] = b""
    elif field[8]:
        field[6:10] = field[8], field[9], b"", b""
    return struct.pack("=I%dI" % FIELDS, at - sum(lens) + sum(map(len, field)), *map(len, field)) + b"".join(field)


def access(kind, source="", user="", value=""):
    """A statement about a user: a(ctive), i(nactive), d(eleted), m(ember), l(eft), v(oid)."""
    return (kind + source + "\0" + user + "\0" + value + "\0").encode()


def events(first_seq, records, request=0, tx_n=1, tx_of=None, xid=7741,
           at=1769860800123456):
    return struct.pack("=IIQIIQq", request, len(records), first_seq, tx_n,
                       tx_of or len(records), xid, at) + b"".join(records)


# ---------------------------------------------------------------- the verifier

GRANT = struct.Struct("=qqII256s64s")       # expires_at, ends_at, is_admin, projects, user, role
NO_GRANT = bytes(GRANT.size)
GOOD, INVALID, EXPIRED = range(3)


class Verifier:
    """The real one, which answers at once."""
    def __init__(self):
        self.sock, theirs = socket.socketpair()
        moved = fcntl_dup_high(theirs.fileno())
        self.process = subprocess.Popen([VERIFIER], stdin=subprocess.DEVNULL, pass_fds=[3],
                                        preexec_fn=lambda: os.dup2(moved, 3))
        os.close(moved)
        theirs.close()
        self.sock.settimeout(PATIENCE)
        self.tickets = 0
        self.hello = struct.unpack("=II", self.read(HELLO))

    def take(self, n):
        data = b""
        while len(data) < n:
            more = self.sock.recv(n - len(data))
            if not more:
                raise EOFError("the verifier ended")
            data += more
        return data

    def read(self, wanted):
        size, kind = struct.unpack("=II", self.take(8))
        if kind != wanted:
            raise AssertionError("%d from the verifier, not %d" % (kind, wanted))
        return self.take(size)

    def say(self, kind, body):
        self.sock.sendall(struct.pack("=II", len(body), kind) + body)

    def configure(self, **keys):
        """Whether there is a key, and what is wrong."""
        self.say(KEYS, json.dumps(keys).encode())
        body = self.read(KEYRING)
        return struct.unpack_from("=I", body)[0], body[4:].decode()

    def check(self, tok):
        """The result, the grant, and what follows it."""
        self.tickets += 1
        self.say(CHECK, struct.pack("=Q", self.tickets) + tok)
        body = self.read(CHECKED)
        ticket, result, _ = struct.unpack_from("=QII", body)
        if ticket != self.tickets:
            raise AssertionError("an answer to %d, not %d" % (ticket, self.tickets))
        return result, body[16:16 + GRANT.size], body[16 + GRANT.size:]

    def stop(self):
        """Its exit code, at the end of the pipe."""
        self.sock.close()
        return self.process.wait(PATIENCE)


def granted(grant):
    """The user and the role, and whether that is an admin's."""
    _, _, admin, _, user, role = GRANT.unpack(grant)
    return as_line(user), as_line(role), admin


# ---------------------------------------------------------------- the dispatcher

def as_line(field):
    """A text of a message.  The dispatcher ends a gateway that sends a control character."""
    text = field.split(b"\0")[0].decode()
    if any(c < " " or c == "\x7f" for c in text):
        raise AssertionError("no text for the dispatcher: %r" % text)
    return text


class Dispatcher:
    def __init__(self, tip=0, dropped=0, stream=STREAM_ID, start=True, whole=True, **config):
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self.sock = ours
        self.inbox = bytearray()
        self.taking = False
        self.outbox = bytearray()
        self.logs = []
        self.statuses = []
        self.keyrings = []      # what was wrong with the keys, each time that they were told
        self.verifier = Verifier()
        self.grants = {}        # client -> (grant, projects), as the verifier said
        self.configs = 0        # that were sent
        self.can_listen = 0     # by which of them it can take connections
        self.place = None       # where it listens
        self.listening = []     # the addresses, each time that it was passed sockets
        self.fetches = []       # not answered yet
        self.all_fetches = 0
        self.hello = None
        self.journal = {}       # seq -> record, for answers to FETCH
        self.tip = tip
        self.dropped = dropped
        self.stream = stream
        self.past = []          # eras that ended, and up to where they are good
        self.follows = 0        # it is a standby's
        self.whole = whole      # it is sent what is for admins
        self.auto_fetch = True
        self.auto_admit = True
        self.auto_answer = None # called with each of asked
        self.per_user = None    # connections that a user may have
        self.opened = []        # (client, user, role, address, id), as they came
        self.admitted = {}      # client -> user
        self.closed = []
        self.endings = {}       # client -> (code, reason), of those
        self.reports = {}       # client -> (cursor, sent, received)
        self.starts = {}        # client -> seq behind which its part of the stream begins
        self.roles = []         # (client, role), as they came
        self.subscriptions = [] # (client, bytes), as they came
        self.spent = []         # (kind, times, address), as they came
        self.slow = []          # (seq, us, clients, events), as they came
        self.asked = []
        self.abuses = []        # (kind, times, address)
        self.counters = {}      # (metric, label's value) -> count
        self.tables = {}        # user -> statements that come with ADMIT
        self.as_of = None       # and as of which seq; None: the tip, if there are tables
        fd = theirs.fileno()
        script = os.environ.get("BUGEVENTS_GATEWAY_WRAPPER", "").split()
        self.passing, receiving = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        moved = [fcntl_dup_high(fd), fcntl_dup_high(receiving.fileno())]
        self.process = subprocess.Popen(
            script + [GATEWAY, "1"], stdin=subprocess.DEVNULL, pass_fds=[3, 4],
            preexec_fn=lambda: (os.dup2(moved[0], 3), os.dup2(moved[1], 4)))
        for one in moved:
            os.close(one)
        theirs.close()
        receiving.close()
        self.config = {
            "listen_addresses": "127.0.0.1", "port": 0, "window_size": 1 << 20,
            "ping_interval": 0, "connection_timeout": 60000,    # tests read one client after the other
            "max_connections": 10000, "max_connections_per_user": 100000,
            "message_rate": 0, "max_message_size": 65536, "allowed_origins": "",
            "jwt_secret": base64.b64encode(SECRET).decode(), "jwt_key": "", "jwks": "",
            "jwt_algorithms": "HS256", "jwt_issuer": "", "jwt_audience": "",
            "jwt_leeway": 0, "tls": 0, "tls_cert": "", "tls_key": "",
        }
        self.port = None
        if start:
            self.configure(**config)
            self.begin()
            self.wait_listening()
        else:
            self.config.update(config)

    def send(self, kind, body=b""):
        self.outbox += struct.pack("=II", len(body), kind) + body
        self.pump()

    def configure(self, **config):
        self.config.update(config)
        keys = {k: v for k, v in self.config.items() if k.startswith("jw")}
        have, why = self.verifier.configure(**keys)
        self.keyrings.append(why)
        ours = {*keys, "listen_addresses", "port"}
        self.send(CONFIG, json.dumps({k: v for k, v in self.config.items() if k not in ours}).encode())
        self.configs += 1
        self.condition(b"", have)

    def condition(self, text, keys=1, behind=0):
        self.send(CONDITION, struct.pack("=II", keys, behind) + text)

    def settle(self, **config):
        """Configure, and wait until the gateway has read it."""
        self.configure(**config)
        self.wait(lambda: self.can_listen == self.configs, "LISTEN")

    def listen(self):
        """Open what is configured, unless that is done, and pass it on."""
        place = self.config["listen_addresses"], self.config["port"]
        if self.can_listen < self.configs or place == self.place:
            return
        self.place = place
        sockets = []
        for address in addresses_of(place[0]):
            port = place[1] or (sockets and sockets[0].getsockname()[1])
            sockets.append(listening_socket(address, port or 0))
        socket.send_fds(self.passing, [b"\0"], [one.fileno() for one in sockets])
        self.listening.append(" ".join("%s:%d" % ("[%s]" % at[0] if ":" in at[0] else at[0], at[1])
                                       for at in (one.getsockname() for one in sockets)))
        for one in sockets:
            one.close()

    def begin(self):
        self.send(STREAM, struct.pack("=QQ40sII", self.tip, self.dropped, self.stream.encode(),
                                      self.follows, 0) +
                  b"".join(struct.pack("=Q40s", upto, era.encode()) for era, upto in self.past))
        if self.whole:
            self.scope(True)

    def scope(self, whole):
        """What is for admins is sent from now on, or not."""
        self.whole = whole
        self.send(SCOPE, struct.pack("=QII", self.tip, whole, 0))

    def of_scope(self, one):
        return one if self.whole else conceal(one)

    def publish(self, *records, **more):
        """One transaction; its events also go to the journal."""
        first = self.tip + 1
        for i, one in enumerate(records):
            self.journal[first + i] = one
        self.tip += len(records)
        self.send(EVENTS, events(first, [self.of_scope(one) for one in records], **more))
        return first

    def progress(self, tip=None):
        self.tip = max(self.tip, tip or 0)
        self.send(PROGRESS, struct.pack("=QQ", self.tip, self.dropped))

    def pump(self):
        try:
            while self.outbox:
                del self.outbox[:self.sock.send(self.outbox[:1 << 20])]
        except (BlockingIOError, BrokenPipeError, ConnectionResetError, OSError):
            pass
        if self.taking:
            return True         # what comes meanwhile is taken after it
        self.taking = True
        try:
            self.receive()
        finally:
            self.taking = False
        return True

    def receive(self):
        try:
            while True:
                data = self.sock.recv(1 << 20)
                if not data:
                    break
                self.inbox += data
        except (BlockingIOError, ConnectionResetError, OSError):
            pass
        while len(self.inbox) >= 8:
            size, kind = struct.unpack_from("=II", self.inbox)
            if len(self.inbox) < 8 + size:
                break
            body = bytes(self.inbox[8:8 + size])
            del self.inbox[:8 + size]
            self.take(kind, body)

    def take(self, kind, body):
        if kind == HELLO:
            self.hello = struct.unpack("=II", body)
        elif kind == LISTEN:
            self.can_listen, = struct.unpack("=I", body)
            self.listen()
        elif kind == LOG:
            self.logs.append((struct.unpack_from("=I", body)[0], body[4:].decode()))
        elif kind == STATUS:
            self.statuses.append(body.decode())
        elif kind == FETCH:
            self.all_fetches += 1
            self.fetches.append(struct.unpack("=IIQQ", body))
            if self.auto_fetch:
                self.answer_fetches()
        elif kind == OPEN:
            self.take_open(*struct.unpack_from("=Q40s64s", body), body[112:])
        elif kind == AGAIN:
            client, = struct.unpack("=Q", body)
            del self.admitted[client]
            self.opened.append(next(o for o in self.opened if o[0] == client))
            if self.auto_admit:
                self.admit(client)
        elif kind == TOKEN:
            self.take_token(*struct.unpack_from("=QII", body), body[16:])
        elif kind == CLOSED:
            client, code, reason = struct.unpack("=QQ64s", body)
            self.closed.append(client)
            self.endings[client] = (code, reason.split(b"\0")[0].decode())
            del self.admitted[client]       # KeyError: told twice, or never let in
        elif kind == CLIENTS:
            for at in range(0, len(body), 48):
                client, start, cursor, sent, received = struct.unpack_from("=QQQQQ", body, at)
                self.starts[client] = start
                self.reports[client] = (cursor, sent, received)
        elif kind == ROLE:
            client, role = struct.unpack("=Q64s", body)
            self.roles.append((client, as_line(role)))
        elif kind == COUNTERS:
            self.take_counters(struct.unpack("=%dQ" % (len(body) // 8), body))
        elif kind == ABUSE:
            what, times, address = struct.unpack("=II64s", body)
            self.abuses.append((ABUSE_KINDS[what], times, as_line(address)))
        elif kind == SPENT:
            what, times, address = struct.unpack("=II64s", body)
            self.spent.append((what, times, as_line(address)))
        elif kind == SLOW:
            self.slow.append(struct.unpack("=QQII", body))
        elif kind == SUBSCRIPTION:
            for one in body[8:].split(b"\0"):
                as_line(one)
            self.subscriptions.append((struct.unpack_from("=Q", body)[0], body[8:]))
        elif kind == ASK:
            self.asked.append(struct.unpack_from("=QII", body) + (body[16:].decode(),))
            if self.auto_answer:
                self.auto_answer(*self.asked[-1])

    def take_open(self, client, ident, address, tok):
        result, grant, rest = self.verifier.check(tok)
        if result != GOOD:
            verdict = VERDICTS["EXPIRED_TOKEN" if result == EXPIRED else "BAD_TOKEN"]
            self.send(ADMIT, struct.pack("=QIiQ", client, verdict, -1, 0) + NO_GRANT + rest)
            return
        user, role, _ = granted(grant)
        self.send(KNOWN, struct.pack("=Q", client))
        self.grants[client] = grant, rest
        self.opened.append((client, user, role, as_line(address), as_line(ident)))
        if self.auto_admit:
            self.admit(client)

    def take_token(self, client, request, use, tok):
        result, grant, rest = self.verifier.check(tok)
        if result != GOOD:
            self.answer_error(client, request, b"token_expired" if result == EXPIRED else b"invalid_token", rest)
        elif use == TOKEN_USES["METRICS"]:
            self.ask_metrics(client, request, *granted(grant))
        elif granted(grant)[0] != self.admitted[client]:
            self.answer_error(client, request, b"forbidden", b"the token is for another user")
        else:
            self.send(ANSWER, self.answer_head(client, request, ANSWERS["GRANT"]) + grant + rest)

    def ask_metrics(self, client, request, user, _role, admin):
        if admin:
            self.asked.append((client, request, VERBS["METRICS"], json.dumps({"user_id": user}, separators=(",", ":"))))
        else:
            self.answer_error(client, request, b"forbidden", b"this is for admins")

    @staticmethod
    def answer_head(client, request, kind, code=b""):
        return struct.pack("=QIIQII24s24s", client, request, kind, 0, 0, 0, code, b"")

    def answer_error(self, client, request, code, text):
        self.send(ANSWER, self.answer_head(client, request, ANSWERS["ERROR"], code) + text)

    def take_counters(self, values):
        if len(values) != len(COUNTED):
            raise AssertionError("%d counters instead of %d" % (len(values), len(COUNTED)))
        for name, value in zip(COUNTED, values):
            if value < self.counters.get(name, 0):
                raise AssertionError("%s %s fell" % name)
            self.counters[name] = value

    def counter(self, metric, label=""):
        self.pump()
        return self.counters.get((metric, label), 0)

    def spend(self, kind, times, address):
        """So many of this kind, at other gateways."""
        self.send(SPENT_ELSEWHERE, struct.pack("=II64s", SPENT_KINDS[kind], times, address.encode()))

    def abuse(self, kind, address):
        """How often this was told of the address."""
        self.pump()
        return sum(times for k, times, a in self.abuses if (k, a) == (kind, address))

    def admit(self, client, verdict=None):
        user = next(o[1] for o in self.opened if o[0] == client)
        if verdict is None:
            here = sum(1 for other in self.admitted.values() if other == user)
            full = self.per_user is not None and here >= self.per_user
            verdict = VERDICTS["TOO_MANY_CONNECTIONS" if full else "ADMITTED"]
        if verdict == VERDICTS["ADMITTED"]:
            self.admitted[client] = user
        as_of = self.as_of if self.as_of is not None else self.tip if self.tables else 0
        grant, projects = self.grants[client]
        self.send(ADMIT, struct.pack("=QIiQ", client, verdict, 0, as_of) + grant + projects +
                  self.tables.get(user, b""))

    def answer_fetches(self):
        while self.fetches:
            self.answer_fetch(*self.fetches.pop(0))

    def answer_fetch(self, request, max_bytes, after, upto):
        if after < self.dropped:
            self.send(FETCHED, struct.pack("=IIQQ", request, 1, after, self.dropped))
            return
        size = 0
        covered = upto
        for seq in range(after + 1, upto + 1):
            one = self.journal.get(seq)
            if one is None:
                continue
            if size and size + len(one) > max_bytes:
                covered = seq - 1
                break
            size += len(one)
            self.outbox += (lambda b: struct.pack("=II", len(b), EVENTS) + b)(
                events(seq, [self.of_scope(one)], request=request))
        self.send(FETCHED, struct.pack("=IIQQ", request, 0, covered, self.dropped))

    def wait(self, condition, what, patience=None):
        return wait_for(lambda: self.pump() and condition(), what, patience)

    def wait_listening(self, count=1):
        self.wait(lambda: len(self.listening) >= count, "LISTEN")
        self.port = int(self.listening[-1].split()[0].rsplit(":", 1)[1])
        return self.port

    def connect(self, tok=None, **more):
        return Client(self, tok if tok is not None else token(), **more)

    def ready(self, tok=None, **more):
        """A client that has read its ready."""
        client = self.connect(tok, **more)
        client.ready = client.message()
        return client

    def lets_in(self, name, *args, **more):
        """A client that got a ready, which is a result."""
        client = self.ready(*args, **more)
        ok(client.ready.get("action") == "ready", name, client.ready)
        return client

    def refuses(self, name, code, close=1008, **more):
        """A client gets one error message and the close code; a result.  The error's payload."""
        client = self.connect(**more)
        seen = client.closed()
        equal((client.status, [m["payload"]["code"] for m in seen], client.code, client.reason),
              (101, [code], close, code), name + ": " + code)
        return seen[0]["payload"] if seen else {}

    def knock(self, address, tok=None):
        """A client of this address, as a trusted proxy on 127.0.0.1 says."""
        return Client(self, tok if tok is not None else token("1"), headers=("X-Forwarded-For: " + address,))

    def wait_exit(self):
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None and time.monotonic() < end:
            self.pump()
            select.select([], [], [], 0.01)
        return self.process.poll()

    def stop(self):
        """Orderly; its exit code."""
        self.send(SHUTDOWN)
        code = self.wait_exit()
        if code is None:
            self.process.kill()
            self.process.wait()
        self.sock.close()
        if self.verifier.stop() != 0:
            raise AssertionError("the verifier did not end in good order")
        return code


def addresses_of(names):
    """As the dispatcher understands listen_addresses."""
    both = {"localhost": ["127.0.0.1", "::1"], "*": ["0.0.0.0", "::"]}
    return list(dict.fromkeys(address for name in names.split(",") for address in both.get(name, [name])))


def listening_socket(address, port):
    one = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if one.family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    one.setblocking(False)
    one.bind((address, port))
    one.listen(1024)
    return one


def certificate():
    """A key and a certificate of localhost, in PEM."""
    with tempfile.TemporaryDirectory() as folder:
        paths = os.path.join(folder, "key.pem"), os.path.join(folder, "cert.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", paths[0], "-out", paths[1],
                        "-subj", "/CN=localhost", "-days", "2", "-addext", "subjectAltName=DNS:localhost"],
                       check=True, capture_output=True)
        return tuple(open(path).read() for path in paths)


def own_address():
    """An address of this machine beyond loopback, or None.  Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return None if probe.getsockname()[0].startswith("127.") else probe.getsockname()[0]
        except OSError:
            return None


def fcntl_dup_high(fd):
    import fcntl
    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 20)


# ---------------------------------------------------------------- a raw client

class Closed(Exception):
    def __init__(self, code, reason):
        super().__init__("closed %s %s" % (code, reason))
        self.code = code
        self.reason = reason


# So many bytes of a connection's events are recorded, and of what isn't an event everything.
RECORDED = 256 * 1024
NO_EVENTS = (b'{"type":"connection"', b'{"type":"error"', b'{"type":"reply"')


class Client:
    recordings = itertools.count(1)

    def __init__(self, dispatcher, tok=None, query="", headers=(), path="/ws",
                 protocols=None, route="query", origin=None, rcvbuf=None, host=None,
                 handshake=True, tls=None, session=None, source=None):
        self.dispatcher = dispatcher
        self.sock = socket.socket()
        if source:
            self.sock.bind((source, 0))
        if rcvbuf:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        self.sock.connect((host or "127.0.0.1", dispatcher.port))
        if tls:
            self.sock.settimeout(PATIENCE)
            self.sock = tls.wrap_socket(self.sock, server_hostname="localhost",
                                        suppress_ragged_eofs=False, session=session)
        self.sock.setblocking(False)
        self.buffer = bytearray()
        self.eof = self.reset = False
        self.recording = None
        self.recorded = 0
        if not handshake:
            return
        lines = ["Host: 127.0.0.1:%d" % dispatcher.port, "Upgrade: websocket",
                 "Connection: keep-alive, Upgrade", "Sec-WebSocket-Version: 13",
                 "Sec-WebSocket-Key: " + base64.b64encode(b"0123456789abcdef").decode()]
        if tok and route == "query":
            query = "token=" + tok + ("&" + query if query else "")
        elif tok and route == "header":
            lines.append("Authorization: Bearer " + tok)
        elif tok and route == "protocol":
            protocols = (protocols or ["bugevents.v1"]) + ["bearer." + tok]
        if protocols:
            lines.append("Sec-WebSocket-Protocol: " + ", ".join(protocols))
        if origin is not None:
            lines.append("Origin: " + origin)
        lines += list(headers)
        self.request("GET %s HTTP/1.1" % (path + ("?" + query if query else "")), lines)
        self.head = self.read_head()

    def request(self, line, lines=()):
        self.write("\r\n".join([line] + list(lines) + ["", ""]).encode())

    def begin_recording(self):
        folder = os.environ.get("BUGEVENTS_RECORD")
        if folder:
            self.recording = open("%s/gateway-%s.%d-%d" % (
                folder, os.path.basename(sys.argv[0]), os.getpid(), next(self.recordings)), "wb", buffering=0)

    def record(self, what, data):
        if self.recording:
            self.recording.write(struct.pack(">cI", what, len(data)) + data)

    def record_frame(self, opcode, payload):
        """A frame that came.  Of a flood of events, the first ones say it all."""
        if opcode == 8:
            self.record(b"x", payload)
        elif opcode == 1:
            flood = self.recorded > RECORDED and not payload.startswith(NO_EVENTS)
            self.recorded += len(payload)
            self.record(b"-" if flood else b"<", b"" if flood else payload)

    def write(self, data):
        self.record(b">", data)
        end = time.monotonic() + PATIENCE
        while data:
            try:
                data = data[self.sock.send(data):]
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                self.dispatcher.pump()
                select.select([], [self.sock], [], 0.01)
                if time.monotonic() > end:
                    raise TimeoutError("write")

    def fill(self):
        """Read what there is; True if anything came."""
        self.dispatcher.pump()
        try:
            data = self.sock.recv(1 << 20)
        except (BlockingIOError, ssl.SSLWantReadError):
            poller = select.poll()      # select() knows the first thousand files only
            poller.register(self.sock, select.POLLIN)
            poller.poll(5)
            return False
        except ConnectionResetError:
            self.eof = self.reset = True
            return False
        if not data:
            self.eof = True
        self.buffer += data
        return bool(data)

    def need(self, n, patience=None):
        end = time.monotonic() + (patience or PATIENCE)
        while len(self.buffer) < n:
            if self.eof:
                raise Closed(None, "end of file")
            if not self.fill() and time.monotonic() > end:
                raise TimeoutError("waited in vain for %d bytes" % n)

    def take(self, n, patience=None):
        self.need(n, patience)
        data = bytes(self.buffer[:n])
        del self.buffer[:n]
        return data

    def read_head(self):
        while b"\r\n\r\n" not in self.buffer:
            self.need(len(self.buffer) + 1)
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = {l.split(":", 1)[0].lower(): l.split(":", 1)[1].strip()
                        for l in lines[1:]}
        if self.status == 101:
            self.begin_recording()
        return head

    def rest(self):
        """Everything up to the end of the connection."""
        end = time.monotonic() + PATIENCE
        while not self.eof:
            self.fill()
            if time.monotonic() > end:
                raise TimeoutError("end of connection")
        return bytes(self.buffer)

    def frame(self, patience=None):
        head = self.take(2, patience)
        length = head[1] & 0x7f
        if head[1] & 0x80:
            raise AssertionError("the server masked a frame")
        if head[0] & 0x70:
            raise AssertionError("reserved bits")
        if length == 126:
            length = struct.unpack(">H", self.take(2))[0]
        elif length == 127:
            length = struct.unpack(">Q", self.take(8))[0]
        opcode, payload = head[0] & 0x0f, self.take(length, patience)
        self.record_frame(opcode, payload)
        return opcode, payload

    def text(self, patience=None):
        """The next text message; answers pings; raises Closed."""
        while True:
            opcode, payload = self.frame(patience)
            if opcode == 1:
                return payload
            if opcode == 9:
                self.send_frame(10, payload)
            elif opcode == 8:
                code = struct.unpack(">H", payload[:2])[0] if payload else 1005
                try:
                    self.send_frame(8, payload[:2])
                except OSError:
                    pass
                raise Closed(code, payload[2:].decode())

    def message(self, patience=None):
        return json.loads(self.text(patience))

    def messages(self, n):
        return [self.message() for _ in range(n)]

    def closed(self):
        """Read on until the server closes; the messages on the way."""
        seen = []
        try:
            while True:
                seen.append(self.message())
        except Closed as closed:
            self.code, self.reason = closed.code, closed.reason
        return seen

    def outcome(self):
        """ready, or the code of the refusal."""
        message = self.message()
        return message["payload"]["code"] if message["type"] == "error" else message["action"]

    def refusal(self):
        """Its code, whether it says when to come again, and how the connection was closed."""
        payload = self.message()["payload"]
        self.closed()
        return payload["code"], payload.get("retry_after", 0) > 0, self.code, self.reason

    def send_frame(self, opcode, payload=b"", fin=True, mask=b"\1\2\3\4", rsv=0,
                   length=None):
        n = len(payload) if length is None else length
        head = bytes([(0x80 if fin else 0) | rsv | opcode])
        m = 0x80 if mask else 0
        if n < 126:
            head += bytes([m | n])
        elif n < 65536:
            head += bytes([m | 126]) + struct.pack(">H", n)
        else:
            head += bytes([m | 127]) + struct.pack(">Q", n)
        if mask:
            head += mask
            payload = bytes(b ^ mask[i & 3] for i, b in enumerate(payload))
        self.write(head + payload)

    def say(self, message):
        if not isinstance(message, (bytes, str)):
            message = json.dumps(message)
        if isinstance(message, str):
            message = message.encode()
        self.send_frame(1, message)

    def ask(self, message):
        self.say(message)
        return self.message()

    def silent(self):
        """Nothing came before the answer to a ping that is asked now."""
        reply = self.ask({"type": "ping", "id": "silence"})
        return reply.get("id") == "silence"

    def close(self):
        self.sock.close()
