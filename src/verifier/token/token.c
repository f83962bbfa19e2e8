/*
 * token.c - who presents this token?
 *
 * Model: the compact form and the header are read (jws.c), a key that may verify
 * it is chosen and does (keyring.c, key.c), and only then are the claims read
 * (claims.c).
 *
 * Failure: every doubt is BEV_TOKEN_INVALID with a constant text; what the token
 * says isn't repeated (test/t/309_secrets.pl).
 */
#include "verifier/token/token.h"

#include <openssl/err.h>

static const char *
check(const BevKeyring *keyring, const BevTokenSettings *settings, const char *token, int64_t now,
      BevClaims *claims)
{
	BevJws jws;
	json_t *root = NULL;
	const char *wrong = bev_jws_read(&jws, token);

	if (wrong == NULL)
		wrong = bev_keyring_verify(keyring, &jws);
	if (wrong == NULL)
	{
		root = bev_jws_claims(&jws);
		wrong = bev_claims_read(claims, root, settings, now);
	}
	json_decref(root);
	bev_jws_free(&jws);
	return wrong;
}

BevTokenResult
bev_token_verify(const BevKeyring *keyring, const BevTokenSettings *settings, const char *token,
                 int64_t now, BevClaims *claims, const char **why)
{
	const int64_t leeway = settings->jwt_leeway / 1000;

	*claims = (BevClaims){0};
	*why = keyring ? check(keyring, settings, token, now, claims) : "no keys are configured";
	ERR_clear_error(); /* TLS reads the same queue */
	if (*why == NULL && claims->expires_at + leeway > now)
	{
		/*
		 * The leeway is for clocks that differ, so it counts for a token that
		 * is past its time already, not for one that runs out under our eyes.
		 */
		claims->ends_at = claims->expires_at + (claims->expires_at > now ? 0 : leeway);
		return BEV_TOKEN_GOOD;
	}
	bev_claims_free(claims);
	if (*why)
		return BEV_TOKEN_INVALID;
	*why = "the token has expired";
	return BEV_TOKEN_EXPIRED;
}
