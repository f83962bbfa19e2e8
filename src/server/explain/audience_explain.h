/*
 * audience_explain.h - whom an event is for, in words, and whether somebody is among them.
 */
#ifndef BEV_SERVER_EXPLAIN_AUDIENCE_EXPLAIN_H
#define BEV_SERVER_EXPLAIN_AUDIENCE_EXPLAIN_H

#include "postgres.h"

#include "server/users/user_lookup.h"
#include "common/event/event.h"
#include "server/users/user_rights.h"

/* Ordered: of two that are both needed the lower one counts, of alternatives the higher. */
typedef enum BevLikely
{
	BEV_NO,
	BEV_PERHAPS,
	BEV_YES
} BevLikely;

/* Somebody, as the tables of users and memberships say now; all text is UTF-8. */
typedef struct BevSomebody
{
	const char *user;
	bool has_tables; /* there are tables that decide */
	BevUserRights rights;
	ErrorData *error; /* NULL unless they couldn't be read */
} BevSomebody;

extern void bev_audience_explain_look_up(BevSomebody *somebody, const char *user);

/* An audience in words, in the database's encoding; palloc'd. */
extern char *bev_audience_explain_words(BevSpan audience);

/*
 * Is somebody in the audience?  role is that of a connection; NULL: of any that there may
 * be.  A token may add projects, which nobody knows here.
 */
extern BevLikely bev_audience_explain_includes(BevSpan audience, const BevSomebody *somebody,
                                               const char *role);

#endif /* BEV_SERVER_EXPLAIN_AUDIENCE_EXPLAIN_H */
