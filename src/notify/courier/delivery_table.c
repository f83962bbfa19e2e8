/*
 * explain_delivery.c - the rows of bugevents.deliveries, on their way.
 *
 * Model: that something is being sent is on disk before the carrier hears of it, and what
 * became of it after.  In between the ledger knows.
 *
 * When a courier or carrier has ended, what was being sent and is neither known to
 * be sent nor not to be is uncertain.  A webhook is sent again, as its receiver can tell by its id; a
 * mail or message isn't, unless bugevents.retry_uncertain is on.
 */
#include "notify/courier/delivery_table.h"

#include "notify/courier/ledger.h"
#include "access/xact.h"
#include "common/pg_prng.h"
#include "server/shared/delivery_counters.h"
#include "server/base/subtransaction.h"
#include "server/base/settings.h"
#include "server/base/statement.h"
#include "server/base/transaction.h"
#include "mb/pg_wchar.h"
#include "common/pipe/carrier_message.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#define RETRY_MAX		3600000 /* ms */
#define POSTPONE		60000	/* ms, of a user who has had enough for now */
#define DIGEST_MAX		"200"	/* notifications in one mail */

static int64
column_int(uint64 row, int column)
{
	bool		isnull;

	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull));
}

/* Null: 0. */
static TimestampTz
column_time(uint64 row, int column)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull);

	return isnull ? 0 : DatumGetTimestampTz(value);
}

/* ---- claiming ---- */

typedef struct Due
{
	int64		id;
	const char *user;			/* NULL: nobody's */
	const char *key;
	bool		is_read;
	bool		if_unread;
	bool		collects;		/* with others of the user, in one mail */
	TimestampTz quiet_until;	/* 0: the user may be disturbed */
} Due;

static Due *
find_due(BeChannelKind kind, int limit, int *n)
{
	static BeStatement statement = {
		.sql = "SELECT d.id, d.user_id, d.key, coalesce(n.read, false), d.if_unread,"
		" o.digest IS NOT NULL AND d.channel = 'email',"
		" CASE WHEN o.quiet_from IS NOT NULL THEN nullif(bugevents.delivery_time(d.user_id, NULL, $2), $2) END"
		" FROM bugevents.deliveries AS d"
		" LEFT JOIN bugevents.notifications AS n ON n.id = d.notification_id"
		" LEFT JOIN bugevents.delivery_options AS o ON o.user_id = d.user_id"
		" WHERE d.channel = $1 AND d.state = 'waiting' AND d.next_attempt_at <= $2"
		" ORDER BY d.next_attempt_at, d.id LIMIT $3 FOR UPDATE OF d SKIP LOCKED"
	};
	Due		   *due;

	*n = be_statement_with(&statement, be_text_value(be_channel_name(kind)),
						   be_time_value(GetCurrentTimestamp()), be_int_value(limit));
	due = palloc(sizeof(Due) * Max(*n, 1));
	for (int i = 0; i < *n; i++)
		due[i] = (Due) {
			.id = column_int(i, 1),
			.user = be_statement_text(i, 2),
			.key = be_statement_text(i, 3),
			.is_read = strcmp(be_statement_text(i, 4), "t") == 0,
			.if_unread = strcmp(be_statement_text(i, 5), "t") == 0,
			.collects = strcmp(be_statement_text(i, 6), "t") == 0,
			.quiet_until = column_time(i, 7),
		};
	be_statement_done();
	return due;
}

static void
skip(int64 id)
{
	static BeStatement statement = {
		.sql = "UPDATE bugevents.deliveries SET state = 'skipped', ended_at = now() WHERE id = $1"
	};

	be_statement_with(&statement, be_int_value(id));
}

/* Has the user got as much in the last hour as may be, with what is under way? */
static bool
has_enough(BeChannelKind kind, const char *user)
{
	static BeStatement statement = {
		.sql = "SELECT (SELECT count(*) FROM bugevents.deliveries WHERE channel = $1 AND user_id = $2"
		" AND state = 'sent' AND sent_with IS NULL AND ended_at > now() - interval '1 hour')"
		" + (SELECT count(*) FROM bugevents.deliveries WHERE channel = $1 AND user_id = $2"
		" AND state = 'sending' AND sent_with IS NULL)"
	};
	int64		count;

	if (be_delivery_rate == 0 || user == NULL || kind == BE_CHANNEL_WEBHOOK)
		return false;
	be_statement_with(&statement, be_text_value(be_channel_name(kind)), be_text_value(user));
	count = column_int(0, 1);
	be_statement_done();
	return count >= be_delivery_rate;
}

static void
postpone(int64 id, TimestampTz until)
{
	static BeStatement statement = {
		.sql = "UPDATE bugevents.deliveries SET next_attempt_at = $2 WHERE id = $1"
	};

	be_statement_with(&statement, be_int_value(id), be_time_value(until));
}

static void
set_sending(const Due *due)
{
	static BeStatement one = {
		.sql = "UPDATE bugevents.deliveries SET state = 'sending', attempts = attempts + 1 WHERE id = $1"
	};
	static BeStatement others = {
		.sql = "UPDATE bugevents.deliveries SET state = 'sending', attempts = attempts + 1, sent_with = $1"
		" WHERE id IN (SELECT id FROM bugevents.deliveries"
		" WHERE channel = 'email' AND user_id = $2 AND id <> $1 AND state = 'waiting'"
		" AND next_attempt_at <= $3 ORDER BY next_attempt_at, id LIMIT " DIGEST_MAX " - 1)"
	};

	be_statement_with(&one, be_int_value(due->id));
	if (due->collects)
		be_statement_with(&others, be_int_value(due->id), be_text_value(due->user),
						  be_time_value(GetCurrentTimestamp()));
}

typedef struct Composing
{
	int64		id;
	char	   *json;
} Composing;

static void
compose_step(void *arg)
{
	static BeStatement statement = {.sql = "SELECT bugevents.compose($1)"};
	Composing  *composing = arg;
	char	   *text;

	be_statement_with(&statement, be_int_value(composing->id));
	text = be_statement_text(0, 1);
	be_statement_done();
	composing->json = pg_server_to_any(text, strlen(text), PG_UTF8);
}

static void
give_up(BeChannelKind kind, int64 id, const char *error)
{
	static BeStatement statement = {
		.sql = "UPDATE bugevents.deliveries SET state = 'dead', last_error = $2, ended_at = now()"
		" WHERE id = $1 OR sent_with = $1 AND state = 'sending'"
	};

	be_statement_with(&statement, be_int_value(id), be_text_value(error));
	be_deliveries_count(kind, "dead");
}

/* NULL: it can't be said. */
static char *
compose(BeChannelKind kind, const Due *due)
{
	Composing	composing = {.id = due->id};
	char	   *line;

	if (!be_attempt(compose_step, &composing, true))
	{
		give_up(kind, due->id, "it could not be composed; the server's log says why");
		return NULL;
	}
	/* An object with at least one member. */
	line = psprintf("{\"type\":\"send\",\"id\":" INT64_FORMAT ",\"channel\":\"%s\",\"key\":\"%s\",%s\n",
					due->id, be_channel_name(kind), due->key, composing.json + 1);
	if (strlen(line) < BE_CARRIER_MAX_DOWN)
		return line;
	/* The carrier would take it for noise, and end with all that it has under way. */
	give_up(kind, due->id, "it is too long");
	return NULL;
}

/* Was it taken into another one's mail a moment ago? */
static bool
is_waiting(int64 id)
{
	static BeStatement statement = {
		.sql = "SELECT FROM bugevents.deliveries WHERE id = $1 AND state = 'waiting'"
	};
	bool		found = be_statement_with(&statement, be_int_value(id)) > 0;

	be_statement_done();
	return found;
}

static void
claim(BeChannelKind kind, const Due *due, MemoryContext context, List **claims)
{
	MemoryContext old;
	BeClaim    *one;
	char	   *line;

	if (due->is_read && due->if_unread)
		skip(due->id);
	else if (!is_waiting(due->id))
		return;
	/* Planned so, but it may be late, or a further attempt. */
	else if (due->quiet_until != 0)
		postpone(due->id, due->quiet_until);
	else if (has_enough(kind, due->user))
		postpone(due->id, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), POSTPONE));
	else
	{
		set_sending(due);
		line = compose(kind, due);
		if (line == NULL)
			return;
		old = MemoryContextSwitchTo(context);
		one = palloc(sizeof(BeClaim));
		one->id = due->id;
		one->line = pstrdup(line);
		*claims = lappend(*claims, one);
		MemoryContextSwitchTo(old);
	}
}

List *
be_delivery_claim(BeChannelKind kind, int limit)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *claims = NIL;
	Due		   *due;
	int			n;

	be_transaction_begin();
	due = find_due(kind, limit, &n);
	for (int i = 0; i < n; i++)
		claim(kind, &due[i], context, &claims);
	/* Else a crash could make it due again when it is sent. */
	ForceSyncCommit();
	be_transaction_commit(context);
	return claims;
}

/* ---- recording ---- */

static void
set_state(int64 id, const char *state, const BeResult *result, TimestampTz next)
{
	static BeStatement statement = {
		.sql = "UPDATE bugevents.deliveries SET state = $2, last_code = $3, last_error = $4, next_attempt_at = $5,"
		" ended_at = CASE WHEN $2 <> 'waiting' THEN clock_timestamp() END,"
		" sent_with = CASE WHEN $2 <> 'waiting' THEN sent_with END"
		" WHERE (id = $1 OR sent_with = $1) AND state = 'sending'"
	};

	be_statement_with(&statement, be_int_value(id), be_text_value(state), be_int_value(result->code),
					  be_text_value(result->error && *result->error ? result->error : NULL), be_time_value(next));
}

static int
attempts_of(int64 id)
{
	static BeStatement statement = {.sql = "SELECT attempts::bigint FROM bugevents.deliveries WHERE id = $1"};
	int			attempts = be_statement_with(&statement, be_int_value(id)) > 0 ? column_int(0, 1) : 0;

	be_statement_done();
	return attempts;
}

/*
 * When to try again: twice as long after each attempt, half of it by chance, so that what failed
 * together doesn't come back together; not before the other end wants it.
 */
static TimestampTz
next_attempt(int attempts, int retry_after)
{
	double		ms = be_retry_delay;

	for (int i = 1; i < attempts && ms < RETRY_MAX; i++)
		ms *= 2;
	ms = Min(ms, Max(RETRY_MAX, be_retry_delay));
	ms *= 0.5 + 0.5 * pg_prng_double(&pg_global_prng_state);
	ms = Max(ms, retry_after * 1000.0);
	return GetCurrentTimestamp() + (int64) (ms * 1000);
}

static bool
may_repeat_uncertain(BeChannelKind kind)
{
	return kind == BE_CHANNEL_WEBHOOK || be_retry_uncertain;
}

static const char *
state_after(BeChannelKind kind, const BeResult *result, int attempts)
{
	if (strcmp(result->result, "sent") == 0)
		return "sent";
	if (result->uncertain && !may_repeat_uncertain(kind))
		return "uncertain";
	if (strcmp(result->result, "retry") == 0 && attempts < be_max_attempts)
		return "waiting";
	return "dead";
}

static void
record(BeChannelKind kind, const BeResult *result)
{
	int			attempts = attempts_of(result->id);
	const char *state = state_after(kind, result, attempts);

	set_state(result->id, state, result, next_attempt(attempts, result->retry_after));
	be_deliveries_count(kind, state);
	/* The ledger may be cleared then. */
	ForceSyncCommit();
}

void
be_delivery_record(BeChannelKind kind, const BeResult *result)
{
	MemoryContext context = CurrentMemoryContext;

	be_transaction_begin();
	record(kind, result);
	be_transaction_commit(context);
}

/* ---- after an end ---- */

static void
settle(BeChannelKind kind, int64 id, BeLedgerFate fate)
{
	BeResult	result = {
		.id = id,
		.result = fate == BE_LEDGER_SENT ? "sent" : "retry",
		.error = fate == BE_LEDGER_SENT ? "" : "the process that sent it ended",
		.retry_after = -1,
		.uncertain = fate == BE_LEDGER_UNKNOWN
	};

	record(kind, &result);
}

/* One that went in another one's mail, which was deleted and its key with it, may have gone. */
static BeLedgerFate
fate_of(const char *key, bool is_orphan)
{
	return is_orphan ? BE_LEDGER_UNKNOWN : be_ledger_find(key);
}

int
be_delivery_settle(void)
{
	static BeStatement statement = {
		.sql = "SELECT id, channel, key, sent_with IS NOT NULL FROM bugevents.deliveries AS d WHERE state = 'sending'"
		" AND (sent_with IS NULL OR NOT EXISTS (SELECT FROM bugevents.deliveries AS m WHERE m.id = d.sent_with))"
	};
	MemoryContext context = CurrentMemoryContext;
	SPITupleTable *rows;
	uint64		n;

	be_transaction_begin();
	n = be_statement_run(&statement, 0, NULL);
	rows = SPI_tuptable;
	for (uint64 i = 0; i < n; i++)
	{
		bool		isnull;

		settle(be_channel_find(SPI_getvalue(rows->vals[i], rows->tupdesc, 2)),
			   DatumGetInt64(SPI_getbinval(rows->vals[i], rows->tupdesc, 1, &isnull)),
			   fate_of(SPI_getvalue(rows->vals[i], rows->tupdesc, 3),
					   DatumGetBool(SPI_getbinval(rows->vals[i], rows->tupdesc, 4, &isnull))));
	}
	be_transaction_commit(context);
	return n;
}

TimestampTz
be_delivery_next(const bool *channels)
{
	static BeStatement statement = {
		.sql = "SELECT min(next_attempt_at) FROM bugevents.deliveries"
		" WHERE state = 'waiting' AND (channel = 'email' AND $1 OR channel = 'whatsapp' AND $2 OR channel = 'webhook' AND $3)"
	};
	MemoryContext context = CurrentMemoryContext;
	TimestampTz next = DT_NOEND;
	bool		isnull;
	Datum		value;

	be_transaction_begin();
	be_statement_with(&statement, be_bool_value(channels[BE_CHANNEL_EMAIL]),
					  be_bool_value(channels[BE_CHANNEL_WHATSAPP]), be_bool_value(channels[BE_CHANNEL_WEBHOOK]));
	value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (!isnull)
		next = DatumGetTimestampTz(value);
	be_statement_done();
	be_transaction_commit(context);
	return next;
}
