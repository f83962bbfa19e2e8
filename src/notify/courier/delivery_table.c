/*
 * delivery_table.c - the rows of bugevents.deliveries, on their way.
 *
 * Model: that something is being sent is on disk before the carrier hears of it, and what
 * became of it after.  In between the ledger knows.  Before each attempt it is judged anew whether
 * it may be (delivery_check.c).
 *
 * What one reader gets by a channel keeps its order: the next is claimed when the one before has
 * ended, and one that is tried again holds up those behind it (test/t/409_mails.pl).
 *
 * When a courier or carrier has ended, what was being sent and is neither known to be sent nor not
 * to be is uncertain.  A webhook is sent again, as its receiver can tell by its id; a mail or
 * message isn't, unless bugevents.retry_uncertain is on.
 */
#include "notify/courier/delivery_table.h"

#include "notify/courier/delivery_check.h"
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

#define RETRY_MAX  3600000 /* ms */
#define POSTPONE   60000   /* ms, of a user who has had enough for now */
#define DIGEST_MAX "200"   /* notifications in one mail */

/*
 * Nothing of its reader is under way, or to be tried again, or due before it.  A program takes
 * webhooks in any order.
 */
#define IS_NEXT \
	"(d.user_id IS NULL OR d.channel = 'webhook' OR NOT EXISTS" \
	" (SELECT FROM bugevents.deliveries AS e WHERE e.channel = d.channel AND e.user_id = d.user_id" \
	" AND e.state IN ('waiting', 'sending') AND e.id <> d.id AND e.origin = d.origin" \
	" AND (e.state = 'sending' OR e.attempts > 0 AND e.id < d.id" \
	" OR (e.next_attempt_at, e.id) < (d.next_attempt_at, d.id) AND d.attempts = 0)))"

static int64
column_int(uint64 row, int column)
{
	bool isnull;

	return DatumGetInt64(
		SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull));
}

/* Null: 0. */
static TimestampTz
column_time(uint64 row, int column)
{
	bool isnull;
	Datum value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull);

	return isnull ? 0 : DatumGetTimestampTz(value);
}

/* ---- claiming ---- */

typedef struct Due
{
	int64 id;
	const char *user; /* NULL: nobody's */
	const char *key;
	bool is_read;
	bool if_unread;
	bool collects;           /* with others of the user, in one mail */
	TimestampTz quiet_until; /* 0: the user may be disturbed */
} Due;

static Due *
find_due(BevDeliveryChannel kind, int limit, int *n)
{
	static BevStatement statement = {
		.sql =
			"SELECT d.id, d.user_id, d.key, coalesce(n.read, false), d.if_unread,"
			" o.digest IS NOT NULL AND d.channel = 'email',"
			" CASE WHEN o.quiet_from IS NOT NULL THEN nullif(bugevents.delivery_time(d.user_id, NULL, $2), $2) END"
			" FROM bugevents.deliveries AS d"
			" LEFT JOIN bugevents.notifications AS n ON n.id = d.notification_id"
			" LEFT JOIN bugevents.delivery_options AS o ON o.user_id = d.user_id"
			" WHERE d.channel = $1 AND d.state = 'waiting' AND d.next_attempt_at <= $2"
			" AND d.origin = (SELECT instance FROM bugevents.stream) AND " IS_NEXT
			" ORDER BY d.next_attempt_at, d.id LIMIT $3 FOR UPDATE OF d SKIP LOCKED"};
	Due *due;

	*n = bev_statement_with(&statement, bev_text_value(bev_delivery_channel_name(kind)),
	                        bev_time_value(GetCurrentTimestamp()), bev_int_value(limit));
	due = palloc(sizeof(Due) * Max(*n, 1));
	for (int i = 0; i < *n; i++)
		due[i] = (Due){
			.id = column_int(i, 1),
			.user = bev_statement_text(i, 2),
			.key = bev_statement_text(i, 3),
			.is_read = strcmp(bev_statement_text(i, 4), "t") == 0,
			.if_unread = strcmp(bev_statement_text(i, 5), "t") == 0,
			.collects = strcmp(bev_statement_text(i, 6), "t") == 0,
			.quiet_until = column_time(i, 7),
		};
	bev_statement_done();
	return due;
}

static void
skip(BevDeliveryChannel kind, int64 id, const char *why)
{
	static BevStatement statement = {
		.sql =
			"UPDATE bugevents.deliveries SET state = 'skipped', last_error = $2, ended_at = now()"
			" WHERE id = $1"};

	bev_statement_with(&statement, bev_int_value(id), bev_text_value(why));
	bev_delivery_counters_count(kind, "skipped");
}

/* Has the user got as much in the last hour as may be, with what is under way? */
static bool
has_enough(BevDeliveryChannel kind, const char *user)
{
	static BevStatement statement = {
		.sql =
			"SELECT (SELECT count(*) FROM bugevents.deliveries WHERE channel = $1 AND user_id = $2"
			" AND state = 'sent' AND sent_with IS NULL AND ended_at > now() - interval '1 hour')"
			" + (SELECT count(*) FROM bugevents.deliveries WHERE channel = $1 AND user_id = $2"
			" AND state = 'sending' AND sent_with IS NULL)"};
	int64 count;

	if (bev_delivery_rate == 0 || user == NULL || kind == BEV_CHANNEL_WEBHOOK)
		return false;
	bev_statement_with(&statement, bev_text_value(bev_delivery_channel_name(kind)),
	                   bev_text_value(user));
	count = column_int(0, 1);
	bev_statement_done();
	return count >= bev_delivery_rate;
}

static void
postpone(int64 id, TimestampTz until)
{
	static BevStatement statement = {
		.sql = "UPDATE bugevents.deliveries SET next_attempt_at = $2 WHERE id = $1"};

	bev_statement_with(&statement, bev_int_value(id), bev_time_value(until));
}

/* May it go?  Else its row says what became of it. */
static bool
may_go(BevDeliveryChannel kind, int64 id)
{
	const char *why;

	switch (bev_delivery_check(kind, id, &why))
	{
		case BEV_DELIVERY_GOES:
			return true;
		case BEV_DELIVERY_IS_SKIPPED:
			skip(kind, id, why);
			return false;
		default:
			postpone(id, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), POSTPONE));
			return false;
	}
}

static void
set_one_sending(int64 id, int64 with)
{
	static BevStatement statement = {
		.sql = "UPDATE bugevents.deliveries SET state = 'sending', attempts = attempts + 1,"
			   " sent_with = nullif($2, id) WHERE id = $1"};

	bev_statement_with(&statement, bev_int_value(id), bev_int_value(with));
}

/* The delivery, and those that go in the same mail. */
static void
set_sending(BevDeliveryChannel kind, const Due *due)
{
	static BevStatement others = {
		.sql = "SELECT id FROM bugevents.deliveries"
			   " WHERE channel = 'email' AND user_id = $2 AND id <> $1 AND state = 'waiting'"
			   " AND origin = (SELECT instance FROM bugevents.stream)"
			   " AND next_attempt_at <= $3 ORDER BY next_attempt_at, id LIMIT " DIGEST_MAX " - 1"};
	uint64 n;
	int64 *ids;

	set_one_sending(due->id, due->id);
	if (!due->collects)
		return;
	n = bev_statement_with(&others, bev_int_value(due->id), bev_text_value(due->user),
	                       bev_time_value(GetCurrentTimestamp()));
	ids = palloc(sizeof(int64) * Max(n, 1));
	for (uint64 i = 0; i < n; i++)
		ids[i] = column_int(i, 1);
	bev_statement_done();
	for (uint64 i = 0; i < n; i++)
		if (may_go(kind, ids[i]))
			set_one_sending(ids[i], due->id);
}

typedef struct Composing
{
	int64 id;
	char *json;
} Composing;

static void
compose_step(void *arg)
{
	static BevStatement statement = {.sql = "SELECT bugevents.compose($1)"};
	Composing *composing = arg;
	char *text;

	bev_statement_with(&statement, bev_int_value(composing->id));
	text = bev_statement_text(0, 1);
	bev_statement_done();
	composing->json = pg_server_to_any(text, strlen(text), PG_UTF8);
}

static void
give_up(BevDeliveryChannel kind, int64 id, const char *error)
{
	static BevStatement statement = {
		.sql = "UPDATE bugevents.deliveries SET state = 'dead', last_error = $2, ended_at = now()"
			   " WHERE id = $1 OR sent_with = $1 AND state = 'sending'"};

	bev_statement_with(&statement, bev_int_value(id), bev_text_value(error));
	bev_delivery_counters_count(kind, "dead");
}

/* NULL: it can't be said. */
static char *
compose(BevDeliveryChannel kind, const Due *due)
{
	Composing composing = {.id = due->id};
	ErrorData *error = bev_subtransaction_error(compose_step, &composing);
	char *line;

	if (error && bev_subtransaction_may_succeed_later(error->sqlerrcode))
		ReThrowError(error);
	if (error)
	{
		ereport(WARNING, (errcode(error->sqlerrcode),
		                  errmsg("bugevents could not compose delivery " INT64_FORMAT ": %s",
		                         due->id, error->message)));
		give_up(kind, due->id, "it could not be composed; the server's log says why");
		return NULL;
	}
	/* An object with at least one member. */
	line = psprintf("{\"type\":\"send\",\"id\":" INT64_FORMAT
	                ",\"channel\":\"%s\",\"key\":\"%s\",%s\n",
	                due->id, bev_delivery_channel_name(kind), due->key, composing.json + 1);
	if (strlen(line) < BEV_CARRIER_MAX_DOWN)
		return line;
	/* The carrier would take it for noise, and end with all that it has under way. */
	give_up(kind, due->id, "it is too long");
	return NULL;
}

/* Was it taken into another one's mail a moment ago? */
static bool
is_waiting(int64 id)
{
	static BevStatement statement = {
		.sql = "SELECT FROM bugevents.deliveries WHERE id = $1 AND state = 'waiting'"};
	bool found = bev_statement_with(&statement, bev_int_value(id)) > 0;

	bev_statement_done();
	return found;
}

static void
claim(BevDeliveryChannel kind, const Due *due, MemoryContext context, List **claims)
{
	MemoryContext old;
	BevClaim *one;
	char *line;

	if (due->is_read && due->if_unread)
		skip(kind, due->id, "it was read before");
	else if (!is_waiting(due->id))
		return;
	/* Planned so, but it may be late, or a further attempt. */
	else if (due->quiet_until != 0)
		postpone(due->id, due->quiet_until);
	else if (has_enough(kind, due->user))
		postpone(due->id, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), POSTPONE));
	else if (may_go(kind, due->id))
	{
		set_sending(kind, due);
		line = compose(kind, due);
		if (line == NULL)
			return;
		old = MemoryContextSwitchTo(context);
		one = palloc(sizeof(BevClaim));
		one->id = due->id;
		one->line = pstrdup(line);
		*claims = lappend(*claims, one);
		MemoryContextSwitchTo(old);
	}
}

List *
bev_delivery_table_claim(BevDeliveryChannel kind, int limit)
{
	MemoryContext context = CurrentMemoryContext;
	List *claims = NIL;
	Due *due;
	int n;

	bev_transaction_begin();
	due = find_due(kind, limit, &n);
	for (int i = 0; i < n; i++)
		claim(kind, &due[i], context, &claims);
	/* Else a crash could make it due again when it is sent. */
	ForceSyncCommit();
	bev_transaction_commit(context);
	return claims;
}

/* ---- recording ---- */

static void
set_state(int64 id, const char *state, const BevDeliveryResult *result, TimestampTz next)
{
	static BevStatement statement = {
		.sql =
			"UPDATE bugevents.deliveries SET state = $2, last_code = $3, last_error = $4, next_attempt_at = $5,"
			" ended_at = CASE WHEN $2 <> 'waiting' THEN clock_timestamp() END,"
			" sent_with = CASE WHEN $2 <> 'waiting' THEN sent_with END"
			" WHERE (id = $1 OR sent_with = $1) AND state = 'sending'"};

	bev_statement_with(&statement, bev_int_value(id), bev_text_value(state),
	                   bev_int_value(result->code),
	                   bev_text_value(result->error && *result->error ? result->error : NULL),
	                   bev_time_value(next));
}

static int
attempts_of(int64 id)
{
	static BevStatement statement = {
		.sql = "SELECT attempts::bigint FROM bugevents.deliveries WHERE id = $1"};
	int attempts = bev_statement_with(&statement, bev_int_value(id)) > 0 ? column_int(0, 1) : 0;

	bev_statement_done();
	return attempts;
}

/*
 * When to try again: twice as long after each attempt, half of it by chance, so that what failed
 * together doesn't come back together; not before the other end wants it.
 */
static TimestampTz
next_attempt(int attempts, int retry_after)
{
	double ms = bev_retry_delay;

	for (int i = 1; i < attempts && ms < RETRY_MAX; i++)
		ms *= 2;
	ms = Min(ms, Max(RETRY_MAX, bev_retry_delay));
	ms *= 0.5 + 0.5 * pg_prng_double(&pg_global_prng_state);
	ms = Max(ms, retry_after * 1000.0);
	return GetCurrentTimestamp() + (int64) (ms * 1000);
}

static bool
may_repeat_uncertain(BevDeliveryChannel kind)
{
	return kind == BEV_CHANNEL_WEBHOOK || bev_retry_uncertain;
}

static const char *
state_after(BevDeliveryChannel kind, const BevDeliveryResult *result, int attempts)
{
	if (strcmp(result->result, "sent") == 0)
		return "sent";
	if (result->uncertain && !may_repeat_uncertain(kind))
		return "uncertain";
	if (strcmp(result->result, "retry") == 0 && attempts < bev_max_attempts)
		return "waiting";
	return "dead";
}

/* There is no such mailbox; but 5.7 is about what is sent, or by whom. */
static bool
is_bounce(const BevDeliveryResult *result)
{
	return (result->code == 550 || result->code == 551 || result->code == 553) &&
	       (result->error == NULL || strstr(result->error, " 5.7.") == NULL);
}

static void
suspend_address(const BevDeliveryResult *result)
{
	static BevStatement statement = {
		.sql = "SELECT bugevents.suspend_address(address, coalesce($2, 'it bounced'), $3::integer)"
			   " FROM bugevents.deliveries WHERE id = $1 AND user_id IS NOT NULL"};

	bev_statement_with(&statement, bev_int_value(result->id), bev_text_value(result->error),
	                   bev_int_value(result->code));
	bev_statement_done();
}

static void
record(BevDeliveryChannel kind, const BevDeliveryResult *result)
{
	int attempts = attempts_of(result->id);
	const char *state = state_after(kind, result, attempts);

	set_state(result->id, state, result, next_attempt(attempts, result->retry_after));
	bev_delivery_counters_count(kind, state);
	if (kind == BEV_CHANNEL_EMAIL && strcmp(state, "dead") == 0 && is_bounce(result))
		suspend_address(result);
	/* The ledger may be cleared then. */
	ForceSyncCommit();
}

bool
bev_delivery_table_record(BevDeliveryChannel kind, const BevDeliveryResult *result)
{
	MemoryContext context = CurrentMemoryContext;

	bev_transaction_begin();
	record(kind, result);
	bev_transaction_commit(context);
	return strcmp(result->result, "sent") == 0 || strcmp(result->result, "refused") == 0;
}

/* ---- after an end ---- */

static void
settle(BevDeliveryChannel kind, int64 id, BevLedgerFate fate)
{
	BevDeliveryResult result = {.id = id,
	                            .result = fate == BEV_LEDGER_SENT ? "sent" : "retry",
	                            .error =
	                                fate == BEV_LEDGER_SENT ? "" : "the process that sent it ended",
	                            .retry_after = -1,
	                            .uncertain = fate == BEV_LEDGER_UNKNOWN};

	record(kind, &result);
}

/* One that went in another one's mail, which was deleted and its key with it, may have gone. */
static BevLedgerFate
fate_of(const char *key, bool is_orphan)
{
	return is_orphan ? BEV_LEDGER_UNKNOWN : bev_ledger_find(key);
}

int
bev_delivery_table_settle(void)
{
	static BevStatement statement = {
		.sql =
			"SELECT id, channel, key, sent_with IS NOT NULL FROM bugevents.deliveries AS d WHERE state = 'sending'"
			" AND origin = (SELECT instance FROM bugevents.stream)"
			" AND (sent_with IS NULL OR NOT EXISTS (SELECT FROM bugevents.deliveries AS m WHERE m.id = d.sent_with))"};
	MemoryContext context = CurrentMemoryContext;
	SPITupleTable *rows;
	uint64 n;

	bev_transaction_begin();
	n = bev_statement_run(&statement, 0, NULL);
	rows = SPI_tuptable;
	for (uint64 i = 0; i < n; i++)
	{
		bool isnull;

		settle(bev_delivery_channel_find(SPI_getvalue(rows->vals[i], rows->tupdesc, 2)),
		       DatumGetInt64(SPI_getbinval(rows->vals[i], rows->tupdesc, 1, &isnull)),
		       fate_of(SPI_getvalue(rows->vals[i], rows->tupdesc, 3),
		               DatumGetBool(SPI_getbinval(rows->vals[i], rows->tupdesc, 4, &isnull))));
	}
	bev_transaction_commit(context);
	return n;
}

/* Partial indexes have just these rows. */
void
bev_delivery_table_count(void)
{
	static BevStatement statement = {
		.sql =
			"SELECT (SELECT count(*) FROM bugevents.deliveries WHERE channel = $1 AND state = 'waiting'),"
			" (SELECT count(*) FROM bugevents.deliveries WHERE channel = $1 AND state = 'dead')"};
	MemoryContext context = CurrentMemoryContext;

	bev_transaction_begin();
	for (BevDeliveryChannel kind = 0; kind < BEV_CHANNELS; kind++)
	{
		bev_statement_with(&statement, bev_text_value(bev_delivery_channel_name(kind)));
		for (int gauge = 0; gauge < BEV_DELIVERY_GAUGES; gauge++)
			bev_delivery_counters_set_rows(kind, gauge, column_int(0, gauge + 1));
		bev_statement_done();
	}
	bev_transaction_commit(context);
}

TimestampTz
bev_delivery_table_next(const bool *channels)
{
	static BevStatement statement = {
		.sql =
			"SELECT min(next_attempt_at) FROM bugevents.deliveries AS d"
			" WHERE state = 'waiting' AND origin = (SELECT instance FROM bugevents.stream) AND " IS_NEXT
			" AND (channel = 'email' AND $1 OR channel = 'whatsapp' AND $2 OR channel = 'webhook' AND $3)"};
	MemoryContext context = CurrentMemoryContext;
	TimestampTz next = DT_NOEND;
	bool isnull;
	Datum value;

	bev_transaction_begin();
	bev_statement_with(&statement, bev_bool_value(channels[BEV_CHANNEL_EMAIL]),
	                   bev_bool_value(channels[BEV_CHANNEL_WHATSAPP]),
	                   bev_bool_value(channels[BEV_CHANNEL_WEBHOOK]));
	value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (!isnull)
		next = DatumGetTimestampTz(value);
	bev_statement_done();
	bev_transaction_commit(context);
	return next;
}
