/*
 * abuse.c - what looks like an attack, or like somebody's mistake.
 *
 * Model: kind and address are noted and told to the dispatcher once a second, together with
 * how many times; what doesn't fit into the list is added to an entry of its kind without an
 * address.
 *
 * Cost: a flood costs at most BEV_ABUSES_MAX + BEV_ABUSE_KINDS messages a second, whatever it
 * sends, and each note a walk of the list.
 */
#include "gateway/session/abuse.h"

#include <stdio.h>
#include <string.h>

static BevAbuseMessage *
find(BevAbuses *abuses, uint32_t kind, const char *address)
{
	for (uint32_t i = 0; i < abuses->count; i++)
	{
		BevAbuseMessage *abuse = &abuses->entry[i];

		if (abuse->kind == kind && strcmp(abuse->address, address) == 0)
			return abuse;
	}
	return NULL;
}

/* The last places are for those without address. */
static BevAbuseMessage *
add(BevAbuses *abuses, uint32_t kind, const char *address)
{
	BevAbuseMessage *abuse;

	if (abuses->count >= BEV_ABUSES_MAX && *address)
	{
		abuse = find(abuses, kind, "");
		return abuse ? abuse : add(abuses, kind, "");
	}
	abuse = &abuses->entry[abuses->count++];
	*abuse = (BevAbuseMessage){.kind = kind};
	snprintf(abuse->address, sizeof(abuse->address), "%s", address);
	return abuse;
}

void
bev_abuse_note(BevAbuses *abuses, BevCounter counter, const char *address)
{
	uint32_t kind = counter - BEV_COUNT_ABUSE_missing_token;
	BevAbuseMessage *abuse = find(abuses, kind, address);

	if (abuse == NULL)
		abuse = add(abuses, kind, address);
	abuse->times++;
}

void
bev_abuse_tell(BevAbuses *abuses, BevLink *link)
{
	for (uint32_t i = 0; i < abuses->count; i++)
		bev_link_send(link, BEV_MSG_ABUSE, &abuses->entry[i], NULL, 0);
	abuses->count = 0;
}
