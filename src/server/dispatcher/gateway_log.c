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

static bool misfit_told = false;

void
bev_gateway_log_fits(void)
{
	misfit_told = false;
}

void
bev_gateway_log_misfit(uint32 version)
{
	if (!misfit_told)
		ereport(
			WARNING,
			(errmsg("bugevents-gateway is of another version than the library that the server has "
		            "loaded: nobody is served"),
		     errdetail("Its version of the pipe is %u, the library's is %u.", version,
		               BEV_PIPE_VERSION),
		     errhint("Restart the server.")));
	misfit_told = true;
}

void
bev_gateway_log_begin(BevGatewayLog *log, int number)
{
	log->number = number;
	log->dropped = 0;
	bev_bucket_fill(&log->lines, LINES_A_MINUTE, GetCurrentTimestamp() / 1000);
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
may_write_line(BevGatewayLog *log)
{
	if (bev_bucket_take(&log->lines, LINES_A_MINUTE, GetCurrentTimestamp() / 1000) > 0)
	{
		log->dropped++;
		return false;
	}
	if (log->dropped > 0)
		ereport(LOG, (errmsg("bugevents gateway %d: " UINT64_FORMAT
		                     " lines were too many and are not shown",
		                     log->number, log->dropped)));
	log->dropped = 0;
	return true;
}

bool
bev_gateway_log_listening(BevGatewayLog *log, const BevMessage *message)
{
	if (!may_write_line(log))
		return true;
	ereport(LOG, (errmsg("bugevents gateway %d listening on %s", log->number,
	                     plain_text(message->body, message->size))));
	return true;
}

bool
bev_gateway_log_line(BevGatewayLog *log, const BevMessage *message)
{
	BevLogMessage line;
	BevSpan text;

	if (!bev_body_read(message, &line, sizeof(line), &text))
		return false;
	if (!may_write_line(log))
		return true;
	ereport(line.level == BEV_LOG_DEBUG   ? DEBUG1 :
	        line.level == BEV_LOG_WARNING ? WARNING :
	                                        LOG,
	        (errmsg("bugevents gateway %d: %s", log->number, plain_text(text.data, text.len))));
	return true;
}

/* It repeats a complaint as long as it tries again; the log needs it once. */
bool
bev_gateway_log_status(BevGatewayLog *log, const BevMessage *message)
{
	char *status = plain_text(message->body, message->size);

	if (*status && (log->status == NULL || strcmp(status, log->status) != 0) && may_write_line(log))
		ereport(
			WARNING,
			(errmsg("bugevents gateway %d can't serve as configured: %s", log->number, status),
		     errhint(
				 "Connected clients stay. It tries again to listen by itself; after correcting another setting or a file, reload.")));
	if (log->status)
		pfree(log->status);
	log->status = MemoryContextStrdup(TopMemoryContext, status);
	return true;
}

/* In the form of the lines about connections (admission.c). */
bool
bev_gateway_log_slow(BevGatewayLog *log, const BevMessage *message)
{
	BevSlowMessage slow;

	if (!bev_body_read(message, &slow, sizeof(slow), NULL))
		return false;
	if (bev_log_slow_delivery < 0 || !may_write_line(log))
		return true;
	ereport(LOG, (errmsg("bugevents slow delivery: seq=" UINT64_FORMAT
	                     " seconds=%.3f clients=%u gateway=%d events=%u",
	                     slow.seq, slow.us / 1e6, slow.clients, log->number, slow.events)));
	return true;
}
