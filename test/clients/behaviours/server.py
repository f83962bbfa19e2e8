"""A bugevents server that does what a script says, written from docs/protocol.md and RFC 6455 alone."""
import asyncio
import base64
import hashlib
import json
import struct
from urllib.parse import parse_qs, urlsplit

STREAM = "11111111-2222-3333-4444-555555555555"

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


class Peer:
    """One client's connection."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.query = {}
        self.token = None
        self.requests = asyncio.Queue()
        self.closed_with = asyncio.get_running_loop().create_future()
        self.frozen = False

    async def shake_hands(self):
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *headers = head.split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (h.partition(":") for h in headers if h)}
        self.query = {name: values[0] for name, values in parse_qs(urlsplit(line.split(" ")[1]).query).items()}
        offered = [p.strip() for p in headers["sec-websocket-protocol"].split(",")]
        self.token = next(p for p in offered if p.startswith("bearer."))[len("bearer."):]
        key = hashlib.sha1((headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode())
        self.writer.write(("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                           "Sec-WebSocket-Protocol: bugevents.v1\r\nSec-WebSocket-Accept: %s\r\n\r\n"
                           % base64.b64encode(key.digest()).decode()).encode())

    def send(self, opcode, data):
        size = len(data)
        head = struct.pack("!BB", 0x80 | opcode, size) if size < 126 else \
            struct.pack("!BBH", 0x80 | opcode, 126, size) if size < 65536 else \
            struct.pack("!BBQ", 0x80 | opcode, 127, size)
        self.writer.write(head + data)

    def say(self, message):
        self.send(TEXT, (message if isinstance(message, str) else json.dumps(message)).encode())

    def close(self, code, reason=""):
        self.send(CLOSE, struct.pack("!H", code) + reason.encode())

    def cut(self):
        self.writer.transport.abort()

    def freeze(self):
        """As a peer whose network is gone: it neither reads nor answers."""
        self.frozen = True
        self.writer.transport.pause_reading()

    async def read(self):
        try:
            while True:
                first, second = await self.reader.readexactly(2)
                size = second & 127
                if size > 125:
                    size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8), "big")
                mask = await self.reader.readexactly(4)
                data = await self.reader.readexactly(size)
                data = bytes(b ^ mask[i % 4] for i, b in enumerate(data))
                self.received(first & 15, data)
        except (asyncio.IncompleteReadError, OSError):
            self.ended(None)

    def received(self, opcode, data):
        if self.frozen:
            return
        if opcode == TEXT:
            self.requests.put_nowait(json.loads(data))
        elif opcode == PING:
            self.send(PONG, data)
        elif opcode == CLOSE:
            self.ended(struct.unpack("!H", data[:2])[0] if data else 1005)
            self.send(CLOSE, data[:2])
            self.writer.close()

    def ended(self, code):
        if not self.closed_with.done():
            self.closed_with.set_result(code)


class Server:
    """Peers come into a queue when their handshake is done."""

    def __init__(self):
        self.peers = asyncio.Queue()
        self.all = []
        self.port = None
        self.listener = None
        self.mute = False           # accept, and say nothing

    async def begin(self):
        self.listener = await asyncio.start_server(self.accepted, "127.0.0.1", self.port or 0)
        self.port = self.listener.sockets[0].getsockname()[1]

    async def end(self):
        self.listener.close()
        for peer in self.all:
            peer.cut()

    async def accepted(self, reader, writer):
        peer = Peer(reader, writer)
        self.all.append(peer)
        if self.mute:
            await self.peers.put(peer)
            return
        try:
            await peer.shake_hands()
        except (asyncio.IncompleteReadError, OSError):
            return
        await self.peers.put(peer)
        await peer.read()
