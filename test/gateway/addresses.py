#!/usr/bin/python3
"""What an address may do: handshakes and bad tokens in a minute, and who it is behind a proxy."""
from harness import *


def knock(d, address, tok=None, path="/ws"):
    """A client of this address, as the proxy on 127.0.0.1 says."""
    return Client(d, tok if tok is not None else token("1"), path=path,
                  headers=("X-Forwarded-For: " + address,))


def outcome(client):
    """ready, or the code of the refusal."""
    message = client.message()
    return message["payload"]["code"] if message["type"] == "error" else message["action"]


def refusal(client):
    message = client.message()
    client.closed()
    return (message["payload"]["code"], message["payload"].get("retry_after", 0) > 0, client.code, client.reason)


d = Dispatcher(tip=1, handshake_rate=5, auth_failure_rate=3, trusted_proxies="127.0.0.1, 10.0.0.0/8")

# Handshakes.
equal([outcome(knock(d, "192.0.2.1")) for _ in range(5)], ["ready"] * 5, "as many handshakes as allowed")
equal(refusal(knock(d, "192.0.2.1")), ("rate_limited", True, 1008, "rate_limited"), "one more is told when to come again")
equal(outcome(knock(d, "192.0.2.2")), "ready", "another address may")
equal(outcome(knock(d, "192.0.2.1, 10.1.1.1")), "rate_limited", "behind two proxies, it is the same address")
equal(outcome(knock(d, "192.0.2.3, 192.0.2.1")), "rate_limited", "what a client claims in front of it doesn't count")
equal([outcome(Client(d, token("2"))) for _ in range(8)], ["ready"] * 8, "this machine itself is not limited")
answer = Client(d, handshake=False)
answer.request("GET /health HTTP/1.1", ("Host: x", "X-Forwarded-For: 192.0.2.1"))
answer.read_head()
equal((answer.status, "retry-after" in answer.headers), (429, True), "a plain request beyond it is 429")
equal([outcome(knock(d, "2001:db8:0:1::%x" % n)) for n in range(1, 6)], ["ready"] * 5, "addresses of one IPv6 network")
equal(outcome(knock(d, "2001:db8:0:1:9::9")), "rate_limited", "... are limited together")
d.wait(lambda: d.suspicions("too_many_handshakes", "192.0.2.1") >= 4, "SUSPECT")
ok(True, "it is told who")

# Bad tokens.
bad = token("1", secret=b"another secret, which is as long as one has to be")
equal([outcome(knock(d, "192.0.2.9", bad)) for _ in range(3)], ["invalid_token"] * 3, "as many bad tokens as allowed")
equal(refusal(knock(d, "192.0.2.9")), ("rate_limited", True, 1008, "rate_limited"), "then no token is looked at, not even a good one")
equal(outcome(knock(d, "192.0.2.8")), "ready", "other addresses are not concerned")
d.wait(lambda: d.suspicions("too_many_failures", "192.0.2.9") == 1, "SUSPECT")
d.wait(lambda: d.suspicions("invalid_token", "192.0.2.9") == 3, "SUSPECT")
ok(True, "both are told")

# Every route that takes a token counts, and is closed by it.
guest = knock(d, "192.0.2.20")
guest.message()


def renew(tok):
    reply = guest.ask({"type": "authenticate", "id": 1, "payload": {"token": tok}})
    return reply["payload"].get("code", reply["type"]), "retry_after" in reply["payload"]


equal([renew(bad) for _ in range(3)], [("invalid_token", False)] * 3, "bad tokens by authenticate")
equal(renew(token("1")), ("rate_limited", True), "then no token is looked at there, either")
equal(guest.ask({"type": "ping"})["type"], "reply", "the connection stays")
equal(outcome(knock(d, "192.0.2.20")), "rate_limited", "nor in a handshake of that address")


def scrape(tok):
    answer = Client(d, handshake=False)
    answer.request("GET /metrics HTTP/1.1",
                   ("Host: x", "X-Forwarded-For: 192.0.2.21", "Authorization: Bearer " + tok))
    answer.read_head()
    return answer.status


equal([scrape(bad) for _ in range(3)], [401] * 3, "bad tokens by /metrics")
equal(scrape(token("1", role="admin")), 429, "then not even an admin's is looked at")
equal(outcome(knock(d, "192.0.2.21")), "rate_limited", "nor in a handshake of that address")
d.wait(lambda: all(d.suspicions("too_many_failures", "192.0.2.%d" % n) == 2 for n in (20, 21)), "SUSPECT")
ok(True, "both are told")

# Changed while it runs: no limit; and no proxy.
d.configure(handshake_rate=0, auth_failure_rate=0, trusted_proxies="127.0.0.1")
d.wait(lambda: outcome(knock(d, "192.0.2.1")) == "ready", "the new limit")
equal([outcome(knock(d, "192.0.2.9", bad)) for _ in range(9)], ["invalid_token"] * 9, "0 is no limit")
c = d.connect(token("77"))
d.wait(lambda: d.opened[-1][1] == "77", "OPEN")
equal(d.opened[-1][3], "127.0.0.1", "a direct client has its own address")
knock(d, "192.0.2.77", token("78")).message()
equal(d.opened[-1][3], "192.0.2.77", "one behind a proxy the one that the proxy names")
d.configure(handshake_rate=2, trusted_proxies="192.0.2.0/24")
d.wait(lambda: knock(d, "192.0.2.50", token("79")).message() and d.opened[-1][3] == "127.0.0.1", "the new list")
equal([outcome(knock(d, "192.0.2.50")) for _ in range(4)], ["ready"] * 4, "who is no trusted proxy can't claim an address")
d.stop()
done()
