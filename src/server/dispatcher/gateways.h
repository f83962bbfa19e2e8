/*
 * gateways.h - all gateways: as many as the settings say, each with its feed.
 *
 * They are numbered from 1.  The verifier, without which they let nobody in, lives with them.
 * Nothing here waits for a gateway but bev_gateways_wait() and bev_gateways_stop().
 */
#ifndef BEV_SERVER_DISPATCHER_GATEWAYS_H
#define BEV_SERVER_DISPATCHER_GATEWAYS_H

#include "postgres.h"

#include "server/dispatcher/lookup.h"
#include "server/dispatcher/questions.h"
#include "server/dispatcher/token_checks.h"
#include "server/queue/queue.h"
#include "utils/uuid.h"

/* The stream that they are to serve. */
typedef struct BevServed
{
	char id[UUID_LEN * 2 + 5]; /* empty: there is none */
	uint64 dropped;            /* history up to this seq is gone */
	BevPastEra *eras;          /* that ended before */
	int era_count;
	bool follows; /* it is the one of a primary, which this server stands by for */
	uint64 tip;   /* if so, how far it is here */
} BevServed;

/*
 * As many as the settings say, and those that ended again when it is time.  To be called once in
 * a while, and by the time that it returns at the latest.
 */
extern TimestampTz bev_gateways_look_after(const BevServed *served);

/* The stream begins for those that run. */
extern void bev_gateways_begin(const BevServed *served);

/* It goes on under another name. */
extern void bev_gateways_rename(const BevServed *served);

/*
 * All of them go, and others come in their place: whatever these and their clients know is void.
 */
extern void bev_gateways_replace(void);

/* A settled transaction. */
extern void bev_gateways_push(const BevQueueItem *item);

/*
 * Does one of them want something of the journal?  bev_gateways_read reads it, as feed.h says: a
 * chunk for each, as long as the turn isn't long.
 */
extern bool bev_gateways_want_journal(uint64 settled);
extern void bev_gateways_read(uint64 settled, uint64 dropped, uint64 floor);

/* The seq up to which all were sent the stream, but no more than limit. */
extern uint64 bev_gateways_sent(uint64 limit);

/* Answer an OPEN or AGAIN (lookup.h). */
extern void bev_gateways_admit(int gateway, BevApplicant *who, const BevLookupFound *found);

/* For token_checks.h. */
extern const BevTokenAnswers bev_gateways_tokens;

/* bugevents.disconnect(). */
extern void bev_gateways_disconnect(void);

/* A changed configuration. */
extern void bev_gateways_configure(void);

/* What /ready has to say beside the stream, and whether tokens can be checked. */
extern void bev_gateways_tell_condition(void);

/* For questions.h. */
extern const BevQuestionGateways bev_gateways_asking;

/* Is one of them dead, or about to be, but not reaped yet? */
extern bool bev_gateways_any_ending(void);

/* Write to the pipes. */
extern void bev_gateways_flush(void);

/*
 * Sleep until our latch is set, a gateway says something or takes what waits for it, or for so
 * many ms; take in what they say.  False: the time has passed.  History up to tip may be asked for.
 */
extern bool bev_gateways_wait(long timeout, uint64 tip);

/* End them all, and wait for that. */
extern void bev_gateways_stop(void);

#endif /* BEV_SERVER_DISPATCHER_GATEWAYS_H */
