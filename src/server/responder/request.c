/*
 * request.c - reading what a client asks for, and saying what is wrong with it.
 */
#include "server/responder/request.h"

#include "server/base/subtransaction.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX     1000

void
bev_answer_error(BevAnswer *answer, const char *code, const char *field, const char *text)
{
	answer->message.kind = BEV_ANSWER_ERROR;
	answer->message.count = 0;
	strlcpy(answer->message.code, code, sizeof(answer->message.code));
	strlcpy(answer->message.field, field, sizeof(answer->message.field));
	resetStringInfo(&answer->rest);
	appendStringInfoString(&answer->rest, text);
}

typedef struct Parsing
{
	const char *payload;
	Jsonb *json;
} Parsing;

static void
parse_step(void *arg)
{
	Parsing *parsing = arg;
	char *text = pg_any_to_server(parsing->payload, strlen(parsing->payload), PG_UTF8);

	parsing->json = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
}

Jsonb *
bev_request_read(const char *payload, BevAnswer *answer)
{
	Parsing parsing = {.payload = payload};

	if (bev_subtransaction_run(parse_step, &parsing, false) && JB_ROOT_IS_OBJECT(parsing.json))
		return parsing.json;
	bev_answer_error(answer, "invalid_message", "", "the payload can't be read");
	return NULL;
}

static bool
is_listed(const char *const names[], const JsonbValue *key)
{
	while (*names && (strlen(*names) != (Size) key->val.string.len ||
	                  memcmp(*names, key->val.string.val, key->val.string.len) != 0))
		names++;
	return *names != NULL;
}

/* The name as an error can say it: only what is short and plain is echoed. */
static const char *
name_of(const JsonbValue *key)
{
	char *name = pnstrdup(key->val.string.val, key->val.string.len);

	return *name && strspn(name, "abcdefghijklmnopqrstuvwxyz_") == strlen(name) &&
	               strlen(name) < sizeof(((BevAnswerMessage *) 0)->field) ?
	           name :
	           "payload";
}

bool
bev_request_has_only(Jsonb *json, const char *const names[], BevAnswer *answer)
{
	JsonbIterator *it = JsonbIteratorInit(&json->root);
	JsonbIteratorToken token;
	JsonbValue value;

	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
		if (token == WJB_KEY && !is_listed(names, &value))
		{
			bev_answer_error(answer, "invalid_field", name_of(&value), "there is no such member");
			return false;
		}
	return true;
}

bool
bev_request_text(Jsonb *json, const char *name, char **text)
{
	JsonbValue *value = getKeyJsonValueFromContainer(&json->root, name, strlen(name), NULL);

	*text = NULL;
	if (value == NULL || value->type == jbvNull)
		return true;
	if (value->type == jbvString)
		*text = pnstrdup(value->val.string.val, value->val.string.len);
	else if (value->type == jbvNumeric)
		*text =
			DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
	return *text != NULL;
}

char *
bev_request_id(Jsonb *json, const char *name, BevAnswer *answer)
{
	char *text;

	if (bev_request_text(json, name, &text) && text)
		return text;
	bev_answer_error(answer, "invalid_field", name, "expected a number or a string");
	return NULL;
}

bool
bev_request_limit(const char *text, int *limit)
{
	char *end;

	*limit = text ? strtol(text, &end, 10) : LIMIT_DEFAULT;
	return text == NULL || (*end == '\0' && *limit >= 1 && *limit <= LIMIT_MAX);
}
