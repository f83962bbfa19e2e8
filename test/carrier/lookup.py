#!/usr/bin/python3
"""A name server that never answers holds up its own channel, and that no longer than it may."""
import time

from courier import *
from servers import *

# The C library's lookup, but for one name
SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");

    while (name && strcmp(name, "hangs.example.com") == 0)
        poll(NULL, 0, -1);
    return real(name, service, hints, found);
}
"""
with open(os.path.join(folder, "lookup.c"), "w") as f:
    f.write(SOURCE)
library = os.path.join(folder, "lookup.so")
subprocess.run(["cc", "-shared", "-fPIC", "-o", library, os.path.join(folder, "lookup.c"), "-ldl"], check=True)

web = Web(lambda conn, request, server: response(200))
os.environ["LD_PRELOAD"] = library
os.environ["ASAN_OPTIONS"] = "verify_asan_link_order=0"
c = Courier(webhook={"url": web.url, "secret": SECRET},
            email={"url": "smtp://hangs.example.com", "from": "bugs@example.com", "timeout": 500, "concurrency": 1},
            whatsapp={"url": "https://hangs.example.com/", "token": TOKEN, "connect_timeout": 500})
for channel in ("email", "whatsapp"):
    ident = c.send(channel)
    c.gives("a webhook passes while %s looks its server up" % channel, {"result": "sent"}, "webhook")
    began = time.monotonic()
    got = c.result(ident)
    ok(got["result"] == "retry" and "uncertain" not in got and time.monotonic() - began < 30,
       "which ends after its timeout: " + got["error"], got)
c.gives("and again", {"result": "retry", "code": 0}, "email")
web.close()
equal(c.leave(), 0, "lookups that hang keep nobody from leaving")
equal(c.errors, "", "nothing on standard error")
done()
