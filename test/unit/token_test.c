/*
 * token_test.c - tokens: public vectors, key sets, then our own, signed with OpenSSL.
 *
 * The large table of attacks is test/gateway/tokens.py, where each goes by every route.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

#include "verifier/token/keys.h"
#include "verifier/token/token.h"
#include "tap.h"

#define NOW    1800000000
#define SECRET "0123456789abcdef0123456789abcdef"

static BevTokenSettings *
settings_of(const char *more)
{
	char json[1024];
	char error[256];

	snprintf(json, sizeof(json),
	         "{\"jwt_algorithms\":\"HS256\",\"jwt_leeway\":10000,"
	         "\"jwt_secret\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\"%s}",
	         more);
	return bev_token_settings_read(json, strlen(json), error, sizeof(error));
}

static BevKeyring *
keys_of(const BevTokenSettings *settings)
{
	char error[256];

	return bev_keys_read(settings, error, sizeof(error));
}

static size_t
base64url(char *dst, const unsigned char *data, size_t len)
{
	size_t n = (size_t) EVP_EncodeBlock((unsigned char *) dst, data, (int) len);

	for (size_t i = 0; i < n; i++)
		dst[i] = dst[i] == '+' ? '-' : dst[i] == '/' ? '_' : dst[i];
	while (n > 0 && dst[n - 1] == '=')
		n--;
	dst[n] = '\0';
	return n;
}

static void
sign(char *dst, const char *header, const char *claims)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned int mac_len;
	size_t n = base64url(dst, (const unsigned char *) header, strlen(header));

	dst[n++] = '.';
	n += base64url(dst + n, (const unsigned char *) claims, strlen(claims));
	HMAC(EVP_sha256(), SECRET, 32, (unsigned char *) dst, n, mac, &mac_len);
	dst[n++] = '.';
	base64url(dst + n, mac, mac_len);
}

static BevTokenResult
check(const BevKeyring *keyring, const BevTokenSettings *settings, const char *token,
      const char **why)
{
	BevClaims claims;
	BevTokenResult result = bev_token_verify(keyring, settings, token, NOW, &claims, why);

	bev_claims_free(&claims);
	return result;
}

/* The keys of the public vectors. */
#define A1 \
	"{\"kty\":\"oct\",\"kid\":\"A.1\",\"k\":" \
	"\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow\"}"
#define A2 \
	"{\"kty\":\"RSA\",\"kid\":\"A.2\",\"n\":" \
	"\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2l" \
	"ZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2" \
	"CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9g" \
	"b54h4FRWyuXpoQ\",\"e\":\"AQAB\"}"
#define A3 \
	"{\"kty\":\"EC\",\"kid\":\"A.3\",\"crv\":\"P-256\"," \
	"\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"," \
	"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"
#define A4 \
	"{\"kty\":\"EC\",\"kid\":\"A.4\",\"crv\":\"P-521\"," \
	"\"x\":\"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk\"," \
	"\"y\":\"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2\"}"
#define OKP \
	"{\"kty\":\"OKP\",\"kid\":\"8037\",\"crv\":\"Ed25519\"," \
	"\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"

/* A configuration with this key set and every algorithm. */
static BevTokenSettings *
settings_with_set(const char *set)
{
	char error[256];
	json_t *json = json_pack("{s:s, s:s}", "jwks", set, "jwt_algorithms",
	                         "HS256,RS256,ES256,ES384,ES512,EdDSA");
	char *text = json_dumps(json, 0);
	BevTokenSettings *settings = bev_token_settings_read(text, strlen(text), error, sizeof(error));

	free(text);
	json_decref(json);
	return settings;
}

/*
 * RFC 7515, appendix A, and RFC 8037, appendix A: good signatures of what would not
 * do as claims here.
 */
static void
test_vectors(void)
{
#define JOE \
	"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt" \
	"cGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
	static const struct
	{
		const char *name;
		const char *token;
		const char *why;
	} cases[] = {
		{"RFC 7515, A.1: HS256",
	     "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." JOE
	     ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
	     "the token names no user"},
		{"RFC 7515, A.2: RS256",
	     "eyJhbGciOiJSUzI1NiJ9." JOE
	     ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdb"
	     "F9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383"
	     "LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWy"
	     "wlVmtVrBp0igcN_IoypGlUPQGe77Rw",
	     "the token names no user"},
		{"RFC 7515, A.3: ES256",
	     "eyJhbGciOiJFUzI1NiJ9." JOE
	     ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
	     "the token names no user"},
		{"RFC 7515, A.4: ES512",
	     "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA"
	     ".AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgo"
	     "XD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn",
	     "the token's claims are not an object"},
		{"RFC 7515, A.5: none", "eyJhbGciOiJub25lIn0." JOE ".", "the token is malformed"},
		{"RFC 8037, A.4: Ed25519",
	     "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
	     ".hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
	     "the token's claims are not an object"},
	};
	BevTokenSettings *settings =
		settings_with_set("{\"keys\":[" A1 "," A2 "," A3 "," A4 "," OKP "]}");
	char error[256];
	BevKeyring *keyring = bev_keys_read(settings, error, sizeof(error));

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		BevClaims claims;
		const char *why;
		char damaged[1024];
		size_t len = strlen(cases[i].token);

		bev_token_verify(keyring, settings, cases[i].token, NOW, &claims, &why);
		tap_is(why, strlen(why), cases[i].why, cases[i].name);
		if (cases[i].token[len - 1] == '.')
			continue;
		strcpy(damaged, cases[i].token);
		damaged[len - 10] = damaged[len - 10] == 'A' ? 'B' : 'A';
		bev_token_verify(keyring, settings, damaged, NOW, &claims, &why);
		tap_is(why, strlen(why), "the token's signature is not valid", "... damaged");
	}
	bev_keyring_free(keyring);
	bev_token_settings_free(settings);
}

/* Key sets that are, and are not, read. */
static void
test_sets(void)
{
	static const struct
	{
		const char *name;
		const char *set;
		const char *error; /* NULL: it is read */
	} cases[] = {
		{"a set", "{\"keys\":[" A3 "]}", NULL},
		{"other members", "{\"keys\":[" A3 "],\"x\":1}", NULL},
		{"none", "", NULL},
		{"not JSON", "x", "expected a JSON object"},
		{"a key, not a set", A3, "expected a JSON object"},
		{"a list", "[" A3 "]", "expected a JSON object"},
		{"keys is no list", "{\"keys\":" A3 "}", "expected a JSON object"},
		{"a member twice", "{\"keys\":[],\"keys\":[" A3 "]}", "expected a JSON object"},
		{"something behind it", "{\"keys\":[" A3 "]}x", "expected a JSON object"},
		{"no key", "{\"keys\":[]}", "no usable key"},
		{"none for us", "{\"keys\":[{\"kty\":\"new\"}]}", "no usable key"},
		{"one for encryption", "{\"keys\":[{\"kty\":\"oct\",\"use\":\"enc\",\"k\":\"AA\"}]}",
	     "no usable key"},
		{"one for signing only",
	     "{\"keys\":[{\"kty\":\"oct\",\"key_ops\":[\"sign\"],\"k\":\"AA\"}]}", "no usable key"},
		{"one for an algorithm that is not ours",
	     "{\"keys\":[{\"kty\":\"oct\",\"alg\":\"A128KW\",\"k\":\"AA\"}]}", "no usable key"},
		{"another curve", "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"secp256k1\"}]}", "no usable key"},
		{"an alg that is no string", "{\"keys\":[{\"kty\":\"oct\",\"alg\":1,\"k\":\"AA\"}]}",
	     "no usable key"},
		{"a number", "{\"keys\":[" A3 ",1]}", "key 2 is not a JSON Web Key"},
		{"no kty", "{\"keys\":[{\"k\":\"AA\"}]}", "key 1 is not a JSON Web Key"},
		{"kid a number", "{\"keys\":[{\"kty\":\"oct\",\"kid\":1}]}", "\"kid\" that is no string"},
		{"an alg of another type",
	     "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"alg\":\"HS256\",\"x\":"
	     "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}",
	     "\"alg\" that is not one of its type"},
		{"a short secret",
	     "{\"keys\":[{\"kty\":\"oct\",\"k\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZQ\"}]}",
	     "too weak"},
		{"a secret too short for its algorithm",
	     "{\"keys\":[{\"kty\":\"oct\",\"alg\":\"HS384\","
	     "\"k\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\"}]}",
	     "too short for it"},
		{"a secret in standard base64",
	     "{\"keys\":[{\"kty\":\"oct\",\"k\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\"}]}",
	     "malformed"},
		{"no secret", "{\"keys\":[{\"kty\":\"oct\"}]}", "malformed"},
		{"a secret that is a number", "{\"keys\":[{\"kty\":\"oct\",\"k\":1}]}", "malformed"},
		{"a private key", "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"d\":\"AA\"}]}",
	     "private"},
		{"half a point",
	     "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"}]}",
	     "malformed"},
		{"a point that is not on the curve",
	     "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\","
	     "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
	     "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a4\"}]}",
	     "malformed"},
		{"a point of another curve",
	     "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-384\","
	     "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
	     "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}",
	     "malformed"},
		{"a short Ed25519 key", "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}]}",
	     "malformed"},
		{"an Ed25519 key as Ed448",
	     "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed448\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}",
	     "malformed"},
		{"a small RSA key",
	     "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAk\",\"e\":\"AQAB\"}]}",
	     "too weak"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		BevTokenSettings *settings = settings_with_set(cases[i].set);
		char error[256] = "";
		BevKeyring *keyring = bev_keys_read(settings, error, sizeof(error));

		if (cases[i].error)
			tap_ok(keyring == NULL && strstr(error, cases[i].error), cases[i].name);
		else
			tap_ok(keyring != NULL, cases[i].name);
		bev_keyring_free(keyring);
		bev_token_settings_free(settings);
	}
}

static bool
is_read(const char *set)
{
	BevTokenSettings *settings = settings_with_set(set);
	char error[256];
	BevKeyring *keyring = bev_keys_read(settings, error, sizeof(error));
	bool good = keyring != NULL;

	bev_keyring_free(keyring);
	bev_token_settings_free(settings);
	return good;
}

static void
test_most_keys(void)
{
	char set[16384];

	for (int n = BEV_KEYRING_MAX; n <= BEV_KEYRING_MAX + 1; n++)
	{
		strcpy(set, "{\"keys\":[");
		for (int i = 0; i < n; i++)
			sprintf(set + strlen(set), "%s%s", i ? "," : "", A1);
		strcat(set, "]}");
		tap_ok(is_read(set) == (n == BEV_KEYRING_MAX),
		       "as many keys as there may be, and one more");
	}
}

/* With the exponent 1 anything would be its own signature. */
static void
test_exponents(void)
{
	static const char *const useless[] = {"AQ", "Ag", "AAEAAQ"};
	char set[1024];

	for (int i = 0; i < 3; i++)
	{
		strcpy(set, "{\"keys\":[" A2 "]}");
		sprintf(strstr(set, "AQAB"), "%s\"}]}", useless[i]);
		tap_ok(!is_read(set), "RSA with a useless exponent");
	}
}

static void
test_table(void)
{
	static const char *hs = "{\"alg\":\"HS256\"}";
	const struct
	{
		const char *name;
		const char *header;
		const char *claims;
		BevTokenResult result;
	} cases[] = {
		{"good", hs, "{\"sub\":\"1\",\"exp\":1800000001}", BEV_TOKEN_GOOD},
		{"within the leeway", hs, "{\"sub\":\"1\",\"exp\":1799999991}", BEV_TOKEN_GOOD},
		{"beyond the leeway", hs, "{\"sub\":\"1\",\"exp\":1799999990}", BEV_TOKEN_EXPIRED},
		{"a number as sub", hs, "{\"sub\":-7,\"exp\":1800000001}", BEV_TOKEN_GOOD},
		{"a number out of range", hs, "{\"sub\":99999999999999999999,\"exp\":1800000001}",
	     BEV_TOKEN_INVALID},
		{"nbf within the leeway", hs, "{\"sub\":\"1\",\"exp\":1800000001,\"nbf\":1800000010}",
	     BEV_TOKEN_GOOD},
		{"nbf beyond it", hs, "{\"sub\":\"1\",\"exp\":1800000001,\"nbf\":1800000011}",
	     BEV_TOKEN_INVALID},
		{"an expired token that is wrong otherwise", hs, "{\"sub\":\"\",\"exp\":1}",
	     BEV_TOKEN_INVALID},
		{"no algorithm", "{}", "{\"sub\":\"1\",\"exp\":1800000001}", BEV_TOKEN_INVALID},
		{"an algorithm that is not allowed", "{\"alg\":\"HS384\"}",
	     "{\"sub\":\"1\",\"exp\":1800000001}", BEV_TOKEN_INVALID},
		{"a member twice", "{\"alg\":\"HS256\",\"x\":1,\"x\":1}",
	     "{\"sub\":\"1\",\"exp\":1800000001}", BEV_TOKEN_INVALID},
		{"a kid is ignored", "{\"alg\":\"HS256\",\"kid\":\"x\"}",
	     "{\"sub\":\"1\",\"exp\":1800000001}", BEV_TOKEN_GOOD},
		{"crit", "{\"alg\":\"HS256\",\"crit\":[]}", "{\"sub\":\"1\",\"exp\":1800000001}",
	     BEV_TOKEN_INVALID},
		{"projects", hs, "{\"sub\":\"1\",\"exp\":1800000001,\"projects\":[1,\"b\"]}",
	     BEV_TOKEN_GOOD},
		{"no projects", hs, "{\"sub\":\"1\",\"exp\":1800000001,\"projects\":[null]}",
	     BEV_TOKEN_INVALID},
	};
	BevTokenSettings *settings = settings_of("");
	BevKeyring *keyring = keys_of(settings);
	char token[1024];
	const char *why;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		sign(token, cases[i].header, cases[i].claims);
		tap_ok(check(keyring, settings, token, &why) == cases[i].result &&
		           (why == NULL) == (cases[i].result == BEV_TOKEN_GOOD),
		       cases[i].name);
	}
	bev_keyring_free(keyring);
	bev_token_settings_free(settings);
}

static void
test_claims(void)
{
	BevTokenSettings *settings = settings_of("");
	BevKeyring *keyring = keys_of(settings);
	char token[1024];
	const char *why;
	BevClaims claims;

	sign(token, "{\"alg\":\"HS256\"}",
	     "{\"sub\":42,\"exp\":1800000005.9,"
	     "\"role\":\"auditor\",\"projects\":[1,\"b\"]}");
	bev_token_verify(keyring, settings, token, NOW, &claims, &why);
	tap_ok(strcmp(claims.user_id, "42") == 0 && strcmp(claims.role, "auditor") == 0 &&
	           !claims.is_admin && claims.expires_at == 1800000005 &&
	           claims.ends_at == 1800000005 && claims.projects == 2 &&
	           strcmp(claims.project[0], "1") == 0,
	       "the claims of a token");
	bev_claims_free(&claims);
	sign(token, "{\"alg\":\"HS256\"}", "{\"sub\":\"1\",\"exp\":1800000005,\"is_admin\":true}");
	bev_token_verify(keyring, settings, token, NOW, &claims, &why);
	tap_ok(claims.is_admin && strcmp(claims.role, "admin") == 0, "is_admin");
	bev_claims_free(&claims);
	bev_keyring_free(keyring);
	bev_token_settings_free(settings);
}

/* Every cut and every flipped bit of a good token. */
static void
test_damage(void)
{
	BevTokenSettings *settings = settings_of("");
	BevKeyring *keyring = keys_of(settings);
	char token[1024];
	char damaged[1024];
	const char *why;
	size_t len;
	bool good = true;

	sign(token, "{\"alg\":\"HS256\"}", "{\"sub\":\"1\",\"exp\":1800000001}");
	len = strlen(token);
	for (size_t cut = 0; cut < len; cut++)
	{
		memcpy(damaged, token, cut);
		damaged[cut] = '\0';
		good &= check(keyring, settings, damaged, &why) == BEV_TOKEN_INVALID;
	}
	tap_ok(good, "a token cut at any byte is refused");
	good = true;
	for (size_t i = 0; i < len; i++)
		for (int bit = 0; bit < 8; bit++)
		{
			strcpy(damaged, token);
			damaged[i] = (char) (damaged[i] ^ 1 << bit);
			good &= check(keyring, settings, damaged, &why) == BEV_TOKEN_INVALID;
		}
	tap_ok(good, "a token with any bit flipped is refused");
	bev_keyring_free(keyring);
	bev_token_settings_free(settings);
}

static void
test_useless_keys(void)
{
	static const char *const useless[] = {",\"jwt_key\":\"x\"", ",\"jwt_algorithms\":\"none\""};
	BevTokenSettings *settings;
	const char *why;

	for (int i = 0; i < 2; i++)
	{
		settings = settings_of(useless[i]);
		tap_ok(settings == NULL || keys_of(settings) == NULL, "a key or an algorithm that is none");
		bev_token_settings_free(settings);
	}
	settings = settings_of("");
	tap_ok(check(NULL, settings, "x", &why) == BEV_TOKEN_INVALID, "no keys at all");
	bev_token_settings_free(settings);
}

int
main(void)
{
	test_vectors();
	test_sets();
	test_most_keys();
	test_exponents();
	test_table();
	test_claims();
	test_damage();
	test_useless_keys();
	return tap_done();
}
