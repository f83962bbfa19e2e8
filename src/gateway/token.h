/*
 * token.h - who presents this token?
 *
 * JSON Web Tokens (RFC 7519) signed as RFC 7515 says, read strictly: what is not
 * understood is refused.  The only module that knows of JOSE and keys.
 *
 * Memory: a claim set is freed by its owner with be_claims_free.
 */
#ifndef BE_TOKEN_H
#define BE_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"

typedef struct BeKeys BeKeys;

/*
 * The keys and rules of a configuration.  NULL when a key can't be read: error
 * says why, without the key.
 */
extern BeKeys *be_keys_create(const BeConfig *config,
							  char *error, size_t error_size);
extern void be_keys_free(BeKeys *keys);

typedef enum BeTokenResult
{
	BE_TOKEN_GOOD,
	BE_TOKEN_INVALID,
	BE_TOKEN_EXPIRED
} BeTokenResult;

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
 * Check a token at a time (seconds since 1970).  When it is not good, *why is a
 * constant text for the client and the log, and claims are empty.
 */
extern BeTokenResult be_token_check(const BeKeys *keys, const char *token,
									int64_t now, BeClaims *claims,
									const char **why);

extern void be_claims_free(BeClaims *claims);

#endif							/* BE_TOKEN_H */
