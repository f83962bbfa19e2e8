/*
 * responder_pool.h - the responders that the dispatcher asks, and what they answered.
 */
#ifndef BEV_SERVER_DISPATCHER_RESPONDER_POOL_H
#define BEV_SERVER_DISPATCHER_RESPONDER_POOL_H

#include "postgres.h"

#include "common/event/event.h"
#include "server/responder/responder_queue.h"

/* The greatest bugevents.responders. */
#define BEV_RESPONDERS_MAX 16

/* Place 0 is for looking up who connects; those of questions are 1 to bugevents.responders. */
#define BEV_PLACE_LOOKUP 0
#define BEV_PLACES       (BEV_RESPONDERS_MAX + 1)

/* Is nothing asked there? */
extern bool bev_responder_pool_is_free(int place);

/* May one be asked there: does it run, or is it time to start one? */
extern bool bev_responder_pool_is_there(int place);

/*
 * Ask the one at a free place, starting it if need be; never waits.  False: nobody is there now.
 */
extern bool bev_responder_pool_ask(int place, const BevQuestionHead *head, BevSpan payload);

typedef enum BevPoolResult
{
	BEV_POOL_NOTHING, /* yet */
	BEV_POOL_ANSWERED,
	BEV_POOL_LOST /* it ended; nobody will answer */
} BevPoolResult;

/*
 * What became of what was asked there; body is that of an ANSWER, for the moment.  When it is
 * not BEV_POOL_NOTHING, the place is free again.
 */
extern BevPoolResult bev_responder_pool_take(int place, BevAnswerHead *head, BevSpan *body);

/* Let those go that are beyond this place, as far as nothing is asked there. */
extern void bev_responder_pool_shrink(int last);

#endif /* BEV_SERVER_DISPATCHER_RESPONDER_POOL_H */
