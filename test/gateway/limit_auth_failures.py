#!/usr/bin/python3
"""auth_failure_rate: bad tokens of one address in a minute, by whatever route."""
from harness import *

bad = token("1", secret=b"another secret, which is as long as one has to be")
d = Dispatcher(tip=1, auth_failure_rate=3, trusted_proxies="127.0.0.1")
equal([d.knock("192.0.2.9", bad).outcome() for _ in range(3)], ["invalid_token"] * 3, "as many bad tokens as allowed")
equal(d.knock("192.0.2.9").refusal(), ("rate_limited", True, 1008, "rate_limited"), "then no token is looked at, not even a good one")
equal(d.knock("192.0.2.8").outcome(), "ready", "other addresses are not concerned")
d.wait(lambda: d.abuse("too_many_failures", "192.0.2.9") == 1, "ABUSE")
d.wait(lambda: d.abuse("invalid_token", "192.0.2.9") == 3, "ABUSE")
ok(True, "both are told")

# Every route that takes a token counts, and is closed by it.
guest = d.knock("192.0.2.20")
guest.message()


def renew(tok):
    reply = guest.ask({"type": "authenticate", "id": 1, "payload": {"token": tok}})
    return reply["payload"].get("code", reply["type"]), "retry_after" in reply["payload"]


equal([renew(bad) for _ in range(3)], [("invalid_token", False)] * 3, "bad tokens by authenticate")
equal(renew(token("1")), ("rate_limited", True), "then no token is looked at there, either")
equal(guest.ask({"type": "ping"})["type"], "reply", "the connection stays")
equal(d.knock("192.0.2.20").outcome(), "rate_limited", "nor in a handshake of that address")


def scrape(tok):
    answer = Client(d, handshake=False)
    answer.request("GET /metrics HTTP/1.1",
                   ("Host: x", "X-Forwarded-For: 192.0.2.21", "Authorization: Bearer " + tok))
    answer.read_head()
    return answer.status


equal([scrape(bad) for _ in range(3)], [401] * 3, "bad tokens by /metrics")
equal(scrape(token("1", role="admin")), 429, "then not even an admin's is looked at")
equal(d.knock("192.0.2.21").outcome(), "rate_limited", "nor in a handshake of that address")
d.wait(lambda: all(d.abuse("too_many_failures", "192.0.2.%d" % n) == 2 for n in (20, 21)), "ABUSE")
ok(True, "both are told")

# Other gateways: they are told of each bad token, and what they tell counts.
ok(d.spent.count((SPENT_KINDS["FAILURE"], 1, "192.0.2.9")) == 3, "each is told for the sake of other gateways", d.spent)
d.spend("FAILURE", 2, "192.0.2.30")
d.spend("FAILURE", 9, "192.0.2.31")
d.wait(lambda: d.knock("192.0.2.31").outcome() == "rate_limited", "the news")
equal([d.knock("192.0.2.30", bad).outcome() for _ in range(2)], ["invalid_token", "rate_limited"], "two elsewhere and one here are three")
ok((SPENT_KINDS["FAILURE"], 9, "192.0.2.31") not in d.spent, "what came from elsewhere isn't told again")

# For a while: one more attempt comes back every so often, here twenty a second.
d.settle(auth_failure_rate=1200)
d.wait(lambda: d.knock("192.0.2.9").outcome() == "ready", "the time to pass")
ok(True, "after a while a good token is good again")

d.configure(auth_failure_rate=0)
d.wait(lambda: {d.knock("192.0.2.9", bad).outcome() for _ in range(9)} == {"invalid_token"}, "the new limit")
equal([d.knock("192.0.2.9", bad).outcome() for _ in range(9)], ["invalid_token"] * 9, "0 is no limit")
equal(d.stop(), 0, "the gateway ends with 0")
done()
