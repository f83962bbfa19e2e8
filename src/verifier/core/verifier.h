/*
 * verifier.h - the process that checks tokens.
 */
#ifndef BEV_VERIFIER_CORE_VERIFIER_H
#define BEV_VERIFIER_CORE_VERIFIER_H

#include <stdbool.h>

#include "common/pipe/channel.h"
#include "verifier/token/keyring.h"
#include "verifier/token/token_settings.h"

/* All zero but the channel: there are no keys yet. */
typedef struct BevVerifier
{
	BevChannel channel;
	BevTokenSettings *settings;
	BevKeyring *keyring;
} BevVerifier;

/* Take a message of the dispatcher's and append what it leads to.  False: it is none. */
extern bool bev_verifier_take(BevVerifier *verifier, const BevMessage *message);

/* Free what it has, and close its channel. */
extern void bev_verifier_close(BevVerifier *verifier);

/* Serve the pipe until its other end is gone; the exit status. */
extern int bev_verifier_run(int fd);

#endif /* BEV_VERIFIER_CORE_VERIFIER_H */
