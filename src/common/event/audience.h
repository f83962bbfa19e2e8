/*
 * audience.h - who may see an event.
 *
 * An event names principals (event.h); a client belongs to some.  The event may
 * be seen when one of its principals is one of the client's, and no line narrows that.  Everyone belongs
 * to "all", which is therefore kept out of the lists.
 *
 * Pure C.
 */
#ifndef BE_COMMON_EVENT_AUDIENCE_H
#define BE_COMMON_EVENT_AUDIENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/event/event.h"

/* What the audience of an event amounts to */
#define BE_SEEN_BY_ALL		0x01
#define BE_SEEN_BY_ADMIN	0x02
#define BE_SEEN_BY_NAMED	0x04	/* user:, project: or one not known here */
#define BE_SEEN_NARROWED	0x08	/* there are lines that narrow the others */

/* Everyone at all? */
static inline bool
be_seen_by_everyone(uint8_t flags)
{
	return (flags & (BE_SEEN_BY_ALL | BE_SEEN_NARROWED)) == BE_SEEN_BY_ALL;
}

extern uint8_t be_audience_flags(BeSpan audience);

/* The principals of a client, sorted, each once. */
typedef struct BePrincipals
{
	char	  **name;
	uint32_t	count;
	bool		is_admin;
} BePrincipals;

/* Add one: prefix and id make the name. */
extern void be_principals_add(BePrincipals *principals, const char *prefix,
							  const char *id);

/* Sort them and drop the doubles; call it when all are added. */
extern void be_principals_seal(BePrincipals *principals);

extern void be_principals_free(BePrincipals *principals);

/* May a client of these principals see an event of this audience? */
extern bool be_audience_allows(BeSpan audience, uint8_t flags,
							   const BePrincipals *principals);

#endif							/* BE_COMMON_EVENT_AUDIENCE_H */
