#!/usr/bin/python3
"""max_unauthenticated_connections, max_unauthenticated_per_address: sockets without a good token."""
from harness import *

LIMIT = 40


def silent(count, source):
    return [Client(d, handshake=False, source=source, host=host) for _ in range(count)]


def open_ones(clients):
    return [c for c in clients if not c.eof and (c.fill() or not c.eof)]


def handshake(client):
    """Of one that is connected: what became of it."""
    client.request("GET /ws?token=" + token("7") + " HTTP/1.1",
                   ("Host: x", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
                    "Sec-WebSocket-Key: " + base64.b64encode(b"0123456789abcdef").decode()))
    client.head = client.read_head()
    return client.message().get("action")


host = "127.0.0.1"
d = Dispatcher(tip=1, max_unauthenticated_connections=LIMIT, max_unauthenticated_per_address=10)
inside = [d.ready(token(str(i)), source="127.0.0.2") for i in range(5)]
early = Client(d, handshake=False, source="127.0.0.3")
flood = silent(5 * LIMIT, "127.0.0.2")
left = d.wait(lambda: len(open_ones(flood)) < LIMIT and open_ones(flood), "the oldest to go")
ok(len(left) >= LIMIT // 2, "so many stay", len(left))
equal(left, flood[-len(left):], "the oldest went")
ok(all(c.silent() for c in inside), "who is in stays in, whatever its address")
equal(handshake(early), "ready", "who came before the flood, from elsewhere, is still there")
equal([d.ready(token("8"), source="127.0.0.4").ready["action"] for _ in range(30)], ["ready"] * 30,
      "newcomers from elsewhere get in")
equal(d.ready(token("8"), source="127.0.0.2").ready["action"], "ready", "and those of the same address that speak")
dropped = len(flood) - len(left)
d.wait(lambda: d.abuse("too_many_unauthenticated", "127.0.0.2") >= dropped, "ABUSE")
d.wait(lambda: d.counter("bugevents_security_events_total", "too_many_unauthenticated") >= dropped, "the counter")
ok(True, "each is counted, and told with its address")
equal({address for kind, _, address in d.abuses if kind == "too_many_unauthenticated"}, {"127.0.0.2"}, "no other address")
for c in flood:
    c.close()

# Half heads, and those that were refused and do not go, are without a token, too.
half = silent(LIMIT, "127.0.0.5")
for c in half:
    c.write(b"GET /ws HTTP/1.1\r\nHost:")
refused = [Client(d, "nonsense", source="127.0.0.5") for _ in range(LIMIT)]
equal([d.ready(token("8"), source="127.0.0.6").ready["action"] for _ in range(5)], ["ready"] * 5, "beside half heads and bad tokens")
for c in half + refused:
    c.close()

# A lower limit holds for those who are there.
flood = silent(LIMIT, "127.0.0.2")
d.settle(max_unauthenticated_connections=5)
last = Client(d, handshake=False, source="127.0.0.3")
d.wait(lambda: len(open_ones(flood)) <= 4, "the lower limit")
ok(handshake(last) == "ready", "a lower limit holds for those who are there")

# An address's share.  Loopback has none, so it takes another address of this machine.
host = own_address()
if host is None:
    print("# this machine has loopback addresses only")
else:
    n = len(d.listening)
    d.configure(listen_addresses="*", max_unauthenticated_connections=1000)
    d.wait_listening(n + 1)
    flood = silent(50, None)
    d.wait(lambda: len(open_ones(flood)) == 10, "the share of an address")
    ok(open_ones(flood) == flood[-10:], "the oldest of the address went")
    d.settle(trusted_proxies=host)
    flood = silent(50, None)
    equal(handshake(Client(d, handshake=False, host=host)), "ready", "a proxy")
    equal(len(open_ones(flood)), 50, "a trusted proxy stands for many")
equal(d.stop(), 0, "the gateway ends with 0")
done()
