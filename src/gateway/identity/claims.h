/*
 * claims.h - what a token says (RFC 7519, section 4).
 *
 * Memory: a claim set is freed by its owner with be_claims_free.
 */
#ifndef BE_GATEWAY_IDENTITY_CLAIMS_H
#define BE_GATEWAY_IDENTITY_CLAIMS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "gateway/config/config.h"

typedef struct BeClaims
{
	char	   *user_id;		/* sub, as text */
	char	   *role;			/* "admin", "user" or what the token says */
	bool		is_admin;
	int64_t		expires_at;		/* seconds since 1970 */
	int64_t		ends_at;		/* when a connection with it ends */
	char	  **project;		/* ids, as text */
	uint32_t	projects;
} BeClaims;

/* The longest user id. */
#define BE_USER_ID_MAX		255

/*
 * Read the claims at a time (seconds since 1970); root may be NULL.  NULL, or what
 * is wrong: a constant text.  That the token has expired is not looked at; ends_at is
 * not set.
 */
extern const char *be_claims_read(BeClaims *claims, const json_t *root,
								  const BeConfig *config, int64_t now);

extern void be_claims_free(BeClaims *claims);

#endif							/* BE_GATEWAY_IDENTITY_CLAIMS_H */
