/*
 * jws.c - a token's compact form and its header.
 *
 * Model: what is not understood is refused: three parts of canonical base64url,
 * so that a token has one spelling; a header that is a JSON object without a
 * member twice, with an algorithm that is known, and without anything that changes
 * what is signed or brings a key along.
 */
#include "verifier/token/jws.h"
#include "verifier/token/algorithm.h"
#include "common/pipe/message.h"
#include "common/program/base64.h"
#include "common/program/memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool
split(BevJws *jws, const char *token)
{
	const char *first = strchr(token, '.');
	const char *second = first ? strchr(first + 1, '.') : NULL;
	const char *signature = second ? second + 1 : NULL;
	long n;

	if (signature == NULL || strlen(token) > BEV_TOKEN_MAX ||
	    BEV_BASE64_DECODED(strlen(signature)) > BEV_SIGNATURE_MAX)
		return false;
	jws->text = token;
	jws->header_len = (size_t) (first - token);
	jws->signed_len = (size_t) (second - token);
	if (!bev_base64url_is_canonical(token, jws->header_len) ||
	    !bev_base64url_is_canonical(first + 1, (size_t) (second - first - 1)) ||
	    (n = bev_base64url_decode(jws->signature, signature, strlen(signature))) < 0)
		return false;
	jws->signature_len = (size_t) n;
	return true;
}

/* Of a part that is known to be canonical. */
static json_t *
decode_json(const char *part, size_t len)
{
	unsigned char *text = bev_alloc(BEV_BASE64_DECODED(len));
	long n = bev_base64url_decode(text, part, len);
	json_t *json = json_loadb((const char *) text, (size_t) n, JSON_REJECT_DUPLICATES, NULL);

	free(text);
	return json;
}

static bool
read_header(BevJws *jws)
{
	/* They change what is signed, or bring a key along. */
	static const char *const refused[] = {"crit", "b64", "jwk", "jku", "x5u", "x5c", "zip", "enc"};
	const json_t *algorithm = json_object_get(jws->header, "alg");
	const json_t *type = json_object_get(jws->header, "typ");
	const json_t *kid = json_object_get(jws->header, "kid");

	if (!json_is_object(jws->header) || !json_is_string(algorithm) ||
	    (type && !json_is_string(type)) || (kid && !json_is_string(kid)))
		return false;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (json_object_get(jws->header, refused[i]))
			return false;
	jws->kid = json_string_value(kid);
	jws->algorithm =
		bev_algorithm_find(json_string_value(algorithm), json_string_length(algorithm));
	return jws->algorithm >= 0;
}

const char *
bev_jws_read(BevJws *jws, const char *token)
{
	jws->header = NULL;
	if (!split(jws, token))
		return "the token is malformed";
	jws->header = decode_json(token, jws->header_len);
	return read_header(jws) ? NULL : "the token's header is not acceptable";
}

json_t *
bev_jws_claims(const BevJws *jws)
{
	return decode_json(jws->text + jws->header_len + 1, jws->signed_len - jws->header_len - 1);
}

void
bev_jws_free(BevJws *jws)
{
	json_decref(jws->header);
	jws->header = NULL;
}
