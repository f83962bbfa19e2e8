/*
 * gateway_log.c - what gateways say to the server's log.
 *
 * Trust: whatever a gateway says becomes at most so many lines a minute, each of printable
 * ASCII.
 */
#include "server/dispatcher/gateway_log.h"

#include "server/base/settings.h"
#include "common/pipe/body.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* What a gateway says beyond it is dropped, and counted. */
#define LINES_A_MINUTE 100

void
bev_gateway_log_begin(BevFeed *feed)
{
	bev_bucket_fill(&feed->lines, LINES_A_MINUTE, GetCurrentTimestamp() / 1000);
}

/* Text of a gateway, fit for the log: one line of plain ASCII. */
static char *
plain_text(const char *text, Size size)
{
	char *plain = pnstrdup(text, Min(size, 1000));

	for (char *p = plain; *p; p++)
		if ((unsigned char) *p < ' ' || (unsigned char) *p > '~')
			*p = '?';
	return plain;
}

/* Whatever makes a gateway's words a line of the log asks here first. */
static bool
may_write_line(BevFeed *feed)
{
	if (bev_bucket_take(&feed->lines, LINES_A_MINUTE, GetCurrentTimestamp() / 1000) > 0)
	{
		feed->lines_dropped++;
		return false;
	}
	if (feed->lines_dropped > 0)
		ereport(LOG, (errmsg("bugevents gateway %d: " UINT64_FORMAT
		                     " lines were too many and are not shown",
		                     feed->number, feed->lines_dropped)));
	feed->lines_dropped = 0;
	return true;
}

bool
bev_gateway_log_listening(BevFeed *feed, const BevMessage *message)
{
	if (!may_write_line(feed))
		return true;
	ereport(LOG, (errmsg("bugevents gateway %d listening on %s", feed->number,
	                     plain_text(message->body, message->size))));
	return true;
}

bool
bev_gateway_log_line(BevFeed *feed, const BevMessage *message)
{
	BevLogMessage log;
	BevSpan text;

	if (!bev_body_log(message, &log, &text))
		return false;
	if (!may_write_line(feed))
		return true;
	ereport(log.level == BEV_LOG_DEBUG   ? DEBUG1 :
	        log.level == BEV_LOG_WARNING ? WARNING :
	                                       LOG,
	        (errmsg("bugevents gateway %d: %s", feed->number, plain_text(text.data, text.len))));
	return true;
}

/* It repeats a complaint as long as it tries again; the log needs it once. */
bool
bev_gateway_log_status(BevFeed *feed, const BevMessage *message)
{
	char *status = plain_text(message->body, message->size);

	if (*status && (feed->status == NULL || strcmp(status, feed->status) != 0) &&
	    may_write_line(feed))
		ereport(
			WARNING,
			(errmsg("bugevents gateway %d can't serve as configured: %s", feed->number, status),
		     errhint(
				 "Connected clients stay. It tries again to listen by itself; after correcting another setting or a file, reload.")));
	if (feed->status)
		pfree(feed->status);
	feed->status = MemoryContextStrdup(TopMemoryContext, status);
	return true;
}

/* In the form of the lines about connections (admission.c). */
bool
bev_gateway_log_slow(BevFeed *feed, const BevMessage *message)
{
	BevSlowMessage slow;

	if (!bev_body_slow(message, &slow))
		return false;
	if (bev_log_slow_delivery < 0 || !may_write_line(feed))
		return true;
	ereport(LOG, (errmsg("bugevents slow delivery: seq=" UINT64_FORMAT
	                     " seconds=%.3f clients=%u gateway=%d events=%u",
	                     slow.seq, slow.us / 1e6, slow.clients, feed->number, slow.events)));
	return true;
}
