/*
 * token_test.c - tokens: a public vector, then our own, signed with OpenSSL.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

#include "gateway/token.h"
#include "tap.h"

#define NOW		1800000000
#define SECRET	"0123456789abcdef0123456789abcdef"

static BeKeys *
keys_of(const char *more)
{
	char		json[1024];
	char		error[256];
	BeConfig   *config;
	BeKeys	   *keys;

	snprintf(json, sizeof(json), "{\"jwt_algorithms\":\"HS256\",\"jwt_leeway\":10000,"
			 "\"jwt_secret\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\"%s}", more);
	config = be_config_read(json, strlen(json), error, sizeof(error));
	keys = be_keys_create(config, error, sizeof(error));
	be_config_free(config);
	return keys;
}

static size_t
base64url(char *dst, const unsigned char *data, size_t len)
{
	size_t		n = (size_t) EVP_EncodeBlock((unsigned char *) dst, data, (int) len);

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
	size_t		n = base64url(dst, (const unsigned char *) header, strlen(header));

	dst[n++] = '.';
	n += base64url(dst + n, (const unsigned char *) claims, strlen(claims));
	HMAC(EVP_sha256(), SECRET, 32, (unsigned char *) dst, n, mac, &mac_len);
	dst[n++] = '.';
	base64url(dst + n, mac, mac_len);
}

static BeTokenResult
check(const BeKeys *keys, const char *token, const char **why)
{
	BeClaims	claims;
	BeTokenResult result = be_token_check(keys, token, NOW, &claims, why);

	be_claims_free(&claims);
	return result;
}

/* RFC 7515, appendix A.1: a good signature, but of a token without a user. */
static void
test_vector(void)
{
	static const char *token =
		"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
		"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
		"cGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
		"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
	const char *json = "{\"jwt_algorithms\":\"HS256\",\"jwt_secret\":"
		"\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ+EstJQLr/T+1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow==\"}";
	char		error[256];
	BeConfig   *config = be_config_read(json, strlen(json), error, sizeof(error));
	BeKeys	   *keys = be_keys_create(config, error, sizeof(error));
	const char *why;

	check(keys, token, &why);
	tap_is(why, strlen(why), "the token names no user", "the vector of RFC 7515, A.1");
	be_keys_free(keys);
	be_config_free(config);
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
		BeTokenResult result;
	}			cases[] = {
		{"good", hs, "{\"sub\":\"1\",\"exp\":1800000001}", BE_TOKEN_GOOD},
		{"within the leeway", hs, "{\"sub\":\"1\",\"exp\":1799999991}", BE_TOKEN_GOOD},
		{"beyond the leeway", hs, "{\"sub\":\"1\",\"exp\":1799999990}", BE_TOKEN_EXPIRED},
		{"a number as sub", hs, "{\"sub\":-7,\"exp\":1800000001}", BE_TOKEN_GOOD},
		{"a number out of range", hs, "{\"sub\":99999999999999999999,\"exp\":1800000001}", BE_TOKEN_INVALID},
		{"nbf within the leeway", hs, "{\"sub\":\"1\",\"exp\":1800000001,\"nbf\":1800000010}", BE_TOKEN_GOOD},
		{"nbf beyond it", hs, "{\"sub\":\"1\",\"exp\":1800000001,\"nbf\":1800000011}", BE_TOKEN_INVALID},
		{"an expired token that is wrong otherwise", hs, "{\"sub\":\"\",\"exp\":1}", BE_TOKEN_INVALID},
		{"no algorithm", "{}", "{\"sub\":\"1\",\"exp\":1800000001}", BE_TOKEN_INVALID},
		{"an algorithm that is not allowed", "{\"alg\":\"HS384\"}", "{\"sub\":\"1\",\"exp\":1800000001}", BE_TOKEN_INVALID},
		{"a member twice", "{\"alg\":\"HS256\",\"x\":1,\"x\":1}", "{\"sub\":\"1\",\"exp\":1800000001}", BE_TOKEN_INVALID},
		{"a kid is ignored", "{\"alg\":\"HS256\",\"kid\":\"x\"}", "{\"sub\":\"1\",\"exp\":1800000001}", BE_TOKEN_GOOD},
		{"crit", "{\"alg\":\"HS256\",\"crit\":[]}", "{\"sub\":\"1\",\"exp\":1800000001}", BE_TOKEN_INVALID},
		{"projects", hs, "{\"sub\":\"1\",\"exp\":1800000001,\"projects\":[1,\"b\"]}", BE_TOKEN_GOOD},
		{"no projects", hs, "{\"sub\":\"1\",\"exp\":1800000001,\"projects\":[null]}", BE_TOKEN_INVALID},
	};
	BeKeys	   *keys = keys_of("");
	char		token[1024];
	const char *why;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		sign(token, cases[i].header, cases[i].claims);
		tap_ok(check(keys, token, &why) == cases[i].result &&
			   (why == NULL) == (cases[i].result == BE_TOKEN_GOOD), cases[i].name);
	}
	be_keys_free(keys);
}

static void
test_claims(void)
{
	BeKeys	   *keys = keys_of("");
	char		token[1024];
	const char *why;
	BeClaims	claims;

	sign(token, "{\"alg\":\"HS256\"}", "{\"sub\":42,\"exp\":1800000005.9,"
		 "\"role\":\"auditor\",\"projects\":[1,\"b\"]}");
	be_token_check(keys, token, NOW, &claims, &why);
	tap_ok(strcmp(claims.user_id, "42") == 0 && strcmp(claims.role, "auditor") == 0 &&
		   !claims.is_admin && claims.expires_at == 1800000005 &&
		   claims.ends_at == 1800000005 && claims.projects == 2 &&
		   strcmp(claims.project[0], "1") == 0, "the claims of a token");
	be_claims_free(&claims);
	sign(token, "{\"alg\":\"HS256\"}", "{\"sub\":\"1\",\"exp\":1800000005,\"is_admin\":true}");
	be_token_check(keys, token, NOW, &claims, &why);
	tap_ok(claims.is_admin && strcmp(claims.role, "admin") == 0, "is_admin");
	be_claims_free(&claims);
	be_keys_free(keys);
}

/* Every cut and every flipped bit of a good token. */
static void
test_damage(void)
{
	BeKeys	   *keys = keys_of("");
	char		token[1024];
	char		damaged[1024];
	const char *why;
	size_t		len;
	bool		good = true;

	sign(token, "{\"alg\":\"HS256\"}", "{\"sub\":\"1\",\"exp\":1800000001}");
	len = strlen(token);
	for (size_t cut = 0; cut < len; cut++)
	{
		memcpy(damaged, token, cut);
		damaged[cut] = '\0';
		good &= check(keys, damaged, &why) == BE_TOKEN_INVALID;
	}
	tap_ok(good, "a token cut at any byte is refused");
	good = true;
	for (size_t i = 0; i < len; i++)
		for (int bit = 0; bit < 8; bit++)
		{
			strcpy(damaged, token);
			damaged[i] = (char) (damaged[i] ^ 1 << bit);
			good &= check(keys, damaged, &why) == BE_TOKEN_INVALID;
		}
	tap_ok(good, "a token with any bit flipped is refused");
	be_keys_free(keys);
}

int
main(void)
{
	test_vector();
	test_table();
	test_claims();
	test_damage();
	tap_ok(keys_of(",\"jwt_key\":\"x\"") == NULL, "a key that is none");
	return tap_done();
}
