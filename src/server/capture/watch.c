/*
 * watch.c - bugevents.watch() and unwatch(): a user wants to hear of a bug, or not any more.
 *
 * Model: a wish is an event.  The projector derives from it who watches what, so
 * the wish takes its place among all that happens to the bug: who watches from now on
 * hears of what is committed later, and of nothing that was before.
 */
#include "postgres.h"

#include "server/capture/actor.h"
#include "server/encode/json.h"
#include "server/capture/record.h"
#include "server/encode/database_text.h"
#include "server/base/settings.h"
#include "server/base/compat.h"
#include "miscadmin.h"
#include "utils/builtins.h"

BEV_FUNCTION_INFO_V1(bugevents_watch);
BEV_FUNCTION_INFO_V1(bugevents_unwatch);

#define ID_MAX 255 /* bytes */

static const char *
read_id(FunctionCallInfo fcinfo, int n, const char *name)
{
	const char *id = bev_database_text_to_cstring(text_to_cstring(PG_GETARG_TEXT_PP(n)));

	if (*id == '\0' || strlen(id) > ID_MAX || strchr(id, '\n'))
		ereport(ERROR,
		        (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid %s \"%s\"", name, id),
		         errdetail("An id is one line of 1 to %d bytes.", ID_MAX)));
	return id;
}

/* Who acts for a user of the application, acts for that one. */
static void
check_user(const char *user)
{
	const char *actor = bev_actor();

	if (*actor && strcmp(actor, user) != 0)
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
		                errmsg("user \"%s\" cannot watch for user \"%s\"", actor, user),
		                errhint("bugevents.actor, or request.jwt.claims, says who acts.")));
}

static BevSpan
make_payload(const char *bug, const char *user)
{
	BevJson json;

	bev_json_init(&json, CurrentMemoryContext);
	bev_json_literal(&json, "{\"bug_report_id\":");
	bev_json_id(&json, bug);
	bev_json_literal(&json, ",\"user_id\":");
	bev_json_id(&json, user);
	bev_json_char(&json, '}');
	return (BevSpan){json.data, (uint32_t) json.len};
}

static void
publish(FunctionCallInfo fcinfo, const char *action)
{
	const char *bug;
	const char *user;
	BevRecord record;

	bev_settings_require_served();
	bug = read_id(fcinfo, 0, "bug_id");
	user = read_id(fcinfo, 1, "user_id");
	check_user(user);
	PreventCommandIfReadOnly("bugevents.watch()");
	record = (BevRecord){
		.type = "watch",
		.action = action,
		.audience = psprintf("%s%s", BEV_PRINCIPAL_USER, user),
		.key = "",
		.project = "",
		.bug = bug,
		.payload = make_payload(bug, user),
	};
	if (bev_record_is_wanted())
		bev_record_log(&record);
}

Datum
bugevents_watch(PG_FUNCTION_ARGS)
{
	publish(fcinfo, "created");
	PG_RETURN_VOID();
}

Datum
bugevents_unwatch(PG_FUNCTION_ARGS)
{
	publish(fcinfo, "deleted");
	PG_RETURN_VOID();
}
