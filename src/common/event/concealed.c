/*
 * concealed.c - an event as those get it who have no admin to show it to.
 *
 * Model: what is left of an event for admins is what keeps everything else right: rows that are
 * kept current by events have to know that one has changed, and the rights of users follow from
 * what is said of them, whoever may read the event itself.
 */
#include "common/event/concealed.h"

#include "common/event/audience.h"

static bool
is_for_admins_alone(const BevEvent *event)
{
	uint8_t flags = bev_audience_flags(event->field[BEV_EVENT_AUDIENCE]);

	return (flags & (BEV_SEEN_BY_ALL | BEV_SEEN_BY_NAMED)) == 0;
}

bool
bev_event_has_secrets(const BevEvent *event)
{
	return event->field[BEV_EVENT_OPEN_PAYLOAD].len > 0 || is_for_admins_alone(event);
}

size_t
bev_event_conceal(const BevEvent *event, char *dst)
{
	static const BevEventField content[] = {
		BEV_EVENT_PROJECT,      BEV_EVENT_BUG,          BEV_EVENT_PAYLOAD, BEV_EVENT_CHANGES,
		BEV_EVENT_OPEN_PAYLOAD, BEV_EVENT_OPEN_CHANGES, BEV_EVENT_ACTOR,
	};
	BevEvent bare = *event;

	if (!is_for_admins_alone(event))
		return bev_event_open(event, dst);
	for (size_t i = 0; i < sizeof(content) / sizeof(content[0]); i++)
		bare.field[content[i]].len = 0;
	return bev_event_open(&bare, dst);
}
