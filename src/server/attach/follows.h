/*
 * follows.h - which attached tables follow which others, that their expressions look into.
 */
#ifndef BEV_SERVER_ATTACH_FOLLOWS_H
#define BEV_SERVER_ATTACH_FOLLOWS_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* A row of bugevents.follows. */
typedef struct BevFollow
{
	Oid lookup;              /* when a row of this one changes, */
	Oid tbl;                 /* rows of this one may be others, */
	const char *keys;        /* namely those whose keys this query over row returns */
	const char *search_path; /* that it is understood with */
} BevFollow;

/* All of them (BevFollow *); kept for the session, valid until invalidations are taken in. */
extern List *bev_follows_list(void);

/* The table itself; InvalidOid: the extension isn't there, or is older. */
extern Oid bev_follows_table(void);

#endif /* BEV_SERVER_ATTACH_FOLLOWS_H */
