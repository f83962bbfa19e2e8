/*
 * courier.c - the background worker that has mails, messages and webhooks sent.
 *
 * Model, one turn of its loop:
 *	0. see whether deliveries are to be sent from here at all (sender.h);
 *	1. take what the carrier said, and write down what became of deliveries;
 *	2. without a carrier: settle what the one before left, by the ledger, and start another one;
 *	3. claim deliveries that are due, and hand them to the carrier, which talks to the outside.
 *	   No more of a channel is claimed than the carrier has workers for it, so a channel whose
 *	   server is slow has its own under way and nothing else;
 *	4. sleep until the next delivery is due, the carrier says something, or whoever writes a
 *	   delivery wakes it; a minute at the most, in case the clock was set (test/t/423_clock.pl).
 *
 * Concurrency: there is one courier, and one carrier: the next courier waits for the ledger's
 * lock, which a carrier of the one before still has.  Rows that somebody else has locked are
 * passed over, and claimed later.
 *
 * Memory: a context for each turn; UNDER_WAY_MAX deliveries and the lines of the pipe.
 *
 * Failure: what is under way when it ends, or the carrier does, is in the ledger (ledger.h)
 * and settled at the next start: sent at most once, but for what may be repeated
 * (test/t/422_at_most_once.pl).  Errors of the database end it, a lock that somebody holds for
 * LOCK_TIMEOUT too; the dispatcher starts another one.
 *
 * Cost: a transaction for each batch that is claimed and one for each result, which wait for
 * the disk, and a look at the next delivery that is due; nothing while no channel is configured,
 * as then there is no courier.
 *
 * Trust: the carrier has read bytes of strangers.  What it says is checked; only what was
 * handed over can be reported (test/t/332_carrier_containment.pl).
 *
 * What an operator asks
 *	Why was it not sent?	last_code and last_error in bugevents.deliveries.
 *	How does it go?			bugevents_deliveries_total, by channel and result; outage.h.
 *	Again, please?			bugevents.requeue().
 */
#include "postgres.h"

#include "notify/courier/courier.h"

#include "catalog/namespace.h"
#include "server/base/clock.h"
#include "server/base/worker_registry.h"
#include "notify/courier/carrier_process.h"
#include "notify/courier/delivery_table.h"
#include "notify/courier/ledger.h"
#include "notify/courier/outage.h"
#include "notify/courier/sender.h"
#include "server/base/subtransaction.h"
#include "server/base/settings.h"
#include "server/base/transaction.h"
#include "server/base/worker.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#define LOOK_INTERVAL  60000               /* ms */
#define PACE           10                  /* ms between looks at the least */
#define COUNT_INTERVAL 5000                /* ms between counts of what waits */
#define LOCK_TIMEOUT   "30000"             /* ms */
#define WAIT_FOR_OTHER 100                 /* ms, for the carrier of a courier before us */
#define UNDER_WAY_MAX  (BEV_CHANNELS * 64) /* the limit of bugevents.delivery_concurrency */
#define LEDGER_MAX     (1024 * 1024)       /* bytes */

PGDLLEXPORT void bugevents_courier_main(Datum arg);

typedef struct UnderWay
{
	int64 id;
	BevDeliveryChannel kind;
} UnderWay;

static UnderWay under_way[UNDER_WAY_MAX];
static int under_way_count = 0;
static bool rows_changed = true; /* since they were counted */

/* ---- what the carrier says ---- */

static int
count_under_way(BevDeliveryChannel kind)
{
	int count = 0;

	for (int i = 0; i < under_way_count; i++)
		count += under_way[i].kind == kind;
	return count;
}

/* Take it off the list; false: it isn't there. */
static bool
end_of(int64 id, BevDeliveryChannel *kind)
{
	for (int i = 0; i < under_way_count; i++)
		if (under_way[i].id == id)
		{
			*kind = under_way[i].kind;
			under_way[i] = under_way[--under_way_count];
			return true;
		}
	return false;
}

static JsonbValue *
member(Jsonb *json, const char *name)
{
	return getKeyJsonValueFromContainer(&json->root, name, strlen(name), NULL);
}

/* NULL: no text. */
static const char *
member_text(Jsonb *json, const char *name)
{
	JsonbValue *value = member(json, name);

	return value && value->type == jbvString ?
	           pnstrdup(value->val.string.val, value->val.string.len) :
	           NULL;
}

static int64
member_int(Jsonb *json, const char *name, int64 missing)
{
	JsonbValue *value = member(json, name);

	return value && value->type == jbvNumeric ?
	           DatumGetInt64(
				   DirectFunctionCall1(numeric_int8, NumericGetDatum(value->val.numeric))) :
	           missing;
}

typedef struct Heard
{
	const char *line;
	const char *type;      /* NULL: it makes no sense */
	const char *complaint; /* of a status; NULL: none */
	BevDeliveryResult result;
} Heard;

/* What is wrong with the channels' settings. */
static const char *
complaint_of(Jsonb *json)
{
	for (int kind = 0; kind < BEV_CHANNELS; kind++)
	{
		const char *name = bev_delivery_channel_name((BevDeliveryChannel) kind);
		const char *text = member_text(json, name);

		if (text && *text)
			return psprintf("%s: %s", name, text);
	}
	return NULL;
}

static void
read_step(void *arg)
{
	Heard *heard = arg;
	char *text = pg_any_to_server(pstrdup(heard->line), strlen(heard->line), PG_UTF8);
	Jsonb *json = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
	JsonbValue *uncertain = member(json, "uncertain");

	heard->type = member_text(json, "type");
	heard->complaint = complaint_of(json);
	heard->result = (BevDeliveryResult){
		.id = member_int(json, "id", -1),
		.result = member_text(json, "result"),
		.code = (int) member_int(json, "code", 0),
		.error = member_text(json, "error"),
		.retry_after = (int) Min(member_int(json, "retry_after", -1), 86400),
		.uncertain = uncertain && uncertain->type == jbvBool && uncertain->val.boolean,
	};
}

static void
take_result(const BevDeliveryResult *result)
{
	BevDeliveryChannel kind;

	if (result->result == NULL || !end_of(result->id, &kind))
	{
		bev_carrier_process_kill("it reported what it was not told to send");
		return;
	}
	if (bev_delivery_table_record(kind, result))
		bev_outage_end(kind);
	else
		bev_outage_note(kind, result->error);
	rows_changed = true;
}

static void
take_line(const char *line)
{
	MemoryContext context = CurrentMemoryContext;
	Heard heard = {.line = line};
	bool good;

	bev_transaction_begin();
	MemoryContextSwitchTo(context);
	good = bev_subtransaction_run(read_step, &heard, false);
	bev_transaction_commit(context);

	if (!good || heard.type == NULL)
		bev_carrier_process_kill("it said what makes no sense");
	else if (strcmp(heard.type, "result") == 0)
		take_result(&heard.result);
	else if (strcmp(heard.type, "status") == 0 && heard.complaint)
		ereport(WARNING, (errmsg("bugevents cannot send by %s", heard.complaint),
		                  errhint("Correct the settings and reload.")));
}

static void
listen_to_carrier(void)
{
	char *line;

	while ((line = bev_carrier_process_hear()) != NULL)
		take_line(line);
}

/* ---- what it is told ---- */

static void
configure(void)
{
	StringInfoData line;

	initStringInfo(&line);
	bev_delivery_channel_write_config(&line);
	bev_carrier_process_say(line.data, line.len);
	explicit_bzero(line.data, line.len);
}

static void
hand_over(BevDeliveryChannel kind)
{
	int room = bev_delivery_concurrency - count_under_way(kind);
	ListCell *cell;

	if (!bev_delivery_channel_is_on(kind) || room <= 0)
		return;
	foreach (cell, bev_delivery_table_claim(kind, room))
	{
		BevClaim *claim = lfirst(cell);

		rows_changed = true;
		under_way[under_way_count++] = (UnderWay){claim->id, kind};
		bev_carrier_process_say(claim->line, strlen(claim->line));
	}
}

/*
 * Without a carrier: settle what the one before left, and start another one.  False: it is too
 * early for that.
 */
static bool
have_carrier(void)
{
	int left;

	if (bev_carrier_process_is_running())
		return true;
	if (!bev_carrier_process_is_due() || !bev_ledger_open())
		return false;

	listen_to_carrier(); /* what it said at last */
	under_way_count = 0;
	bev_ledger_read();
	left = bev_delivery_table_settle();
	if (left > 0)
		ereport(LOG, (errmsg_plural("bugevents courier settled %d delivery that was under way",
		                            "bugevents courier settled %d deliveries that were under way",
		                            left, left)));
	bev_ledger_clear();
	if (!bev_carrier_process_start())
		return false;
	configure();
	return true;
}

/* ---- the loop ---- */

/* What waits and what is dead, for the metrics: soon after a change, and once in a while. */
static void
count_rows(void)
{
	static TimestampTz soon = 0;
	static TimestampTz late = 0;

	if (!bev_clock_every(&soon, COUNT_INTERVAL) ||
	    (!rows_changed && !bev_clock_has_come(late, LOOK_INTERVAL)))
		return;
	late = bev_clock_ahead(LOOK_INTERVAL);
	rows_changed = false;
	bev_delivery_table_count();
}

/* How long nothing needs to be done, in ms; what is full waits for the carrier. */
static long
sleep_time(bool has_carrier)
{
	bool channels[BEV_CHANNELS];
	TimestampTz next;

	/* One that closed its end is about to end. */
	if (!has_carrier || bev_carrier_process_socket() == PGINVALID_SOCKET)
		return WAIT_FOR_OTHER;
	for (int kind = 0; kind < BEV_CHANNELS; kind++)
		channels[kind] = bev_delivery_channel_is_on((BevDeliveryChannel) kind) &&
		                 count_under_way((BevDeliveryChannel) kind) < bev_delivery_concurrency;
	next = bev_delivery_table_next(channels);
	/* What is due and was not claimed is locked by somebody. */
	return Max(PACE, Min(rows_changed ? COUNT_INTERVAL : LOOK_INTERVAL,
	                     TimestampDifferenceMilliseconds(GetCurrentTimestamp(), next)));
}

static void
sleep_until_something_happens(long ms)
{
	int events = WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH;

	pgstat_report_activity(STATE_IDLE, NULL);
	(void) pgstat_report_stat(ms > WAIT_FOR_OTHER);
	if (bev_carrier_process_socket() != PGINVALID_SOCKET)
		events |=
			WL_SOCKET_READABLE | (bev_carrier_process_wants_to_write() ? WL_SOCKET_WRITEABLE : 0);
	(void) WaitLatchOrSocket(MyLatch, events, bev_carrier_process_socket(), ms, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	bev_worker_check();
	pgstat_report_activity(STATE_RUNNING, "sending");
}

static bool
extension_exists(void)
{
	MemoryContext context = CurrentMemoryContext;
	Oid schema;
	bool exists;

	bev_transaction_begin();
	schema = get_namespace_oid("bugevents", true);
	exists = OidIsValid(schema) && OidIsValid(get_relname_relid("deliveries", schema));
	bev_transaction_commit(context);
	return exists;
}

static void
reload(void)
{
	ConfigReloadPending = false;
	ProcessConfigFile(PGC_SIGHUP);
	if (bev_carrier_process_is_running())
		configure();
}

/* False: there is nothing to do here any more. */
static bool
run_turn(void)
{
	bool may_send;
	bool has_carrier;

	if (ConfigReloadPending)
		reload();
	if (!bev_enabled || !bev_delivery_channel_is_any_on() || !extension_exists())
		return false;
	bev_carrier_process_read();
	listen_to_carrier();
	may_send = bev_sender_may_send();
	has_carrier = may_send ? have_carrier() : bev_carrier_process_is_running();
	if (has_carrier && under_way_count == 0 && bev_ledger_size() > LEDGER_MAX)
		bev_ledger_clear();
	for (int kind = 0; has_carrier && may_send && kind < BEV_CHANNELS; kind++)
		hand_over((BevDeliveryChannel) kind);
	bev_carrier_process_write();
	count_rows();
	sleep_until_something_happens(may_send ? sleep_time(has_carrier) : COUNT_INTERVAL);
	return true;
}

void
bugevents_courier_main(Datum arg pg_attribute_unused())
{
	bev_worker_begin();
	if (!bev_worker_registry_begin(BEV_WORKER_COURIER))
		proc_exit(0);
	bev_worker_connect();
	SetConfigOption("lock_timeout", LOCK_TIMEOUT, PGC_SUSET, PGC_S_OVERRIDE);
	bev_worker_run(run_turn);
	proc_exit(0);
}

void
bev_courier_register(void)
{
	static const BevKeptWorker worker = {"courier", "nothing is sent",
	                                     bev_delivery_channel_is_any_on};

	bev_worker_registry_add(BEV_WORKER_COURIER, &worker);
}
