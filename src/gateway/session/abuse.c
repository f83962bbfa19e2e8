/*
 * abuse.c - what looks like an attack, or like somebody's mistake.
 *
 * Model: each is counted.  Beside that, kind and address are noted and told to the dispatcher once
 * a second, together with how many times; what doesn't fit into the list is added to an entry of
 * its kind without an address.  So a flood costs BEV_ABUSES_MAX messages a second, whatever it
 * sends.
 */
#include "gateway/session/abuse.h"

#include <stdio.h>
#include <string.h>

static BevAbuseMessage *
find(BevGateway *gateway, uint32_t kind, const char *address)
{
	for (uint32_t i = 0; i < gateway->abuses; i++)
	{
		BevAbuseMessage *abuse = &gateway->abuse[i];

		if (abuse->kind == kind && strcmp(abuse->address, address) == 0)
			return abuse;
	}
	return NULL;
}

/* The last places are for those without address. */
static BevAbuseMessage *
add(BevGateway *gateway, uint32_t kind, const char *address)
{
	BevAbuseMessage *abuse;

	if (gateway->abuses >= BEV_ABUSES_MAX && *address)
	{
		abuse = find(gateway, kind, "");
		return abuse ? abuse : add(gateway, kind, "");
	}
	abuse = &gateway->abuse[gateway->abuses++];
	*abuse = (BevAbuseMessage){.kind = kind};
	snprintf(abuse->address, sizeof(abuse->address), "%s", address);
	return abuse;
}

void
bev_abuse_note(BevClient *client, BevCounter counter)
{
	BevGateway *gateway = client->gateway;
	uint32_t kind = counter - BEV_COUNT_ABUSE_missing_token;
	const char *address = bev_client_address(client);
	BevAbuseMessage *abuse = find(gateway, kind, address);

	bev_count(gateway, counter, 1);
	if (abuse == NULL)
		abuse = add(gateway, kind, address);
	abuse->times++;
}

void
bev_abuse_tell(BevGateway *gateway)
{
	for (uint32_t i = 0; i < gateway->abuses; i++)
		bev_link_send(&gateway->link, BEV_MSG_ABUSE, &gateway->abuse[i], sizeof(gateway->abuse[i]),
		              NULL, 0);
	gateway->abuses = 0;
}
