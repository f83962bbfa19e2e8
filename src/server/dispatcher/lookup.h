/*
 * lookup.h - who waits to be looked up in the tables of users, and admitted then.
 */
#ifndef BEV_SERVER_DISPATCHER_LOOKUP_H
#define BEV_SERVER_DISPATCHER_LOOKUP_H

#include "postgres.h"

#include "common/event/event.h"
#include "common/pipe/message.h"
#include "server/admission/applicant.h"

/* What was found out of one who waited: as in ADMIT. */
typedef struct BevLookupFound
{
	bool known; /* false: the tables could not be read */
	uint64 as_of;
	int unread;
	BevSpan statements;
} BevLookupFound;

/* Whoever is told may take the applicant's projects. */
typedef void (*BevLookupAnswer)(int gateway, BevApplicant *who, const BevLookupFound *found);

/* A client of a gateway wants in; takes its projects. */
extern void bev_lookup_add(int gateway, const BevApplicant *who);

/* This gateway has ended. */
extern void bev_lookup_forget(int gateway);

/* In how many ms is there something to do?  -1: nobody waits, but for an answer. */
extern long bev_lookup_due_in(void);

/*
 * Have those looked up who wait, and answer who was; each gateway's in the order in which they
 * came.  Never waits; to be called outside of transactions.
 */
extern void bev_lookup_run(BevLookupAnswer answer);

#endif /* BEV_SERVER_DISPATCHER_LOOKUP_H */
