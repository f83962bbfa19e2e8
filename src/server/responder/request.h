/*
 * request.h - reading what a client asks for, and saying what is wrong with it.
 */
#ifndef BEV_SERVER_RESPONDER_REQUEST_H
#define BEV_SERVER_RESPONDER_REQUEST_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "common/pipe/message.h"
#include "utils/jsonb.h"

/* The body of an ANSWER, in two parts. */
typedef struct BevAnswer
{
	BevAnswerMessage message;
	StringInfoData rest;
	uint64 upto; /* on a standby: what it may be based on */
	bool again;  /* not now: somebody has locked what it needs */
} BevAnswer;

/* Fill in an error. */
extern void bev_answer_error(BevAnswer *answer, const char *code, const char *field,
                             const char *text);

/* The payload of a request, UTF-8, as an object; NULL: the answer says what is wrong. */
extern Jsonb *bev_request_read(const char *payload, BevAnswer *answer);

/*
 * Has it no members but these (NULL behind the last one)?  A misspelt one would widen what
 * is asked for without a word.  False: the answer says so.
 */
extern bool bev_request_has_only(Jsonb *json, const char *const names[], BevAnswer *answer);

/* A member as text, NULL when there is none or it is null; false: it is no scalar. */
extern bool bev_request_text(Jsonb *json, const char *name, char **text);

/* The same for an id, which must be there; NULL: the answer says what is wrong. */
extern char *bev_request_id(Jsonb *json, const char *name, BevAnswer *answer);

/* The number of rows that are asked for; false: it is none. */
extern bool bev_request_limit(const char *text, int *limit);

#endif /* BEV_SERVER_RESPONDER_REQUEST_H */
