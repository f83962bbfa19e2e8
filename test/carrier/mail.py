#!/usr/bin/python3
"""Mail: what arrives at a real server, and what becomes of each of its replies."""
import base64
import email
import email.policy
import email.utils
import logging
import time
import warnings

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from courier import *
from servers import *

warnings.simplefilter("ignore")
logging.disable()
authority = Authority("authority")
logins = {}


class Mails:
    """Takes mails; the recipient says how it goes: code550@..., data451@..."""

    def __init__(self):
        self.mails = []
        self.options = []
        self.peers = set()
        self.recipients = []

    async def handle_RCPT(self, server, session, envelope, address, options):
        local = address.split("@")[0]
        self.recipients.append(address)
        if local.startswith("code"):
            return local[4:] + " 5.1.1 because of " + address
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server, session, envelope):
        local = envelope.rcpt_tos[0].split("@")[0]
        if local.startswith("data"):
            return local[4:] + " 5.7.1 not this mail"
        self.options.append(envelope.mail_options)
        self.mails.append((envelope.mail_from, list(envelope.rcpt_tos), envelope.content,
                           session.authenticated, session.ssl is not None))
        self.peers.add(session.peer)
        return "250 taken"


def authenticator(server, session, envelope, mechanism, data):
    known = logins.get(data.login.decode()) == data.password.decode()
    return AuthResult(success=known, handled=known)


class Implicit(Controller):
    """TLS from the first byte, with a login."""

    def factory(self):
        return SMTP(self.handler, authenticator=authenticator, auth_required=True, auth_require_tls=False,
                    hostname="localhost")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def start(kind, handler, **more):
    server = kind(handler, hostname="127.0.0.1", port=free_port(), **more)
    server.start()
    return server


handler = Mails()
server = start(Controller, handler, tls_context=authority.context(), require_starttls=True,
               authenticator=authenticator, auth_required=True)
logins["bugs"] = "s3cret-päss"


def route(port=None, scheme="smtp", **more):
    return dict({"url": "%s://localhost:%d" % (scheme, port or server.port), "from": "Bug Events <bugs@example.com>",
                 "user": "bugs", "password": "s3cret-päss", "ca": authority.pem}, **more)


c = Courier(email=route())
equal(c.statuses[-1]["email"], "", "mail is configured")


def arrives(name, **members):
    """A mail arrives; parsed by Python's own parser."""
    n = len(handler.mails)
    c.gives(name, {"result": "sent", "code": 250, "error": ""}, "email", **members)
    if not equal(len(handler.mails), n + 1, "it arrived once"):
        done()
    raw = handler.mails[-1][2]
    lines = [line for line in raw.split(b"\r\n") if b"; boundary=" not in line]
    ok(max(map(len, lines)) <= 78 and raw.isascii() and b"\n" not in raw.replace(b"\r\n", b""),
       "lines of ASCII that every relay takes", max(lines, key=len))
    return email.message_from_bytes(raw, policy=email.policy.default)


def text_of(mail, kind="plain"):
    return mail.get_body((kind,)).get_content().replace("\r\n", "\n")


# A plain one
mail = arrives("a mail")
sender, recipients, raw, authenticated, encrypted = handler.mails[-1]
equal((sender, recipients), ("bugs@example.com", ["ann@example.com"]), "its envelope")
ok(authenticated and encrypted, "behind STARTTLS and a login")
equal((mail["From"], mail["To"], mail["Subject"]), ("Bug Events <bugs@example.com>", "ann@example.com", "Hello"),
      "its headers")
ok(abs(email.utils.parsedate_to_datetime(mail["Date"]).timestamp() - time.time()) < 100, "the date: " + mail["Date"])
equal((mail["MIME-Version"], mail["Auto-Submitted"]), ("1.0", "auto-generated"), "whose kind it is")
equal((mail.get_content_type(), [p.get_content_type() for p in mail.iter_parts()]),
      ("multipart/alternative", ["text/plain"]), "its parts")
equal(text_of(mail), "Hello, Ann.\n", "its text")
ok(not mail.defects and not any(p.defects for p in mail.walk()), "without defects")
for name in ("Message-ID", "In-Reply-To", "References", "List-Unsubscribe", "List-Unsubscribe-Post"):
    ok(mail[name] is None, "no " + name)

# Everything
subject = "Fehler #42 in Zürich: \u201cKäse\u201d fällt \U0001f9c0 " + "sehr " * 30
text = "Grüße,\n.\n.zwei Punkte vorn\n" + "lang " * 400 + "\r\nCR LF\rCR\n  hinten  \n=20 \t\nFrom here\n\u65e5\u672c\u8a9e\n"
html = "<p>Grüße \u65e5\u672c</p>\n" + "<b>x</b>" * 500
ids = ["<bug-%d.%s@bugs.example.com>" % (n, "f" * 30) for n in range(12)]
mail = arrives("a mail with everything", to='"Ann \\"A.\\" Äpfel" <ann@example.com>', subject=subject, text=text, html=html,
               message_id=ids[-1], in_reply_to=ids[-2], references=" ".join(ids[:-1]),
               list_unsubscribe="https://bugs.example.com/unsubscribe?token=abc")
equal(mail["Subject"], subject, "a long subject of many letters")
equal((mail["To"].addresses[0].display_name, mail["To"].addresses[0].addr_spec), ('Ann "A." Äpfel', "ann@example.com"),
      "a name of many letters")
equal(text_of(mail), text.replace("\r\n", "\n").replace("\r", "\n"), "its text, dots, blanks and all")
equal(text_of(mail, "html"), html, "its HTML")
equal([p.get_content_type() for p in mail.iter_parts()], ["text/plain", "text/html"], "HTML comes last")
equal((mail["Message-ID"].strip(), mail["In-Reply-To"].strip(), mail["References"].split()),
      (ids[-1], ids[-2], ids[:-1]), "what it answers")
equal((mail["List-Unsubscribe"].strip(), mail["List-Unsubscribe-Post"].strip()),
      ("<https://bugs.example.com/unsubscribe?token=abc>", "List-Unsubscribe=One-Click"), "how to unsubscribe")
ok(not mail.defects and not any(p.defects for p in mail.walk()), "without defects")
mail = arrives("to unsubscribe by mail", list_unsubscribe="mailto:bugs@example.com?subject=unsubscribe")
ok(mail["List-Unsubscribe-Post"] is None, "there is no click")
for subject in ("", " leading", "trailing ", "=?UTF-8?B?SGk=?=", "a: b", "x" * 2000, "\u00e4" * 900, "tab is \u00a0no tab"):
    mail = arrives("subject %.20r" % subject, subject=subject)
    equal(mail["Subject"], subject, "arrives as it was")
mail = arrives("an empty text", text="")
equal(text_of(mail).strip(), "", "is empty")
mail = arrives("a large text", text="Ünd so weiter.\n" * 40000)
equal(text_of(mail), "Ünd so weiter.\n" * 40000, "arrives whole")
equal(len(handler.peers), 1, "all of them over one connection")

# Who did it, and what filters go by
mail = arrives("a mail of a list", from_name="Ünal (Bug Events)", list_id="project-7.bugs.example.com",
               headers={"Reason": "assignee", "Status": "größer \u2192 kleiner " + "x" * 200})
equal((mail["From"].addresses[0].display_name, mail["From"].addresses[0].addr_spec), ("Ünal (Bug Events)", "bugs@example.com"),
      "who did it, from our address")
equal(mail["List-Id"], "<project-7.bugs.example.com>", "its list")
equal((mail["X-BugEvents-Reason"], mail["X-BugEvents-Status"]), ("assignee", "größer \u2192 kleiner " + "x" * 200), "its reason and status")
equal(mail["X-Auto-Response-Suppress"], "All", "no holiday is announced to us")

# Addresses of any language
mail = arrives("a domain of other letters", to="ann@exämple.com")
equal((handler.mails[-1][1], mail["To"]), (["ann@xn--exmple-cua.com"], "ann@xn--exmple-cua.com"), "goes out in ASCII, so any server takes it")
n = len(handler.mails)
c.gives("a name of other letters", {"result": "sent", "code": 250}, "email", to="jörg@bücher.example")
sender, recipients, raw, _, _ = handler.mails[n]
ok(recipients[0].startswith("jörg@"), "goes out as it is: " + recipients[0])
ok("SMTPUTF8" in handler.options[-1], "and the server is told: %r" % handler.options[-1])
ok("To: jörg@bücher.example".encode() in raw, "as in the header")

# Nothing can be slipped in
seen = len(handler.recipients)
for name in ("to", "subject", "message_id", "in_reply_to", "references", "list_unsubscribe", "list_id", "from_name"):
    for evil in ("x\r\nBcc: eve@example.com", "x\nBcc: eve@example.com", "x\rBcc: eve@example.com", "x\x1fy", "x\x7fy"):
        value = {"to": "ann@example.com" + evil, "subject": evil, "list_unsubscribe": "https://" + evil}.get(name, "<%s@b>" % evil)
        got = c.gives("%s with %r: refused" % (name, evil[:4]), {"result": "refused", "code": 0}, "email", **{name: value})
        ok(('"%s"' % name) in got["error"], got["error"])
for to in ("", "ann", "@example.com", "ann@", "ann@@example.com", "ann@example.com, eve@example.com", "ann @example.com",
           "Ann <ann@example.com> <eve@example.com>", "<ann@example.com", "ann@example.com>", "ann@ex\u00a0mple.com",
           "\u202eann@example.com", "a..b@example.com", ".a@example.com", '"a b"@example.com', "a@-example.com", "a@[127.0.0.1",
           "x" * 65 + "@example.com", "ann@" + "x" * 255, "<>", 'Ann" <ann@example.com>x', None, 7, ["ann@example.com"]):
    c.gives("to %r: refused" % (to,), {"result": "refused", "code": 0, "error": '"to" is not an e-mail address'}, "email", to=to)
for members in ({"subject": None}, {"subject": 1}, {"subject": "x" * 2001}, {"text": None}, {"text": 1}, {"html": 1},
                {"message_id": "a@b"}, {"message_id": "<a@b> <c@d>"}, {"message_id": "<a>"}, {"message_id": "<" + "x" * 250 + "@b>"},
                {"references": "<a@b>,<c@d>"}, {"list_unsubscribe": "http://example.com"}, {"list_unsubscribe": "https://x> <y"}):
    c.gives("%.40r: refused" % members, {"result": "refused", "code": 0}, "email", **members)
equal(len(handler.recipients), seen, "nothing was sent")
arrives("null is like missing", html=None, message_id=None)

# What each reply means
for to, result, code in [("code550", "refused", 550), ("code553", "refused", 553), ("code450", "retry", 450),
                         ("code452", "retry", 452), ("code421", "retry", 421), ("code530", "retry", 530),
                         ("data554", "refused", 554), ("data451", "retry", 451), ("data552", "refused", 552)]:
    got = c.gives("%s: %s" % (to, result), {"result": result, "code": code}, "email", to=to + "@example.com")
    ok(str(code) in got["error"] and "uncertain" not in got, got["error"])
arrives("the next one", text="again")

# Logins
c.configure(email=route(password="wrong-password"))
got = c.gives("a wrong password", {"result": "retry", "code": 535}, "email")
ok("wrong-password" not in got["error"] and "uncertain" not in got, got["error"])
logins["bugs"] = "wrong-password"
c.gives("once it is right", {"result": "sent"}, "email")
c.configure(email=route(user="", password=""))
c.gives("no login where one is wanted", {"result": "retry", "code": 530}, "email")
c.configure(email=route(password="wrong-password", ca=Authority("stranger").pem))
got = c.gives("a server that nobody vouches for", {"result": "retry", "code": 0}, "email")
ok("certificate" in got["error"], got["error"])
c.configure(email=route(password="wrong-password", url="smtp://127.0.0.1:%d" % server.port))
got = c.gives("a certificate of another name", {"result": "retry", "code": 0}, "email")

# TLS from the first byte
implicit = start(Implicit, handler, ssl_context=authority.context())
c.configure(email=route(implicit.port, "smtps", password="wrong-password"))
mail = arrives("smtps")
ok(handler.mails[-1][3], "behind TLS and a login")
implicit.stop()

# Without TLS
plain = start(Controller, handler)
c.configure(email=route(plain.port, user="", password=""))
n = len(handler.mails)
got = c.gives("a server without STARTTLS", {"result": "retry"}, "email")
ok("STARTTLS" in got["error"], got["error"])
equal(len(handler.mails), n, "gets nothing")
c.configure(email=route(plain.port, user="", password="", tls="none"))
arrives("unless tls is none")
equal(handler.mails[-1][3:], (None, False), "then it goes in the clear")
plain.stop()

equal(c.leave(), 0, "the carrier ends with 0")
equal(c.errors, "", "nothing on standard error")
server.stop()
done()
