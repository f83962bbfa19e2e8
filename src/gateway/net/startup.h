/*
 * startup.h - connections that have not shown a good token yet.
 *
 * Each belongs to the address that it comes from.  Those that wait for their peer are known in the
 * order in which they began to, so that the one that waits longest can make room for a newer one;
 * those that wait for us, to do work, wait their turn here, one of each address after the other.
 *
 * Pure C.
 */
#ifndef BEV_GATEWAY_NET_STARTUP_H
#define BEV_GATEWAY_NET_STARTUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

typedef struct BevStartups BevStartups;

/* Embedded in its owner; all zero while it is nowhere. */
typedef struct BevStartup
{
	TAILQ_ENTRY(BevStartup) entry;
	struct BevStartupPeer *peer; /* NULL: it is not among them */
	bool is_ready;
} BevStartup;

extern BevStartups *bev_startups_create(void);

/* None may be left in it. */
extern void bev_startups_free(BevStartups *startups);

/* Another one, from this address; what is no address is one of its own. */
extern void bev_startups_add(BevStartups *startups, BevStartup *startup, const char *address);

/* It goes, or showed a good token.  Nothing happens if it is not among them. */
extern void bev_startups_remove(BevStartups *startups, BevStartup *startup);

extern uint32_t bev_startups_count(const BevStartups *startups);

/* How many there are of the address of this one, itself included. */
extern uint32_t bev_startups_count_alike(const BevStartup *startup);

/*
 * Who of the address of this one goes for it: who waits for its peer longest, perhaps itself; if
 * nobody does, the last of those that have work.
 */
extern BevStartup *bev_startups_least_alike(const BevStartup *startup);

/*
 * The same of an address that has the most of all, or at least half as many.  Where each has one,
 * and it has work, it is the newcomer itself: nobody would be served if the first in the queue went
 * for the last.
 */
extern BevStartup *bev_startups_least_of_many(const BevStartups *startups, BevStartup *newcomer);

/* It has work to be done; at the end of the queue of its address, if it isn't in it. */
extern void bev_startups_set_ready(BevStartups *startups, BevStartup *startup);

/* Whose turn it is, and is over by that; NULL: nobody has work. */
extern BevStartup *bev_startups_next_ready(BevStartups *startups);

extern bool bev_startups_any_ready(const BevStartups *startups);

#endif /* BEV_GATEWAY_NET_STARTUP_H */
