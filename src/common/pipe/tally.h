/*
 * tally.h - which abuse is worth telling, and how often the rest came.
 *
 * Abuse has a kind and an address.  The first one of a pair is told at once; what comes
 * of the pair in the minute after that is added up and told then.  So an address can't
 * hide behind its own noise what it does else, nor what others do.
 *
 * Whoever has many addresses is bounded in two ways: BEV_TALLY_PAIRS are followed, and of
 * each kind BEV_TALLY_TOLD are told in a minute.  What is beyond is added up for the kind and
 * told without an address, once a minute.  So nothing is lost but whom it was from, and
 * no kind drowns another.
 *
 *	note --> followed: added up ---------> (a minute) --> told, with its address
 *	     \-> new, there is room: told, and followed from now on
 *	     \-> new, no room: added up for the kind --> (a minute) --> told, without
 *
 * Pure C; the time is given (ms), so that tests can move it.
 */
#ifndef BEV_COMMON_PIPE_TALLY_H
#define BEV_COMMON_PIPE_TALLY_H

#include <stdint.h>

#include "common/pipe/bucket.h"
#include "common/pipe/counter.h"
#include "common/pipe/message.h"

#define BEV_TALLY_PAIRS 1024
#define BEV_TALLY_TOLD  20

typedef struct BevTallyPair
{
	uint32_t used;
	uint32_t kind;
	char address[sizeof(((BevAbuseMessage *) 0)->address)];
	int gateway; /* that saw it last */
	uint64_t told_at;
	uint64_t times; /* since then */
} BevTallyPair;

typedef struct BevTallyKind
{
	BevBucket told;
	uint64_t told_at; /* without an address; 0: never */
	uint64_t times;   /* without an address, since then */
} BevTallyKind;

typedef struct BevTally
{
	/* To be told: address is empty, and gateway 0, where it is about several. */
	void (*tell)(uint32_t kind, const char *address, int gateway, uint64_t times);
	BevTallyPair pair[BEV_TALLY_PAIRS];
	BevTallyKind kind[BEV_ABUSE_KINDS];
} BevTally;

/* All members but tell are to be zero. */
extern void bev_tally_begin(BevTally *tally, uint64_t now);

/* One that came; it was checked.  An empty address is nobody's. */
extern void bev_tally_add(BevTally *tally, const BevAbuseMessage *abuse, int gateway, uint64_t now);

/* Tell what is due.  To be called about once a second. */
extern void bev_tally_due(BevTally *tally, uint64_t now);

#endif /* BEV_COMMON_PIPE_TALLY_H */
