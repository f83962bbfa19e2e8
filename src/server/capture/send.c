/*
 * send.c - bugevents.send(): an event that no row stands for.
 *
 * It is published if and when the transaction commits, in order with the events
 * of rows.  As with a trigger, nothing happens in a database that isn't served.
 */
#include "postgres.h"

#include "common/pipe/bucket.h"
#include "portability/instr_time.h"
#include "server/base/argument.h"
#include "server/base/compat.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "server/attach/row_audience.h"
#include "server/attach/attached_kind.h"
#include "server/capture/record.h"
#include "server/encode/database_text.h"
#include "server/base/settings.h"
#include "server/shared/counters.h"

BEV_FUNCTION_INFO_V1(bugevents_send);

/* Of an id, in bytes: what a filter can ask for. */
#define ID_MAX_SIZE 255

static char *
read_text(FunctionCallInfo fcinfo, int n, const char *name)
{
	bev_argument_require(fcinfo, n, name);
	return text_to_cstring(PG_GETARG_TEXT_PP(n));
}

static void
check_name(const char *what, const char *name)
{
	if (!bev_entity_is_name(name))
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		     errmsg("invalid event %s \"%s\"", what, name),
		     errhint(
				 "Use up to %d lower-case letters, digits and underscores, beginning with a letter.",
				 BEV_ENTITY_NAME_MAX)));
}

/* Clients must be able to trust what these mean. */
static void
check_not_reserved(const char *type)
{
	if (bev_entity_is_reserved(type))
		ereport(ERROR,
		        (errcode(ERRCODE_RESERVED_NAME), errmsg("event type \"%s\" is reserved", type),
		         errhint("Choose another type for custom events.")));
	if (bev_entity_find(type) || bev_attached_kind_exists(type))
		ereport(ERROR,
		        (errcode(ERRCODE_RESERVED_NAME), errmsg("event type \"%s\" is reserved", type),
		         errdetail("It stands for the rows of an attached table."),
		         errhint("Choose another type for custom events.")));
}

static char *
read_audience(const char *list)
{
	char *bad;
	char *audience = bev_row_audience_from_list(list, strlen(list), &bad);

	if (bad || *audience == '\0')
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		                bad ? errmsg("invalid principal \"%s\" in the audience", bad) :
		                      errmsg("the audience is empty"),
		                errhint("Principals are all, admin, user:ID, project:ID and group:NAME.")));
	return audience;
}

static BevSpan
read_payload(FunctionCallInfo fcinfo, int n)
{
	Jsonb *payload;
	Size len;
	const char *text;

	bev_argument_require(fcinfo, n, "payload");
	payload = PG_GETARG_JSONB_P(n);
	if (!JB_ROOT_IS_OBJECT(payload))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		                errmsg("argument \"%s\" must be a JSON object", "payload")));

	text = JsonbToCString(NULL, &payload->root, VARSIZE(payload));
	len = strlen(text);
	text = bev_database_text_to_utf8(text, &len);
	if (len > (Size) bev_max_value_size)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
		                errmsg("payload of %zu bytes is too large", len),
		                errdetail("The limit is bugevents.max_value_size, %d bytes.",
		                          bev_max_value_size)));
	return (BevSpan){text, (uint32_t) len};
}

/*
 * Everybody may call it, and each event goes to all who may see it: a session has a rate.  It is
 * taken of all calls, of transactions that roll back, too.
 */
static void
take_one(void)
{
	static BevBucket bucket = {.left = UINT64_C(1) << 62};
	instr_time now;
	double wait;

	INSTR_TIME_SET_CURRENT(now);
	wait = bev_bucket_take(&bucket, (uint32) bev_send_rate, INSTR_TIME_GET_MILLISEC(now));
	if (wait == 0)
		return;
	bev_counters_send_refused();
	ereport(ERROR, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
	                errmsg("too many events of bugevents.send() in this session"),
	                errdetail("bugevents.send_rate is %d a minute.", bev_send_rate),
	                errhint("Try again in %.3f s, or have a superuser raise it.", wait)));
}

/*
 * An id that routes the event, or names what it is of, as UTF-8; empty if none is given.  0.1.0's
 * function doesn't have them.
 */
static const char *
read_id(FunctionCallInfo fcinfo, int n, const char *name)
{
	const char *id;

	if (PG_NARGS() <= n || PG_ARGISNULL(n))
		return "";
	id = bev_database_text_to_cstring(text_to_cstring(PG_GETARG_TEXT_PP(n)));
	if (strlen(id) > ID_MAX_SIZE)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		                errmsg("argument \"%s\" is too long", name),
		                errdetail("The limit is %d bytes.", ID_MAX_SIZE)));
	return id;
}

Datum
bugevents_send(PG_FUNCTION_ARGS)
{
	BevRecord record = {0};

	bev_settings_require_preload();
	take_one();
	record.type = read_text(fcinfo, 0, "type");
	check_name("type", record.type);
	check_not_reserved(record.type);
	record.action = read_text(fcinfo, 1, "action");
	check_name("action", record.action);
	record.payload = read_payload(fcinfo, 2);
	record.audience = read_audience(read_text(fcinfo, 3, "audience"));
	record.project = read_id(fcinfo, 4, "project_id");
	record.bug = read_id(fcinfo, 5, "bug_report_id");
	record.key = read_id(fcinfo, 6, "key");
	PreventCommandIfReadOnly("bugevents.send()");

	if (bev_record_is_wanted())
		bev_record_log(&record);
	PG_RETURN_VOID();
}
