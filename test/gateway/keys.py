"""Keys and signatures for the tests of tokens, made by the openssl program.

Not a test: token signing of the kinds that Python's own library lacks.
"""
import hashlib
import hmac
import os
import subprocess
import tempfile

from harness import b64url

_folder = tempfile.TemporaryDirectory()

# Order of the base point of each curve, for signatures out of range.
ORDER = {
    "P-256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "P-384": int("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"
                 "C7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973", 16),
    "P-521": int("1FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFA"
                 "51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409", 16),
}
GROUPS = {"P-256": ("prime256v1", 32), "P-384": ("secp384r1", 48), "P-521": ("secp521r1", 66)}


def openssl(*args, stdin=None):
    return subprocess.run(("openssl",) + args, check=True, capture_output=True,
                          input=stdin, cwd=_folder.name).stdout


def _file(data):
    path = os.path.join(_folder.name, "text")
    with open(path, "wb") as f:
        f.write(data)
    return path


class Secret:
    def __init__(self, secret):
        self.secret = secret

    def jwk(self, **more):
        return dict(kty="oct", k=b64url(self.secret), **more)

    def sign(self, alg, text):
        return hmac.new(self.secret, text, getattr(hashlib, "sha" + alg[2:])).digest()


class Pair:
    """A private key in a file, and its public half in each form."""
    _made = 0

    def __init__(self, *options):
        Pair._made += 1
        self.file = "key%d.pem" % Pair._made
        openssl("genpkey", *options, "-out", self.file)
        self.pem = openssl("pkey", "-in", self.file, "-pubout").decode()
        self.der = openssl("pkey", "-in", self.file, "-pubout", "-outform", "DER")


class Rsa(Pair):
    def __init__(self, bits=2048):
        super().__init__("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:%d" % bits)
        modulus = openssl("rsa", "-in", self.file, "-noout", "-modulus").decode()
        self.n = bytes.fromhex(modulus.split("=")[1].strip())

    def jwk(self, **more):
        return dict(kty="RSA", n=b64url(self.n), e="AQAB", **more)

    def sign(self, alg, text, salt="-1"):
        pss = ("-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:" + salt)
        return openssl("dgst", "-sha" + alg[2:], "-sign", self.file,
                       *(pss if alg[0] == "P" else ()), stdin=text)


class Ec(Pair):
    def __init__(self, curve="P-256"):
        self.curve = curve
        group, self.size = GROUPS[curve]
        super().__init__("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:" + group)
        point = self.der[-2 * self.size:]
        self.x, self.y = point[:self.size], point[self.size:]

    def jwk(self, **more):
        return dict(kty="EC", crv=self.curve, x=b64url(self.x), y=b64url(self.y), **more)

    def sign_der(self, alg, text):
        return openssl("dgst", "-sha" + alg[2:], "-sign", self.file, stdin=text)

    def numbers(self, alg, text):
        """r and s of a signature."""
        der = self.sign_der(alg, text)
        at = 2 if der[1] < 0x80 else 3
        found = []
        for _ in range(2):
            length = der[at + 1]
            found.append(int.from_bytes(der[at + 2:at + 2 + length], "big"))
            at += 2 + length
        return found

    def raw(self, r, s, size=None):
        return b"".join(n.to_bytes(size or self.size, "big") for n in (r, s))

    def sign(self, alg, text):
        return self.raw(*self.numbers(alg, text))


class Edwards(Pair):
    def __init__(self, curve="Ed25519"):
        self.curve = curve
        super().__init__("-algorithm", curve)
        self.x = self.der[-(57 if curve == "Ed448" else 32):]

    def jwk(self, **more):
        return dict(kty="OKP", crv=self.curve, x=b64url(self.x), **more)

    def sign(self, _alg, text):
        return openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.file, "-in", _file(text))
