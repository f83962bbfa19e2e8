/*
 * lookup_answer.h - what the tables say of those who connect.
 *
 * The question is any number of users' names, up to BEV_LOOKUP_MAX, each with its NUL.  The answer
 * has for each of them a BevLookupHead and statements (common/event/access.h); its seq is that
 * of ADMIT's as_of, and its code BEV_LOOKUP_LOCKED where a table was locked and nothing is known.
 */
#ifndef BEV_SERVER_RESPONDER_LOOKUP_ANSWER_H
#define BEV_SERVER_RESPONDER_LOOKUP_ANSWER_H

#include "postgres.h"

#include "common/event/event.h"
#include "server/responder/request.h"
#include "server/responder/responder_queue.h"

#define BEV_LOOKUP_MAX    100
#define BEV_LOOKUP_LOCKED "locked"

typedef struct BevLookupHead
{
	uint32 known; /* 0: the tables could not be read */
	int32 unread;
	uint32 size; /* of the statements */
} BevLookupHead;

/* Read on; false: that is not what it should be. */
extern bool bev_lookup_answer_next(BevSpan *rest, BevLookupHead *head, BevSpan *statements);

extern void bev_lookup_answer(const BevQuestionHead *head, const char *users, BevAnswer *answer);

#endif /* BEV_SERVER_RESPONDER_LOOKUP_ANSWER_H */
