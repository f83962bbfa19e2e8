#!/usr/bin/python3
"""What the process may have: memory, by the settings, and descriptors."""
import resource

from harness import *

if "sanitized" in GATEWAY:
    print("1..0 # SKIP sanitizers need all the memory that there is to map")
    sys.exit(0)

MB = 1 << 20


def limits(d, what):
    with open("/proc/%d/limits" % d.process.pid) as f:
        return [int(n) if n.isdigit() else n for n in next(line for line in f if line.startswith(what)).split()[3:5]]


d = Dispatcher(tip=0, max_connections=100, window_size=64 * MB)
c = d.lets_in("a client", token("1"))
before = limits(d, "Max address space")[0]
ok(1 << 30 < before < 4 << 30, "memory is limited", before)
soft, hard = limits(d, "Max open files")
ok(soft == hard <= 65536, "descriptors are limited for good", (soft, hard))

# It follows the settings, up and down.
d.settle(window_size=128 * MB)
equal(limits(d, "Max address space")[0], before + 3 * 64 * MB, "a larger window may have more memory")
d.settle(window_size=64 * MB, max_message_size=65536 + 1000)
equal(limits(d, "Max address space")[0], before + 100 * 1000, "so may larger messages")

# What goes beyond it ends the gateway, which is started again, and nothing else.  The limit itself
# would take long to reach, so it is set close to what is in use.
with open("/proc/%d/statm" % d.process.pid) as f:
    used = int(f.read().split()[0]) * resource.getpagesize()
resource.prlimit(d.process.pid, resource.RLIMIT_AS, (used + 16 * MB, resource.RLIM_INFINITY))
for n in range(60):
    d.publish(record(payload=json.dumps({"fill": "y" * MB})))
ok(d.wait_exit() is not None, "out of memory: it ends", d.process.returncode)
done()
