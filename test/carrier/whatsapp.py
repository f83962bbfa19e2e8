#!/usr/bin/python3
"""WhatsApp: what is sent, and what becomes of each answer of the API."""
import json

from courier import *
from servers import *

authority = Authority("authority")
replies = []


def answer(conn, request, server):
    return replies.pop(0) if replies else response(200, b'{"messages":[{"id":"wamid.1"}]}')


def error(status, code, message, details=None, **more):
    body = {"error": {"message": message, "type": "OAuthException", "code": code, **more}}
    if details:
        body["error"]["error_data"] = {"messaging_product": "whatsapp", "details": details}
    return response(status, json.dumps(body).encode())


api = Web(answer, authority.context())


def route(**more):
    return dict({"url": api.url, "token": TOKEN, "ca": authority.pem}, **more)


c = Courier(whatsapp=route())
equal(c.statuses[-1]["whatsapp"], "", "WhatsApp is configured")

# What is sent
c.gives("a template message", {"result": "sent", "code": 200, "error": ""}, "whatsapp",
        parameters=["Crash in Zürich \u2014 \"now\"", "Ann"])
seen = api.requests[-1]
equal((seen.method, seen.path), ("POST", "/in"), "a POST to the URL")
equal((seen.headers["authorization"], seen.headers["content-type"]),
      ("Bearer " + TOKEN, "application/json"), "with the token")
equal(json.loads(seen.body), {
    "messaging_product": "whatsapp", "recipient_type": "individual", "to": "491512345678",
    "type": "template", "biz_opaque_callback_data": "key-1",
    "template": {"name": "bug_assigned", "language": {"code": "en_US"}, "components": [
        {"type": "body", "parameters": [{"type": "text", "text": "Crash in Zürich \u2014 \"now\""},
                                        {"type": "text", "text": "Ann"}]}]}}, "the message")
for none in (None, []):
    c.gives("without parameters", {"result": "sent"}, "whatsapp", parameters=none)
    equal(json.loads(api.requests[-1].body)["template"]["components"], [], "no components")
equal(api.connections, 1, "over one connection")

# What each answer means
for status, result in [(200, "sent"), (400, "refused"), (401, "retry"), (403, "refused"), (404, "refused"),
                       (408, "retry"), (425, "retry"), (429, "retry"), (302, "retry"), (500, "retry"),
                       (503, "retry")]:
    replies.append(response(status, b"what"))
    c.gives("HTTP %d: %s" % (status, result), {"result": result, "code": status}, "whatsapp")
replies.append(response(429, b"", "Retry-After: 30"))
c.gives("Retry-After", {"result": "retry", "retry_after": 30, "error": "HTTP 429"}, "whatsapp")
replies.append(error(400, 131026, "(#131026) Message undeliverable", "Recipient is not\na user"))
c.gives("the API's own words", {
    "result": "refused", "error": "HTTP 400: (#131026) Message undeliverable: Recipient is not a user"}, "whatsapp")
for code in (4, 80007, 130429, 131048, 131056):
    replies.append(error(400, code, "too much"))
    c.gives("its code %d with 400" % code, {"result": "retry", "code": 400, "error": "HTTP 400: too much"},
            "whatsapp")
replies.append(error(400, 2, "down", is_transient=True))
c.gives("what it calls transient", {"result": "retry"}, "whatsapp")
for body in (b"[" * 5000, b'{"error":[]}', b'{"error":{"message":7,"code":"x","error_data":3}}', b'{"error":', b"\0"):
    replies.append(response(400, body))
    c.gives("an error of another form", {"result": "refused", "code": 400}, "whatsapp")

# No secret comes back
replies.append(error(401, 190, "Invalid token " + TOKEN))
got = c.gives("a token in an answer", {"result": "retry", "code": 401}, "whatsapp")
equal(got["error"], "HTTP 401: Invalid token " + "*" * len(TOKEN), "is masked")

# A new token, at once
c.configure(whatsapp=route(token="another-token"))
c.gives("after a new configuration", {"result": "sent"}, "whatsapp")
equal(api.requests[-1].headers["authorization"], "Bearer another-token", "the new token")

# Refused without asking anybody
seen = len(api.requests)
for why, members in [("no number", {"to": "Ann"}), ("letters", {"to": "+49x12345"}), ("too long", {"to": "1" * 16}),
                     ("empty", {"to": ""}), ("missing", {"to": None}), ("of another type", {"to": 491512345678}),
                     ("no template", {"template": None}), ("template of two lines", {"template": "a\nb"}),
                     ("no language", {"language": None}), ("language of another type", {"language": 1}),
                     ("parameters that are no array", {"parameters": "x"}),
                     ("parameters that are no texts", {"parameters": [1]})]:
    got = c.gives(why + ": refused", {"result": "refused", "code": 0}, "whatsapp", **members)
    ok(got["error"].endswith(("number", "template", "language", "texts")), got["error"])
equal(len(api.requests), seen, "nothing was sent")

api.close()
equal(c.leave(), 0, "the carrier ends with 0")
equal(c.errors, "", "nothing on standard error")
done()
