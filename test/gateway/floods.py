#!/usr/bin/python3
"""Floods: what a gateway's clients notice of them, and what they leave behind.

    test/gateway/floods.py            half a second of each, and what holds on any machine
    test/gateway/floods.py churn      these only
    test/gateway/floods.py --long     five seconds of each, and how long events took (make floods)

A bystander is connected; an event is published, read, and the next one published.  Newcomers come
from other addresses, ten a second.  Meanwhile a process does nothing but one kind of nuisance, from
127.0.0.2.  Events take at most 10 ms in 99 of 100 cases, or three times what they took before the
floods; every newcomer is let in; and the memory is given back.

How long events take is checked by --long alone.  In half a second there are a hundred of them or so, of
which the 99th is the slowest one, and where other tests run meanwhile that is the scheduler's doing: a
bound that holds there is none.  What is checked always (STOP) is that nothing stands still.
"""
import multiprocessing
import resource
import signal

from harness import *

FORK = multiprocessing.get_context("fork")     # no longer what is meant if nothing is said, from 3.14 on
LONG = "--long" in sys.argv[1:]
WANTED = [name for name in sys.argv[1:] if not name.startswith("-")]
SECONDS = 5.0 if LONG else 0.5
FLOODER = "127.0.0.2"
MANY = 11000 if LONG else 2000
P99 = 0.010             # s
STOP = 2.0 * SLOWNESS   # s: what is no delay any more, on any machine
KEPT = 2 << 20          # bytes that a flood may leave behind: fragments of the heap
HISTORY = 8 << 20       # and what a gateway keeps of history that was asked for (replay.c)
PAGE = os.sysconf("SC_PAGE_SIZE")
BIND_ADDRESS_NO_PORT = 24       # of IP, in Linux

soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
MANY = min(MANY, hard - 1000)


# ---------------------------------------------------------------- the flooders

class Attack:
    """Sockets to a port, without waiting for any of them."""

    def __init__(self, port):
        self.port = port
        self.sockets = []

    def connect(self):
        one = socket.socket()
        one.setblocking(False)
        one.setsockopt(socket.IPPROTO_IP, BIND_ADDRESS_NO_PORT, 1)      # or bind() would look through all that are closing
        one.bind((FLOODER, 0))
        one.connect_ex(("127.0.0.1", self.port))
        return one

    def wait(self, one, event):
        poll = select.poll()
        poll.register(one, event)
        poll.poll(500)

    def say(self, one, data):
        """Once it is connected; False: it is closed."""
        try:
            self.wait(one, select.POLLOUT)
            one.send(data)
            return True
        except OSError:
            return False

    def hear(self, one):
        try:
            self.wait(one, select.POLLIN)
            return one.recv(65536)
        except OSError:
            return b""

    def hold(self, data):
        """As many as may be, each with these first bytes; those that were dropped come again."""
        if len(self.sockets) >= MANY:
            self.sockets.pop(0).close()
        self.sockets.append(self.connect())
        if data:
            self.say(self.sockets[-1], data)

    def reset(self, one):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        one.close()


def hello_of(name):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    try:
        context.wrap_bio(incoming, outgoing, server_hostname=name).do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()


HELLO_BYTES = hello_of("localhost")


def upgrade(tok, more=""):
    return ("GET /ws?token=%s%s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n" % (tok, more)).encode()


GOOD_TOKEN, BAD_TOKEN = token("99"), token("99", secret=b"another secret, which is as long as one has to be")


def idle_sockets(attack):
    attack.hold(b"")


def half_heads(attack):
    attack.hold(upgrade(BAD_TOKEN)[:-20])


def half_hellos(attack):
    attack.hold(HELLO_BYTES[:-10])


def whole_hellos(attack):
    attack.hold(HELLO_BYTES)


def hello_and_reset(attack):
    one = attack.connect()
    attack.say(one, HELLO_BYTES)
    attack.reset(one)


def hello_answer_reset(attack):
    one = attack.connect()
    attack.say(one, HELLO_BYTES)
    attack.sockets.append(one)
    if len(attack.sockets) >= 50:
        one = attack.sockets.pop(0)
        attack.hear(one)
        attack.reset(one)


def bad_tokens(attack):
    one = attack.connect()
    attack.say(one, upgrade(BAD_TOKEN))
    attack.sockets.append(one)
    if len(attack.sockets) >= 50:
        one = attack.sockets.pop(0)
        attack.hear(one)
        one.close()


def plain_requests(attack):
    """Where a hello is expected."""
    bad_tokens(attack)


def churn(attack):
    one = attack.connect()
    attack.say(one, upgrade(GOOD_TOKEN))
    attack.hear(one)
    one.close()


def pings(attack):
    if not attack.sockets:
        attack.sockets.append(attack.connect())
        attack.say(attack.sockets[0], upgrade(GOOD_TOKEN))
    if not attack.say(attack.sockets[0], b"\x89\x80\0\0\0\0" * 100) or not attack.hear(attack.sockets[0]):
        attack.sockets.pop().close()


def resumes(attack):
    one = attack.connect()
    attack.say(one, upgrade(GOOD_TOKEN, "&since=0&stream=" + STREAM_ID))
    while len(attack.hear(one)) > 1000:
        pass
    one.close()


def flood(kind, port, done, times):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    os.nice(19)                 # elsewhere it would take no time from the gateway at all
    attack = Attack(port)
    while not done.is_set():
        kind(attack)
        times.value += 1
    for one in attack.sockets:
        one.close()


# ---------------------------------------------------------------- the bystander

class QuickDispatcher(Dispatcher):
    """Admits everybody and keeps no books, so that it isn't what is measured."""

    def take(self, kind, body):
        if kind == OPEN:
            self.answer(struct.unpack_from("=Q", body)[0], *self.verifier.check(body[112:]))
        elif kind not in (CLOSED, CLIENTS, ROLE, SUBSCRIPTION, ABUSE):
            super().take(kind, body)

    def answer(self, client, result, grant, rest):
        verdict = "ADMITTED" if result == GOOD else "BAD_TOKEN"
        if result == GOOD:
            self.send(KNOWN, struct.pack("=Q", client))
        self.send(ADMIT, struct.pack("=QIiQ", client, VERDICTS[verdict], 0, 0) + (grant if result == GOOD else NO_GRANT) + rest)


class Stretch:
    def __init__(self):
        self.delays = []
        self.newcomers = []     # seconds that each took; None: it was not let in

    def p99(self):
        return sorted(self.delays)[int(len(self.delays) * 0.99)]


class Stage:
    def __init__(self, **config):
        self.d = QuickDispatcher(tip=1, max_connections=20000, window_size=1 << 20, **config)
        self.tls = ssl.create_default_context(cadata=config["tls_cert"]) if config.get("tls") else None
        self.bystander = self.d.ready(token("1"), tls=self.tls, source="127.0.0.3")
        self.next_newcomer = 0
        self.host = 10

    def one_event(self):
        begun = time.monotonic()
        self.d.publish(record(payload='{"n":1}'))
        while True:
            self.d.pump()
            try:
                self.bystander.need(2, 0)
                break
            except TimeoutError:
                pass
        self.bystander.message()
        return time.monotonic() - begun

    def one_newcomer(self):
        self.host = self.host % 240 + 10
        begun = time.monotonic()
        try:
            client = self.d.connect(token("2"), tls=self.tls, source="127.0.0.%d" % self.host)
            good = client.message().get("action") == "ready"
            client.close()
        except (OSError, Closed, TimeoutError):
            good = False
        return time.monotonic() - begun if good else None

    def look_on(self, seconds):
        stretch = Stretch()
        end = time.monotonic() + seconds
        while time.monotonic() < end or len(stretch.delays) < 50:
            stretch.delays.append(self.one_event())
            if time.monotonic() >= self.next_newcomer:
                self.next_newcomer = time.monotonic() + 0.1
                stretch.newcomers.append(self.one_newcomer())
            select.select([self.d.sock], [], [], 0.002)
        return stretch

    def memory(self):
        with open("/proc/%d/statm" % self.d.process.pid) as file:
            return int(file.read().split()[1]) * PAGE


def table_row(name, stretch, times, before, during, after):
    newcomers = [n for n in stretch.newcomers if n is not None]
    print("# %-20s %9s %7.2f %7.2f %5d/%-3d %8.1f %6.1f %6.1f %6.1f" % (
        name, times, 1000 * stretch.p99(), 1000 * max(stretch.delays), len(newcomers), len(stretch.newcomers),
        1000 * max(newcomers, default=0), before / 1e6, during / 1e6, after / 1e6), flush=True)


def endure(stage, kind, quiet):
    done, times = FORK.Event(), FORK.Value("Q", 0, lock=False)
    process = FORK.Process(target=flood, args=(kind, stage.d.port, done, times), daemon=True)
    before = stage.memory()
    process.start()
    stretch = stage.look_on(SECONDS)
    during = stage.memory()
    done.set()
    while process.is_alive():
        stage.d.pump()
        process.join(0.01)
    name = kind.__name__.replace("_", " ")
    kept = KEPT + HISTORY if kind is resumes else KEPT
    if not os.environ.get("BUGEVENTS_GATEWAY") or LONG:     # a sanitizer keeps what is freed for a while
        wait_for(lambda: stage.one_event() and stage.memory() <= before + kept or None, "the memory of " + name)
    table_row(name, stretch, times.value, before, during, stage.memory())
    ok(times.value > 0 and None not in stretch.newcomers, "%s: all newcomers are let in" % name, stretch.newcomers)
    bound = max(P99, 3 * quiet.p99()) if LONG else STOP
    ok(stretch.p99() <= bound, "... and events arrive", "%.1f ms, %.1f ms when it is quiet" % (1000 * stretch.p99(), 1000 * quiet.p99()))


print("# %-20s %9s %7s %7s %9s %8s %6s %6s %6s" % ("", "times", "p99 ms", "max ms", "let in", "max ms", "before", "during", "after MB"))
key, cert = certificate()
for config, kinds in (({}, (idle_sockets, half_heads, bad_tokens, churn, pings, resumes)),
                      ({"tls": 1, "tls_cert": cert, "tls_key": key},
                       (idle_sockets, half_hellos, whole_hellos, hello_and_reset, hello_answer_reset, plain_requests))):
    stage = Stage(**config)
    stage.look_on(0.3)
    quiet = stage.look_on(SECONDS)
    table_row("quiet, by TLS" if config else "quiet", quiet, "", stage.memory(), stage.memory(), stage.memory())
    for kind in kinds:
        if not WANTED or kind.__name__ in WANTED:
            endure(stage, kind, quiet)
    equal(stage.d.stop(), 0, "the gateway ends with 0")
done()
