/*
 * token_settings.h - what tokens are checked by, as the dispatcher sends it.
 */
#ifndef BEV_VERIFIER_TOKEN_TOKEN_SETTINGS_H
#define BEV_VERIFIER_TOKEN_TOKEN_SETTINGS_H

#include <stddef.h>
#include <stdint.h>

typedef struct BevTokenSettings
{
	char *jwt_secret;     /* base64; empty: no secret */
	char *jwt_key;        /* PEM; empty: no keys */
	char *jwks;           /* JSON; empty: no key set */
	char *jwt_algorithms; /* between commas */
	char *jwt_issuer;     /* empty: not checked */
	char *jwt_audience;   /* empty: not checked */
	uint32_t jwt_leeway;  /* ms */
} BevTokenSettings;

/*
 * Read the JSON of a KEYS message, as common/program/member.h says.  NULL: it can't be read, and
 * error says why.
 */
extern BevTokenSettings *bev_token_settings_read(const char *json, size_t len, char *error,
                                                 size_t error_size);

/* The secret is wiped.  NULL: nothing. */
extern void bev_token_settings_free(BevTokenSettings *settings);

#endif /* BEV_VERIFIER_TOKEN_TOKEN_SETTINGS_H */
