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
#ifndef BE_COMMON_EVENT_ACCESS_H
#define BE_COMMON_EVENT_ACCESS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/event/event.h"

typedef enum BeAccessKind
{
	BE_ACCESS_ACTIVE = 'a',		/* a user who may connect; value: the role */
	BE_ACCESS_INACTIVE = 'i',	/* one who may not; value: the role */
	BE_ACCESS_DELETED = 'd',	/* the user's row is gone */
	BE_ACCESS_MEMBER = 'm',		/* value: the project */
	BE_ACCESS_LEFT = 'l',		/* the membership is gone */
	BE_ACCESS_VOID = 'v'		/* all that was said of anybody is void */
} BeAccessKind;

/*
 * source is the table, for a membership "table:row": a user has one row in a table,
 * but may have many memberships.  The strings are terminated.
 */
typedef struct BeAccess
{
	BeAccessKind kind;
	const char *source;
	const char *user;
	const char *value;
} BeAccess;

/*
 * The next one: advances *rest past it.  False at the end, and where the bytes are
 * none; then rest->len isn't 0.
 */
extern bool be_access_next(BeSpan *rest, BeAccess *access);

extern size_t be_access_size(const BeAccess *access);

/* dst has room for be_access_size(). */
extern void be_access_write(char *dst, const BeAccess *access);

#endif							/* BE_COMMON_EVENT_ACCESS_H */
