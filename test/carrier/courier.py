"""A courier for tests: drives a carrier through its pipe.

Nothing sleeps: everything waits for a condition until a deadline.
"""
import base64
import json
import os
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "gateway"))
from harness import PATIENCE, done, equal, ok, wait_for

CARRIER = os.environ.get("BUGEVENTS_CARRIER") or os.path.join(
    HERE, "..", "..", "src", "carrier", "bugevents-carrier")

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
TOKEN = "EAAG-a-token-of-the-tests"


class Courier:
    def __init__(self, **config):
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self.sock = ours
        self.inbox = b""
        self.outbox = bytearray()
        self.hellos = []
        self.statuses = []
        self.results = {}       # id -> result
        self.order = []         # ids, as the results came
        self.keys = 0
        self.ended = False
        self.process = subprocess.Popen(
            [CARRIER, "--fd=%d" % theirs.fileno()], stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE, pass_fds=[theirs.fileno()])
        theirs.close()
        self.wait(lambda: self.hellos, "hello")
        if config:
            self.configure(**config)

    def say(self, message):
        """A message, or bytes that may be none."""
        self.outbox += message if isinstance(message, bytes) else json.dumps(message).encode() + b"\n"
        self.pump()

    def configure(self, **config):
        """Configure, and wait for the status."""
        n = len(self.statuses)
        self.say(dict(type="config", **config))
        self.wait(lambda: len(self.statuses) > n, "status")
        return self.statuses[-1]

    def send(self, channel, **members):
        """Send without waiting; the id."""
        self.keys += 1
        message = {"type": "send", "id": self.keys, "channel": channel, "key": "key-%d" % self.keys}
        message.update(BASIC.get(channel, {}))
        message.update(members)
        self.say({name: value for name, value in message.items() if value is not None})
        return message["id"]

    def result(self, ident, patience=None):
        self.wait(lambda: ident in self.results, "the result of %r" % ident, patience)
        return self.results[ident]

    def deliver(self, channel, **members):
        return self.result(self.send(channel, **members))

    def gives(self, name, wanted, channel, **members):
        """A delivery has a result with these members; a result of the test.  All of it."""
        got = self.deliver(channel, **members)
        ok(all(got.get(k) == v for k, v in wanted.items()), name, "got:    %r\nwanted: %r" % (got, wanted))
        return got

    def pump(self):
        try:
            while self.outbox:
                del self.outbox[:self.sock.send(self.outbox[:1 << 18])]
        except (BlockingIOError, BrokenPipeError, ConnectionResetError):
            pass
        try:
            while not self.ended:
                data = self.sock.recv(1 << 20)
                if not data:
                    self.ended = True
                self.inbox += data
        except BlockingIOError:
            pass
        except ConnectionResetError:
            self.ended = True
        *lines, self.inbox = self.inbox.split(b"\n")
        for line in lines:
            if len(line) >= 8192:
                raise AssertionError("a line of %d bytes" % len(line))
            self.take(json.loads(line))
        return True

    def take(self, message):
        kind = message.pop("type")
        if kind == "hello":
            self.hellos.append(message)
        elif kind == "status":
            self.statuses.append(message)
        elif kind == "result":
            # More than one only of whoever asks for it twice
            self.results[message["id"]] = message
            self.order.append(message["id"])
        else:
            raise AssertionError("unknown message %r" % kind)

    def wait(self, condition, what, patience=None):
        return wait_for(lambda: self.pump() and condition(), what, patience)

    def leave(self, patience=None):
        """Nothing more to say; its exit code once it has ended."""
        self.wait(lambda: not self.outbox, "room in the pipe")
        self.sock.shutdown(socket.SHUT_WR)
        return self.exit_code(patience)

    def exit_code(self, patience=None):
        self.wait(lambda: self.ended, "the end of the pipe", patience)
        code = self.process.wait(PATIENCE)
        self.errors = self.process.stderr.read().decode()
        self.process.stderr.close()
        self.sock.close()
        return code


BASIC = {
    "email": {"to": "ann@example.com", "subject": "Hello", "text": "Hello, Ann.\n"},
    "whatsapp": {"to": "+49 151 2345678", "template": "bug_assigned", "language": "en_US"},
    "webhook": {"body": "{}", "msg_id": "msg_1", "timestamp": int(time.time())},
}
