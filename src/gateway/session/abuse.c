/*
 * abuse.c - what looks like an attack, or like somebody's mistake.
 *
 * Model: each is counted.  Beside that, kind and address are noted and told to the dispatcher once a
 * second, together with how many times; what doesn't fit into the list is added to an entry of its
 * kind without an address.  So a flood costs BE_SUSPECTS_MAX messages a second, whatever it sends.
 */
#include "gateway/session/abuse.h"

#include <stdio.h>
#include <string.h>

static BeSuspectMessage *
find(BeGateway *gateway, uint32_t kind, const char *address)
{
	for (uint32_t i = 0; i < gateway->suspects; i++)
	{
		BeSuspectMessage *suspect = &gateway->suspect[i];

		if (suspect->kind == kind && strcmp(suspect->address, address) == 0)
			return suspect;
	}
	return NULL;
}

/* The last places are for those without address. */
static BeSuspectMessage *
add(BeGateway *gateway, uint32_t kind, const char *address)
{
	BeSuspectMessage *suspect;

	if (gateway->suspects >= BE_SUSPECTS_MAX && *address)
	{
		suspect = find(gateway, kind, "");
		return suspect ? suspect : add(gateway, kind, "");
	}
	suspect = &gateway->suspect[gateway->suspects++];
	*suspect = (BeSuspectMessage) {.kind = kind};
	snprintf(suspect->address, sizeof(suspect->address), "%s", address);
	return suspect;
}

void
be_suspect(BeClient *client, BeCounter counter)
{
	BeGateway  *gateway = client->gateway;
	uint32_t	kind = counter - BE_COUNT_SUSPICION_missing_token;
	const char *address = be_client_address(client);
	BeSuspectMessage *suspect = find(gateway, kind, address);

	be_count(gateway, counter, 1);
	if (suspect == NULL)
		suspect = add(gateway, kind, address);
	suspect->times++;
}

void
be_suspicion_tell(BeGateway *gateway)
{
	for (uint32_t i = 0; i < gateway->suspects; i++)
		be_link_send(&gateway->link, BE_MSG_SUSPECT, &gateway->suspect[i],
					 sizeof(gateway->suspect[i]), NULL, 0);
	gateway->suspects = 0;
}
