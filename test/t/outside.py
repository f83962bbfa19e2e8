#!/usr/bin/python3
"""outside.py FOLDER: the world that the courier sends to, for tests of the server.

A mail server with STARTTLS and logins, one without either, and an HTTPS server for WhatsApp
(/wa) and webhooks (/hook).  FOLDER gets "ports" (JSON) when they are there, "ca.pem", "accepted":
a line of JSON for each delivery that was accepted, and "held": one for each that was held.
What is in FOLDER/behaviour (JSON) holds for the next request:

    fail        share of the deliveries that fail before they are accepted, in various ways
    mail, wa, hook    how that one answers: "accept", "refuse", "later" (429, Retry-After: 1), "hang",
                "lose" (accepted, but the answer is lost), "slow" (a mail: accepted when this is over;
                the file "slow" is there meanwhile), "hold" (no mail: waits until this is over)
"""
import asyncio
import json
import logging
import os
import random
import shutil
import signal
import socket
import sys
import threading
import time
import warnings

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'carrier'))
import servers

warnings.simplefilter("ignore")
logging.disable()
folder = sys.argv[1]
lock = threading.Lock()
chance = random.Random(7)
authority = servers.Authority("authority")


def wanted():
    try:
        with open(os.path.join(folder, "behaviour")) as f:
            return json.load(f)
    except (OSError, ValueError):
        return {}


def behaviour(name):
    with lock:
        if chance.random() < wanted().get("fail", 0):
            return "busy" if name == "mail" else chance.choice(["busy", "reset", "later"])
    return wanted().get(name, "accept")


def note(name, channel, **what):
    with lock, open(os.path.join(folder, name), "a") as f:
        f.write(json.dumps({"channel": channel, **what}) + "\n")


def accept(channel, **what):
    note("accepted", channel, **what)


class Mails:
    async def handle_RCPT(self, server, session, envelope, address, options):
        # What ends later may have been accepted, for all that the courier knows.
        with lock:
            unlucky = chance.random() < wanted().get("fail", 0) / 3
        if unlucky:
            server.transport.abort()
            return "451 never seen"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server, session, envelope):
        how = behaviour("mail")
        if how == "hang":
            await asyncio.sleep(3600)
        if how == "slow":
            open(os.path.join(folder, "slow"), "w").close()
            while wanted().get("mail") == "slow":
                await asyncio.sleep(0.02)
        if how == "busy":
            return "451 4.3.0 come back"
        if how == "refuse":
            return "550 5.1.1 nobody of that name"
        accept("email", to=envelope.rcpt_tos, sender=envelope.mail_from, login=session.authenticated,
               tls=session.ssl is not None, content=envelope.content.decode())
        if how == "lose":
            server.transport.abort()
        return "250 taken"


class Mailer(Controller):
    def factory(self):
        return SMTP(self.handler, hostname="localhost", tls_context=self.context, require_starttls=True, enable_SMTPUTF8=True,
                    authenticator=lambda server, session, envelope, mechanism, data: AuthResult(
                        success=(data.login, data.password) == (b"tracker", b"geheim"), handled=False),
                    auth_required=True, auth_require_tls=True)


channels = {"wa": "whatsapp", "hook": "webhook"}


def answer(conn, request, server):
    name = request.path.strip("/")
    how = behaviour(name)
    if how == "hold":
        note("held", channels[name])
        while how == "hold" and not server.over.wait(0.02):
            how = behaviour(name)
    if how == "hang":
        server.over.wait()
    if how == "reset":
        servers.reset(conn)
    if how == "busy":
        return servers.response(500, b"later")
    if how == "later":
        return servers.response(429, b"slowly", "Retry-After: 1")
    if how == "refuse":
        return servers.response(400 if name == "wa" else 410, b"never")
    accept(channels[name], headers=request.headers, body=request.body.decode())
    if how == "lose":
        servers.reset(conn)
    return servers.response(200, b"{}")


def start(kind):
    # The controller wants to know its port before it has one.
    with socket.create_server(("127.0.0.1", 0)) as probe:
        controller = kind(Mails(), hostname="127.0.0.1", port=probe.getsockname()[1])
    controller.start()
    return controller


Mailer.context = authority.context()
mailer = start(Mailer)
plain = start(Controller)
web = servers.Web(answer, authority.context())
with open(os.path.join(folder, "ca.pem"), "w") as f:
    f.write(authority.pem)
with open(os.path.join(folder, "ports.new"), "w") as f:
    json.dump({"smtp": mailer.port, "plain": plain.port, "web": web.port}, f)
os.rename(os.path.join(folder, "ports.new"), os.path.join(folder, "ports"))
signal.sigwait({signal.SIGTERM, signal.SIGINT})
shutil.rmtree(servers.folder, True)
os._exit(0)
