/*
 * signature.c - signatures of webhooks.
 */
#include "carrier/message/signature.h"
#include "common/program/base64.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#define PREFIX "whsec_"
#define WHITE  " \t\r\n"

static const char *
read_secret(BevSigner *signer, const char *text, size_t len)
{
	unsigned char decoded[BEV_BASE64_LEN(BEV_SIGNER_LONGEST)];
	const size_t prefix = sizeof(PREFIX) - 1;
	long n = -1;

	if (len < prefix || memcmp(text, PREFIX, prefix) != 0)
		return "a secret does not begin with \"whsec_\"";
	if (signer->count == BEV_SIGNER_SECRETS)
		return "there are more than 4 secrets";
	if (len - prefix <= sizeof(decoded))
		n = bev_base64_decode(decoded, text + prefix, len - prefix);
	if (n >= BEV_SIGNER_SHORTEST && n <= BEV_SIGNER_LONGEST)
	{
		memcpy(signer->secret[signer->count].data, decoded, (size_t) n);
		signer->secret[signer->count++].len = (size_t) n;
	}
	OPENSSL_cleanse(decoded, sizeof(decoded));
	return n < BEV_SIGNER_SHORTEST || n > BEV_SIGNER_LONGEST ?
	           "a secret is not \"whsec_\" and 24 to 64 bytes in base64" :
	           NULL;
}

const char *
bev_signer_read(BevSigner *signer, const char *text)
{
	const char *error = NULL;

	*signer = (BevSigner){0};
	while (!error && *(text += strspn(text, WHITE)))
	{
		size_t len = strcspn(text, WHITE);

		error = read_secret(signer, text, len);
		text += len;
	}
	if (!error && signer->count == 0)
		error = "there is no secret";
	if (error)
		bev_signer_wipe(signer);
	return error;
}

void
bev_signer_wipe(BevSigner *signer)
{
	OPENSSL_cleanse(signer, sizeof(*signer));
}

bool
bev_signer_sign(const BevSigner *signer, BevText *value, const char *msg_id, int64_t timestamp,
                const char *body)
{
	BevText signed_text = {0};
	bool good = true;

	bev_text_printf(&signed_text, "%s.%" PRId64 ".", msg_id, timestamp);
	bev_text_add_string(&signed_text, body);
	for (size_t i = 0; i < signer->count && good; i++)
	{
		unsigned char digest[EVP_MAX_MD_SIZE];
		unsigned len;
		char encoded[BEV_BASE64_LEN(EVP_MAX_MD_SIZE) + 1];

		good = HMAC(EVP_sha256(), signer->secret[i].data, (int) signer->secret[i].len,
		            (unsigned char *) signed_text.data, signed_text.len, digest, &len) != NULL;
		if (!good)
			break;
		bev_base64_encode(encoded, digest, len);
		bev_text_printf(value, "%sv1,%s", i ? " " : "", encoded);
	}
	bev_text_free(&signed_text);
	return good;
}
