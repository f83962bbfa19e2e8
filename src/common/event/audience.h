/*
 * audience.h - who may see an event.
 *
 * An event names principals (event.h); a client belongs to some.  The event may be seen when one of
 * its principals is one of the client's, and no line narrows that.  Everyone belongs to "all",
 * which is therefore kept out of the lists.
 *
 * Pure C.
 */
#ifndef BEV_COMMON_EVENT_AUDIENCE_H
#define BEV_COMMON_EVENT_AUDIENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/event/event.h"

/* What the audience of an event amounts to */
#define BEV_SEEN_BY_ALL   0x01
#define BEV_SEEN_BY_ADMIN 0x02
#define BEV_SEEN_BY_NAMED 0x04 /* user:, project: or one not known here */
#define BEV_SEEN_NARROWED 0x08 /* there are lines that narrow the others */
#define BEV_SEEN_SORTED   0x10 /* it is a large one, whose lines are sorted as bytes */

/* One of this size in bytes, or larger, may be sorted: then who is in it is searched for. */
#define BEV_AUDIENCE_LARGE 1024

/* What attach() is told may give one of up to so many bytes; a change of it, several times that. */
#define BEV_AUDIENCE_MAX (1024 * 1024)

/* Everyone at all? */
static inline bool
bev_seen_by_everyone(uint8_t flags)
{
	return (flags & (BEV_SEEN_BY_ALL | BEV_SEEN_NARROWED)) == BEV_SEEN_BY_ALL;
}

extern uint8_t bev_audience_flags(BevSpan audience);

/* The principals of somebody, sorted as bytes, each once; whoever gathered them owns them. */
typedef struct BevPrincipals
{
	char **name;
	uint32_t count;
	bool is_admin;
} BevPrincipals;

/* May a client of these principals see an event of this audience? */
extern bool bev_audience_matches(BevSpan audience, uint8_t flags, const BevPrincipals *principals);

#endif /* BEV_COMMON_EVENT_AUDIENCE_H */
