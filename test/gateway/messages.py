#!/usr/bin/python3
"""What clients send: requests and mistakes."""
from harness import *

d = Dispatcher(tip=5)
c = d.ready(token("1"))


def code(reply):
    return reply.get("payload", {}).get("code")


equal(c.ask({"type": "ping", "id": 7}),
      {"type": "reply", "id": 7, "payload": {"pong": True, "seq": 5}}, "ping")
equal(c.ask({"type": "ping"}), {"type": "reply", "id": None,
      "payload": {"pong": True, "seq": 5}}, "ping without an id")
equal(c.ask({"type": "ping", "id": 'a"\\\u00e9\n'})["id"], 'a"\\\u00e9\n', "an id is echoed as it is")

for name, message, wanted, field in [
        ("no JSON", "nonsense", "invalid_message", None),
        ("nothing", "", "invalid_message", None),
        ("half an object", '{"type":"ping"', "invalid_message", None),
        ("something behind it", '{"type":"ping"} x', "invalid_message", None),
        ("a list", "[]", "invalid_message", None),
        ("a string", '"ping"', "invalid_message", None),
        ("null", "null", "invalid_message", None),
        ("a member twice", '{"type":"ping","type":"ping"}', "invalid_message", None),
        ("deep nesting", "[" * 5000, "invalid_message", None),
        ("deep nesting in an object", '{"a":' * 100 + "1" + "}" * 100, "invalid_message", None),
        ("no type", '{"id":1}', "missing_field", "type"),
        ("a type that is no string", '{"type":1}', "invalid_field", "type"),
        ("an unknown type", '{"type":"nothing"}', "unknown_type", None),
        ("a type in another case", '{"type":"PING"}', "unknown_type", None),
        ("get: no type", '{"type":"get","payload":{"id":1}}', "missing_field", "type"),
        ("get: a type that is no string", '{"type":"get","payload":{"type":1,"id":1}}', "invalid_field", "type"),
        ("get: no id", '{"type":"get","payload":{"type":"bug_report"}}', "missing_field", "id"),
        ("get: an id that is a list", '{"type":"get","payload":{"type":"bug_report","id":[]}}', "invalid_field", "id"),
        ("get: no payload", '{"type":"get"}', "missing_field", "type"),
        ("list: no type", '{"type":"list","payload":{}}', "missing_field", "type"),
        ("a payload that is no object", '{"type":"subscribe","payload":[]}', "invalid_field", "payload"),
        ("an id that is an object", '{"type":"ping","id":{}}', "invalid_field", "id"),
        ("an id that is too long", '{"type":"ping","id":"%s"}' % ("x" * 300), "invalid_field", "id"),
        ("types: no list", '{"type":"subscribe","payload":{"types":"bug"}}', "invalid_field", "types"),
        ("types: a number", '{"type":"subscribe","payload":{"types":[1]}}', "invalid_field", "types"),
        ("actions: null", '{"type":"subscribe","payload":{"actions":null}}', "invalid_field", "actions"),
        ("project_ids: a fraction", '{"type":"subscribe","payload":{"project_ids":[1.5]}}', "invalid_field", "project_ids"),
        ("project_ids: a truth", '{"type":"subscribe","payload":{"project_ids":[true]}}', "invalid_field", "project_ids"),
        ("bug_report_ids: a list", '{"type":"subscribe","payload":{"bug_report_ids":[[1]]}}', "invalid_field", "bug_report_ids"),
        ("too many ids", '{"type":"subscribe","payload":{"bug_report_ids":%s}}' % json.dumps(list(range(1001))), "invalid_field", "bug_report_ids"),
        ("wait: no seq", '{"type":"wait","payload":{}}', "missing_field", "seq"),
        ("wait: no number", '{"type":"wait","payload":{"seq":1.5}}', "invalid_field", "seq"),
        ("wait: less than none", '{"type":"wait","payload":{"seq":-1}}', "invalid_field", "seq"),
        ("wait: text that is no seq", '{"type":"wait","payload":{"seq":"7x"}}', "invalid_field", "seq"),
        ("authenticate: no token", '{"type":"authenticate","payload":{}}', "missing_field", "token"),
        ("authenticate: no string", '{"type":"authenticate","payload":{"token":1}}', "invalid_field", "token"),
        ("authenticate: a bad token", '{"type":"authenticate","payload":{"token":"x"}}', "invalid_token", None)]:
    reply = c.ask(message)
    equal((reply["type"], code(reply), reply["payload"].get("field")), ("error", wanted, field),
          name + ": " + wanted)
equal(c.ask({"type": "nothing", "id": "e"})["id"], "e", "an error echoes the id")
equal(c.ask({"type": "subscribe", "payload": {}, "more": 2})["type"], "reply",
      "members of a message that are not known are ignored")
unknown = c.ask({"type": "subscribe", "payload": {"project_id": [1]}})
equal((code(unknown), unknown["payload"]["field"]), ("invalid_field", "project_id"),
      "a filter that is not known is refused, for it would widen the stream")
equal(code(c.ask({"type": "authenticate", "id": 1, "payload": {"token": token("2")}})), "forbidden",
      "authenticate for another user: forbidden")
reply = c.ask({"type": "authenticate", "id": 1, "payload": {"token": token("1", role="admin", ttl=99)}})
equal((reply["type"], reply["payload"]["role"]), ("reply", "admin"), "authenticate renews the role")
d.publish(record(audience="admin", payload='{"n":1}'))
equal(c.message()["payload"], {"n": 1}, "which counts at once")
c.ask({"type": "authenticate", "payload": {"token": token("1")}})
d.publish(record(audience="admin"), record(payload='{"n":2}'))
equal(c.message()["payload"], {"n": 2}, "in both directions")

equal(d.stop(), 0, "the gateway ends with 0")
done()
