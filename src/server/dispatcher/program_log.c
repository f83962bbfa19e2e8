/*
 * program_log.c - what gateways and the verifier say to the server's log.
 *
 * Model: they have messages for it.  What else they write, a library's complaint or a sanitizer's
 * last words, comes by a pipe in the place of their standard error, and is told with their name.
 *
 * Trust: whatever one says, messages and all, becomes at most so many lines a minute, each of
 * printable ASCII and none without its name (test/t/331_untrusted_gateway.pl).
 *
 * Memory: a part of a line for each process.
 */
#include "server/dispatcher/program_log.h"

#include <unistd.h>

#include "server/base/settings.h"
#include "common/pipe/body.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* What a process says beyond it is dropped, and counted. */
#define LINES_A_MINUTE 100

/* Read in a turn, or once a process has ended: what a pipe holds. */
#define WORDS_MAX 65536

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

/* One that is started again and again has no more to say for that. */
void
bev_program_log_begin(BevProgramLog *log, const char *name, int words)
{
	if (*log->name == '\0')
		bev_bucket_fill(&log->lines, LINES_A_MINUTE, GetCurrentTimestamp() / 1000);
	strlcpy(log->name, name, sizeof(log->name));
	log->words = words;
	log->line_len = 0;
}

/* Text of a program, fit for the log: one line of plain ASCII. */
static char *
plain_text(const char *text, Size size)
{
	Size len = Min(size, 1000);
	char *plain = palloc(len + 1);

	for (Size i = 0; i < len; i++)
		plain[i] = text[i] < ' ' || text[i] > '~' ? '?' : text[i];
	plain[len] = '\0';
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
	                        "Connected clients stay. Correct the setting or the file, and reload.");
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

/* ---- What it writes by itself ---- */

static void
write_line(BevProgramLog *log)
{
	if (log->line_len > 0 && may_write_line(log))
		ereport(LOG, (errmsg("bugevents %s wrote: %s", log->name,
		                     plain_text(log->line, (Size) log->line_len))));
	log->line_len = 0;
}

static void
take_words(BevProgramLog *log, const char *words, ssize_t len)
{
	for (const char *p = words; p < words + len; p++)
	{
		if (*p == '\n' || log->line_len == BEV_PROGRAM_LINE)
			write_line(log);
		if (*p != '\n')
			log->line[log->line_len++] = *p;
	}
}

void
bev_program_log_hear(BevProgramLog *log)
{
	char words[4096];
	ssize_t n = 0;

	for (int left = WORDS_MAX; log->words >= 0 && left > 0; left -= (int) n)
	{
		n = read(log->words, words, sizeof(words));
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0)
		{
			close(log->words);
			log->words = -1;
			write_line(log);
			return;
		}
		take_words(log, words, n);
	}
}

/* One of its own that it left behind may write on: to nobody. */
void
bev_program_log_end(BevProgramLog *log)
{
	bev_program_log_hear(log);
	if (log->words >= 0)
		close(log->words);
	log->words = -1;
	write_line(log);
}
