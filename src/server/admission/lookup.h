/*
 * lookup.h - who waits to be looked up in the tables of users, and admitted then.
 */
#ifndef BEV_SERVER_ADMISSION_LOOKUP_H
#define BEV_SERVER_ADMISSION_LOOKUP_H

#include "postgres.h"

#include "server/users/user_lookup.h"
#include "common/pipe/message.h"

/* A client of a gateway wants in. */
extern void bev_lookup_add(int gateway, const BevOpenMessage *open);

/* This gateway has ended. */
extern void bev_lookup_forget(int gateway);

/* In how many ms is it time to look somebody up?  -1: nobody waits. */
extern long bev_lookup_due_in(void);

/*
 * What was found out of one who waited: as_of and unread as in ADMIT; entry is NULL when
 * the tables could not be read.
 */
typedef void (*BevLookupAnswer)(int gateway, const BevOpenMessage *open, uint64 as_of,
                                const BevUserLookupEntry *entry, int unread);

/*
 * Look up everyone who waits, and answer in the order in which they came.  Wants a
 * transaction whose snapshot was taken when everything up to settled was visible.  False: somebody
 * has one of the tables locked, and they wait on, for some seconds at the most.
 */
extern bool bev_lookup_run(uint64 settled, BevLookupAnswer answer);

#endif /* BEV_SERVER_ADMISSION_LOOKUP_H */
