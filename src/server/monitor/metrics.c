/*
 * metrics.c - every metric, one after the other.
 *
 * Model: names as Prometheus has them.  Counters are kept in shared memory by whoever counts, since
 * the server's start (server/shared/counters.h), and so is what the rest is made of: so that they
 * can be read whatever is locked, and whoever is busy.
 */
#include "server/monitor/metrics.h"

#include "server/shared/clients.h"
#include "server/shared/counters.h"
#include "server/shared/delivery_counters.h"
#include "server/shared/expression_stats.h"
#include "server/shared/progress.h"
#include "server/base/settings.h"
#include "server/queue/queue.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

typedef struct Family
{
	const char *name;
	BevMetricType type;
	const char *help;
} Family;

static const Family families[] = {
	{"bugevents_connections", BEV_METRIC_GAUGE, "Clients that are connected."},
	{"bugevents_lagging_clients", BEV_METRIC_GAUGE,
     "Clients that are behind the end of the stream."},
	{"bugevents_connections_total", BEV_METRIC_COUNTER, "Clients that were let in."},
	{"bugevents_disconnects_total", BEV_METRIC_COUNTER,
     "Connections that ended, by close code; 1006: without one."},
	{"bugevents_auth_failures_total", BEV_METRIC_COUNTER, "Handshakes without a good token."},
	{"bugevents_events_captured_total", BEV_METRIC_COUNTER,
     "Events that triggers and send() made, rolled back or not."},
	{"bugevents_events_delivered_total", BEV_METRIC_COUNTER, "Events written to clients."},
	{"bugevents_bytes_sent_total", BEV_METRIC_COUNTER, "Bytes written to clients, without TLS."},
	{"bugevents_messages_received_total", BEV_METRIC_COUNTER, "Messages from clients."},
	{"bugevents_errors_total", BEV_METRIC_COUNTER, "Error messages to clients, by code."},
	{"bugevents_security_events_total", BEV_METRIC_COUNTER,
     "What looked like an attack or a mistake."},
	{"bugevents_resumes_total", BEV_METRIC_COUNTER, "Clients that came back with a position."},
	{"bugevents_row_cache_total", BEV_METRIC_COUNTER,
     "Requests for rows that a gateway had (hit), or that the database was asked for (miss); "
     "reads of more than a gateway has memory for (disk)."},
	{"bugevents_delivery_seconds", BEV_METRIC_HISTOGRAM,
     "From an event's commit to the sockets of all who keep up."},
	{"bugevents_gateway_restarts_total", BEV_METRIC_COUNTER,
     "Gateways that ended by themselves and were started again."},
	{"bugevents_dispatcher_skips_total", BEV_METRIC_COUNTER,
     "Times that the dispatcher went on without a table that somebody had locked."},
	{"bugevents_dispatcher_longest_turn_seconds", BEV_METRIC_GAUGE,
     "What took the dispatcher longest between two looks at the queue, within the last two minutes."},
	{"bugevents_dispatcher_longest_turn_cpu_seconds", BEV_METRIC_GAUGE,
     "The most processor time in one, within the last minute or two."},
	{"bugevents_queue_bytes", BEV_METRIC_GAUGE,
     "Bytes in the queue between commits and the dispatcher."},
	{"bugevents_queue_size_bytes", BEV_METRIC_GAUGE, "Room in the queue."},
	{"bugevents_queue_overflows_total", BEV_METRIC_COUNTER,
     "Transactions that found the queue full and come from the journal."},
	{"bugevents_journal_bytes", BEV_METRIC_GAUGE, "Size of the journal's tables and indexes."},
	{"bugevents_journal_bytes_limit", BEV_METRIC_GAUGE,
     "Size above which the oldest events are dropped; 0: none."},
	{"bugevents_journal_oldest_seconds", BEV_METRIC_GAUGE,
     "Age of the oldest transaction in the journal."},
	{"bugevents_journal_slow_writes_total", BEV_METRIC_COUNTER,
     "Rows of the journal written by the executor, as its tables have indexes or triggers of others."},
	{"bugevents_projector_up", BEV_METRIC_GAUGE,
     "1 while the projector runs, which derives notifications."},
	{"bugevents_deliveries_total", BEV_METRIC_COUNTER,
     "Attempts to send something outside, by what became of it."},
	{"bugevents_deliveries_waiting", BEV_METRIC_GAUGE,
     "Deliveries that wait for their time or a further attempt, a minute ago at most."},
	{"bugevents_deliveries_dead", BEV_METRIC_GAUGE,
     "Deliveries that were given up; bugevents.requeue() sends them again."},
	{"bugevents_delivery_outage_seconds", BEV_METRIC_GAUGE,
     "For how long nothing has got out by the channel; 0: it works."},
	{"bugevents_projector_lag_seq", BEV_METRIC_GAUGE,
     "How far the projector is behind the end of the stream."},
	{"bugevents_gathering_lag_seq", BEV_METRIC_GAUGE,
     "How far what the projector gathers once a second is behind the end of the stream."},
	{"bugevents_consumers", BEV_METRIC_GAUGE, "Consumers of the stream in SQL."},
	{"bugevents_consumer_lag_seq", BEV_METRIC_GAUGE,
     "How far the slowest consumer is behind the end of the stream."},
	{"bugevents_audiences_refused_total", BEV_METRIC_COUNTER,
     "Audiences that were no principals, or too large: only admins saw the events."},
	{"bugevents_sends_refused_total", BEV_METRIC_COUNTER,
     "Calls of send() beyond the rate of their session."},
	{"bugevents_expression_errors_total", BEV_METRIC_COUNTER,
     "Expressions of attachments that failed; the view attachments has them by table."},
	{"bugevents_attachments_undecided", BEV_METRIC_GAUGE,
     "Tables attached by somebody who didn't own the database: nothing follows from their rows."},
	{"bugevents_standby_lag_seconds", BEV_METRIC_GAUGE,
     "Age of what this standby has of its primary, up to a fourth of standby_lag_limit when nothing happens; 0 on a primary."},
	{"bugevents_alerts", BEV_METRIC_GAUGE, "1: the alert is raised (bugevents.alert_...)."},
};

typedef struct Listing
{
	void (*sink)(void *arg, const BevMetric *metric);
	void *arg;
	const Family *family;
} Listing;

static void
begin_family(Listing *listing, const char *name)
{
	listing->family = families;
	while (strcmp(listing->family->name, name) != 0)
	{
		listing->family++;
		Assert(listing->family < families + lengthof(families));
	}
}

static void
put(Listing *listing, const char *suffix, const char *labels, double value)
{
	BevMetric metric = {.family = listing->family->name,
	                    .type = listing->family->type,
	                    .help = listing->family->help,
	                    .name = *suffix ? psprintf("%s%s", listing->family->name, suffix) :
	                                      listing->family->name,
	                    .labels = labels,
	                    .value = value};

	listing->sink(listing->arg, &metric);
}

static void
put_only(Listing *listing, const char *family, double value)
{
	begin_family(listing, family);
	put(listing, "", "", value);
}

static char *
label(const char *name, const char *value)
{
	return psprintf("%s=\"%s\"", name, value);
}

/* ---- of counters ---- */

static void
put_counters(Listing *listing, const char *family, BevCounter first, BevCounter last)
{
	begin_family(listing, family);
	for (int i = first; i <= (int) last; i++)
	{
		const BevCounterName *name = &bev_counter_names[i];

		put(listing, "", *name->label ? label(name->label, name->value) : "", bev_counters_get(i));
	}
}

/* Those errors that end a handshake because of its token. */
static void
put_auth_failures(Listing *listing)
{
	static const struct
	{
		const char *reason;
		BevCounter counter;
	} reasons[] = {
		{"missing_token", BEV_COUNT_ABUSE_missing_token},
		{"invalid_token", BEV_COUNT_ABUSE_invalid_token},
		{"token_expired", BEV_COUNT_ABUSE_expired_token},
		{"user_inactive", BEV_COUNT_ABUSE_inactive_user},
	};

	begin_family(listing, "bugevents_auth_failures_total");
	for (int i = 0; i < (int) lengthof(reasons); i++)
		put(listing, "", label("reason", reasons[i].reason), bev_counters_get(reasons[i].counter));
}

/* Kinds of which there was none yet are left out. */
static void
put_captured(Listing *listing)
{
	begin_family(listing, "bugevents_events_captured_total");
	for (int kind = 0; kind < bev_counters_captures(); kind++)
	{
		const char *type;
		const char *action;
		uint64 count = bev_counters_capture(kind, &type, &action);

		if (count > 0)
			put(listing, "", psprintf("type=\"%s\",action=\"%s\"", type, action), count);
	}
}

static void
put_delays(Listing *listing)
{
	uint64 sum = 0;

	begin_family(listing, "bugevents_delivery_seconds");
	for (int i = BEV_COUNT_DELAY_1MS; i <= BEV_COUNT_DELAY_MORE; i++)
	{
		sum += bev_counters_get(i);
		put(listing, "_bucket", label("le", bev_counter_names[i].value), sum);
	}
	put(listing, "_sum", "", bev_counters_get(BEV_COUNT_DELAY_SUM) / 1e6);
	put(listing, "_count", "", sum);
}

/* ---- of what is there ---- */

static void
put_clients(Listing *listing)
{
	int lagging;
	int count = bev_clients_count(&lagging);

	put_only(listing, "bugevents_connections", count);
	put_only(listing, "bugevents_lagging_clients", lagging);
}

static void
put_turns(Listing *listing)
{
	uint64 cpu;

	put_only(listing, "bugevents_dispatcher_longest_turn_seconds",
	         bev_counters_longest_turn(&cpu) / 1e6);
	put_only(listing, "bugevents_dispatcher_longest_turn_cpu_seconds", cpu / 1e6);
}

/* As the dispatcher found it within the last second or two. */
static void
put_journal(Listing *listing)
{
	TimestampTz oldest;

	put_only(listing, "bugevents_journal_bytes", bev_counters_journal(&oldest));
	put_only(listing, "bugevents_journal_bytes_limit", bev_retention_size * 1024.0);
	put_only(listing, "bugevents_journal_oldest_seconds",
	         oldest == 0 ? 0 : (GetCurrentTimestamp() - oldest) / 1e6);
	put_only(listing, "bugevents_journal_slow_writes_total", bev_counters_slow_writes());
}

static void
put_deliveries(Listing *listing)
{
	begin_family(listing, "bugevents_deliveries_total");
	for (int kind = 0; kind < BEV_CHANNELS; kind++)
		for (int i = 0; i < bev_delivery_counters_results(); i++)
		{
			const char *result;
			uint64 count = bev_delivery_counters_get((BevDeliveryChannel) kind, i, &result);

			put(listing, "",
			    psprintf("channel=\"%s\",result=\"%s\"",
			             bev_delivery_channel_name((BevDeliveryChannel) kind), result),
			    count);
		}
}

static void
put_for_channels(Listing *listing, const char *family, double (*value_of)(BevDeliveryChannel kind))
{
	begin_family(listing, family);
	for (BevDeliveryChannel kind = 0; kind < BEV_CHANNELS; kind++)
		put(listing, "", label("channel", bev_delivery_channel_name(kind)), value_of(kind));
}

static double
waiting(BevDeliveryChannel kind)
{
	return bev_delivery_counters_rows(kind, BEV_DELIVERY_WAITING);
}

static double
dead(BevDeliveryChannel kind)
{
	return bev_delivery_counters_rows(kind, BEV_DELIVERY_DEAD);
}

static void
put_projector(Listing *listing)
{
	uint64 next = bev_queue_next_seq();
	uint64 told;
	uint64 gathered;
	bool up = bev_progress_get(&told);

	put_only(listing, "bugevents_projector_up", up);
	if (up)
		put_only(listing, "bugevents_projector_lag_seq", next <= told + 1 ? 0 : next - 1 - told);
	if (bev_progress_get_gathered(&gathered))
		put_only(listing, "bugevents_gathering_lag_seq",
		         next <= gathered + 1 ? 0 : next - 1 - gathered);
}

static void
put_consumers(Listing *listing)
{
	uint64 next = bev_queue_next_seq();
	uint64 slowest;
	int count = bev_counters_consumers(&slowest);

	put_only(listing, "bugevents_consumers", count);
	put_only(listing, "bugevents_consumer_lag_seq",
	         count == 0 || next <= slowest + 1 ? 0 : next - 1 - slowest);
}

static void
put_alerts(Listing *listing)
{
	begin_family(listing, "bugevents_alerts");
	for (int alert = 0; alert < BEV_ALERTS; alert++)
		put(listing, "", label("name", bev_alert_names[alert]), bev_counters_alert(alert));
}

void
bev_metrics_list(void (*sink)(void *arg, const BevMetric *metric), void *arg)
{
	Listing listing = {.sink = sink, .arg = arg};

	put_clients(&listing);
	put_counters(&listing, "bugevents_connections_total", BEV_COUNT_CONNECTIONS,
	             BEV_COUNT_CONNECTIONS);
	put_counters(&listing, "bugevents_disconnects_total", BEV_COUNT_CLOSE_1000,
	             BEV_COUNT_CLOSE_other);
	put_auth_failures(&listing);
	put_captured(&listing);
	put_counters(&listing, "bugevents_events_delivered_total", BEV_COUNT_DELIVERED,
	             BEV_COUNT_DELIVERED);
	put_counters(&listing, "bugevents_bytes_sent_total", BEV_COUNT_BYTES_SENT,
	             BEV_COUNT_BYTES_SENT);
	put_counters(&listing, "bugevents_messages_received_total", BEV_COUNT_RECEIVED,
	             BEV_COUNT_RECEIVED);
	put_counters(&listing, "bugevents_errors_total", BEV_COUNT_ERROR_missing_token,
	             BEV_COUNT_ERROR_internal_error);
	put_counters(&listing, "bugevents_security_events_total", BEV_COUNT_ABUSE_missing_token,
	             BEV_COUNT_ABUSE_metrics_refused);
	put_counters(&listing, "bugevents_resumes_total", BEV_COUNT_RESUMED, BEV_COUNT_RESYNC_REQUIRED);
	put_counters(&listing, "bugevents_row_cache_total", BEV_COUNT_ROWS_CACHED,
	             BEV_COUNT_ROWS_SPOOLED);
	put_delays(&listing);
	put_counters(&listing, "bugevents_gateway_restarts_total", BEV_COUNT_RESTARTS,
	             BEV_COUNT_RESTARTS);
	put_only(&listing, "bugevents_dispatcher_skips_total", bev_counters_skips());
	put_turns(&listing);
	put_only(&listing, "bugevents_queue_bytes", bev_queue_used());
	put_only(&listing, "bugevents_queue_size_bytes", bev_queue_size * 1024.0);
	put_only(&listing, "bugevents_queue_overflows_total", bev_queue_overflows());
	put_journal(&listing);
	put_projector(&listing);
	put_deliveries(&listing);
	put_for_channels(&listing, "bugevents_deliveries_waiting", waiting);
	put_for_channels(&listing, "bugevents_deliveries_dead", dead);
	put_for_channels(&listing, "bugevents_delivery_outage_seconds", bev_delivery_counters_outage);
	put_consumers(&listing);
	put_only(&listing, "bugevents_audiences_refused_total", bev_counters_audiences_refused());
	put_only(&listing, "bugevents_sends_refused_total", bev_counters_sends_refused());
	put_only(&listing, "bugevents_expression_errors_total", bev_expression_stats_all_errors());
	put_only(&listing, "bugevents_attachments_undecided", bev_counters_undecided());
	put_only(&listing, "bugevents_standby_lag_seconds", bev_counters_standby_lag() / 1e6);
	put_alerts(&listing);
}
