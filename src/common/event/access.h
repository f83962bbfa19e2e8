/*
 * access.h - statements about who somebody is and may, as tables of the database
 * make them: "user 42 is active, and an admin", "user 42 is a member of project 7".
 *
 * They come on two ways, in the same form: those that an event makes are a field of
 * its record, and hold from that event on; those that held when a client connected
 * come with its ADMIT.  Each names its source, so that what one table says doesn't
 * undo what another one does.
 *
 *     +------+----------+--+--------+--+---------+--+
 *     | kind | source   |0 | user   |0 | value   |0 |    any number of them
 *     +------+----------+--+--------+--+---------+--+
 *
 * Pure C: shared by the server's half and the gateway.
 */
#ifndef BEV_COMMON_EVENT_ACCESS_H
#define BEV_COMMON_EVENT_ACCESS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/event/event.h"

typedef enum BevAccessKind
{
	BEV_ACCESS_ACTIVE = 'a',   /* a user who may connect; value: the role */
	BEV_ACCESS_INACTIVE = 'i', /* one who may not; value: the role */
	BEV_ACCESS_DELETED = 'd',  /* the user's row is gone */
	BEV_ACCESS_UNKNOWN = 'u',  /* no table of users has the user, but there is one */
	BEV_ACCESS_MEMBER = 'm',   /* value: the project */
	BEV_ACCESS_BELONGS = 'p',  /* value: the principal that the user belongs to */
	BEV_ACCESS_LEFT = 'l',     /* the membership is gone */
	BEV_ACCESS_VOID = 'v',     /* all that was said of anybody is void */
	BEV_ACCESS_FOREIGN = 'f',  /* the event's table decides nothing, and nothing follows from it */
	BEV_ACCESS_REPLAY = 'r'    /* the row was there before: told again, for who is to be filled */
} BevAccessKind;

/*
 * source is the table, for a membership "table:row": a user has one row in a table,
 * but may have many memberships.  The strings are terminated.
 */
typedef struct BevAccess
{
	BevAccessKind kind;
	const char *source;
	const char *user;
	const char *value;
} BevAccess;

/*
 * The next one: advances *rest past it.  False at the end, and where the bytes are
 * none; then rest->len isn't 0.
 */
extern bool bev_access_next(BevSpan *rest, BevAccess *access);

/* The statement of an event whose table decides nothing, and does it stand there? */
extern BevSpan bev_access_foreign(void);
extern bool bev_access_is_foreign(BevSpan statements);

/* The statement of a replayed row's event, which stands alone, and does it stand there? */
extern BevSpan bev_access_replay(void);
extern bool bev_access_is_replay(BevSpan statements);

extern size_t bev_access_size(const BevAccess *access);

/* dst has room for bev_access_size(). */
extern void bev_access_write(char *dst, const BevAccess *access);

#endif /* BEV_COMMON_EVENT_ACCESS_H */
