/*
 * audience_explain.h - whom an event is for, in words, and whether somebody is among them.
 */
#ifndef BE_SERVER_EXPLAIN_AUDIENCE_EXPLAIN_H
#define BE_SERVER_EXPLAIN_AUDIENCE_EXPLAIN_H

#include "postgres.h"

#include "server/users/user_lookup.h"
#include "common/event/event.h"
#include "nodes/pg_list.h"

/* Ordered: of two that are both needed the lower one counts, of alternatives the higher. */
typedef enum BeLikely
{
	BE_NO,
	BE_PERHAPS,
	BE_YES
} BeLikely;

/* Somebody, as the tables of users and memberships say now; all text is UTF-8. */
typedef struct BeSomebody
{
	const char *user;
	bool		has_tables;		/* there are tables that decide */
	bool		has_row;		/* they have this user */
	bool		active;
	const char *role;			/* the lowest of their roles; NULL: no row */
	List	   *projects;		/* of char *: memberships */
	ErrorData  *error;			/* NULL unless they couldn't be read */
} BeSomebody;

extern void be_whom_look_up(BeSomebody *somebody, const char *user);

/* An audience in words, in the database's encoding; palloc'd. */
extern char *be_whom_words(BeSpan audience);

/*
 * Is somebody in the audience?  role is that of a connection; NULL: of any that there may
 * be.  A token may add projects, which nobody knows here.
 */
extern BeLikely be_whom_includes(BeSpan audience, const BeSomebody *somebody, const char *role);

#endif							/* BE_SERVER_EXPLAIN_AUDIENCE_EXPLAIN_H */
