/*
 * pause.c - a time in which this process publishes no rows.
 */
#include "server/capture/pause.h"

static bool is_paused = false;

void
bev_capture_pause(bool paused)
{
	is_paused = paused;
}

bool
bev_capture_is_paused(void)
{
	return is_paused;
}
