/*
 * token.c - who presents this token?
 *
 * Model: the compact form and the header are read (jws.c), a key that may verify
 * it is chosen and does (keys.c, key.c), and only then are the claims read
 * (claims.c).
 *
 * Failure: every doubt is BE_TOKEN_INVALID with a constant text; what the token
 * says is never repeated.
 */
#include "gateway/identity/token.h"

#include <openssl/err.h>

static const char *
check(const BeKeys *keys, const BeConfig *config, const char *token, int64_t now,
	  BeClaims *claims)
{
	BeJws		jws;
	json_t	   *root = NULL;
	const char *wrong = be_jws_read(&jws, token);

	if (wrong == NULL)
		wrong = be_keys_verify(keys, &jws);
	if (wrong == NULL)
	{
		root = be_jws_claims(&jws);
		wrong = be_claims_read(claims, root, config, now);
	}
	json_decref(root);
	be_jws_free(&jws);
	return wrong;
}

BeTokenResult
be_token_check(const BeKeys *keys, const BeConfig *config, const char *token,
			   int64_t now, BeClaims *claims, const char **why)
{
	const int64_t leeway = config->jwt_leeway / 1000;

	*claims = (BeClaims) {0};
	*why = keys ? check(keys, config, token, now, claims) : "no keys are configured";
	ERR_clear_error();			/* TLS reads the same queue */
	if (*why == NULL && claims->expires_at + leeway > now)
	{
		/*
		 * The leeway is for clocks that differ, so it counts for a token that
		 * is past its time already, not for one that runs out under our eyes.
		 */
		claims->ends_at = claims->expires_at + (claims->expires_at > now ? 0 : leeway);
		return BE_TOKEN_GOOD;
	}
	be_claims_free(claims);
	if (*why)
		return BE_TOKEN_INVALID;
	*why = "the token has expired";
	return BE_TOKEN_EXPIRED;
}
