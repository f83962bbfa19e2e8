/*
 * security.c - what gateways find suspicious, on its way to the log and a table.
 *
 * Model: what tally.h finds worth telling becomes a line of the log, with a stable prefix
 * and fields that a script can read, and a row of bugevents.security_events.  So log and
 * table grow by a known number of lines, whatever an attacker does.  The responder writes
 * the rows, since the dispatcher must not wait for a lock on a table; rows that it is too
 * slow for are only in the log.
 *
 * Trust: kind and length were checked (common/pipe/body.c); the address is shown as printable
 * ASCII without blanks, whatever it is.
 */
#include "server/dispatcher/security.h"

#include "server/dispatcher/questions.h"
#include "server/base/settings.h"
#include "access/xlog.h"
#include "lib/stringinfo.h"
#include "common/pipe/tally.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* The rows that wait, as a JSON array without its end. */
#define ROWS_SIZE (8 * 1024)

static void tell(uint32 kind, const char *address, int gateway, uint64 times);

static BevTally tally = {.tell = tell};
static StringInfo rows = NULL; /* NULL: nothing came yet */

static uint64
now_ms(void)
{
	return GetCurrentTimestamp() / 1000;
}

static void
begin(void)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	rows = makeStringInfo();
	MemoryContextSwitchTo(old);
	bev_tally_begin(&tally, now_ms());
}

static void
add_row(const char *kind, const char *address, int gateway, uint64 times)
{
	if (bev_security_event_rows == 0 || rows->len > ROWS_SIZE)
		return;
	appendStringInfoString(rows, rows->len > 0 ? ",{\"kind\":" : "[{\"kind\":");
	escape_json(rows, kind);
	appendStringInfoString(rows, ",\"address\":");
	escape_json(rows, address);
	appendStringInfo(rows, ",\"gateway\":%d,\"times\":" UINT64_FORMAT "}", gateway, times);
}

static void
tell(uint32 kind, const char *address, int gateway, uint64 times)
{
	const char *name = bev_counter_names[BEV_COUNT_ABUSE_missing_token + kind].value;

	ereport(LOG, (errmsg("bugevents security: kind=%s address=%s gateway=%d times=" UINT64_FORMAT,
	                     name, *address ? address : "-", gateway, times)));
	add_row(name, address, gateway, times);
}

void
bev_security_add(int gateway, const BevAbuseMessage *abuse)
{
	BevAbuseMessage shown = *abuse;

	if (rows == NULL)
		begin();
	for (char *p = shown.address; *p; p++)
		if (*p <= ' ' || *p > '~')
			*p = '?';
	bev_tally_add(&tally, &shown, gateway, now_ms());
}

void
bev_security_flush(void)
{
	if (rows == NULL)
		return;
	bev_tally_due(&tally, now_ms());
	if (rows->len == 0)
		return;
	appendStringInfoChar(rows, ']');
	if (!RecoveryInProgress()) /* a standby's are in its log alone */
		bev_questions_security_log(rows->data, rows->len);
	resetStringInfo(rows);
}
