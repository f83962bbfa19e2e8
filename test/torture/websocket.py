"""websocket: a WebSocket client written from RFC 6455, apart from the server's code.

It never blocks: whoever owns a Connection calls read() when its socket is readable
and takes the messages from it.  What the server may not send is a Broken.
"""
import base64
import hashlib
import hmac
import json
import os
import socket
import struct
import time

GUID = b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11'


class Broken(Exception):
    """The server did what the protocol forbids."""


def _base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=').decode()


def make_token(secret, user, role, projects=()):
    claims = {'sub': user, 'role': role, 'exp': int(time.time()) + 24 * 3600, 'projects': list(projects)}
    signed = '.'.join(_base64url(json.dumps(part).encode()) for part in ({'alg': 'HS256', 'typ': 'JWT'}, claims))
    return signed + '.' + _base64url(hmac.new(secret, signed.encode(), hashlib.sha256).digest())


class Connection:
    def __init__(self, port, query, receive_buffer=None):
        self.key = base64.b64encode(os.urandom(16))
        self.inbox = bytearray()
        self.at = 0                     # what of the inbox is read
        self.outbox = (f'GET /ws?{query} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n'
                       f'Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n'
                       f'Sec-WebSocket-Key: {self.key.decode()}\r\n\r\n').encode()
        self.upgraded = False
        self.ended = False              # the peer is gone
        self.closed = None              # (code, reason) of its close frame
        self.socket = socket.socket()
        self.socket.setblocking(False)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect_ex(('127.0.0.1', port))

    def fileno(self):
        return self.socket.fileno()

    def drop(self):
        """As a client that vanishes; what it had not read is lost to it."""
        self.socket.close()

    def write(self):
        """Send what is to be sent."""
        try:
            if self.outbox:
                self.outbox = self.outbox[self.socket.send(self.outbox):]
        except BlockingIOError:
            pass
        except OSError:
            self.ended = True

    def read(self, limit=1 << 20):
        """Take in what there is, at most so many bytes; how many it was."""
        try:
            data = self.socket.recv(limit)
        except BlockingIOError:
            return 0
        except OSError:
            data = b''
        if not data:
            self.ended = True
        self.inbox += data
        return len(data)

    def messages(self):
        """The text messages that are complete."""
        if not self.upgraded and not self._read_head():
            return
        while True:
            frame = self._next_frame()
            if frame is None:
                break
            opcode, payload = frame
            if opcode == 1:
                yield payload
            elif opcode == 8:
                self.closed = (struct.unpack('>H', payload[:2])[0] if payload else 1005, payload[2:].decode())
                self._send(8, payload[:2])
            elif opcode == 9:
                self._send(10, payload)
            elif opcode != 10:
                raise Broken(f'a frame with opcode {opcode}')
        if self.at:
            del self.inbox[:self.at]
            self.at = 0

    def _read_head(self):
        end = self.inbox.find(b'\r\n\r\n')
        if end < 0:
            return False
        head = bytes(self.inbox[:end]).decode()
        del self.inbox[:end + 4]
        accept = base64.b64encode(hashlib.sha1(self.key + GUID).digest()).decode()
        if not head.startswith('HTTP/1.1 101 ') or accept not in head:
            raise Broken(f'the handshake was answered with {head!r}')
        self.upgraded = True
        return True

    def _next_frame(self):
        inbox, at = self.inbox, self.at
        have = len(inbox) - at
        if have < 2:
            return None
        if self.closed:
            raise Broken('data behind the close frame')
        first, length = inbox[at], inbox[at + 1]
        if first & 0xf0 != 0x80 or length & 0x80:
            raise Broken(f'a frame that begins with {first:#x} {length:#x}')
        head = 2
        if length == 126:
            head = 4
            if have < head:
                return None
            length, = struct.unpack_from('>H', inbox, at + 2)
        elif length == 127:
            head = 10
            if have < head:
                return None
            length, = struct.unpack_from('>Q', inbox, at + 2)
        if have < head + length:
            return None
        self.at = at + head + length
        return first & 0x0f, bytes(inbox[at + head:at + head + length])

    def _send(self, opcode, payload):
        mask = os.urandom(4)
        length = bytes([0x80 | len(payload)]) if len(payload) < 126 else struct.pack('>BH', 0x80 | 126, len(payload))
        self.outbox += bytes([0x80 | opcode]) + length + mask + bytes(
            byte ^ mask[i & 3] for i, byte in enumerate(payload))
        self.write()
