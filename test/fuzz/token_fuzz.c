/*
 * token_fuzz.c - tokens, and what keys are read from.
 *
 * The first byte of the input says what the rest is: s: a header and, behind a line
 * feed, claims, to be signed; k: a key set; p: PEM; c: a configuration; else a token.
 */
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "verifier/token/keys.h"
#include "verifier/token/token.h"
#include "stage.h"

#define NOW 1800000000

static void
add_base64url(BevText *token, const char *data, size_t len)
{
	char *encoded = malloc(len / 3 * 4 + 8);
	int n = EVP_EncodeBlock((unsigned char *) encoded, (const unsigned char *) data, (int) len);

	while (n > 0 && encoded[n - 1] == '=')
		n--;
	for (int i = 0; i < n; i++)
		encoded[i] = encoded[i] == '+' ? '-' : encoded[i] == '/' ? '_' : encoded[i];
	bev_text_add(token, encoded, (size_t) n);
	free(encoded);
}

static BevTokenResult
check(const char *token)
{
	const Stage *stage = stage_open(false);
	BevClaims claims;
	const char *why;
	BevTokenResult result =
		bev_token_verify(stage->keyring, stage->settings, token, NOW, &claims, &why);

	if ((result == BEV_TOKEN_GOOD) != (why == NULL))
		stage_fail("there is a reason unless it is good");
	if (result == BEV_TOKEN_GOOD &&
	    (claims.user_id[0] == '\0' || strlen(claims.user_id) > BEV_USER_ID_MAX ||
	     claims.role[0] == '\0' || claims.ends_at <= NOW || strchr(claims.user_id, '\n')))
		stage_fail("a good token has what it needs");
	bev_claims_free(&claims);
	stage_close();
	return result;
}

static void
check_signed(const char *data, size_t size)
{
	const char *end = memchr(data, '\n', size);
	size_t n = end ? (size_t) (end - data) : size;
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned int mac_len;
	BevText token = {0};

	add_base64url(&token, data, n);
	bev_text_add(&token, ".", 1);
	if (end)
		add_base64url(&token, end + 1, size - n - 1);
	HMAC(EVP_sha256(), STAGE_SECRET, (int) strlen(STAGE_SECRET), (const unsigned char *) token.data,
	     token.len, mac, &mac_len);
	bev_text_add(&token, ".", 1);
	add_base64url(&token, (const char *) mac, mac_len);
	bev_text_add(&token, "", 1);
	check(token.data);
	bev_text_free(&token);
}

static void
read_keys(const char *member, const char *text)
{
	json_t *json = json_pack("{s:s, s:s}", member, text, "jwt_algorithms", "RS256");
	char *packed = json ? json_dumps(json, 0) : NULL;
	char error[256] = "";
	BevTokenSettings *settings =
		packed ? bev_token_settings_read(packed, strlen(packed), error, sizeof(error)) : NULL;
	BevKeyring *keyring = settings ? bev_keys_read(settings, error, sizeof(error)) : NULL;

	if (settings && keyring == NULL && error[0] == '\0')
		stage_fail("there is a reason why keys can't be read");
	bev_keyring_free(keyring);
	bev_token_settings_free(settings);
	free(packed);
	json_decref(json);
}

extern int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	char *text;
	char error[256];

	if (size == 0)
		return 0;
	text = malloc(size);
	memcpy(text, input + 1, size - 1);
	text[size - 1] = '\0';
	switch (input[0])
	{
		case 's':
			check_signed(text, size - 1);
			break;
		case 'k':
			read_keys("jwks", text);
			break;
		case 'p':
			read_keys("jwt_key", text);
			break;
		case 'c':
			bev_config_free(bev_config_read(text, size - 1, error, sizeof(error)));
			bev_token_settings_free(bev_token_settings_read(text, size - 1, error, sizeof(error)));
			break;
		default:
			if (check(text) == BEV_TOKEN_GOOD)
				stage_fail("nobody can sign without the key");
	}
	free(text);
	return 0;
}
