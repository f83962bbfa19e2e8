/*
 * client_request.h - a message of a client, taken apart.
 */
#ifndef BEV_GATEWAY_CLIENT_CLIENT_REQUEST_H
#define BEV_GATEWAY_CLIENT_CLIENT_REQUEST_H

#include "gateway/client/token_check.h"
#include "gateway/session/fanout.h"
#include "gateway/session/question.h"
#include "gateway/session/registration.h"
#include "gateway/session/state.h"

#include <jansson.h>

/* What requests may lead to */
typedef struct BevClientMessages
{
	const BevConfig *config;
	const BevTokenCheck *tokens;
	BevFanout *fanout;
	BevQuestions *questions;
	BevStates *states;
	BevRegistrations *registrations;
} BevClientMessages;

typedef struct BevClientRequest
{
	const BevClientMessages *messages;
	BevSession *session;
	const char *id;        /* JSON text, or NULL */
	const json_t *payload; /* an object, or NULL */
} BevClientRequest;

/* Tell the client that a member of the payload isn't what it has to be, or isn't there. */
extern void bev_client_request_invalid(const BevClientRequest *request, const char *field,
                                       const char *message);
extern void bev_client_request_missing(const BevClientRequest *request, const char *field);

#endif /* BEV_GATEWAY_CLIENT_CLIENT_REQUEST_H */
