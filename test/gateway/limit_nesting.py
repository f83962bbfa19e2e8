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
equal(d.stop(), 0, "the gateway ends with 0")
done()
