/*
 * security.c - what gateways find suspicious, on its way to the log and a table.
 *
 * Model: LINES_A_MINUTE of them become lines of the log, with a stable prefix and
 * fields that a script can read, and rows of bugevents.security_events; the rest are only
 * counted, and how many they were is told when there is room for a line again.  So
 * no attacker can fill the log or the table.  The responder writes the rows, since
 * the dispatcher must not wait for a lock on a table.
 *
 * Trust: kind and length were checked (pipe/body.c); the address is shown as printable
 * ASCII, whatever it is.
 */
#include "dispatcher/security.h"

#include "dispatcher/questions.h"
#include "extension/settings.h"
#include "lib/stringinfo.h"
#include "pipe/bucket.h"
#include "pipe/counter.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define LINES_A_MINUTE	60

/* The rows that wait, as a JSON array without its end. */
#define ROWS_SIZE		(8 * 1024)

static BeBucket lines;
static uint64 suppressed = 0;
static StringInfo rows = NULL;

static uint64
now_ms(void)
{
	return GetCurrentTimestamp() / 1000;
}

static void
add_row(const char *kind, const char *address, int gateway, uint64 times)
{
	if (be_security_event_rows == 0)
		return;
	if (rows == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		rows = makeStringInfo();
		MemoryContextSwitchTo(old);
	}
	if (rows->len > ROWS_SIZE)
		return;					/* nobody takes them; the log has them */
	appendStringInfoString(rows, rows->len > 0 ? ",{\"kind\":" : "[{\"kind\":");
	escape_json(rows, kind);
	appendStringInfoString(rows, ",\"address\":");
	escape_json(rows, address);
	appendStringInfo(rows, ",\"gateway\":%d,\"times\":" UINT64_FORMAT "}", gateway, times);
}

static void
tell(const char *kind, const char *address, int gateway, uint64 times)
{
	ereport(LOG,
			(errmsg("bugevents security: kind=%s address=%s gateway=%d times=" UINT64_FORMAT,
					kind, *address ? address : "-", gateway, times)));
	add_row(kind, address, gateway, times);
}

void
be_security_note(int gateway, const BeSuspectMessage *suspect)
{
	static bool begun = false;
	char		address[sizeof(suspect->address)];

	if (!begun)
		be_bucket_fill(&lines, LINES_A_MINUTE, now_ms());
	begun = true;
	if (be_bucket_take(&lines, LINES_A_MINUTE, now_ms()) > 0)
	{
		suppressed++;
		return;
	}
	if (suppressed > 0)
		tell("suppressed", "", 0, suppressed);
	suppressed = 0;
	strlcpy(address, suspect->address, sizeof(address));
	for (char *p = address; *p; p++)
		if (*p <= ' ' || *p > '~')
			*p = '?';
	tell(be_counter_names[BE_COUNT_SUSPICION_missing_token + suspect->kind].value,
		 address, gateway, suspect->times);
}

void
be_security_flush(void)
{
	if (rows == NULL || rows->len == 0)
		return;
	appendStringInfoChar(rows, ']');
	be_questions_note(rows->data, rows->len);
	resetStringInfo(rows);
}
