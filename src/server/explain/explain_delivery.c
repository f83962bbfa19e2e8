/*
 * explain_delivery.c - bugevents.explain_delivery(): did this event reach this user?
 *
 * Model: the way of the event, step by step: the journal, who captured it, whom it is for,
 * who the user is, and the user's connections, each with its subscription and position.
 * The journal says what was; users, memberships, connections and subscriptions are
 * looked at as they are now, and a finding says so where that makes a difference.
 *
 * What can't be known: connections that ended too long ago (server/shared/ended.h), or were refused
 * for their token, leave nothing behind but lines of the log; a token's projects are known to its
 * gateway alone; and that bytes were written to a socket doesn't say that they were read.
 *
 * Rights: those of bugevents.events(), since it tells of events and of connections whoever
 * may see them.  The tables of users are read as their owners.
 */
#include "postgres.h"

#include "server/base/compat.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "common/event/user_facts.h"
#include "common/pipe/selection.h"
#include "server/attach/attached.h"
#include "server/attach/attachment.h"
#include "server/encode/database_text.h"
#include "server/shared/clients.h"
#include "server/shared/ended.h"
#include "server/explain/findings.h"
#include "server/explain/audience_explain.h"
#include "server/base/settings.h"
#include "server/journal/journal.h"
#include "server/journal/journal_reader.h"
#include "server/journal/stream_row.h"
#include "server/queue/queue.h"
#include "server/queue/enabled.h"

BEV_FUNCTION_INFO_V1(bugevents_explain_delivery);

typedef struct Delivery
{
	BevFindings findings;
	uint64 seq;
	bool found;        /* in the journal; then: */
	BevJournalRun run; /* that it is in */
	BevEvent event;    /* a copy */
	BevSomebody somebody;
} Delivery;

static void
add(Delivery *delivery, const char *finding, BevVerdictKind verdict, const char *detail)
{
	bev_findings_add(&delivery->findings, finding, verdict, detail);
}

static char *
field_text(const Delivery *delivery, BevEventField field)
{
	return bev_findings_text(delivery->event.field[field]);
}

/* ---- the journal ---- */

static bool
take_run(void *arg, const BevJournalRun *run)
{
	Delivery *delivery = arg;
	char *copy = palloc(run->size);

	memcpy(copy, run->records, run->size);
	delivery->run = *run;
	delivery->found = bev_event_read(copy, run->size, &delivery->event);
	return false;
}

/* Why isn't it in the journal? */
static void
explain_absence(Delivery *delivery, uint64 settled)
{
	uint64 next = bev_queue_next_seq();
	BevStreamRow row;
	bool has_row;

	PushActiveSnapshot(GetLatestSnapshot());
	has_row = bev_stream_row_read(&row);
	PopActiveSnapshot();

	if (has_row && delivery->seq <= row.dropped)
		add(delivery, "seq", BEV_REASON,
		    psprintf("retention has dropped what was up to seq " UINT64_FORMAT
		             ": a client that hadn't it by then is told resync_required",
		             row.dropped));
	else if (next != 0 && delivery->seq >= next)
		add(delivery, "seq", BEV_REASON,
		    psprintf("it doesn't exist yet: the last seq that was given out is " UINT64_FORMAT,
		             next - 1));
	else if (delivery->seq > settled)
		add(delivery, "seq", BEV_REASON,
		    psprintf(
				"it isn't settled yet: its transaction, or one ahead of it, is committing; all is settled up to seq " UINT64_FORMAT,
				settled));
	else
		add(delivery, "seq", BEV_REASON,
		    "it belongs to nobody: its transaction rolled back, or it was passed over at a start of the server");
}

static void
look_at_journal(Delivery *delivery)
{
	uint64 settled = bev_journal_read_settled(delivery->seq - 1, delivery->seq, take_run, delivery);

	if (delivery->found)
		add(delivery, "seq", BEV_FINE, "it is in the journal");
	else
		explain_absence(delivery, settled);
}

/* Tables that are attached as this entity; empty: none. */
static char *
tables_of(const char *entity)
{
	StringInfoData out;
	ListCell *cell;

	initStringInfo(&out);
	foreach (cell, bev_attached_tables())
	{
		BevAttached *attached = lfirst(cell);

		if (strcmp(bev_attachment_read(attached->argument, attached->relid)->entity->name,
		           entity) == 0)
			appendStringInfo(&out, "%s%s.%s", out.len ? ", " : "",
			                 get_namespace_name(get_rel_namespace(attached->relid)),
			                 get_rel_name(attached->relid));
	}
	return out.data;
}

static char *
source_words(const char *type)
{
	char *tables = tables_of(type);

	if (*tables)
		return psprintf("by the trigger of a table attached as %s: %s", type, tables);
	return pstrdup(bev_entity_find(type) ?
	                   "by the trigger of a table that is not attached any more" :
	                   "by bugevents.send() or by bugevents itself");
}

static void
look_at_capture(Delivery *delivery)
{
	char *key = field_text(delivery, BEV_EVENT_KEY);
	char *type = field_text(delivery, BEV_EVENT_TYPE);

	add(delivery, "event", BEV_NOTE,
	    psprintf("%s %s%s%s, captured %s", type, field_text(delivery, BEV_EVENT_ACTION),
	             *key ? " of " : "", key, source_words(type)));
	add(delivery, "transaction", BEV_NOTE,
	    psprintf(UINT64_FORMAT ", committed at %s, event %u of %u", delivery->run.xid,
	             bev_findings_time(delivery->run.at), delivery->run.tx_n, delivery->run.tx_of));
}

static void
look_at_dispatcher(Delivery *delivery)
{
	uint64 settled = bev_queue_settled();

	if (!bev_enabled_is_on())
		add(delivery, "dispatcher", BEV_REASON, "bugevents.enabled is off: nobody is served");
	else if (settled < delivery->seq)
		add(delivery, "dispatcher", BEV_REASON,
		    psprintf("it has got to seq " UINT64_FORMAT " only", settled));
	else
		add(delivery, "dispatcher", BEV_FINE, "it has passed the event on to the gateways");
}

/* ---- the audience ---- */

static void
look_at_audience(Delivery *delivery)
{
	add(delivery, "audience", BEV_NOTE,
	    psprintf("%s%s", bev_audience_explain_words(delivery->event.field[BEV_EVENT_AUDIENCE]),
	             delivery->event.field[BEV_EVENT_OPEN_PAYLOAD].len > 0 ?
	                 "; some of its fields are for admins only" :
	                 ""));
}

static char *
membership_words(const BevSomebody *somebody)
{
	StringInfoData out;
	ListCell *cell;

	initStringInfo(&out);
	foreach (cell, somebody->rights.principals)
	{
		appendStringInfo(&out, "%s%s", out.len ? ", " : "; belongs to ",
		                 bev_clients_text(lfirst(cell)));
	}
	return out.data;
}

static void
look_at_user(Delivery *delivery)
{
	const BevSomebody *somebody = &delivery->somebody;

	if (somebody->error)
		add(delivery, "user", BEV_REASON,
		    psprintf("the tables of users can't be read, and so nobody is let in: %s",
		             somebody->error->message));
	else if (!somebody->has_tables)
		add(delivery, "user", BEV_FINE, "no table decides who may connect: the token says it all");
	else if (bev_user_facts_standing(&somebody->rights.facts) == BEV_USER_UNTOLD)
		add(delivery, "user", BEV_FINE,
		    psprintf("no table of users decides who may connect: the token does%s",
		             membership_words(somebody)));
	else if (somebody->rights.facts.rows == 0)
		add(delivery, "user", bev_require_user ? BEV_REASON : BEV_FINE,
		    psprintf("no attached table of users has this one: %s%s",
		             bev_require_user ? "bugevents.require_user keeps it out" : "the token decides",
		             membership_words(somebody)));
	else if (somebody->rights.facts.inactive > 0)
		add(delivery, "user", BEV_REASON,
		    psprintf("not active now, by the table of users: it can't connect%s",
		             membership_words(somebody)));
	else
		add(delivery, "user", BEV_FINE,
		    psprintf("active, and %s by the tables, now%s",
		             bev_clients_text(bev_user_facts_role(&somebody->rights.facts)),
		             membership_words(somebody)));
}

static void
look_at_right(Delivery *delivery)
{
	switch (bev_audience_explain_includes(delivery->event.field[BEV_EVENT_AUDIENCE],
	                                      &delivery->somebody, NULL))
	{
		case BEV_NO:
			add(delivery, "right", BEV_REASON,
			    "the user is not in the audience, as things are now");
			break;
		case BEV_YES:
			add(delivery, "right", BEV_FINE, "the user is in the audience, as things are now");
			break;
		default:
			add(delivery, "right", BEV_UNKNOWN,
			    "it depends on the token: whether it says admin, or names the project");
	}
}

/* ---- the connections ---- */

/* What is found of one connection; the gravest verdict counts. */
typedef struct Connection
{
	const BevConnection *client;
	const BevEndedClient *ended; /* NULL: it is there now */
	BevVerdictKind verdict;
	StringInfoData detail;
} Connection;

/* Of two verdicts a reason is graver than what is unknown, and that than what is fine. */
static void
judge(Connection *connection, BevVerdictKind verdict, const char *why)
{
	if (verdict == BEV_REASON || (verdict == BEV_UNKNOWN && connection->verdict == BEV_FINE))
		connection->verdict = verdict;
	appendStringInfo(&connection->detail, "; %s", why);
}

static void
judge_right(const Delivery *delivery, Connection *connection)
{
	BevLikely likely = bev_audience_explain_includes(delivery->event.field[BEV_EVENT_AUDIENCE],
	                                                 &delivery->somebody, connection->client->role);

	if (likely == BEV_NO)
		judge(connection, BEV_REASON, "not in the audience");
	else if (likely == BEV_PERHAPS)
		judge(connection, BEV_UNKNOWN, "in the audience if its token names the project");
}

static BevSelectionAnswer
ask_subscription(BevSpan packed, const BevEvent *event, bool is_admin)
{
	BevSelection *selection = bev_selection_make(packed, palloc(bev_selection_size(packed)));
	char *facts = palloc(bev_selection_facts_room(selection));
	BevSubject subject;

	bev_selection_subject(selection, event, is_admin, false, facts, &subject);
	return bev_selection_judge(selection, &subject);
}

static void
judge_subscription(const Delivery *delivery, Connection *connection)
{
	const BevConnection *client = connection->client;
	BevSpan subscription = {client->subscription, client->subscription_len};
	BevSelectionAnswer answer =
		ask_subscription(subscription, &delivery->event, strcmp(client->role, BEV_ROLE_ADMIN) == 0);
	bool later = client->subscription_at > delivery->run.at;
	Jsonb *json = bev_clients_subscription(client);
	char *text = JsonbToCString(NULL, &json->root, VARSIZE(json));

	if (later)
		judge(connection, BEV_UNKNOWN,
		      psprintf("its subscription is %s since %s only, what it was before isn't kept", text,
		               bev_findings_time(client->subscription_at)));
	else if (answer == BEV_NOT_SUBSCRIBED)
		judge(connection, BEV_REASON, psprintf("its subscription leaves it out: %s", text));
	else if (answer == BEV_PERHAPS_SUBSCRIBED)
		judge(connection, BEV_UNKNOWN,
		      psprintf("its subscription is too long to be known here: %s", text));
	else
		judge(connection, BEV_FINE, psprintf("its subscription lets it through: %s", text));
}

static void
judge_position(const Delivery *delivery, Connection *connection)
{
	const BevConnection *client = connection->client;

	if (client->cursor < delivery->seq)
		judge(
			connection, BEV_REASON,
			psprintf(
				connection->ended ?
					"it ended before it was sent: it had what there is for it up to seq " UINT64_FORMAT :
					"not sent yet, a moment ago: it lags, and has what there is for it up to seq " UINT64_FORMAT,
				client->cursor));
	else if (client->start >= delivery->seq)
		judge(connection, BEV_REASON,
		      psprintf("it came later, and began behind seq " UINT64_FORMAT
		               ": it didn't resume from before the event",
		               client->start));
	else
		judge(connection, BEV_FINE,
		      psprintf("what there is for it up to seq " UINT64_FORMAT
		               " was written to its socket; whether it was read can't be known",
		               client->cursor));
}

/* ended: NULL if it is there now. */
static void
look_at_connection(Delivery *delivery, const BevConnection *client, const BevEndedClient *ended)
{
	Connection connection = {.client = client, .ended = ended, .verdict = BEV_FINE};

	initStringInfo(&connection.detail);
	appendStringInfo(&connection.detail, "%s (gateway %d, role %s, since %s",
	                 bev_clients_text(client->id), client->gateway, bev_clients_text(client->role),
	                 bev_findings_time(client->connected_at));
	if (ended)
		appendStringInfo(&connection.detail, ", until %s: %d%s%s",
		                 bev_findings_time(ended->ended_at), ended->code, *ended->reason ? " " : "",
		                 ended->reason);
	appendStringInfoChar(&connection.detail, ')');
	if (delivery->found)
	{
		judge_right(delivery, &connection);
		judge_subscription(delivery, &connection);
		judge_position(delivery, &connection);
	}
	add(delivery, ended ? "past connection" : "connection",
	    delivery->found ? connection.verdict : BEV_NOTE, connection.detail.data);
}

static void
look_at_refusals(Delivery *delivery, const BevEndedClient *refused)
{
	add(delivery, "refused", BEV_REASON,
	    psprintf("%s, %d %s, the last one at %s from %s", refused->reason, refused->refusals,
	             refused->refusals == 1 ? "time" : "times", bev_findings_time(refused->ended_at),
	             bev_clients_text(refused->client.address)));
}

/* Those that ended behind the commit; what was over by then has nothing to do with the event. */
static void
look_at_past(Delivery *delivery)
{
	TimestampTz kept_since = bev_ended_kept_since();
	ListCell *cell;

	foreach (cell, bev_ended_of(delivery->somebody.user))
	{
		const BevEndedClient *ended = lfirst(cell);

		if (ended->ended_at < delivery->run.at)
			continue;
		if (ended->refusals > 0)
			look_at_refusals(delivery, ended);
		else
			look_at_connection(delivery, &ended->client, ended);
	}
	if (kept_since > delivery->run.at)
		add(delivery, "past connections", BEV_UNKNOWN,
		    psprintf(
				"those that ended before %s aren't kept: a server's log of bugevents.log_connections tells of them",
				bev_findings_time(kept_since)));
}

static void
look_at_connections(Delivery *delivery)
{
	int count = 0;
	BevConnection client;

	for (int i = 0; i < bev_clients_capacity(); i++)
	{
		if (!bev_clients_get(i, &client) || strcmp(client.user, delivery->somebody.user) != 0)
			continue;
		look_at_connection(delivery, &client, NULL);
		count++;
	}
	if (count == 0)
		add(delivery, "connection", BEV_REASON, "this user is not connected now");
}

Datum
bugevents_explain_delivery(PG_FUNCTION_ARGS)
{
	int64 seq = PG_GETARG_INT64(0);
	char *user = text_to_cstring(PG_GETARG_TEXT_PP(1));
	Delivery delivery = {.seq = seq};

	bev_settings_require_served();
	if (seq <= 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("seq must be positive")));
	delivery.findings = bev_findings_begin(fcinfo);
	if (!OidIsValid(bev_journal_table(BEV_TABLE_SEGMENT)))
		return (Datum) 0;

	bev_audience_explain_look_up(&delivery.somebody, bev_database_text_to_cstring(user));
	look_at_journal(&delivery);
	if (delivery.found)
	{
		look_at_capture(&delivery);
		look_at_dispatcher(&delivery);
		look_at_audience(&delivery);
	}
	look_at_user(&delivery);
	if (delivery.found)
		look_at_right(&delivery);
	look_at_connections(&delivery);
	if (delivery.found)
		look_at_past(&delivery);
	return (Datum) 0;
}
