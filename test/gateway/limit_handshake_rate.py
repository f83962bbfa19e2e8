#!/usr/bin/python3
"""handshake_rate: requests of one address in a minute."""
from harness import *

d = Dispatcher(tip=1, handshake_rate=5, trusted_proxies="127.0.0.1, 10.0.0.0/8")
equal([d.knock("192.0.2.1").outcome() for _ in range(5)], ["ready"] * 5, "as many handshakes as allowed")
equal(d.knock("192.0.2.1").refusal(), ("rate_limited", True, 1008, "rate_limited"), "one more is told when to come again")
equal(d.knock("192.0.2.2").outcome(), "ready", "another address may")
equal(d.knock("192.0.2.1, 10.1.1.1").outcome(), "rate_limited", "behind two proxies, it is the same address")
equal(d.knock("192.0.2.3, 192.0.2.1").outcome(), "rate_limited", "what a client claims in front of it doesn't count")
equal([Client(d, token("2")).outcome() for _ in range(8)], ["ready"] * 8, "this machine itself is not limited")
answer = Client(d, handshake=False)
answer.request("GET /health HTTP/1.1", ("Host: x", "X-Forwarded-For: 192.0.2.1"))
answer.read_head()
equal((answer.status, "retry-after" in answer.headers), (429, True), "a plain request beyond it is 429")
equal([d.knock("2001:db8:0:1::%x" % n).outcome() for n in range(1, 6)], ["ready"] * 5, "addresses of one IPv6 network")
equal(d.knock("2001:db8:0:1:9::9").outcome(), "rate_limited", "... are limited together")
d.wait(lambda: d.abuse("too_many_handshakes", "192.0.2.1") >= 4, "ABUSE")
ok(True, "it is told who")

d.spend("HANDSHAKE", 4, "192.0.2.40")
d.wait(lambda: d.knock("192.0.2.41").outcome() == "ready", "the news")
equal([d.knock("192.0.2.40").outcome() for _ in range(2)], ["ready", "rate_limited"], "four at other gateways and one here are five")
d.settle(handshake_rate=320)
for _ in range(45):
    Client(d, headers=("X-Forwarded-For: 192.0.2.42",)).close()
d.wait(lambda: len([s for s in d.spent if s[2] == "192.0.2.42"]) == 2, "SPENT")
equal([s for s in d.spent if s[2] == "192.0.2.42"], [(SPENT_KINDS["HANDSHAKE"], 20, "192.0.2.42")] * 2, "a higher rate is told by the sixteenth")

d.configure(handshake_rate=0)
d.wait(lambda: d.knock("192.0.2.1").outcome() == "ready", "the new limit")
equal([d.knock("192.0.2.1").outcome() for _ in range(9)], ["ready"] * 9, "0 is no limit")
# TLS handshakes: who is beyond the rate is told, which takes one; and who goes on is not.  Loopback is not limited.
host = own_address()
if host is None:
    print("# this machine has loopback addresses only")
else:
    key, cert = certificate()
    n = len(d.listening)
    d.configure(handshake_rate=3, tls=1, tls_cert=cert, tls_key=key, listen_addresses="*")
    d.wait_listening(n + 1)
    context = ssl.create_default_context(cadata=cert)
    equal([Client(d, token("1"), host=host, tls=context).outcome() for _ in range(6)], ["ready"] * 3 + ["rate_limited"] * 3, "by TLS")
    try:
        Client(d, token("1"), host=host, tls=context)
        ok(False, "beyond twice the rate no TLS handshake is made")
    except (ssl.SSLError, ConnectionResetError) as error:
        ok(True, "beyond twice the rate no TLS handshake is made")
    d.wait(lambda: d.abuse("too_many_handshakes", host) == 3 + 1, "ABUSE")
    ok(True, "it is told who")
    equal([Client(d, token("2"), tls=context).outcome() for _ in range(9)], ["ready"] * 9, "this machine itself is not limited")
equal(d.stop(), 0, "the gateway ends with 0")
done()
