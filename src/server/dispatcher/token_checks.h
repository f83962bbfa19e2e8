/*
 * token_checks.h - the tokens that gateways were shown, on their way to the verifier and back.
 */
#ifndef BEV_SERVER_DISPATCHER_TOKEN_CHECKS_H
#define BEV_SERVER_DISPATCHER_TOKEN_CHECKS_H

#include "postgres.h"

#include "common/event/event.h"
#include "common/pipe/message.h"

/* What became of a token. */
typedef struct BevTokenFound
{
	bool known; /* false: nobody was there to check it */
	BevTokenResult result;
	BevGrant grant; /* if it is good */
	BevSpan rest;   /* the grant's projects, or why it is no good */
} BevTokenFound;

/* Whom to tell; once for each token of a gateway that lives. */
typedef struct BevTokenAnswers
{
	void (*opened)(int gateway, const BevOpenMessage *open, const BevTokenFound *found);
	void (*shown)(int gateway, const BevTokenMessage *shown, const BevTokenFound *found);
} BevTokenAnswers;

/* keys_changed: whether there is a key to check tokens with (bev_verifier_process_has_keys). */
extern void bev_token_checks_begin(const BevTokenAnswers *answers, void (*keys_changed)(void));

/* A gateway was shown a token, by one who wants in or who is. */
extern void bev_token_checks_open(int gateway, const BevOpenMessage *open, BevSpan token);
extern void bev_token_checks_show(int gateway, const BevTokenMessage *shown, BevSpan token);

/* This gateway has ended. */
extern void bev_token_checks_forget(int gateway);

/* Ask the verifier what it has not been asked, and tell those who have waited too long. */
extern void bev_token_checks_run(void);

#endif /* BEV_SERVER_DISPATCHER_TOKEN_CHECKS_H */
