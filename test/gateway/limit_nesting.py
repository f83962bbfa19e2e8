#!/usr/bin/python3
"""How deep a message may nest: 16."""
from harness import *

d = Dispatcher(tip=5)
c = d.ready(token("1"))


def code(text):
    reply = c.ask(text)
    return reply["payload"].get("code", "none")


def nested(depth, opening="[", closing="]"):
    return '{"type":"ping","pad":' + opening * (depth - 1) + ("1" if opening != "[" else "") + closing * (depth - 1) + "}"


equal(code(nested(16)), "none", "16 deep is read")
equal(code(nested(17)), "invalid_message", "17 is not")
equal(code(nested(16, '{"a":', "}")), "none", "16 objects")
equal(code(nested(17, '{"a":', "}")), "invalid_message", "17 objects")
for name, text in (("only opened", "[" * 60000), ("objects, only opened", '{"a":' * 12000),
                   ("opened behind a string with brackets", '["]]]]\\"]]",' + "[" * 60000)):
    equal(code(text), "invalid_message", name)
equal(code('{"type":"ping","pad":"' + "[" * 1000 + '"}'), "none", "brackets within a string are no nesting")
equal(code('{"type":"ping","pad":"\\"' + "[" * 1000 + '"}'), "none", "... with a quote in it")
equal(code('{"type":"ping","pad":[' + ",".join(["[]"] * 1000) + "]}"), "none", "many, but not deep")
equal(code({"type": "ping"}), "none", "and it lives")

# What is wrong with a message is said.
for text, words in ((nested(17), "deeper than 16 levels"), ("[" * 60000, "deeper than 16 levels"), ("7", "not a JSON object"), ('"ping"', "not a JSON object"),
                    ("null", "not a JSON object"), ("[]", "not a JSON object"), ("{", "not valid JSON"), ("ping", "not valid JSON"), ("", "not valid JSON"),
                    ('{"type":"ping"} 7', "not valid JSON"), ('{"type":"pi\\u0000ng"}', "\\u0000"), ('{"ty\\u0000pe":"ping"}', "\\u0000"),
                    ('{"type":"ping","type":"ping"}', "a member twice"), ('{"type":"list","payload":{"limit":99999999999999999999}}', "beyond 64 bits"),
                    ('{"type":"ping","pad":1e999}', "beyond 64 bits")):
    reply = c.ask(text)
    equal((reply["payload"]["code"], words in reply["payload"]["message"]), ("invalid_message", True), "%.40s: %s" % (text, words))
for limit in (4294967297, -4294967295, 0, 1001, "4294967297", 1.5, [], True):
    reply = c.ask({"type": "list", "payload": {"type": "bug_report", "limit": limit}})
    equal((reply["payload"]["code"], reply["payload"]["field"], reply["payload"]["message"]), ("invalid_field", "limit", "expected a number from 1 to 1000"), "a limit of %s" % limit)
for after in ("nonsense", "", 7, {}, "AAAA" * 20):
    reply = c.ask({"type": "list", "payload": {"type": "bug_report", "after": after}})
    equal((reply["payload"]["field"], reply["payload"]["message"]), ("after", "expected what a page of this list gave as next"), "after %s" % after)
equal(d.stop(), 0, "the gateway ends with 0")
done()
