/*
 * claims.h - what a token says (RFC 7519, section 4).
 *
 * Memory: a claim set is freed by its owner with bev_claims_free.
 */
#ifndef BEV_VERIFIER_TOKEN_CLAIMS_H
#define BEV_VERIFIER_TOKEN_CLAIMS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "verifier/token/token_settings.h"

typedef struct BevClaims
{
	char *user_id; /* sub, as text */
	char *role;    /* "admin", "user" or what the token says */
	bool is_admin;
	int64_t expires_at; /* seconds since 1970 */
	int64_t ends_at;    /* when a connection with it ends */
	char **project;     /* ids, as text */
	uint32_t projects;
} BevClaims;

/*
 * Read the claims at a time (seconds since 1970); root may be NULL.  NULL, or what
 * is wrong: a constant text.  That the token has expired is not looked at; ends_at is
 * not set.
 */
extern const char *bev_claims_read(BevClaims *claims, const json_t *root,
                                   const BevTokenSettings *settings, int64_t now);

extern void bev_claims_free(BevClaims *claims);

#endif /* BEV_VERIFIER_TOKEN_CLAIMS_H */
