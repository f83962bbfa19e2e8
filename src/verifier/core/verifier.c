/*
 * verifier.c - the process that checks tokens.
 *
 * Model
 *	KEYS makes a keyring, CHECK asks whose a token is, and CHECKED answers it, in the order of
 *	the questions.  A token comes from a client by way of a gateway and the dispatcher, which
 *	passes its bytes on unread; who was found goes back to the dispatcher, which lets the gateway
 *	know what it needs.  So nobody that speaks with the network has a key, or a say in who
 *	somebody is.
 *
 * Concurrency
 *	One thread, which waits for the pipe and for nothing else.
 *
 * Memory
 *	One message, and the answers that the pipe has no room for; while there are any it reads
 *	nothing.  Tokens are wiped where the pipe had them once they are checked; what libraries read
 *	them into is overwritten when the memory is used again.
 *
 * Failure
 *	Keys that can't be used are told of, and those from before stay in force.  What can't be
 *	understood ends it, like the end of the pipe; the dispatcher starts another one, and asks
 *	again what was not answered.
 *
 * Cost
 *	A signature for each CHECK (docs/performance.md); nothing while nobody asks.
 */
#include "verifier/core/verifier.h"
#include "common/pipe/body.h"
#include "common/program/text.h"
#include "common/program/wall_clock.h"
#include "verifier/token/keys.h"
#include "verifier/token/token.h"

#include <openssl/crypto.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Read at a time. */
#define RECEIVE_MAX (64 * 1024)

/* ---- What is said ---- */

static bool
say(BevVerifier *verifier, BevMessageKind kind, const void *head, const char *rest, size_t rest_len)
{
	struct iovec part[2] = {
		{.iov_base = (void *) head, .iov_len = bev_body_size(kind)},
		{.iov_base = (void *) rest, .iov_len = rest_len},
	};

	return bev_channel_send(&verifier->channel, kind, part, 2);
}

static bool
say_hello(BevVerifier *verifier)
{
	BevHelloMessage hello = {.version = BEV_PIPE_VERSION, .pid = (uint32_t) getpid()};

	return say(verifier, BEV_MSG_HELLO, &hello, NULL, 0);
}

/* ---- KEYS ---- */

/* Those from before stay in force if it can't be read; error is empty unless so. */
static void
use_keys(BevVerifier *verifier, const BevMessage *message, char *error, size_t error_size)
{
	BevTokenSettings *settings =
		bev_token_settings_read(message->body, message->size, error, error_size);
	BevKeyring *keyring = settings ? bev_keys_read(settings, error, error_size) : NULL;

	if (keyring == NULL)
	{
		bev_token_settings_free(settings);
		return;
	}
	bev_keyring_free(verifier->keyring);
	bev_token_settings_free(verifier->settings);
	verifier->keyring = keyring;
	verifier->settings = settings;
}

static bool
take_keys(BevVerifier *verifier, const BevMessage *message)
{
	char error[256] = "";
	BevKeyringMessage keyring = {0};

	use_keys(verifier, message, error, sizeof(error));
	OPENSSL_cleanse((char *) message->body, message->size);
	keyring.keys = !bev_keyring_is_empty(verifier->keyring);
	return say(verifier, BEV_MSG_KEYRING, &keyring, error, strlen(error));
}

/* ---- CHECK ---- */

static void
fill_grant(BevGrant *grant, const BevClaims *claims, BevText *projects)
{
	grant->expires_at = claims->expires_at;
	grant->ends_at = claims->ends_at;
	grant->is_admin = claims->is_admin;
	snprintf(grant->user, sizeof(grant->user), "%s", claims->user_id);
	snprintf(grant->role, sizeof(grant->role), "%s", claims->role);
	for (uint32_t i = 0; i < claims->projects; i++)
		bev_text_add(projects, claims->project[i], strlen(claims->project[i]) + 1);
	grant->projects = (uint32_t) projects->len;
}

/* token is terminated. */
static bool
check(BevVerifier *verifier, uint64_t ticket, const char *token)
{
	BevCheckedMessage checked = {.ticket = ticket};
	BevText projects = {0};
	BevClaims claims;
	const char *why;
	bool said;

	checked.result = bev_token_verify(verifier->keyring, verifier->settings, token,
	                                  bev_wall_clock(), &claims, &why);
	if (checked.result == BEV_TOKEN_GOOD)
		fill_grant(&checked.grant, &claims, &projects);
	else
		bev_text_add_string(&projects, why);
	said = say(verifier, BEV_MSG_CHECKED, &checked, projects.data, projects.len);
	bev_text_free(&projects);
	bev_claims_free(&claims);
	return said;
}

static bool
take_check(BevVerifier *verifier, const BevMessage *message)
{
	BevCheckMessage asked;
	char token[BEV_TOKEN_MAX + 2];
	BevSpan span;
	bool said;

	if (!bev_body_read(message, &asked, sizeof(asked), &span))
		return false;
	memcpy(token, span.data, span.len);
	token[span.len] = '\0';
	OPENSSL_cleanse((char *) span.data, span.len);
	said = check(verifier, asked.ticket, token);
	OPENSSL_cleanse(token, sizeof(token));
	return said;
}

bool
bev_verifier_take(BevVerifier *verifier, const BevMessage *message)
{
	switch (message->kind)
	{
		case BEV_MSG_KEYS:
			return take_keys(verifier, message);
		case BEV_MSG_CHECK:
			return take_check(verifier, message);
		default:
			return false;
	}
}

/* ---- The process ---- */

/* Read what came and answer it; false: the other end is gone, or speaks nonsense. */
static bool
receive(BevVerifier *verifier)
{
	BevMessage message;
	long received = bev_channel_receive(&verifier->channel, RECEIVE_MAX);
	int found = 0;

	if (received < 0)
		return false;
	while ((found = bev_channel_next(&verifier->channel, &message)) == 1)
		if (!bev_verifier_take(verifier, &message))
			return false;
	return found == 0;
}

/* Who does not read the answers is not read from. */
static bool
turn(BevVerifier *verifier)
{
	bool pending = bev_channel_pending(&verifier->channel) > 0;
	struct pollfd wait = {.fd = verifier->channel.fd, .events = pending ? POLLOUT : POLLIN};

	if (poll(&wait, 1, -1) < 0)
		return true; /* a signal */
	if (!pending && !receive(verifier))
		return false;
	return bev_channel_flush(&verifier->channel) >= 0;
}

void
bev_verifier_close(BevVerifier *verifier)
{
	bev_channel_close(&verifier->channel);
	bev_keyring_free(verifier->keyring);
	bev_token_settings_free(verifier->settings);
}

int
bev_verifier_run(int fd)
{
	BevVerifier verifier = {.settings = NULL};
	bool goes_on;

	bev_channel_open(&verifier.channel, fd, BEV_MESSAGE_MAX_DOWN);
	goes_on = say_hello(&verifier) && bev_channel_flush(&verifier.channel) >= 0;
	while (goes_on)
		goes_on = turn(&verifier);
	bev_verifier_close(&verifier);
	return 0;
}
