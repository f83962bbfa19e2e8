/*
 * status.c - what of the configuration can't be used, as the dispatcher is told.
 */
#include "gateway/main/status.h"
#include "common/program/memory.h"

#include <stdlib.h>
#include <string.h>

void
bev_status_tell(BevStatus *status, BevLink *link, const char *why)
{
	if (status->sent && strcmp(status->sent, why) == 0)
		return;
	free(status->sent);
	status->sent = bev_copy_text(why, strlen(why));
	bev_link_send(link, BEV_MSG_STATUS, NULL, why, strlen(why));
}

void
bev_status_free(BevStatus *status)
{
	free(status->sent);
	status->sent = NULL;
}
