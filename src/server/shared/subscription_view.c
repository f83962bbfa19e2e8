/*
 * subscription_view.c - what a client wants, in the form of a request to subscribe.
 *
 *	{"types": ["bug_report"], "project_ids": ["7", "8"], "where": {"status": ["open"]},
 *	 "conflate": true}
 *
 * What its gateway didn't tell is a number: of a list's values, of the conditions in "where", of the
 * filters in "any".  A client that has unsubscribed is {"unsubscribed": true}.  Numbers that are
 * compared are shown as texts, which is the same to the comparison.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "common/event/scalar.h"
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

/* A value to be compared with. */
static void
push_form(BevJsonbState *state, const char *form)
{
	JsonbValue value = {.type = jbvNull};

	if (*form == BEV_SCALAR_TEXT)
	{
		push_string(state, WJB_ELEM, bev_clients_text(form + 1));
		return;
	}
	if (*form == BEV_SCALAR_TRUE || *form == BEV_SCALAR_FALSE)
	{
		value.type = jbvBool;
		value.val.boolean = *form == BEV_SCALAR_TRUE;
	}
	bev_jsonb_push(state, WJB_ELEM, &value);
}

/* What stands behind a condition's field is its values, and then perhaps others. */
static void
push_condition(BevJsonbState *state, const char *field, BevSpan rest)
{
	BevPackedSubscription one;

	push_string(state, WJB_KEY, bev_clients_text(field));
	bev_jsonb_push(state, WJB_BEGIN_ARRAY, NULL);
	while (bev_packed_subscription_next(&rest, &one) && one.kind == BEV_PACKED_SUBSCRIPTION_VALUE)
		push_form(state, one.value);
	bev_jsonb_push(state, WJB_END_ARRAY, NULL);
}

static void
push_where(BevJsonbState *state, BevSpan filter)
{
	bool begun = false;
	BevPackedSubscription one;

	while (bev_packed_subscription_next(&filter, &one))
	{
		if (one.kind != BEV_PACKED_SUBSCRIPTION_WHERE)
			continue;
		if (!begun)
		{
			push_string(state, WJB_KEY, "where");
			bev_jsonb_push(state, WJB_BEGIN_OBJECT, NULL);
			begun = true;
		}
		push_condition(state, one.value, filter);
	}
	if (begun)
		bev_jsonb_push(state, WJB_END_OBJECT, NULL);
}

/* What isn't told, and what is no filter. */
static void
push_rest(BevJsonbState *state, BevSpan filter)
{
	static const struct
	{
		BevPackedSubscriptionKind kind;
		char *name;
	} counts[] = {
		{BEV_PACKED_SUBSCRIPTION_TYPES, "types"},
		{BEV_PACKED_SUBSCRIPTION_ACTIONS, "actions"},
		{BEV_PACKED_SUBSCRIPTION_PROJECTS, "project_ids"},
		{BEV_PACKED_SUBSCRIPTION_BUGS, "bug_report_ids"},
		{BEV_PACKED_SUBSCRIPTION_WHERES, "where"},
		{BEV_PACKED_SUBSCRIPTION_ORS, "any"},
	};
	BevPackedSubscription one;

	while (bev_packed_subscription_next(&filter, &one))
	{
		for (size_t i = 0; i < lengthof(counts); i++)
			if (one.kind == counts[i].kind)
				push_count(state, counts[i].name, one.value);
		if (one.kind == BEV_PACKED_SUBSCRIPTION_CONFLATED)
			push_true(state, "conflate");
		else if (one.kind == BEV_PACKED_SUBSCRIPTION_NOTHING)
			push_true(state, "unsubscribed");
	}
}

/* The members of one filter; the object is begun and not ended. */
static void
push_filter(BevJsonbState *state, BevSpan filter)
{
	bev_jsonb_push(state, WJB_BEGIN_OBJECT, NULL);
	push_list(state, "types", filter, BEV_PACKED_SUBSCRIPTION_TYPE);
	push_list(state, "actions", filter, BEV_PACKED_SUBSCRIPTION_ACTION);
	push_list(state, "project_ids", filter, BEV_PACKED_SUBSCRIPTION_PROJECT);
	push_list(state, "bug_report_ids", filter, BEV_PACKED_SUBSCRIPTION_BUG);
	push_where(state, filter);
	push_rest(state, filter);
}

static void
push_any(BevJsonbState *state, BevSpan alternatives)
{
	BevSpan alternative;

	if (alternatives.len == 0)
		return;
	push_string(state, WJB_KEY, "any");
	bev_jsonb_push(state, WJB_BEGIN_ARRAY, NULL);
	while (bev_packed_subscription_alternative(&alternatives, &alternative))
	{
		push_filter(state, alternative);
		bev_jsonb_push(state, WJB_END_OBJECT, NULL);
	}
	bev_jsonb_push(state, WJB_END_ARRAY, NULL);
}

Jsonb *
bev_clients_subscription(const BevConnection *client)
{
	BevSpan rest = {client->subscription, client->subscription_len};
	BevJsonbState state = {0};

	push_filter(&state, bev_packed_subscription_common(&rest));
	push_any(&state, rest);
	bev_jsonb_push(&state, WJB_END_OBJECT, NULL);
	return JsonbValueToJsonb(state.result);
}
