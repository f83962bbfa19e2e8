/*
 * request.h - reading what a client asks for, and saying what is wrong with it.
 */
#ifndef BE_SERVER_RESPONDER_REQUEST_H
#define BE_SERVER_RESPONDER_REQUEST_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "common/pipe/message.h"
#include "utils/jsonb.h"

/* The body of an ANSWER, in two parts. */
typedef struct BeAnswer
{
	BeAnswerMessage message;
	StringInfoData rest;
} BeAnswer;

/* Fill in an error. */
extern void be_answer_error(BeAnswer *answer, const char *code, const char *field,
							const char *text);

/* The payload of a request, UTF-8, as an object; NULL: the answer says what is wrong. */
extern Jsonb *be_request_read(const char *payload, BeAnswer *answer);

/*
 * Has it no members but these (NULL behind the last one)?  A misspelt one would widen what
 * is asked for without a word.  False: the answer says so.
 */
extern bool be_request_has_only(Jsonb *json, const char *const names[], BeAnswer *answer);

/* A member as text, NULL when there is none or it is null; false: it is no scalar. */
extern bool be_request_text(Jsonb *json, const char *name, char **text);

/* The same for an id, which must be there; NULL: the answer says what is wrong. */
extern char *be_request_id(Jsonb *json, const char *name, BeAnswer *answer);

/* The number of rows that are asked for; false: it is none. */
extern bool be_request_limit(const char *text, int *limit);

#endif							/* BE_SERVER_RESPONDER_REQUEST_H */
