/*
 * subscription_view.c - what a client wants, in the form of a request to subscribe.
 *
 *	{"types": ["bug_report"], "project_ids": ["7", "8"], "conflate": true}
 *
 * A list that its gateway didn't tell is the number of its values; a client that has
 * unsubscribed is {"unsubscribed": true}.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "server/base/compat.h"
#include "server/shared/clients.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

char *
bev_clients_text(const char *utf8)
{
	int encoding = GetDatabaseEncoding();
	Oid conversion = InvalidOid;
	StringInfoData text;

	if (encoding != PG_UTF8 && encoding != PG_SQL_ASCII)
		conversion = FindDefaultConversionProc(PG_UTF8, encoding);
	if (!OidIsValid(conversion))
		return pstrdup(utf8);

	initStringInfo(&text);
	for (int len; *utf8; utf8 += len)
	{
		unsigned char one[4 * MAX_CONVERSION_GROWTH + 1];

		len = pg_encoding_mblen(PG_UTF8, utf8);
		if (pg_do_encoding_conversion_buf(conversion, PG_UTF8, encoding, (unsigned char *) utf8,
		                                  len, one, sizeof(one), true) == len)
			appendStringInfoString(&text, (char *) one);
		else
			appendStringInfoChar(&text, '?');
	}
	return text.data;
}

static void
push_string(BevJsonbState *state, JsonbIteratorToken token, char *text)
{
	JsonbValue value = {.type = jbvString};

	value.val.string.val = text;
	value.val.string.len = strlen(text);
	bev_jsonb_push(state, token, &value);
}

static void
push_true(BevJsonbState *state, char *name)
{
	JsonbValue value = {.type = jbvBool};

	value.val.boolean = true;
	push_string(state, WJB_KEY, name);
	bev_jsonb_push(state, WJB_VALUE, &value);
}

/* How many there are; a gateway that says nonsense has none. */
static void
push_count(BevJsonbState *state, char *name, const char *text)
{
	JsonbValue value = {.type = jbvNumeric};

	value.val.numeric = int64_to_numeric(strtol(text, NULL, 10));
	push_string(state, WJB_KEY, name);
	bev_jsonb_push(state, WJB_VALUE, &value);
}

static void
push_list(BevJsonbState *state, char *name, BevSpan subscription, BevPackedSubscriptionKind kind)
{
	bool begun = false;
	BevPackedSubscription one;

	while (bev_packed_subscription_next(&subscription, &one))
	{
		if (one.kind != kind)
			continue;
		if (!begun)
		{
			push_string(state, WJB_KEY, name);
			bev_jsonb_push(state, WJB_BEGIN_ARRAY, NULL);
			begun = true;
		}
		push_string(state, WJB_ELEM, bev_clients_text(one.value));
	}
	if (begun)
		bev_jsonb_push(state, WJB_END_ARRAY, NULL);
}

Jsonb *
bev_clients_subscription(const BevConnection *client)
{
	BevSpan subscription = {client->subscription, client->subscription_len};
	BevSpan rest = subscription;
	BevJsonbState state = {0};
	BevPackedSubscription one;

	bev_jsonb_push(&state, WJB_BEGIN_OBJECT, NULL);
	push_list(&state, "types", subscription, BEV_PACKED_SUBSCRIPTION_TYPE);
	push_list(&state, "actions", subscription, BEV_PACKED_SUBSCRIPTION_ACTION);
	push_list(&state, "project_ids", subscription, BEV_PACKED_SUBSCRIPTION_PROJECT);
	push_list(&state, "bug_report_ids", subscription, BEV_PACKED_SUBSCRIPTION_BUG);
	while (bev_packed_subscription_next(&rest, &one))
	{
		if (one.kind == BEV_PACKED_SUBSCRIPTION_TYPES)
			push_count(&state, "types", one.value);
		else if (one.kind == BEV_PACKED_SUBSCRIPTION_ACTIONS)
			push_count(&state, "actions", one.value);
		else if (one.kind == BEV_PACKED_SUBSCRIPTION_PROJECTS)
			push_count(&state, "project_ids", one.value);
		else if (one.kind == BEV_PACKED_SUBSCRIPTION_BUGS)
			push_count(&state, "bug_report_ids", one.value);
		else if (one.kind == BEV_PACKED_SUBSCRIPTION_CONFLATED)
			push_true(&state, "conflate");
		else if (one.kind == BEV_PACKED_SUBSCRIPTION_NOTHING)
			push_true(&state, "unsubscribed");
	}
	bev_jsonb_push(&state, WJB_END_OBJECT, NULL);
	return JsonbValueToJsonb(state.result);
}
