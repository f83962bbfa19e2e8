#!/usr/bin/python3
"""A table of tokens, good ones and attacks, each by every route.

The routes are the query, the header, the subprotocol, and "authenticate" on a
connection that is open.  The keys are a set of eight in bugevents.jwks_file, one
in PEM and a secret; every algorithm is allowed.
"""
from urllib.parse import quote

from harness import *
import keys

NOW = int(time.time())
oct_key = keys.Secret(b"o" * 64)
secret = keys.Secret(SECRET)
rsa, rsa_pem, rsa_other = keys.Rsa(), keys.Rsa(), keys.Rsa()
curves = {"ES256": keys.Ec("P-256"), "ES384": keys.Ec("P-384"), "ES512": keys.Ec("P-521")}
others = {"ES256": keys.Ec("P-256"), "ES384": keys.Ec("P-384"), "ES512": keys.Ec("P-521")}
ed, ed448, ed_other = keys.Edwards(), keys.Edwards("Ed448"), keys.Edwards()
rsa_bound = keys.Rsa()

JWKS = json.dumps({"keys": [
    oct_key.jwk(kid="oct"), rsa.jwk(kid="rsa", use="sig"),
    rsa_bound.jwk(kid="bound", alg="RS256", key_ops=["verify"]),
    curves["ES256"].jwk(kid="p256"), curves["ES384"].jwk(kid="p384"),
    curves["ES512"].jwk(kid="p521"), ed.jwk(kid="ed"), ed448.jwk(kid="ed448"),
    # Not for us, so passed over.
    rsa_other.jwk(kid="encryption", use="enc"), {"kty": "new", "kid": "new"},
    {"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"},
    {"kty": "OKP", "crv": "X25519", "x": "AA"}]})

ALGORITHMS = ("HS256 HS384 HS512 RS256 RS384 RS512 PS256 PS384 PS512 "
              "ES256 ES384 ES512 EdDSA").split()


def by_name(alg):
    return (oct_key if alg[0] == "H" else rsa if alg[0] in "RP" else
            ed if alg == "EdDSA" else curves[alg])


def another(alg):
    return (keys.Secret(b"x" * 64) if alg[0] == "H" else rsa_other if alg[0] in "RP" else
            ed_other if alg == "EdDSA" else others[alg])


def as_bytes(value):
    if isinstance(value, bytes):
        return value
    return (value if isinstance(value, str) else json.dumps(value)).encode()


def claims(**changes):
    body = {"sub": "1", "exp": NOW + 3600}
    body.update(changes)
    return {k: v for k, v in body.items() if v is not ...}


def text_of(header, body):
    return b64url(as_bytes(header)) + "." + b64url(as_bytes(body))


def make(alg="HS256", key=None, body=None, header=None, sign=None, **more):
    """A token; header and body may be raw text, sign what makes the signature."""
    key = key or (secret if alg[0] == "H" else by_name(alg))
    if header is None:
        header = dict({"alg": alg}, **more)
    text = text_of(header, claims() if body is None else body)
    return text + "." + b64url(sign(text.encode()) if sign else key.sign(alg, text.encode()))


CASES = []      # name, token, wanted: None (good) or an error's code
QUERY_ONLY = []


def good(name, tok):
    CASES.append((name, tok, None))


def bad(name, tok, wanted="invalid_token"):
    CASES.append((name, tok, wanted))


def change(tok, i, how):
    parts = tok.split(".")
    parts[i] = how(parts[i])
    return ".".join(parts)


def flip(part):
    raw = bytearray(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    raw[len(raw) // 2] ^= 1
    return b64url(bytes(raw))


# ---- Signatures
for alg in ALGORITHMS:
    key = by_name(alg)
    tok = make(alg, key)
    good(alg, tok)
    good(alg + " with the key's name", make(alg, key, kid={
        "H": "oct", "R": "rsa", "P": "rsa"}.get(alg[0]) or {
        "ES256": "p256", "ES384": "p384", "ES512": "p521", "EdDSA": "ed"}[alg]))
    bad(alg + ", a bit of the signature flipped", change(tok, 2, flip))
    bad(alg + ", a bit of the claims flipped", change(tok, 1, flip))
    bad(alg + " of another key", make(alg, another(alg)))
    text = tok.rsplit(".", 1)[0].encode()
    sig = key.sign(alg, text)
    bad(alg + ", a byte more", make(alg, sign=lambda _: sig + b"\0"))
    bad(alg + ", a byte less", make(alg, sign=lambda _: sig[:-1]))
    bad(alg + ", nothing but zeros", make(alg, sign=lambda _: b"\0" * len(sig)))
    bad(alg + ", a signature of other claims",
        make(alg, body=claims(sub="2"), sign=lambda _: sig))
good("EdDSA with Ed448", make("EdDSA", ed448))
bad("EdDSA with Ed448 under the name of the other key", make("EdDSA", ed448, kid="ed"))
good("RS256 by a key in PEM", make("RS256", rsa_pem))
good("RS256 by a key that is bound to it", make("RS256", rsa_bound))
bad("PS256 by a key that is bound to RS256", make("PS256", rsa_bound))
bad("RS256 by a key for encryption", make("RS256", rsa_other, kid="encryption"))
for alg in ("ES256", "ES384", "ES512"):
    key = curves[alg]
    order = keys.ORDER[key.curve]
    bad(alg + ": r is 0", make(alg, sign=lambda t: key.raw(0, key.numbers(alg, t)[1])))
    bad(alg + ": s is 0", make(alg, sign=lambda t: key.raw(key.numbers(alg, t)[0], 0)))
    bad(alg + ": both are the order", make(alg, sign=lambda t: key.raw(order, order)))
    bad(alg + ": both are 1", make(alg, sign=lambda t: key.raw(1, 1)))
    bad(alg + " in DER", make(alg, sign=lambda t: key.sign_der(alg, t)))
    bad(alg + ", numbers a byte too long",
        make(alg, sign=lambda t: key.raw(*key.numbers(alg, t), size=key.size + 1)))
    bad(alg + ", r alone", make(alg, sign=lambda t: key.sign(alg, t)[:key.size]))
bad("ES256: r and s changed places", make("ES256", sign=lambda t: curves["ES256"].raw(
    *reversed(curves["ES256"].numbers("ES256", t)))))
for alg, wrong in (("ES256", "ES384"), ("ES384", "ES256"), ("ES512", "ES256")):
    bad("%s with the key of %s" % (alg, wrong), make(alg, sign=lambda t: curves[wrong].sign(alg, t)))
bad("PS256 signed as RS256", make("PS256", sign=lambda t: rsa.sign("RS256", t)))
bad("RS256 signed as PS256", make("RS256", sign=lambda t: rsa.sign("PS256", t)))
bad("RS256 signed as RS512", make("RS256", sign=lambda t: rsa.sign("RS512", t)))
bad("PS256 without salt", make("PS256", sign=lambda t: rsa.sign("PS256", t, "0")))
bad("PS256 with too much salt", make("PS256", sign=lambda t: rsa.sign("PS256", t, "64")))
bad("PS384 with the salt of PS256", make("PS384", sign=lambda t: rsa.sign("PS384", t, "32")))


def short_pss(t):
    """A signature that begins with a zero, without it."""
    while True:
        found = rsa.sign("PS256", t)
        if found[0] == 0:
            return found[1:]


bad("PS256 without its leading zero", make("PS256", sign=short_pss))
bad("HS256 signed as HS512", make("HS256", sign=lambda t: secret.sign("HS512", t)))
bad("HS512 signed as HS256", make("HS512", sign=lambda t: secret.sign("HS256", t)))
bad("HS256 without a secret", make("HS256", keys.Secret(b"")))
bad("HS256, the MAC in hexadecimal",
    make("HS256", sign=lambda t: secret.sign("HS256", t).hex().encode()))

# ---- A public key for a secret
for name, key in (("RSA", rsa), ("P-256", curves["ES256"]), ("Ed25519", ed), ("PEM's RSA", rsa_pem)):
    for form, data in (("PEM", key.pem.encode()), ("PEM without its end", key.pem.strip().encode()),
                       ("DER", key.der)):
        bad("HS256 with the %s key's %s" % (name, form), make("HS256", keys.Secret(data)))
    bad("HS256 with the %s key's JWK" % name, make("HS256", keys.Secret(as_bytes(key.jwk()))))
bad("HS256 with the RSA modulus, by its name", make("HS256", keys.Secret(rsa.n), kid="rsa"))
bad("HS256 with the Ed25519 point, by its name", make("HS256", keys.Secret(ed.x), kid="ed"))
bad("HS256 with the name of an RSA key and the right secret", make("HS256", kid="rsa"))
bad("RS256 with the secret as its signature", make("RS256", sign=lambda t: secret.sign("HS256", t)))

# ---- Algorithms
for alg in ("none", "None", "NONE", "nOnE", "none ", " none", "none\0", "", "null"):
    unsigned = text_of({"alg": alg}, claims())
    bad("alg %r, not signed" % alg, unsigned + ".")
    bad("alg %r, with a MAC" % alg, make(header={"alg": alg}))
bad("alg none and not even a dot", text_of({"alg": "none"}, claims()))
for alg in ("hs256", "HS256 ", "HS256\0", "HS1", "HS257", "HS", "ES256K", "Ed25519", "RS1",
            "RSA-OAEP", "dir", "A128KW", "HMAC", 256, None, True, ["HS256"], {"HS256": 1}):
    bad("alg %r" % (alg,), make(header={"alg": alg}))
bad("no alg", make(header="{}"))
bad("alg twice", make(header='{"alg":"HS256","alg":"HS256"}'))
bad("alg twice, none and HS256", make(header='{"alg":"none","alg":"HS256"}'))
bad("alg twice, once escaped", make(header='{"alg":"HS256","\\u0061lg":"none"}'))
bad("Alg", make(header='{"Alg":"HS256"}'))

# ---- Headers
good("typ JWT", make(typ="JWT"))
good("typ at+jwt", make(typ="at+jwt"))
good("cty and a member of its own", make(cty="JWT", mine=[1, {"a": None}]))
good("white space in the header", make(header='{\r\n "typ" : "JWT",\t"alg":"HS256" }\n'))
bad("typ a number", make(typ=1))
for name in ("crit", "b64", "jwk", "jku", "x5u", "x5c", "zip", "enc"):
    bad(name, make(**{name: {"crit": ["exp"], "b64": False, "jwk": oct_key.jwk(), "x5c": ["MIIB"],
                             }.get(name, "https://evil.example/keys")}))
    bad(name + " null", make(**{name: None}))
bad("crit, empty", make(crit=[]))
bad("crit b64", make(crit=["b64"], b64=False))
bad("b64 true", make(b64=True))
bad("b64:false, claims as they are", "%s.%s." % (b64url(b'{"alg":"HS256","b64":false,"crit":["b64"]}'),
                                                 '{"sub":"1"}'))
bad("jwk of the attacker's", make("RS256", rsa_other, jwk=rsa_other.jwk()))
bad("jwk of the attacker's, a secret", make("HS256", keys.Secret(b"e" * 32), jwk=keys.Secret(b"e" * 32).jwk()))
for kid in (1, None, True, [], {}):
    bad("kid %r" % (kid,), make(kid=kid))
good("a kid that nobody has, by the secret", make(kid="x"))
good("an empty kid, by the secret", make(kid=""))
good("a kid like a path", make(kid="../../../../dev/null"))
bad("a kid that nobody has, by a key with a name", make("RS256", kid="x"))
bad("a kid like a path, an empty secret", make("HS256", keys.Secret(b""), kid="/dev/null"))
bad("a kid like SQL", make("HS256", keys.Secret(b"x"), kid="x' UNION SELECT 'x"))
bad("the name of another key of this kind", make("RS256", rsa, kid="bound"))
bad("the name of a key of another kind", make("RS256", rsa, kid="p256"))
bad("kid twice", make(header='{"alg":"HS256","kid":"x","kid":"y"}'))
for raw in ("[]", '"HS256"', "1", "null", "true", "", " ", "{", '{"alg":"HS256"', '{"alg":"HS256"}x',
            '{"alg":"HS256",}', "{'alg':'HS256'}", '{"alg":"HS256"}{}', "\ufeff" + '{"alg":"HS256"}',
            '{"alg":"HS256"} // x', "[" * 3000):
    bad("a header that reads %.30r" % raw, make(header=raw))
bad("a header that is not UTF-8", make(header=b'{"alg":"HS256","x":"\xff"}'))
bad("a header in UTF-16", make(header='{"alg":"HS256"}'.encode("utf-16")))
bad("a header with NUL", make(header=b'{"alg":"HS256"}\0'))

# ---- Claims
E = '"exp":%d' % (NOW + 3600)
good("a fraction as exp", make(body=claims(exp=NOW + 100.5)))
good("exp with an exponent", make(body='{"sub":"1","exp":4e9}'))
good("white space in the claims", make(body='\n{ "sub" : "1" ,\r\n\t%s }\n' % E))
for exp in ('"%d"' % (NOW + 3600), "null", "true", "[]", "{}", "-1", "1e300", "1e999", "9" * 30,
            "253402300800", "NaN", "Infinity", "0x7fffffff"):
    bad("exp %.20s" % exp, make(body='{"sub":"1","exp":%s}' % exp))
bad("no exp", make(body=claims(exp=...)))
bad("Exp", make(body=claims(exp=..., Exp=NOW + 9)))
bad("exp twice", make(body='{"sub":"1",%s,"exp":4000000000}' % E))
bad("exp 0", make(body=claims(exp=0)), "token_expired")
bad("exp just past", make(body=claims(exp=NOW - 1)), "token_expired")
bad("exp long past, RS256", make("RS256", body=claims(exp=1000000000)), "token_expired")
bad("expired and of another key", make("RS256", rsa_other, body=claims(exp=1)))
good("nbf past, iat", make(body=claims(nbf=1, iat=NOW)))
for nbf in (NOW + 100, NOW + 1e9, "1", None, True, [], -1):
    bad("nbf %r" % (nbf,), make(body=claims(nbf=nbf)))
for iat in ("1", None, True, [], {}, -1):
    bad("iat %r" % (iat,), make(body=claims(iat=iat)))
good("a fraction as iat", make(body=claims(iat=1.5)))
for sub in (42, -7, 0, 9007199254740993, "x" * 255, "\u00e9\U0001f600", "a b", 'q"\\', "0", "admin"):
    good("sub %.20r" % (sub,), make(body=claims(sub=sub)))
for sub in ("", None, True, [], ["1"], {}, {"id": 1}, 1.5, 1e300, "x" * 256, "\u00e9" * 128, "1\0",
            "1\nadmin", "\t", "\x7f"):
    bad("sub %.20r" % (sub,), make(body=claims(sub=sub)))
bad("no sub", make(body=claims(sub=...)))
bad("sub twice", make(body='{"sub":"2","sub":"1",%s}' % E))
bad("sub twice, once escaped", make(body='{"sub":"2","s\\u0075b":"1",%s}' % E))
bad("sub beyond 64 bits", make(body='{"sub":99999999999999999999,%s}' % E))
bad("half a surrogate in sub", make(body='{"sub":"\\ud800",%s}' % E))
for aud in (1, None, True, {}, [1], ["a", None]):
    bad("aud %r" % (aud,), make(body=claims(aud=aud)))
for aud in ("a", ["a", "b"], []):
    good("aud %r, not asked for" % (aud,), make(body=claims(aud=aud)))
for iss in (1, None, [], ["a"]):
    bad("iss %r" % (iss,), make(body=claims(iss=iss)))
good("iss, not asked for", make(body=claims(iss="a")))
for role in (1, None, True, [], "", "x" * 64, "a\nadmin", "\x01", "\x7f", "a\0"):
    bad("role %.9r" % (role,), make(body=claims(role=role)))
good("a role of its own", make(body=claims(role="auditor")))
for flag in ("true", 1, None, []):
    bad("is_admin %r" % (flag,), make(body=claims(is_admin=flag)))
for projects in ("x", 1, None, {}, [{}], [None], [1.5], [""], ["a\nadmin"]):
    bad("projects %r" % (projects,), make(body=claims(projects=projects)))
good("projects", make(body=claims(projects=[1, "b"])))
bad("a member twice, deep inside", make(body='{"sub":"1",%s,"x":{"a":1,"a":2}}' % E))
for raw in ("[]", '[{"sub":"1",%s}]' % E, '"1"', "1", "null", "true", "{}", "", " ", '{"sub":"1",%s' % E,
            '{"sub":"1",%s}x' % E, '{"sub":"1",%s,}' % E, "\ufeff" + '{"sub":"1",%s}' % E,
            '{"sub":"1",%s}{"sub":"2"}' % E, '{"sub":"1",%s,"x":%s}' % (E, "[" * 3000)):
    bad("claims that read %.30r" % raw, make(body=raw))
bad("claims that are not UTF-8", make(body=b'{"sub":"\xff",%s}' % E.encode()))
bad("an overlong form in the claims", make(body=b'{"sub":"\xc0\xb1",%s}' % E.encode()))
bad("claims in UTF-16", make(body=('{"sub":"1",%s}' % E).encode("utf-16")))
bad("a token in a token", make(body=make().encode()))

# ---- Form
tok = make()
h, b, s = tok.split(".")


def loose(i):
    """A good token whose part i has unused bits; one of them set."""
    for pad in range(3):
        one = make(body=claims(pad="x" * pad), **({"pad": "x" * pad} if i == 0 else {}))
        part = one.split(".")[i]
        if len(part) % 4:
            digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
            last = digits[digits.index(part[-1]) | 1]
            return change(one, i, lambda p: p[:-1] + last)


for name, form in (("one part", h), ("two parts", h + "." + b), ("four parts", tok + ".x"),
                   ("a part more, empty", tok + "."), ("a JWE's five", ".".join([h, b, s, h, b])),
                   ("an empty header", "." + b + "." + s), ("empty claims", h + ".." + s),
                   ("no signature", h + "." + b + "."), ("dots", ".."), ("a dot", "."), ("text", "nonsense"),
                   ("a dot first", "." + tok), ("two dots", h + ".." + b + "." + s),
                   ("the JSON form", json.dumps({"protected": h, "payload": b, "signature": s},
                                                separators=(";", ":"))),
                   ("quotes", '"%s"' % tok), ("Bearer again", "Bearer " + tok), ("a semicolon", tok + ";"),
                   ("the parts in another order", ".".join([b, h, s])),
                   ("a good token and more", tok + "A"), ("two tokens", tok + tok),
                   ("percents that stay", quote(tok, safe="").replace(".", "%2E"))):
    bad(name, form)
for i, part in enumerate(("the header", "the claims", "the signature")):
    bad("a loose bit at the end of " + part, loose(i))
    for name, how in (("padding", lambda p: p + "="), ("more padding", lambda p: p + "=="),
                      ("+", lambda p: p[:4] + "+" + p[5:]), ("/", lambda p: p[:4] + "/" + p[5:]),
                      ("a blank", lambda p: p[:4] + " " + p[4:]), ("a tab", lambda p: p[:4] + "\t" + p[4:]),
                      ("a character more", lambda p: p + "A" * (1 + -len(p) % 4)),
                      ("a character less", lambda p: p[:-1] if len(p) % 4 != 2 else p[:-2]),
                      ("not ASCII", lambda p: p[:4] + "\u00e9" + p[4:])):
        bad("%s in %s" % (name, part), change(tok, i, how))
for code, name in ((0, "NUL"), (10, "a line feed"), (13, "a carriage return"), (127, "DEL"), (255, "0xff")):
    for i in range(3):
        QUERY_ONLY.append(("%s in part %d" % (name, i), change(tok, i, lambda p: p[:4] + "%%%02x" % code + p[4:])))
for name, form in (("a blank before", "%20" + tok), ("a blank behind", tok + "%20"), ("a line feed behind", tok + "%0a"),
                   ("NUL behind", tok + "%00"), ("half an escape", tok + "%"), ("an escape that is none", tok + "%zz")):
    QUERY_ONLY.append((name, form))

# ---- Size


def of_size(size):
    """A good token of exactly this length; the claims' padding is what varies."""
    for header_pad in range(4):
        for n in range(size * 3 // 4 - 200, size * 3 // 4):
            header = {"alg": "HS256", "pad": "x" * header_pad}
            if len(text_of(header, claims(pad="x" * n))) + 44 == size:
                return make(header=header, body=claims(pad="x" * n))


good("8192 bytes", of_size(8192))
bad("8193 bytes", of_size(8193))
bad("10000 bytes", of_size(10000))
bad("8192 bytes with a broken signature", change(of_size(8192), 2, flip))
bad("8192 dots", "." * 8192)
bad("8192 letters", "A" * 8192)

# ---------------------------------------------------------------- by every route

d = Dispatcher(jwks=JWKS, jwt_key=rsa_pem.pem, jwt_algorithms=",".join(ALGORITHMS),
               max_message_size=1 << 20)


def answer(route, tok):
    c = d.connect(tok=quote(tok, safe="") if route == "query" else tok, route=route)
    first = c.message()
    if first["type"] == "connection":
        c.close()
        return None
    seen = c.closed()
    if seen or (c.code, c.reason) != (1008, first["payload"]["code"]):
        return "%s, then %s %s %s" % (first["payload"]["code"], seen, c.code, c.reason)
    return first["payload"]["code"]


def told(name, wanted, answers):
    """One result for each case; the routes that answered otherwise are named."""
    wrong = {route: got for route, got in answers.items() if got != wanted}
    ok(not wrong, "%s: %s" % (name.replace("#", "sharp"), wanted or "good"), wrong)


live = d.ready(make())
for name, tok, wanted in CASES:
    answers = {route: answer(route, tok) for route in ("query", "header", "protocol")}
    reply = live.ask({"type": "authenticate", "payload": {"token": tok}})
    code = reply["payload"].get("code")
    answers["authenticate"] = None if code == "forbidden" else code     # good, of another user
    told(name, wanted, answers)
for name, tok in QUERY_ONLY:
    c = d.connect(tok=tok)
    told(name + ", by the query", "invalid_token", {"query": c.message()["payload"]["code"]})

# Beyond what a request's head may have, the answer is one of HTTP.
for size in (20000, 100000, 1000000):
    for route in ("query", "header", "protocol"):
        c = Client(d, "A" * size, route=route)
        equal(c.status, 431, "%d bytes by %s: 431" % (size, route))
        c.rest()
    reply = live.ask({"type": "authenticate", "payload": {"token": "A" * size}})
    equal(reply["payload"]["code"], "invalid_token", "%d bytes by authenticate: invalid_token" % size)
live.ask({"type": "authenticate", "payload": {"token": make()}})
d.publish(record(payload='{"n":1}'))
equal(live.message()["payload"], {"n": 1}, "a connection that saw all this is as it was")

attacks = sum(wanted is not None for _, _, wanted in CASES) + len(QUERY_ONLY)
ok(attacks >= 188, "%d attacks and %d good tokens" % (
    attacks, sum(wanted is None for _, _, wanted in CASES)))
ok(not any(part in text for _, text in d.logs for part in (h, b, s)), "no token in any log line")
equal(d.stop(), 0, "the gateway ends with 0")
done()
