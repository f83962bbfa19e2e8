/*
 * status.c - what of the configuration can't be used, as the dispatcher is told.
 */
#include "gateway/main/status.h"
#include "common/program/memory.h"

#include <stdlib.h>
#include <string.h>

static void
set_text(char **text, const char *to)
{
	free(*text);
	*text = to ? bev_copy_text(to, strlen(to)) : NULL;
}

void
bev_status_set(BevStatus *status, BevTrouble trouble, const char *why)
{
	set_text(&status->trouble[trouble], why);
}

void
bev_status_tell(BevStatus *status, BevLink *link)
{
	const char *text = "";

	for (int i = 0; i < BEV_TROUBLES && *text == '\0'; i++)
		if (status->trouble[i])
			text = status->trouble[i];
	if (status->sent && strcmp(status->sent, text) == 0)
		return;
	set_text(&status->sent, text);
	bev_link_send(link, BEV_MSG_STATUS, NULL, text, strlen(text));
}

void
bev_status_free(BevStatus *status)
{
	for (int i = 0; i < BEV_TROUBLES; i++)
		set_text(&status->trouble[i], NULL);
	set_text(&status->sent, NULL);
}
