/*
 * abuse.h - what looks like an attack, or like somebody's mistake.
 */
#ifndef BEV_GATEWAY_SESSION_ABUSE_H
#define BEV_GATEWAY_SESSION_ABUSE_H

#include "common/pipe/counter.h"
#include "gateway/net/link.h"

/* What is told in a second: kinds with an address, and then one of each kind without. */
#define BEV_ABUSES_MAX 32

typedef struct BevAbuses
{
	BevAbuseMessage entry[BEV_ABUSES_MAX + BEV_ABUSE_KINDS];
	uint32_t count;
} BevAbuses;

/* Somebody at this address did something: one of the BEV_COUNT_ABUSE_ kinds. */
extern void bev_abuse_note(BevAbuses *abuses, BevCounter kind, const char *address);

/* Tell the dispatcher what was noted since the last time. */
extern void bev_abuse_tell(BevAbuses *abuses, BevLink *link);

#endif /* BEV_GATEWAY_SESSION_ABUSE_H */
