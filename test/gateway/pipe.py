"""What src/common/pipe says of the pipe: read from its headers, by the compiler's preprocessor.

So a message, a metric, an error code or a verb more is written once, and what the tests expect of it
where it is tested.
"""
import os
import re
import subprocess

SRC = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "src")


def preprocess(text):
    return subprocess.run([os.environ.get("CC", "cc"), "-E", "-P", "-I", SRC, "-x", "c", "-"], input=text,
                          capture_output=True, text=True, check=True).stdout


MESSAGE = preprocess('#include "common/pipe/message.h"\n')


VERSION = int(preprocess('#include "common/pipe/message.h"\nBEV_PIPE_VERSION\n').split()[-1])


def numbers(enum, prefix):
    """The members of an enum of message.h: {name without the prefix: number}."""
    body = re.search(r"enum %s\s*\{(.*?)\}" % enum, MESSAGE, re.DOTALL).group(1)
    found, number = {}, 0
    for name, value in re.findall(r"(\w+)\s*(?:=\s*(\d+))?\s*(?:,|$)", body.strip()):
        number = int(value) if value else number
        found[name[len(prefix):]] = number
        number += 1
    return found


def counters():
    """What a gateway counts, in the order of COUNTERS: [(metric, label's value)]."""
    text = preprocess('#include "common/pipe/counter.h"\n#define TELL(name, metric, label, value) @ metric value\n'
                      'BEV_COUNTERS(TELL)\n')
    return [tuple(re.findall(r'"([^"]*)"', one)) for one in text.split("@")[1:]]
