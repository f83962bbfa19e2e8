/*
 * alerts_view.c - bugevents.alerts: what is wrong, since when, by how much, and what to do.
 */
#include "postgres.h"

#include "funcapi.h"
#include "server/base/compat.h"
#include "server/base/settings.h"
#include "server/shared/counters.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

BEV_FUNCTION_INFO_V1(bugevents_alerts);

static const char *const advice[BEV_ALERTS] = {
	[BEV_ALERT_error_rate] =
		"Errors a minute that are not the clients' own. bugevents_errors_total says which; the "
		"server's log has the reason.",
	[BEV_ALERT_connection_spike] =
		"Times as many connections as usual. Look in bugevents.connections from where they come; "
		"a page that connects in a loop is the usual reason.",
	[BEV_ALERT_delivery_latency] =
		"Seconds from commit to socket. Look for a busy processor, a slow disk, a synchronous "
		"standby that is away, or add gateways (bugevents.gateways).",
	[BEV_ALERT_queue_overflows] =
		"Transactions that found the queue full: nothing is lost, they come from the journal. "
		"Make bugevents.queue_size larger, or look why the dispatcher is slow.",
	[BEV_ALERT_journal_size] =
		"Percent of bugevents.retention_size. Beyond it the oldest events go, and clients that "
		"come back late have to read anew. Make it larger, or look who writes so much.",
	[BEV_ALERT_gateway_restarts] =
		"Gateways that ended by themselves. The server's log says how; clients came back where "
		"they were.",
	[BEV_ALERT_projector_lag] =
		"Events that notifications are behind by. Look in pg_stat_activity what the projector "
		"waits for.",
	[BEV_ALERT_projector_stuck] =
		"Seconds without progress of the projector. Its error is in the server's log, or a lock "
		"is in its way (pg_locks).",
	[BEV_ALERT_delivery_outage] =
		"Seconds without a delivery by a channel. bugevents.deliveries has the last error of "
		"each; look at the mail server, the token, the webhook's receiver.",
	[BEV_ALERT_copied_cluster] =
		"This database is a copy of one that sends, so nothing is sent from here. Call "
		"bugevents.take_over_deliveries() if it is to take the other one's place.",
	[BEV_ALERT_expression_errors] =
		"Expressions of attachments that failed: their fields are null, and only admins see rows "
		"whose filter or audience failed. bugevents.attachments has the last error.",
	[BEV_ALERT_expressions_suspended] =
		"Tables whose expressions took too long again and again. Mend them, then call "
		"bugevents.resume_expressions().",
	[BEV_ALERT_audiences_refused] =
		"Audiences that name nobody or are too large: only admins see these rows. The log names "
		"the table; bugevents.principal() makes a principal of an id.",
	[BEV_ALERT_attachments_undecided] =
		"Tables attached by somebody who doesn't own the database: nothing follows from their "
		"rows. Attach them again as its owner, or take them off.",
	[BEV_ALERT_consumer_lag] =
		"Events that the slowest consumer in SQL is behind by. bugevents.consumers says which; run "
		"it, or drop it with bugevents.drop_consumer().",
};

static void
put_alert(ReturnSetInfo *result, BevAlert alert)
{
	BevAlertState state = bev_counters_alert_state(alert);
	Datum values[6] = {CStringGetTextDatum(bev_alert_names[alert]),
	                   BoolGetDatum(state.raised),
	                   TimestampTzGetDatum(state.since),
	                   Float8GetDatum(state.value),
	                   Float8GetDatum(state.threshold),
	                   CStringGetTextDatum(advice[alert])};
	bool nulls[6] = {[2] = !state.raised, [4] = state.threshold == 0};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

Datum
bugevents_alerts(PG_FUNCTION_ARGS)
{
	bev_settings_require_served();
	InitMaterializedSRF(fcinfo, 0);
	for (int alert = 0; alert < BEV_ALERTS; alert++)
		put_alert((ReturnSetInfo *) fcinfo->resultinfo, (BevAlert) alert);
	return (Datum) 0;
}
