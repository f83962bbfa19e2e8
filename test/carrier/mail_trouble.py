#!/usr/bin/python3
"""Mail servers in trouble: silent, rude, slow, gone in the middle."""
import time

from courier import *
from servers import *

authority = Authority("authority")
NOISE = "what?"         # is no reply, so a client goes on waiting for one


def route(server, **more):
    return dict({"url": server.url, "from": "bugs@example.com", "tls": "required" if server.context else "none",
                 "ca": authority.pem}, **more)


def trouble(name, wanted, more=None, **script):
    """What a server that does this gives; the result and the server."""
    server = Smtp(**script)
    waits = any(reply in (None, NOISE) for reply in script.values())
    patience = {"timeout": 1000} if waits else {}
    c.configure(email=route(server, **patience, **(more or {})))
    got = c.gives(name, wanted, "email")
    ok(got.get("uncertain") == wanted.get("uncertain"), "uncertain: %s; %s" % (got.get("uncertain"), got["error"]), got)
    server.close()
    return got, server


c = Courier()
trouble("a server that does its job", {"result": "sent", "code": 250})

# About us, not about the mail
trouble("it wants nobody", {"result": "retry", "code": 554}, greeting="554 go away")
trouble("it is closing", {"result": "retry", "code": 421}, greeting="421 later")
trouble("it is no mail server", {"result": "retry", "code": 0}, greeting=NOISE)
trouble("it greets nobody", {"result": "retry", "code": 0}, greeting=None)
trouble("it knows neither EHLO nor HELO", {"result": "retry", "code": 502}, EHLO="502 what?")
trouble("it says nothing to EHLO", {"result": "retry", "code": 0}, EHLO=None)
trouble("it ends at EHLO", {"result": "retry", "code": 0}, EHLO=hang_up)
trouble("a greeting of many lines", {"result": "sent"}, greeting="220-a\r\n220-b\r\n220 c")
trouble("a greeting without end", {"result": "retry", "code": 0}, greeting="220-a\r\n" * 100000 + "220 c")
trouble("a greeting of one long line", {"result": "retry", "code": 0}, greeting="220 " + "a" * 1000000)

# TLS
context = authority.context()
got, server = trouble("it has no STARTTLS after all", {"result": "retry", "code": 0}, context=context)
ok("STARTTLS" in got["error"] and "MAIL" not in " ".join(server.commands), "which is told, and no mail given")
got, server = trouble("it refuses STARTTLS", {"result": "retry", "code": 454}, context=context,
                      EHLO="250-localhost\r\n250 STARTTLS", STARTTLS="454 not now")
ok("MAIL" not in " ".join(server.commands), "no mail given")
got, server = trouble("it says more than it may before TLS", {"result": "retry"}, context=context,
                      EHLO="250-localhost\r\n250 STARTTLS", STARTTLS="220 go\r\n250 slipped in")
trouble("STARTTLS", {"result": "sent"}, context=context, EHLO="250-localhost\r\n250 STARTTLS", STARTTLS="220 go")
trouble("smtps", {"result": "sent"}, context=context, implicit=True)

# Logins
login = {"user": "bugs", "password": "sesame-street"}
got, server = trouble("a login is wanted, in ways that nobody should use", {"result": "retry", "code": 0}, login,
                      context=context, implicit=True, EHLO="250-localhost\r\n250 AUTH CRAM-MD5 NTLM")
ok("MAIL" not in " ".join(server.commands), "no mail given", server.commands)
trouble("none is offered, and none is needed", {"result": "sent"}, login, context=context, implicit=True)
got, server = trouble("a login that is tried in two ways", {"result": "retry", "code": 535}, login, context=context,
                      implicit=True, EHLO="250-localhost\r\n250 AUTH PLAIN LOGIN", AUTH="535 no sesame-street")
ok("sesame" not in got["error"], "no password comes back")
echo = base64.b64encode(b"\0bugs\0sesame-street").decode()
got, server = trouble("an echo of what was said", {"result": "retry"}, login, context=context, implicit=True,
                      EHLO="250-localhost\r\n250 AUTH PLAIN", AUTH="454 you said " + echo)
ok(echo not in got["error"] and "you said ***" in got["error"], "no login comes back")
got, server = trouble("the echo comes later", {"result": "refused", "code": 550}, login, context=context, implicit=True,
                      EHLO="250-localhost\r\n250 AUTH PLAIN", RCPT="550 sesame-street is your password",
                      AUTH=lambda conn: conn.sendall(b"334 \r\n") or conn.recv(1000) and "235 welcome")
ok(got["error"].startswith("550 *************"), "is masked: " + got["error"])

# About the mail
trouble("not from us", {"result": "refused", "code": 553}, MAIL="553 not yours")
trouble("no such user", {"result": "refused", "code": 550}, RCPT="550 no such user")
got, _ = trouble("a reply of many lines", {"result": "refused", "code": 550}, RCPT="550-5.7.1 listed\r\n550-by X\r\n550 see http://x/")
equal(got["error"], "550-5.7.1 listed 550-by X 550 see http://x/", "is told in one")
trouble("greylisted", {"result": "retry", "code": 451}, RCPT="451 come back")
trouble("and rude when left", {"result": "retry", "code": 451}, RCPT="451 come back", QUIT="554 never")
trouble("no room", {"result": "retry", "code": 452}, DATA="452 full")
trouble("spam", {"result": "refused", "code": 554}, **{".": "554 spam"})
trouble("not now", {"result": "retry", "code": 451}, **{".": "451 busy"})
trouble("nothing said to MAIL", {"result": "retry", "code": 0}, MAIL=None)
trouble("gone at RCPT", {"result": "retry", "code": 0}, RCPT=hang_up)
trouble("reset at RCPT", {"result": "retry", "code": 0}, RCPT=reset)

# Nobody knows
trouble("nothing said to the mail", {"result": "retry", "code": 0, "uncertain": True}, **{".": None})
trouble("gone after the mail", {"result": "retry", "code": 0, "uncertain": True}, **{".": hang_up})
trouble("garbage after the mail", {"result": "retry", "uncertain": True}, **{".": NOISE})

# Kept connections
server = Smtp()
c.configure(email=route(server))
for name in ("the first", "the second"):
    c.gives(name, {"result": "sent"}, "email")
equal(server.connections, 1, "over one connection")
server.replies["MAIL"] = hang_up
got = c.deliver("email")
ok(got["result"] == "retry" and "uncertain" not in got, "it ends at the third", got)
server.replies["MAIL"] = "250 ok"
c.gives("the fourth", {"result": "sent"}, "email")
equal((len(server.mails), server.connections), (3, 2), "three mails, two connections")
server.replies["RCPT"] = "550 no"
c.gives("a refusal", {"result": "refused"}, "email")
server.replies["RCPT"] = "250 ok"
c.gives("is none of the next mail's business", {"result": "sent"}, "email")

# A server that does not take leave holds up nobody who has been given another one
clinging = Smtp(QUIT=None)
c.configure(email=route(clinging))
c.gives("a mail", {"result": "sent"}, "email")
c.configure(email=route(server))
c.gives("a mail by another server", {"result": "sent"}, "email")
clinging.close()

# A server that takes its time over each mail holds up nobody else
slow = threading.Event()
held = []


def hold(conn):
    if len(held) < 1:
        held.append(conn)
        slow.wait()
    return "250 taken"


server.replies["."] = hold
first = c.send("email")
c.wait(lambda: held, "the first mail")
c.gives("another mail passes", {"result": "sent"}, "email")
ok(first not in c.results, "while the first one waits for its reply")
slow.set()
equal(c.result(first)["result"], "sent", "which comes in the end")

server.close()
equal(c.leave(), 0, "the carrier ends with 0")
equal(c.errors, "", "nothing on standard error")
done()
