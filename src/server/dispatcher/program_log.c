/*
 * program_log.c - what gateways and the verifier say to the server's log.
 *
 * Trust: whatever one says becomes at most so many lines a minute, each of printable
 * ASCII.
 */
#include "server/dispatcher/program_log.h"

#include "server/base/settings.h"
#include "common/pipe/body.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* What a process says beyond it is dropped, and counted. */
#define LINES_A_MINUTE 100

void
bev_program_log_misfit(const char *program, uint32 version)
{
	ereport(WARNING, (errmsg("%s is of another version than the library that the server has "
	                         "loaded: nobody is served",
	                         program),
	                  errdetail("Its version of the pipe is %u, the library's is %u.", version,
	                            BEV_PIPE_VERSION),
	                  errhint("Restart the server.")));
}

void
bev_program_log_begin(BevProgramLog *log, const char *name)
{
	strlcpy(log->name, name, sizeof(log->name));
	log->dropped = 0;
	bev_bucket_fill(&log->lines, LINES_A_MINUTE, GetCurrentTimestamp() / 1000);
}

/* Text of a program, fit for the log: one line of plain ASCII. */
static char *
plain_text(const char *text, Size size)
{
	char *plain = pnstrdup(text, Min(size, 1000));

	for (char *p = plain; *p; p++)
		if ((unsigned char) *p < ' ' || (unsigned char) *p > '~')
			*p = '?';
	return plain;
}

/* Whatever makes a program's words a line of the log asks here first. */
static bool
may_write_line(BevProgramLog *log)
{
	if (bev_bucket_take(&log->lines, LINES_A_MINUTE, GetCurrentTimestamp() / 1000) > 0)
	{
		log->dropped++;
		return false;
	}
	if (log->dropped > 0)
		ereport(LOG,
		        (errmsg("bugevents %s: " UINT64_FORMAT " lines were too many and are not shown",
		                log->name, log->dropped)));
	log->dropped = 0;
	return true;
}

bool
bev_program_log_listening(BevProgramLog *log, const BevMessage *message)
{
	if (!may_write_line(log))
		return true;
	ereport(LOG, (errmsg("bugevents %s listening on %s", log->name,
	                     plain_text(message->body, message->size))));
	return true;
}

bool
bev_program_log_line(BevProgramLog *log, const BevMessage *message)
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
	        (errmsg("bugevents %s: %s", log->name, plain_text(text.data, text.len))));
	return true;
}

/* It repeats a complaint as long as it tries again; the log needs it once. */
void
bev_program_log_trouble(BevProgramLog *log, const char *text, Size size, const char *hint)
{
	char *status = plain_text(text, size);

	if (*status && (log->status == NULL || strcmp(status, log->status) != 0) && may_write_line(log))
		ereport(WARNING, (errmsg("bugevents %s can't serve as configured: %s", log->name, status),
		                  errhint("%s", hint)));
	if (log->status)
		pfree(log->status);
	log->status = MemoryContextStrdup(TopMemoryContext, status);
}

bool
bev_program_log_status(BevProgramLog *log, const BevMessage *message)
{
	bev_program_log_trouble(log, message->body, message->size,
	                        "Connected clients stay. It tries again to listen by itself; after "
	                        "correcting another setting or a file, reload.");
	return true;
}

/* In the form of the lines about connections (admission.c). */
bool
bev_program_log_slow(BevProgramLog *log, int gateway, const BevMessage *message)
{
	BevSlowMessage slow;

	if (!bev_body_read(message, &slow, sizeof(slow), NULL))
		return false;
	if (bev_log_slow_delivery < 0 || !may_write_line(log))
		return true;
	ereport(LOG, (errmsg("bugevents slow delivery: seq=" UINT64_FORMAT
	                     " seconds=%.3f clients=%u gateway=%d events=%u",
	                     slow.seq, slow.us / 1e6, slow.clients, gateway, slow.events)));
	return true;
}
