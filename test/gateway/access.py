#!/usr/bin/python3
"""Who is let in: tokens by every route, upgrades, expiry.  Limits have files of their own."""
import subprocess
import tempfile
from harness import *

d = Dispatcher(tip=5)
refused, let_in, settled = d.refuses, d.lets_in, d.settle


def part(tok, i, change):
    parts = tok.split(".")
    parts[i] = change(parts[i])
    return ".".join(parts)


def raw(header, body, secret=SECRET):
    signed = b64url(header) + "." + b64url(body)
    return signed + "." + b64url(hmac.new(secret, signed.encode(), hashlib.sha256).digest())


good = token("1")
H = b'{"alg":"HS256"}'
B = b'{"sub":"1","exp":%d' % (time.time() + 100)
for route in ("query", "header", "protocol"):
    let_in("a good token by " + route, good, route=route)
    c = let_in("a token of 8 kB by " + route, token("1", pad="x" * 5950), route=route)
    refused("a token above 8 kB by " + route, "invalid_token", tok=token("1", pad="x" * 6200), route=route)
    refused("nonsense by " + route, "invalid_token", tok="nonsense", route=route)
    refused("another secret by " + route, "invalid_token", tok=token("1", secret=b"x" * 32), route=route)
    refused("an expired token by " + route, "token_expired", tok=token("1", ttl=-1), route=route)
equal(let_in("subprotocols", good, route="protocol").headers["sec-websocket-protocol"],
      "bugevents.v1", "only bugevents.v1 is echoed")
c = let_in("bugevents.v1 alone", good, protocols=["bugevents.v1"])
equal(c.headers["sec-websocket-protocol"], "bugevents.v1", "is echoed too")
equal("sec-websocket-protocol" in let_in("another subprotocol", good, protocols=["x"]).headers,
      False, "what is not ours is not")
refused("no token", "missing_token", tok="")
refused("an empty one", "missing_token", tok="", query="token=")
refused("two in the query", "invalid_token", tok="", query="token=%s&token=%s" % (good, good))
refused("two in the subprotocols", "invalid_token", tok="", protocols=["bearer." + good, "bearer." + good])
for name, tok in [
        ("alg none", raw(b'{"alg":"none"}', B + b"}").rsplit(".", 1)[0] + "."),
        ("alg None", raw(b'{"alg":"None"}', B + b"}")),
        ("alg HS512, not allowed", token("1", alg="HS512")),
        ("alg hs256", raw(b'{"alg":"hs256"}', B + b"}")),
        ("no alg", raw(b"{}", B + b"}")),
        ("alg a number", raw(b'{"alg":1}', B + b"}")),
        ("alg RS256 with the secret", raw(b'{"alg":"RS256"}', B + b"}")),
        ("a header that is a list", raw(b"[]", B + b"}")),
        ("alg twice", raw(b'{"alg":"HS256","alg":"HS256"}', B + b"}")),
        ("crit", raw(b'{"alg":"HS256","crit":["x"]}', B + b"}")),
        ("b64", raw(b'{"alg":"HS256","b64":false}', B + b"}")),
        ("jwk", raw(b'{"alg":"HS256","jwk":{}}', B + b"}")),
        ("jku", raw(b'{"alg":"HS256","jku":"x"}', B + b"}")),
        ("x5u", raw(b'{"alg":"HS256","x5u":"x"}', B + b"}")),
        ("x5c", raw(b'{"alg":"HS256","x5c":[]}', B + b"}")),
        ("no exp", raw(H, b'{"sub":"1"}')),
        ("exp a string", raw(H, b'{"sub":"1","exp":"9999999999"}')),
        ("exp huge", raw(H, b'{"sub":"1","exp":1e300}')),
        ("exp null", raw(H, b'{"sub":"1","exp":null}')),
        ("exp negative", raw(H, b'{"sub":"1","exp":-1}')),
        ("no sub", token(None)),
        ("an empty sub", token("")),
        ("sub null", raw(H, B.replace(b'"1"', b"null") + b"}")),
        ("sub a list", token(["1"])),
        ("sub a fraction", token(1.5)),
        ("sub true", token(True)),
        ("sub with a line feed", token("1\nadmin")),
        ("sub with NUL", token("1\0")),
        ("sub too long", token("x" * 256)),
        ("sub twice", raw(H, B + b',"sub":"2"}')),
        ("claims a list", raw(H, b"[1]")),
        ("claims no JSON", raw(H, b"x")),
        ("nbf to come", token("1", nbf=time.time() + 100)),
        ("nbf a string", token("1", nbf="1")),
        ("iat a string", token("1", iat="1")),
        ("role a number", token("1", role=1)),
        ("is_admin a string", token("1", is_admin="true")),
        ("projects a string", token("1", projects="x")),
        ("projects of objects", token("1", projects=[{}])),
        ("two parts", ".".join(good.split(".")[:2])),
        ("four parts", good + ".x"),
        ("a JWE's five", "a.b.c.d.e"),
        ("no signature", good.rsplit(".", 1)[0] + "."),
        ("padding", good + "="),
        ("white space", part(good, 1, lambda p: p[:5] + "%20" + p[5:])),
        ("a last character that is not canonical",
         part(good, 2, lambda p: p[:-1] + chr(ord(p[-1]) + 1) if p[-1] not in "Zz9" else p[:-1] + "-")),
        ("standard base64", part(good, 2, lambda p: p[:3] + "%2B" + p[4:])),
        ("a signature cut short", good[:-4]),
        ("a bit of the claims flipped", part(good, 1, lambda p: ("A" if p[8] != "A" else "B").join([p[:8], p[9:]])))]:
    refused(name, "invalid_token", tok=tok)
let_in("nbf in the past, iat, a fraction as exp",
       raw(H, b'{"sub":"1","nbf":1,"iat":1.5,"exp":%d.5}' % (time.time() + 50)))
let_in("iat in the future", token("1", iat=time.time() + 1000))
let_in("a role of its own", token("1", role="auditor"))

# Issuer, audience, leeway
d.configure(jwt_issuer="us", jwt_audience="here", jwt_leeway=30000)
settled()
refused("no issuer", "invalid_token", tok=token("1", aud="here"))
refused("another issuer", "invalid_token", tok=token("1", iss="them", aud="here"))
refused("no audience", "invalid_token", tok=token("1", iss="us"))
refused("another audience", "invalid_token", tok=token("1", iss="us", aud=["there"]))
let_in("both right", token("1", iss="us", aud="here"))
let_in("an audience among others", token("1", iss="us", aud=["there", "here"]))
let_in("expired within the leeway", token("1", iss="us", aud="here", ttl=-5))
let_in("not yet valid within the leeway", token("1", iss="us", aud="here", nbf=time.time() + 10))
refused("expired beyond the leeway", "token_expired", tok=token("1", iss="us", aud="here", ttl=-31))
d.configure(jwt_issuer="", jwt_audience="", jwt_leeway=0)

# Public keys
with tempfile.TemporaryDirectory() as folder:
    def run(*args, stdin=None):
        return subprocess.run(("openssl",) + args, check=True, capture_output=True,
                              input=stdin, cwd=folder).stdout

    run("genrsa", "-out", "rsa.key", "2048")
    for curve, bits in (("prime256v1", 256), ("secp384r1", 384)):
        run("ecparam", "-name", curve, "-genkey", "-noout", "-out", "ec%d.key" % bits)
    rsa = run("rsa", "-in", "rsa.key", "-pubout").decode()
    ec256 = run("ec", "-in", "ec256.key", "-pubout").decode()
    ec384 = run("ec", "-in", "ec384.key", "-pubout").decode()
    run("req", "-x509", "-new", "-key", "rsa.key", "-subj", "/CN=x", "-out", "cert.pem")
    with open(folder + "/cert.pem") as f:
        certificate = f.read()

    def sign(alg, key, header=None):
        head = {"alg": alg}
        head.update(header or {})
        signed = (b64url(json.dumps(head).encode()) + "." +
                  b64url(json.dumps({"sub": "1", "exp": time.time() + 100}).encode()))
        sha = "-sha" + alg[2:]
        extra = ("-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:-1") if alg[0] == "P" else ()
        sig = run("dgst", sha, "-sign", key, *extra, stdin=signed.encode())
        if alg[0] == "E":
            size = int(alg[2:]) // 8
            i = 4
            n = sig[3]
            r = int.from_bytes(sig[i:i + n], "big")
            s = int.from_bytes(sig[i + n + 2:], "big")
            sig = r.to_bytes(size, "big") + s.to_bytes(size, "big")
        return signed + "." + b64url(sig)

    d.configure(jwt_key=rsa + ec256 + ec384,
                jwt_algorithms="HS256, RS256, PS256, ES256, ES384")
    settled()
    for alg, key in (("RS256", "rsa.key"), ("PS256", "rsa.key"), ("ES256", "ec256.key"),
                     ("ES384", "ec384.key")):
        let_in(alg, sign(alg, key))
        refused(alg + " with a broken signature", "invalid_token",
                tok=part(sign(alg, key), 2, lambda p: ("A" if p[9] != "A" else "B").join([p[:9], p[10:]])))
    refused("RS512, not allowed", "invalid_token", tok=sign("RS512", "rsa.key"))
    refused("HS256 with the public key as the secret", "invalid_token",
            tok=token("1", secret=rsa.encode()))
    let_in("HS256 beside the keys", token("1"))
    d.configure(jwt_key=certificate, jwt_algorithms="RS256")
    settled()
    let_in("RS256 with a certificate", sign("RS256", "rsa.key"))
    refused("HS256, taken off the list", "invalid_token", tok=token("1"))
    d.configure(jwt_key="", jwt_algorithms="HS256")

# An expiry in milliseconds is beyond any calendar
payload = d.refuses("an expiry in milliseconds", "invalid_token", tok=token("1", exp=1893456000000))
ok("in seconds, before the year 10000" in payload["message"], "... and the words say what it may be", payload)

# Upgrades that are none
key = "Sec-WebSocket-Key: " + base64.b64encode(b"x" * 16).decode()
usual = ["Host: x", "Upgrade: websocket", "Connection: Upgrade", key, "Sec-WebSocket-Version: 13"]
for name, path, lines, status in [
        ("another path", "/", usual, 404),
        ("h2c", "/ws", ["Host: x", "Upgrade: h2c", "Connection: Upgrade", key, usual[4]], 426),
        ("no Connection", "/ws", usual[:2] + usual[3:], 400),
        ("no key", "/ws", usual[:3] + usual[4:], 400),
        ("a short key", "/ws", usual[:3] + ["Sec-WebSocket-Key: AAAA"] + usual[4:], 400),
        ("another version", "/ws", usual[:4] + ["Sec-WebSocket-Version: 8"], 426),
        ("no Host", "/ws", usual[1:], 400),
        ("a body", "/ws", usual + ["Content-Length: 5"], 400)]:
    c = Client(d, handshake=False)
    c.request("GET %s?token=%s HTTP/1.1" % (path, good), lines)
    c.read_head()
    equal(c.status, status, "%s: %d" % (name, status))

# Java's client and curl --http2 offer HTTP/2 with each request; it is not taken up.
offer = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA"]
for name, path, lines, status in [("a plain request", "/health", ["Host: x"] + offer, 200),
                                  ("an upgrade that nobody knows", "/health", ["Host: x", "Connection: Upgrade", "Upgrade: TLS/1.0, x"], 200),
                                  ("/ws by plain HTTP", "/ws", ["Host: x"] + offer, 426),
                                  ("a WebSocket beside it", "/ws?token=" + good, ["Host: x", "Upgrade: h2c, WebSocket"] + usual[2:], 101)]:
    c = Client(d, handshake=False)
    c.request("GET %s HTTP/1.1" % path, lines)
    c.read_head()
    equal(c.status, status, "%s: %d" % (name, status))

# Clocks


def notice(c):
    """How many seconds the client is told to be left."""
    message = c.message()
    equal((message["type"], message["action"]), ("connection", "expiring"), "a notice comes")
    return message["payload"]["seconds"]


c = let_in("a token for some seconds", token("1", ttl=5))
ok(notice(c) <= 5, "it is short: at once")
seen = c.closed()
equal(([m["payload"]["code"] for m in seen], c.code, c.reason),
      (["token_expired"], 1008, "token_expired"), "at its expiry: error and 1008")
expiry = int(time.time()) + 62
c = let_in("a token for a minute and a moment", token("1", exp=expiry))
ok(c.silent(), "nothing is said of it yet")
message = c.message()
equal((message["action"], message["payload"]["expires_at"]),
      ("expiring", time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime(expiry))), "60 s ahead: a notice")
ok(message["payload"]["seconds"] in range(50, 61), "which says how long", message)
end = int(time.time()) + 8
c = let_in("a token for eight seconds", token("1", exp=end))
notice(c)
equal(c.ask({"type": "authenticate", "id": 1, "payload": {"token": token("2")}})["payload"]["code"],
      "forbidden", "another user's token does not renew it")
equal(c.ask({"type": "authenticate", "id": 1, "payload": {"token": token("1", ttl=-1)}})["payload"]["code"],
      "token_expired", "nor does an expired one")
equal(c.ask({"type": "authenticate", "id": 1, "payload": {"token": token("1", ttl=30)}})["type"],
      "reply", "one of the same user does")
ok(notice(c) > 8, "which is short, too")
c.ask({"type": "authenticate", "payload": {"token": token("1")}})
wait_for(lambda: c.silent() and time.time() > end + 1.5, "the end of the first token")
ok(True, "renewed, it outlives its first token, and hears of it no more")

ok(all(good not in text and SECRET.decode() not in text for _, text in d.logs), "no token in any log line")
equal(d.stop(), 0, "the gateway ends with 0")
done()
