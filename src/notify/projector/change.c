/*
 * explain_change.c - an event of the journal, as the projector looks at it.
 */
#include "notify/projector/change.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

static char *
text_of(BeSpan span)
{
	char	   *text = pnstrdup(span.data, span.len);

	return pg_any_to_server(text, span.len, PG_UTF8);
}

static bool
has_exception(BeSpan audience)
{
	BeSpan		line;

	while (be_audience_next(&audience, &line))
		if (line.len > 0 && *line.data == BE_AUDIENCE_EXCEPT)
			return true;
	return false;
}

void
be_change_read(BeChange *change, uint64 seq, TimestampTz at, const BeEvent *event)
{
	const BeSpan *field = event->field;

	*change = (BeChange) {
		.seq = seq,
		.at = at,
		.type = text_of(field[BE_EVENT_TYPE]),
		.action = text_of(field[BE_EVENT_ACTION]),
		.actor = text_of(field[BE_EVENT_ACTOR]),
		.key = text_of(field[BE_EVENT_KEY]),
		.bug = text_of(field[BE_EVENT_BUG]),
		.audience = field[BE_EVENT_AUDIENCE],
		.narrowed = has_exception(field[BE_EVENT_AUDIENCE]),
		.payload_text = field[BE_EVENT_PAYLOAD],
		.changes_text = field[BE_EVENT_CHANGES],
		.open_text = field[BE_EVENT_OPEN_PAYLOAD],
	};
}

bool
be_change_is(const BeChange *change, const char *type, const char *action)
{
	return strcmp(change->type, type) == 0 && strcmp(change->action, action) == 0;
}

static Jsonb *
parse(BeSpan span)
{
	const char *text = span.len > 0 ? text_of(span) : "{}";

	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
}

static char *
scalar_text(const JsonbValue *value)
{
	if (value == NULL)
		return NULL;
	if (value->type == jbvString)
		return pnstrdup(value->val.string.val, value->val.string.len);
	if (value->type == jbvNumeric)
		return DatumGetCString(DirectFunctionCall1(numeric_out,
												   NumericGetDatum(value->val.numeric)));
	if (value->type == jbvBool)
		return pstrdup(value->val.boolean ? "true" : "false");
	return NULL;
}

char *
be_change_text(BeChange *change, const char *field)
{
	if (change->payload == NULL)
		change->payload = parse(change->payload_text);
	return scalar_text(getKeyJsonValueFromContainer(&change->payload->root, field,
													strlen(field), NULL));
}

bool
be_change_is_open(BeChange *change, const char *field)
{
	if (change->open_text.len == 0)
		return true;
	if (change->open == NULL)
		change->open = parse(change->open_text);
	return getKeyJsonValueFromContainer(&change->open->root, field, strlen(field), NULL) != NULL;
}

char *
be_change_open_text(BeChange *change, const char *field)
{
	return be_change_is_open(change, field) ? be_change_text(change, field) : NULL;
}

bool
be_change_of(BeChange *change, const char *field, char **old, char **new)
{
	JsonbValue *pair;

	if (change->changes == NULL)
		change->changes = parse(change->changes_text);
	pair = getKeyJsonValueFromContainer(&change->changes->root, field, strlen(field), NULL);
	if (pair == NULL || pair->type != jbvBinary)
		return false;
	*old = scalar_text(getIthJsonbValueFromContainer(pair->val.binary.data, 0));
	*new = scalar_text(getIthJsonbValueFromContainer(pair->val.binary.data, 1));
	return true;
}
