/*
 * token.h - signs the tokens with which the load clients connect.
 */
#ifndef BENCH_TOKEN_H
#define BENCH_TOKEN_H

#include <stddef.h>

#define TOKEN_MAX	512

/* An HS256 token for this user, good for ten hours. */
extern void token_sign(char dst[TOKEN_MAX], const char *secret, size_t secret_len,
					   const char *user_id);

#endif							/* BENCH_TOKEN_H */
