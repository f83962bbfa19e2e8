/*
 * http.h - the plain HTTP answers on the same port.
 */
#ifndef BEV_GATEWAY_CLIENT_HTTP_H
#define BEV_GATEWAY_CLIENT_HTTP_H

#include "common/pipe/channel.h"
#include "gateway/client/token_check.h"
#include "gateway/session/question.h"
#include "gateway/stream/stream.h"
#include "gateway/wire/handshake.h"

typedef struct BevHttp
{
	const BevTokenCheck *tokens;
	BevQuestions *questions;
	const BevStream *stream;
	bool no_keys;        /* nobody can be let in */
	bool behind;         /* nor is anybody while this standby is too far behind */
	char condition[400]; /* what an operator has to do something about, for /ready; or empty */
} BevHttp;

/* CONDITION.  False: malformed. */
extern bool bev_http_note_condition(BevHttp *http, const BevMessage *message);

/* Answer a request that is no upgrade; the connection ends with it. */
extern void bev_http_answer(const BevHttp *http, BevSession *session, const BevHead *head);

/* Answer with a status alone: a refusal. */
extern void bev_http_refuse(BevSession *session, int status);

/* Append the answer that accepts an upgrade. */
extern void bev_http_accept(BevSession *session, const BevHead *head);

#endif /* BEV_GATEWAY_CLIENT_HTTP_H */
