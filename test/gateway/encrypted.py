#!/usr/bin/python3
"""TLS: what is shown, what is refused, and what a change of certificate costs."""
import hashlib
import os
import select
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import warnings

from harness import *

folder = tempfile.mkdtemp()


def make_key(kind):
    return subprocess.run(["openssl", "genpkey"] + kind, check=True, capture_output=True,
                          text=True).stdout


def make_cert(key, name="localhost"):
    path = os.path.join(folder, "key.pem")
    with open(path, "w") as f:
        f.write(key)
    return subprocess.run(
        ["openssl", "req", "-x509", "-new", "-key", path, "-subj", "/CN=" + name, "-days", "2",
         "-addext", "subjectAltName=DNS:" + name], check=True, capture_output=True,
        text=True).stdout


EC = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
RSA = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
ec_key, rsa_key = make_key(EC), make_key(RSA)
ec_cert, rsa_cert = make_cert(ec_key), make_cert(rsa_key)
weak_key = make_key(["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:512"])


def trust(*certs, **more):
    context = ssl.create_default_context(cadata="".join(certs))
    for name, value in more.items():
        setattr(context, name, value)
    return context


def refused(context):
    """What the handshake ends with."""
    try:
        Client(d, handshake=False, tls=context)
    except (ssl.SSLError, ConnectionResetError) as error:
        return error
    return None


def fingerprint(client):
    return hashlib.sha256(client.sock.getpeercert(True)).hexdigest()


def fingerprint_of(pem):
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


# Nothing is listened on before there is something to show
d = Dispatcher(start=False, tls=1)
d.configure()
d.wait(lambda: d.statuses, "a STATUS")
ok("tls_cert_file has no certificate" in d.statuses[-1], "no certificate: that is told", d.statuses)
for cert, key, what, why in [
        (ec_cert, "", "tls_key_file has no private key", "no key"),
        (ec_cert, rsa_key, "tls_key_file does not fit tls_cert_file", "the key of another"),
        (ec_cert + ec_cert[:200], ec_key, "tls_cert_file has no certificate", "half a file"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", ec_key,
         "tls_cert_file has no certificate", "garbage"),
        (make_cert(weak_key), weak_key, "too small", "a key that is too weak")]:
    d.configure(tls_cert=cert, tls_key=key)
    d.wait(lambda: what in d.statuses[-1], "STATUS " + what)
    ok(True, why + ": " + d.statuses[-1])
encrypted = subprocess.run(["openssl", "pkey", "-aes256", "-passout", "pass:x"], input=ec_key,
                           check=True, capture_output=True, text=True).stdout
d.configure(tls_cert=ec_cert, tls_key=encrypted)
d.wait(lambda: "passphrase" in d.statuses[-1], "STATUS")
ok(True, "a key with a passphrase: nobody is asked at a terminal")
equal(d.listening, [], "so far no port was opened")
d.configure(tls_cert=ec_cert, tls_key=ec_key)
d.begin()
d.wait_listening()
equal(d.statuses[-1], "", "certificate and key: it listens")

# Who gets in
both = trust(ec_cert, rsa_cert)
c = d.ready(tls=both)
equal((c.ready["action"], c.sock.version()), ("ready", "TLSv1.3"), "TLS 1.3")
equal(fingerprint(c), fingerprint_of(ec_cert), "with the certificate of the file")
c12 = d.ready(tls=trust(ec_cert, maximum_version=ssl.TLSVersion.TLSv1_2))
equal((c12.ready["action"], c12.sock.version()), ("ready", "TLSv1.2"), "TLS 1.2")
ok("ECDHE" in c12.sock.cipher()[0] and "CBC" not in c12.sock.cipher()[0],
   "TLS 1.2 has forward secrecy and authenticated encryption: " + c12.sock.cipher()[0])
old = trust(ec_cert)
old.set_ciphers("ECDHE-ECDSA-AES128-SHA:AES128-SHA:@SECLEVEL=0")
old.maximum_version = ssl.TLSVersion.TLSv1_2
ok(refused(old), "no other cipher of TLS 1.2")
warnings.simplefilter("ignore", DeprecationWarning)
old = trust(ec_cert)
old.set_ciphers("ALL:@SECLEVEL=0")
old.minimum_version = ssl.TLSVersion.TLSv1
old.maximum_version = ssl.TLSVersion.TLSv1_1
ok(refused(old), "no TLS 1.1")

plain = socket.create_connection(("127.0.0.1", d.port))
plain.settimeout(PATIENCE)
plain.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
try:
    answer = plain.recv(1000)
except ConnectionResetError:
    answer = b""
ok(not answer.startswith(b"HTTP"), "a plain request is not answered", answer)

for offered in (["h2"], ["h2", "http/1.1"], ["http/1.1"]):
    browser = trust(ec_cert)
    browser.set_alpn_protocols(offered)
    web = Client(d, handshake=False, tls=browser)
    web.request("GET /health HTTP/1.1", ["Host: x"])
    web.read_head()
    equal((web.sock.selected_alpn_protocol(), web.status, web.rest()), (None, 200, b"ok\n"),
          "%s is offered: HTTP/1.1" % " and ".join(offered))
web = Client(d, handshake=False, tls=both)
web.request("GET /health HTTP/1.1", ["Host: localhost"])
ok(web.rest().startswith(b"HTTP/1.1 200"), "HTTPS on the same port, with an end that is no cut")

# The stream is the same
d.publish(record(payload='{"n":1}'), record(payload='{"n":2}'))
equal([m["payload"]["n"] for x in (c, c12) for m in x.messages(2)], [1, 2, 1, 2], "events")
big = "x" * 1000000
d.publish(record(payload=json.dumps({"big": big})))
ok(c.message()["payload"]["big"] == big and c12.message()["payload"]["big"] == big,
   "an event of 1 MB")
c.say({"type": "ping", "id": "y" * 200, "payload": {"fill": "z" * 60000}})
ok(c.message().get("id") == "y" * 200, "a message of several records")
for i in range(300):
    c.say({"type": "ping", "id": i})
equal([c.message()["id"] for _ in range(300)], list(range(300)), "many messages in a row")

# A slow reader
slow = d.ready(tls=both, rcvbuf=4096)
for i in range(60):
    d.publish(*[record(payload=json.dumps({"i": i * 50 + k, "fill": "f" * 300}))
                for k in range(50)])
    d.pump()
equal([m["payload"]["i"] for m in c.messages(3000)], list(range(3000)), "a burst for a quick one")
for i in range(100):
    d.publish(record(payload=json.dumps({"i": 3000 + i, "fill": "f" * 100000})))
    c.message()
equal([m["payload"]["i"] for m in slow.messages(3100)], list(range(3100)),
      "a slow one gets all of it, from the window and from the journal")
ok(d.all_fetches > 0, "the journal was asked")
c12.messages(3100)

# Clients that choke in the middle of a record cost no spinning
def cpu():
    with open("/proc/%d/stat" % d.process.pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def choke():
    """Ask, in records of 16 kB, until no more is taken."""
    client = d.ready(tls=both, rcvbuf=4096)
    text = json.dumps({"type": "ping", "id": "y" * 100}).encode()
    frame = bytes([0x81, 0xfe]) + struct.pack(">H", len(text)) + bytes(4) + text
    frames = frame * (16384 // len(frame))
    quiet = 0
    while quiet < 50:
        d.pump()
        try:
            client.sock.send(frames)
            quiet = 0
        except (ssl.SSLWantWriteError, BlockingIOError):
            quiet += 1
            select.select([], [], [], 0.005)
    return client


stuck = [choke() for _ in range(4)]
used = cpu()
for i in range(100):
    d.publish(record(payload='{"tick":1}'))
    c.message()
    select.select([], [], [], 0.01)
ok(cpu() - used < 0.5, "choked clients do not make the gateway spin",
   "%.2f s of CPU in a second" % (cpu() - used))
for one in stuck:
    one.close()

# Back with a ticket
again = d.ready(tls=both, session=c.sock.session)
ok(again.sock.session_reused, "a client that comes back resumes its TLS session")
old = trust(ec_cert, maximum_version=ssl.TLSVersion.TLSv1_2)
again = d.ready(tls=old, session=d.ready(tls=old).sock.session)
ok(not again.sock.session_reused, "not with TLS 1.2, whose tickets have a key that stays")

# Hellos in two records can't be waited for as a whole: some of them are answered in a turn
def hello():
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        both.wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()


def in_two_records(data):
    body = data[5:]
    return [data[:3] + struct.pack(">H", len(part)) + part for part in (body[:100], body[100:])]


one, two = in_two_records(hello())
pieces = [Client(d, handshake=False) for _ in range(60)]
pieces[0].write(one)
pieces[0].write(two)
pieces[0].need(1)
equal(pieces[0].buffer[0], 22, "a hello in two records is answered")
for p in pieces[1:]:
    p.write(one)
ok(d.ready(tls=both).silent(), "all first records are read")
os.kill(d.process.pid, signal.SIGSTOP)
for p in pieces[1:]:
    p.sock.send(two)
os.kill(d.process.pid, signal.SIGCONT)
for p in pieces[1:]:
    p.need(1)
answered = sum(1 for p in pieces[1:] if p.buffer[0] == 22)
ok(1 <= answered <= 12, "of many at one moment only some", answered)
ok(d.ready(tls=both).silent(), "newcomers are let in")

# Who hangs up within a hello, or sends an end behind a part of one, is let go of
def target(link):
    try:
        return os.readlink(link)
    except FileNotFoundError:       # closed meanwhile
        return ""


def held(ports):
    """How many sockets of the gateway have a peer at one of these ports."""
    with open("/proc/net/tcp") as table:
        rows = [line.split() for line in table][1:]
    inodes = {"socket:[%s]" % row[9] for row in rows if int(row[2].split(":")[1], 16) in ports}
    folder = "/proc/%d/fd/" % d.process.pid
    return sum(1 for fd in os.listdir(folder) if target(folder + fd) in inodes)


halves = [Client(d, handshake=False) for _ in range(30)]
ports = {p.sock.getsockname()[1] for p in halves}
for i, p in enumerate(halves):
    p.write(hello()[:(3, 100)[i % 2]])
d.wait(lambda: held(ports) == 30, "30 parts of hellos")
for p in halves[:15]:
    p.sock.shutdown(socket.SHUT_WR)
for p in halves[15:]:
    p.close()
d.wait(lambda: held(ports) == 0, "their end")
ok(True, "who hangs up within its hello is let go of")

# A new certificate
d.configure(tls_cert=rsa_cert, tls_key=rsa_key)
c2 = d.ready(tls=both)
equal(fingerprint(c2), fingerprint_of(rsa_cert), "a new certificate, of another kind of key")
d.configure(tls_cert=ec_cert)
d.wait(lambda: "does not fit" in d.statuses[-1], "a STATUS")
c3 = d.ready(tls=both)
equal(fingerprint(c3), fingerprint_of(rsa_cert), "one that does not fit is told; the old one stays")
d.configure(tls_cert=rsa_cert + ec_cert, tls_min_version=13)
d.wait(lambda: d.statuses[-1] == "", "an empty STATUS")
c4 = d.ready(tls=both)
equal(c4.ready["action"], "ready", "a chain of two")
ok(refused(trust(rsa_cert, maximum_version=ssl.TLSVersion.TLSv1_2)),
   "tls_min_protocol_version refuses TLS 1.2")
c12.messages(100)
d.publish(record(payload='{"n":3}'))
equal([x.message()["payload"] for x in (c, c12, c2, c3, c4, again)], [{"n": 3}] * 6,
      "nobody was dropped by all this")

# Deadlines
d.configure(connection_timeout=300, ping_interval=0)
silent = socket.create_connection(("127.0.0.1", d.port))
silent.settimeout(PATIENCE)
shaken = Client(d, handshake=False, tls=both)
try:
    end = silent.recv(1000)
except ConnectionResetError:
    end = b""
ok(not end.startswith(b"HTTP"), "no TLS handshake in time: the connection ends")
ok(b" 408 " in shaken.rest(), "nothing behind it in time: 408")
d.publish(record(payload='{"n":4}'))
equal([x.message()["payload"] for x in (c, c12)], [{"n": 4}] * 2, "the others stay")

# Without TLS
d.settle(tls=0, connection_timeout=60000)
equal(d.ready().ready["action"], "ready", "without TLS, plain text is served")
d.settle(tls=1)
equal(d.ready(tls=both).ready["action"], "ready", "and so does TLS")
d.publish(record(payload='{"n":5}'))
equal([x.message()["payload"] for x in (c, c12)], [{"n": 5}] * 2,
      "who was connected still is")
equal(d.stop(), 0, "the gateway ends with 0")
for name in os.listdir(folder):
    os.unlink(os.path.join(folder, name))
os.rmdir(folder)
done()
