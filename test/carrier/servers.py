"""Servers for tests of the carrier: certificates, HTTPS and SMTP that fail on purpose."""
import atexit
import os
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import threading

folder = tempfile.mkdtemp()
atexit.register(shutil.rmtree, folder, True)


def openssl(*args):
    subprocess.run(["openssl", *args], check=True, capture_output=True, cwd=folder)


def read(name):
    with open(os.path.join(folder, name)) as f:
        return f.read()


def validity(expired):
    """OpenSSL takes dates from 3.4 on, and no negative number of days any more."""
    if not expired:
        return ["-days", "2"]
    usage = subprocess.run(["openssl", "x509", "-help"], capture_output=True)
    if b"-not_after" in usage.stderr + usage.stdout:
        return ["-not_before", "20200101000000Z", "-not_after", "20200102000000Z"]
    return ["-days", "-1"]


class Authority:
    """Signs certificates; pem is what trusts them."""

    def __init__(self, name):
        self.name = name
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", name + ".key", "-out", name + ".pem", "-days", "2", "-subj", "/CN=" + name,
                "-addext", "basicConstraints=critical,CA:TRUE",
                "-addext", "keyUsage=critical,keyCertSign")
        self.pem = read(name + ".pem")
        self.made = 0

    def context(self, host="localhost", expired=False):
        """Of a server with a certificate for the host."""
        self.made += 1
        name = "%s-%d" % (self.name, self.made)
        with open(os.path.join(folder, name + ".ext"), "w") as f:
            f.write("subjectAltName=DNS:%s\n" % host)
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", name + ".key", "-out", name + ".csr", "-subj", "/CN=" + host)
        openssl("x509", "-req", "-in", name + ".csr", "-CA", self.name + ".pem",
                "-CAkey", self.name + ".key", "-CAcreateserial", *validity(expired),
                "-extfile", name + ".ext", "-out", name + ".pem")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.path.join(folder, name + ".pem"), os.path.join(folder, name + ".key"))
        return context


def hang_up(conn):
    """End a connection now, whoever still reads from it here."""
    os.close(conn.detach())
    raise EOFError


def reset(conn):
    """The same with RST."""
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    hang_up(conn)


class Server:
    """Accepts connections; each is served by a thread of its own."""

    def __init__(self, context=None, implicit=True):
        self.context = context
        self.implicit = implicit        # TLS from the first byte
        self.connections = 0
        self.failed = []                # handshakes
        self.over = threading.Event()   # what waits for nothing else waits for this
        self.sock = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port = self.sock.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                conn, _ = self.sock.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.begin, args=(conn,), daemon=True).start()

    def begin(self, conn):
        try:
            if self.context and self.implicit:
                conn = self.context.wrap_socket(conn, server_side=True)
        except (OSError, ssl.SSLError) as error:
            self.failed.append(error)
            conn.close()
            return
        try:
            self.serve(conn)
        except (OSError, ssl.SSLError, EOFError):
            pass
        finally:
            conn.close()

    def close(self):
        self.over.set()
        self.sock.shutdown(socket.SHUT_RDWR)    # wakes accept(), which close() does not
        self.sock.close()


class Request:
    def __init__(self, stream):
        line = stream.readline().decode()
        if not line:
            raise EOFError
        self.method, self.path, self.version = line.split()
        self.headers = {}
        while True:
            name, _, value = stream.readline().decode().rstrip("\r\n").partition(":")
            if not name:
                break
            self.headers[name.lower()] = value.strip()
        self.body = stream.read(int(self.headers.get("content-length", 0)))


def response(status, body=b"", *headers):
    lines = ["HTTP/1.1 %d Whatever" % status, "Content-Length: %d" % len(body), *headers, "", ""]
    return "\r\n".join(lines).encode() + body


class Web(Server):
    """answer(conn, request, server) writes what it likes, and returns bytes to be written."""

    def __init__(self, answer, context=None):
        self.answer = answer
        self.requests = []
        super().__init__(context)

    @property
    def url(self):
        return "%s://localhost:%d/in" % ("https" if self.context else "http", self.port)

    def serve(self, conn):
        stream = conn.makefile("rb")
        while True:
            request = Request(stream)
            request.connection = conn
            self.requests.append(request)
            conn.sendall(self.answer(conn, request, self) or b"")


class Smtp(Server):
    """A mail server of few words: replies by command, or what on(command, conn) returns.

    A reply of None is silence for ever.
    """

    def __init__(self, context=None, implicit=False, greeting="220 hello", **replies):
        self.greeting = greeting
        self.replies = {"EHLO": "250 localhost", "MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go",
                        ".": "250 taken", "QUIT": "221 bye", "RSET": "250 ok", **replies}
        self.commands = []
        self.mails = []
        super().__init__(context, implicit)

    @property
    def url(self):
        return "%s://localhost:%d" % ("smtps" if self.context and self.implicit else "smtp", self.port)

    def reply(self, conn, command):
        text = self.replies.get(command, "502 what?")
        if callable(text):
            text = text(conn)
        if text is None:
            self.over.wait()
            raise EOFError
        conn.sendall(text.encode() + b"\r\n")
        return text

    def serve(self, conn):
        self.replies["greeting"] = self.greeting
        self.reply(conn, "greeting")
        stream = conn.makefile("rb")
        while True:
            line = stream.readline().decode().strip()
            if not line:
                raise EOFError
            self.commands.append(line)
            command = line.split()[0].upper()
            text = self.reply(conn, command)
            if command == "STARTTLS" and text.startswith("2"):
                conn = self.context.wrap_socket(conn, server_side=True)
                stream = conn.makefile("rb")
            elif command == "DATA" and text.startswith("354"):
                self.take_mail(conn, stream)

    def take_mail(self, conn, stream):
        lines = []
        while True:
            line = stream.readline()
            if not line:
                raise EOFError
            if line == b".\r\n":
                break
            lines.append(line[1:] if line.startswith(b"..") else line)
        self.mails.append(b"".join(lines))
        self.reply(conn, ".")
