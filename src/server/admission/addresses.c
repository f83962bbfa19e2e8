/*
 * addresses.c - the names of listen_addresses, as numbers.
 *
 * Model: a gateway may open neither files nor connections, both of which a look-up
 * can take; so it happens here, whenever a configuration is written.  What only
 * the gateway can know (whether ::1 exists) stays its own affair.
 */
#include "server/admission/addresses.h"

#include <netdb.h>
#include <sys/socket.h>

#include "common/ip.h"
#include "lib/stringinfo.h"

static void
add(StringInfo list, const char *address)
{
	if (list->len > 0)
		appendStringInfoChar(list, ',');
	appendStringInfoString(list, address);
}

static void
add_host(StringInfo list, const char *name)
{
	const struct addrinfo hints = {
		.ai_flags = AI_PASSIVE,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *found = NULL;
	int failure = pg_getaddrinfo_all(name, NULL, &hints, &found);

	if (failure != 0)
	{
		ereport(WARNING, (errmsg("could not resolve \"%s\" of bugevents.listen_addresses: %s", name,
		                         gai_strerror(failure)),
		                  errhint("Names are looked up at a start and at a reload.")));
		add(list, name);
		return;
	}
	for (struct addrinfo *one = found; one; one = one->ai_next)
	{
		char address[NI_MAXHOST];

		if (pg_getnameinfo_all((struct sockaddr_storage *) one->ai_addr, one->ai_addrlen, address,
		                       sizeof(address), NULL, 0, NI_NUMERICHOST) == 0)
			add(list, address);
	}
	pg_freeaddrinfo_all(hints.ai_family, found);
}

char *
bev_addresses_resolve(const char *list)
{
	StringInfoData resolved;
	char *copy = pstrdup(list);
	char *rest;

	initStringInfo(&resolved);
	for (char *name = strtok_r(copy, ", \t", &rest); name; name = strtok_r(NULL, ", \t", &rest))
	{
		if (strcmp(name, "localhost") == 0 || strcmp(name, "*") == 0)
			add(&resolved, name);
		else
			add_host(&resolved, name);
	}
	pfree(copy);
	return resolved.data;
}
