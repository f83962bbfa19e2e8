/*
 * token.c - who presents this token?
 *
 * Model: 1. The compact form is checked here, byte by byte: three parts of
 * canonical base64url.  2. The header is read here: the algorithm must be on the
 * allow-list, and it decides which kind of key may verify (a secret only HS*, an
 * RSA key only RS* and PS*, an EC key only the ES* of its curve), so that no
 * public key can ever be taken for a secret.  3. cjose checks the signature with
 * each key of that kind.  4. Only then are the claims read.
 *
 * Failure: every doubt is BE_TOKEN_INVALID with a constant text; what the token
 * says is never repeated.
 *
 * Not here: key sets and the choice by "kid"; find_key() is the place for it.
 */
#include "token.h"
#include "handshake.h"
#include "memory.h"

#include <cjose/cjose.h>
#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What signs: decided by the key, never by the token. */
typedef enum KeyKind
{
	KEY_SECRET,
	KEY_RSA,
	KEY_P256,
	KEY_P384,
	KEY_P521
} KeyKind;

typedef struct Algorithm
{
	const char *name;
	KeyKind		kind;
} Algorithm;

static const Algorithm algorithms[] = {
	{"HS256", KEY_SECRET}, {"HS384", KEY_SECRET}, {"HS512", KEY_SECRET},
	{"RS256", KEY_RSA}, {"RS384", KEY_RSA}, {"RS512", KEY_RSA},
	{"PS256", KEY_RSA}, {"PS384", KEY_RSA}, {"PS512", KEY_RSA},
	{"ES256", KEY_P256}, {"ES384", KEY_P384}, {"ES512", KEY_P521},
};

#define ALGORITHMS	(sizeof(algorithms) / sizeof(algorithms[0]))

typedef struct Key
{
	cjose_jwk_t *jwk;
	KeyKind		kind;
} Key;

struct BeKeys
{
	Key		   *key;
	uint32_t	count;
	bool		allowed[ALGORITHMS];
	char	   *issuer;			/* empty: not checked */
	char	   *audience;		/* empty: not checked */
	int64_t		leeway;			/* seconds */
};

/* ---- Keys ---- */

static void
add_key(BeKeys *keys, cjose_jwk_t *jwk, KeyKind kind)
{
	keys->key = be_realloc(keys->key, sizeof(Key) * (keys->count + 1));
	keys->key[keys->count++] = (Key) {jwk, kind};
}

static bool
add_secret(BeKeys *keys, const char *base64)
{
	size_t		len = strlen(base64);
	unsigned char *secret;
	cjose_err	err;
	cjose_jwk_t *jwk = NULL;
	int			n;

	if (len == 0)
		return true;
	secret = be_alloc(len + 4);
	n = len % 4 == 0 ?
		EVP_DecodeBlock(secret, (const unsigned char *) base64, (int) len) : -1;
	if (n > 0)
	{
		n -= (base64[len - 1] == '=') + (base64[len - 2] == '=');
		if (n > 0)
			jwk = cjose_jwk_create_oct_spec(secret, (size_t) n, &err);
	}
	OPENSSL_cleanse(secret, len);
	free(secret);
	if (jwk)
		add_key(keys, jwk, KEY_SECRET);
	return jwk != NULL;
}

/* A big number of the key as bytes; length 0 when there is none. */
static size_t
key_number(EVP_PKEY *pkey, const char *name, unsigned char *dst, size_t size)
{
	BIGNUM	   *number = NULL;
	size_t		len = 0;

	if (EVP_PKEY_get_bn_param(pkey, name, &number) == 1 &&
		(size_t) BN_num_bytes(number) <= size)
		len = (size_t) BN_bn2bin(number, dst);
	BN_free(number);
	return len;
}

static bool
add_rsa(BeKeys *keys, EVP_PKEY *pkey)
{
	unsigned char n[2048];		/* 16384 bits */
	unsigned char e[64];
	cjose_jwk_rsa_keyspec spec = {0};
	cjose_err	err;
	cjose_jwk_t *jwk;

	if (EVP_PKEY_get_bits(pkey) < 2048)
		return false;			/* RFC 7518, section 3.3 */
	spec.n = n;
	spec.nlen = key_number(pkey, OSSL_PKEY_PARAM_RSA_N, n, sizeof(n));
	spec.e = e;
	spec.elen = key_number(pkey, OSSL_PKEY_PARAM_RSA_E, e, sizeof(e));
	if (spec.nlen == 0 || spec.elen == 0)
		return false;
	jwk = cjose_jwk_create_RSA_spec(&spec, &err);
	if (jwk)
		add_key(keys, jwk, KEY_RSA);
	return jwk != NULL;
}

static bool
add_ec(BeKeys *keys, EVP_PKEY *pkey)
{
	static const struct
	{
		const char *name;
		cjose_jwk_ec_curve curve;
		KeyKind		kind;
	}			curves[] = {
		{"prime256v1", CJOSE_JWK_EC_P_256, KEY_P256},
		{"secp384r1", CJOSE_JWK_EC_P_384, KEY_P384},
		{"secp521r1", CJOSE_JWK_EC_P_521, KEY_P521},
	};
	unsigned char x[66];
	unsigned char y[66];
	char		group[32];
	cjose_err	err;

	if (EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL) != 1)
		return false;
	for (int i = 0; i < 3; i++)
	{
		cjose_jwk_ec_keyspec spec = {.crv = curves[i].curve,.x = x,.y = y};
		cjose_jwk_t *jwk;

		if (strcmp(group, curves[i].name) != 0)
			continue;
		spec.xlen = key_number(pkey, OSSL_PKEY_PARAM_EC_PUB_X, x, sizeof(x));
		spec.ylen = key_number(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, y, sizeof(y));
		jwk = cjose_jwk_create_EC_spec(&spec, &err);
		if (jwk)
			add_key(keys, jwk, curves[i].kind);
		return jwk != NULL;
	}
	return false;
}

static EVP_PKEY *
read_public_key(const char *name, const unsigned char *der, long len)
{
	EVP_PKEY   *pkey = NULL;

	if (strcmp(name, PEM_STRING_PUBLIC) == 0)
		return d2i_PUBKEY(NULL, &der, len);
	if (strcmp(name, PEM_STRING_RSA_PUBLIC) == 0)
		return d2i_PublicKey(EVP_PKEY_RSA, NULL, &der, len);
	if (strcmp(name, PEM_STRING_X509) == 0)
	{
		X509	   *certificate = d2i_X509(NULL, &der, len);

		if (certificate)
			pkey = X509_get_pubkey(certificate);
		X509_free(certificate);
	}
	return pkey;
}

static bool
add_public_key(BeKeys *keys, EVP_PKEY *pkey)
{
	switch (pkey ? EVP_PKEY_get_base_id(pkey) : EVP_PKEY_NONE)
	{
		case EVP_PKEY_RSA:
			return add_rsa(keys, pkey);
		case EVP_PKEY_EC:
			return add_ec(keys, pkey);
		default:
			return false;
	}
}

/* Every block of the PEM text; one that is no usable public key is an error. */
static bool
add_pem(BeKeys *keys, const char *pem)
{
	BIO		   *bio = BIO_new_mem_buf(pem, -1);
	bool		good = true;
	uint32_t	before = keys->count;
	char	   *name;
	char	   *header;
	unsigned char *der;
	long		len;

	while (good && PEM_read_bio(bio, &name, &header, &der, &len) == 1)
	{
		EVP_PKEY   *pkey = read_public_key(name, der, len);

		good = add_public_key(keys, pkey);
		EVP_PKEY_free(pkey);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_clear_free(der, (size_t) len);
	}
	BIO_free(bio);
	ERR_clear_error();
	return good && (keys->count > before || pem[strspn(pem, " \t\r\n")] == '\0');
}

/* False: a name that is not an algorithm. */
static bool
allow_algorithms(BeKeys *keys, const char *list)
{
	while (*list)
	{
		size_t		len;
		size_t		i;

		list += strspn(list, ", \t");
		len = strcspn(list, ", \t");
		if (len == 0)
			break;
		for (i = 0; i < ALGORITHMS; i++)
			if (strlen(algorithms[i].name) == len &&
				memcmp(algorithms[i].name, list, len) == 0)
				break;
		if (i == ALGORITHMS)
			return false;
		keys->allowed[i] = true;
		list += len;
	}
	return true;
}

BeKeys *
be_keys_create(const BeConfig *config, char *error, size_t error_size)
{
	BeKeys	   *keys = be_alloc(sizeof(*keys));
	const char *wrong = NULL;

	keys->issuer = be_copy_text(config->jwt_issuer, strlen(config->jwt_issuer));
	keys->audience = be_copy_text(config->jwt_audience, strlen(config->jwt_audience));
	keys->leeway = config->jwt_leeway / 1000;
	if (!allow_algorithms(keys, config->jwt_algorithms))
		wrong = "jwt_algorithms names an unknown algorithm";
	else if (!add_secret(keys, config->jwt_secret))
		wrong = "the secret for tokens could not be read";
	else if (!add_pem(keys, config->jwt_key))
		wrong = "the public keys for tokens could not be read: PEM public keys or "
			"certificates, RSA of 2048 bits or more, or EC of P-256, P-384 or P-521";
	if (wrong == NULL)
		return keys;
	snprintf(error, error_size, "%s", wrong);
	be_keys_free(keys);
	return NULL;
}

void
be_keys_free(BeKeys *keys)
{
	if (keys == NULL)
		return;
	for (uint32_t i = 0; i < keys->count; i++)
		cjose_jwk_release(keys->key[i].jwk);
	free(keys->key);
	free(keys->issuer);
	free(keys->audience);
	free(keys);
}

/* ---- The compact form ---- */

static int
base64url_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* The unused bits of the last character must be zero: one spelling per token. */
static bool
is_canonical(const char *part, size_t len)
{
	static const int unused[4] = {0, -1, 0x0f, 0x03};

	if (len == 0 || len % 4 == 1)
		return false;
	for (size_t i = 0; i < len; i++)
		if (base64url_value(part[i]) < 0)
			return false;
	return (base64url_value(part[len - 1]) & unused[len % 4]) == 0;
}

static bool
is_compact(const char *token, size_t *header_len)
{
	const char *first = strchr(token, '.');
	const char *second = first ? strchr(first + 1, '.') : NULL;

	if (second == NULL || strlen(token) > BE_TOKEN_MAX)
		return false;
	*header_len = (size_t) (first - token);
	return is_canonical(token, *header_len) &&
		is_canonical(first + 1, (size_t) (second - first - 1)) &&
		is_canonical(second + 1, strlen(second + 1));
}

static json_t *
decode_header(const char *part, size_t len)
{
	char	   *text = be_alloc(len + 1);
	size_t		n = 0;
	uint32_t	bits = 0;
	int			have = 0;
	json_t	   *header;

	for (size_t i = 0; i < len; i++)
	{
		bits = bits << 6 | (uint32_t) base64url_value(part[i]);
		have += 6;
		if (have >= 8)
		{
			have -= 8;
			text[n++] = (char) (bits >> have);
		}
	}
	header = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
	free(text);
	return header;
}

/* The algorithm that the header names, if the header may be trusted that far. */
static const Algorithm *
read_header(const BeKeys *keys, json_t *header)
{
	/* They change what is signed, or bring a key along. */
	static const char *const refused[] = {
		"crit", "b64", "jwk", "jku", "x5u", "x5c", "zip", "enc"
	};
	const char *name = json_string_value(json_object_get(header, "alg"));
	const json_t *type = json_object_get(header, "typ");

	if (!json_is_object(header) || name == NULL || (type && !json_is_string(type)))
		return NULL;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (json_object_get(header, refused[i]))
			return NULL;
	for (size_t i = 0; i < ALGORITHMS; i++)
		if (keys->allowed[i] && strcmp(algorithms[i].name, name) == 0)
			return &algorithms[i];
	return NULL;
}

/* ---- The signature ---- */

/* The key that verifies the token; NULL: none does. */
static const Key *
find_key(const BeKeys *keys, KeyKind kind, cjose_jws_t *jws)
{
	cjose_err	err;

	for (uint32_t i = 0; i < keys->count; i++)
		if (keys->key[i].kind == kind &&
			cjose_jws_verify(jws, keys->key[i].jwk, &err))
			return &keys->key[i];
	return NULL;
}

/* The claims of a token whose signature is good; else NULL. */
static json_t *
verify(const BeKeys *keys, KeyKind kind, const char *token)
{
	cjose_err	err;
	cjose_jws_t *jws = cjose_jws_import(token, strlen(token), &err);
	uint8_t    *payload = NULL;
	size_t		len = 0;
	json_t	   *claims = NULL;

	if (jws == NULL)
		return NULL;
	if (find_key(keys, kind, jws) &&
		cjose_jws_get_plaintext(jws, &payload, &len, &err))
		claims = json_loadb((const char *) payload, len, JSON_REJECT_DUPLICATES, NULL);
	cjose_jws_release(jws);
	return claims;
}

/* ---- The claims ---- */

/* A NumericDate; false: it is not one. */
static bool
read_time(const json_t *value, int64_t *seconds)
{
	double		number;

	if (!json_is_number(value))
		return false;
	number = json_number_value(value);
	/* Beyond year 9999 it is not a date but an attempt. */
	if (!(number >= 0 && number < 253402300800.0))
		return false;
	*seconds = (int64_t) number;
	return true;
}

/* An id: text or a whole number, as text; NULL: neither. */
static char *
read_id(const json_t *value)
{
	char		number[32];
	const char *text = json_string_value(value);
	size_t		len = json_string_length(value);

	if (json_is_integer(value))
	{
		snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT,
				 json_integer_value(value));
		text = number;
		len = strlen(number);
	}
	if (text == NULL || len == 0 || len > BE_USER_ID_MAX || strlen(text) != len)
		return NULL;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char) text[i] < 0x20 || text[i] == 0x7f)
			return NULL;		/* principals stand one per line */
	return be_copy_text(text, len);
}

static bool
read_projects(const json_t *list, BeClaims *claims)
{
	if (list == NULL)
		return true;
	if (!json_is_array(list))
		return false;
	claims->project = be_alloc(sizeof(char *) * (json_array_size(list) + 1));
	for (size_t i = 0; i < json_array_size(list); i++)
	{
		char	   *id = read_id(json_array_get(list, i));

		if (id == NULL)
			return false;
		claims->project[claims->projects++] = id;
	}
	return true;
}

static bool
read_role(const json_t *root, BeClaims *claims)
{
	const json_t *role = json_object_get(root, "role");
	const json_t *is_admin = json_object_get(root, "is_admin");

	if ((role && !json_is_string(role)) || (is_admin && !json_is_boolean(is_admin)))
		return false;
	if (role && (json_string_length(role) == 0 || json_string_length(role) > 63))
		return false;
	claims->is_admin = json_is_true(is_admin) ||
		(role && strcmp(json_string_value(role), "admin") == 0);
	claims->role = claims->is_admin ? be_copy_text("admin", 5) :
		role ? be_copy_text(json_string_value(role), json_string_length(role)) :
		be_copy_text("user", 4);
	return true;
}

static bool
audience_matches(const json_t *aud, const char *wanted)
{
	if (json_is_string(aud))
		return strcmp(json_string_value(aud), wanted) == 0;
	for (size_t i = 0; i < json_array_size(aud); i++)
	{
		const char *one = json_string_value(json_array_get(aud, i));

		if (one && strcmp(one, wanted) == 0)
			return true;
	}
	return false;
}

/* NULL: all is well; else what is wrong with the times or the addressee. */
static const char *
check_claims(const BeKeys *keys, const json_t *root, int64_t now, BeClaims *claims)
{
	const json_t *nbf = json_object_get(root, "nbf");
	const json_t *iat = json_object_get(root, "iat");
	const char *iss = json_string_value(json_object_get(root, "iss"));
	int64_t		when;

	if (!json_is_object(root))
		return "the token's claims are not an object";
	if (!read_time(json_object_get(root, "exp"), &claims->expires_at))
		return "the token has no valid expiry time";
	if (nbf && (!read_time(nbf, &when) || when > now + keys->leeway))
		return "the token is not valid yet";
	if (iat && !read_time(iat, &when))
		return "the token's issue time is not a number";
	if (keys->issuer[0] && (iss == NULL || strcmp(iss, keys->issuer) != 0))
		return "the token is from another issuer";
	if (keys->audience[0] &&
		!audience_matches(json_object_get(root, "aud"), keys->audience))
		return "the token is for another audience";
	return NULL;
}

static const char *
read_claims(const BeKeys *keys, const json_t *root, int64_t now, BeClaims *claims)
{
	const char *wrong = check_claims(keys, root, now, claims);

	if (wrong)
		return wrong;
	claims->user_id = read_id(json_object_get(root, "sub"));
	if (claims->user_id == NULL)
		return "the token names no user";
	if (!read_role(root, claims))
		return "the token's role is malformed";
	if (!read_projects(json_object_get(root, "projects"), claims))
		return "the token's projects are malformed";
	return NULL;
}

static const char *
check(const BeKeys *keys, const char *token, int64_t now, BeClaims *claims)
{
	const Algorithm *algorithm;
	const char *wrong;
	size_t		header_len;
	json_t	   *json;

	if (!is_compact(token, &header_len))
		return "the token is malformed";
	json = decode_header(token, header_len);
	algorithm = read_header(keys, json);
	json_decref(json);
	if (algorithm == NULL)
		return "the token's header is not acceptable";
	json = verify(keys, algorithm->kind, token);
	if (json == NULL)
		return "the token's signature is not valid";
	wrong = read_claims(keys, json, now, claims);
	json_decref(json);
	return wrong;
}

BeTokenResult
be_token_check(const BeKeys *keys, const char *token, int64_t now,
			   BeClaims *claims, const char **why)
{
	*claims = (BeClaims) {0};
	*why = check(keys, token, now, claims);
	ERR_clear_error();			/* TLS reads the same queue */
	if (*why == NULL && claims->expires_at + keys->leeway > now)
	{
		/*
		 * The leeway is for clocks that differ, so it counts for a token that
		 * is past its time already, not for one that runs out under our eyes.
		 */
		claims->ends_at = claims->expires_at +
			(claims->expires_at > now ? 0 : keys->leeway);
		return BE_TOKEN_GOOD;
	}
	be_claims_free(claims);
	if (*why)
		return BE_TOKEN_INVALID;
	*why = "the token has expired";
	return BE_TOKEN_EXPIRED;
}

void
be_claims_free(BeClaims *claims)
{
	for (uint32_t i = 0; i < claims->projects; i++)
		free(claims->project[i]);
	free(claims->project);
	free(claims->user_id);
	free(claims->role);
	*claims = (BeClaims) {0};
}
