/*
 * gathering.c - what is kept of events: everything that is written for many of them at once.
 *
 * Model: from rows of a table that decides nothing (server/attach/attachment.h) nothing is kept,
 * nor from rows that are told again (bugevents.replay()): nothing happened to them.
 */
#include "notify/projector/gathering.h"

#include "notify/projector/archive.h"
#include "notify/projector/history.h"
#include "notify/projector/statistics.h"

void
bev_gathering_begin(void)
{
	bev_archive_begin();
	bev_history_begin();
	bev_statistics_begin();
}

bool
bev_gathering_apply(BevChange *change)
{
	if (change->foreign || change->replayed)
		return false;
	return bev_statistics_apply(change) | bev_history_apply(change) | bev_archive_apply(change);
}

void
bev_gathering_finish(void)
{
	bev_archive_finish();
	bev_history_finish();
	bev_statistics_finish();
}
