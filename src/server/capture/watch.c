/*
 * watch.c - bugevents.watch(), mute() and what takes them back: a user wants to hear of a bug, of
 * all bugs of a project, or of one no more.
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
BEV_FUNCTION_INFO_V1(bugevents_mute);
BEV_FUNCTION_INFO_V1(bugevents_unmute);

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

typedef struct Wish
{
	const char *user;
	const char *bug;     /* NULL: of a project */
	const char *project; /* else NULL */
} Wish;

static void
read_wish(FunctionCallInfo fcinfo, Wish *wish)
{
	bool of_project = PG_NARGS() > 2 && !PG_ARGISNULL(2);

	if (PG_ARGISNULL(1) || PG_ARGISNULL(0) != of_project)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
		                errmsg("a user, and either a bug or a project, must be given"),
		                errhint("Call it with user_id, and with bug_id or project_id.")));
	wish->user = read_id(fcinfo, 1, "user_id");
	wish->bug = of_project ? NULL : read_id(fcinfo, 0, "bug_id");
	wish->project = of_project ? read_id(fcinfo, 2, "project_id") : NULL;
}

static BevSpan
make_payload(const Wish *wish)
{
	BevJson json;

	bev_json_init(&json, CurrentMemoryContext);
	if (wish->bug)
		bev_json_literal(&json, "{\"bug_report_id\":");
	else
		bev_json_literal(&json, "{\"project_id\":");
	bev_json_id(&json, wish->bug ? wish->bug : wish->project);
	bev_json_literal(&json, ",\"user_id\":");
	bev_json_id(&json, wish->user);
	bev_json_char(&json, '}');
	return (BevSpan){json.data, (uint32_t) json.len};
}

static void
publish(FunctionCallInfo fcinfo, const char *action, const char *command)
{
	Wish wish;
	BevRecord record;

	bev_settings_require_served();
	read_wish(fcinfo, &wish);
	check_user(wish.user);
	PreventCommandIfReadOnly(command);
	record = (BevRecord){
		.type = "watch",
		.action = action,
		.audience = psprintf("%s%s", BEV_PRINCIPAL_USER, wish.user),
		.key = "",
		.project = wish.project ? wish.project : "",
		.bug = wish.bug ? wish.bug : "",
		.payload = make_payload(&wish),
	};
	if (bev_record_is_wanted())
		bev_record_log(&record);
}

Datum
bugevents_watch(PG_FUNCTION_ARGS)
{
	publish(fcinfo, "created", "bugevents.watch()");
	PG_RETURN_VOID();
}

Datum
bugevents_unwatch(PG_FUNCTION_ARGS)
{
	publish(fcinfo, "deleted", "bugevents.unwatch()");
	PG_RETURN_VOID();
}

Datum
bugevents_mute(PG_FUNCTION_ARGS)
{
	publish(fcinfo, "muted", "bugevents.mute()");
	PG_RETURN_VOID();
}

Datum
bugevents_unmute(PG_FUNCTION_ARGS)
{
	publish(fcinfo, "unmuted", "bugevents.unmute()");
	PG_RETURN_VOID();
}
