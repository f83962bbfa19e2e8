/*
 * subscription_reader.c - a subscription, or a filter of rows, out of the JSON that a client sent.
 *
 * Failure: whatever isn't understood is refused, since a misspelt member would widen the stream
 * without a word.
 */
#include "gateway/stream/subscription_reader.h"
#include "common/program/text.h"
#include "common/pipe/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
fail(BevSubscriptionFault *fault, const char *field, const char *message)
{
	*fault = (BevSubscriptionFault){field, message};
	return false;
}

/* ---- lists ---- */

static const struct
{
	const char *name;
	BevNarrowing by;
	bool numbers;
} lists[] = {
	{"types", BEV_BY_TYPE, false},
	{"actions", BEV_BY_ACTION, false},
	{"project_ids", BEV_BY_PROJECT, true},
	{"bug_report_ids", BEV_BY_BUG, true},
};

#define LISTS (sizeof(lists) / sizeof(lists[0]))

/* Text or a whole number, as text; false: neither. */
static bool
value_as_text(const json_t *value, bool numbers, char *number, size_t size, const char **text)
{
	if (json_is_string(value) &&
	    bev_text_is_line(json_string_value(value), json_string_length(value)))
	{
		*text = json_string_value(value);
		return json_string_length(value) <= BEV_USER_ID_MAX;
	}
	if (!numbers || !json_is_integer(value))
		return false;
	snprintf(number, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	*text = number;
	return true;
}

/* NULL: read; else what is wrong. */
static const char *
read_list(BevSubscription *subscription, BevNarrowing by, const json_t *list, bool numbers)
{
	if (list && json_array_size(list) > BEV_SUBSCRIPTION_VALUES_MAX)
		return "expected at most 1000 entries";
	for (size_t i = 0; i < json_array_size(list); i++)
	{
		char number[32];
		const char *text;

		if (!value_as_text(json_array_get(list, i), numbers, number, sizeof(number), &text))
			return numbers ?
			           "expected a list of ids, each a number or a string of at most 255 bytes" :
			           "expected a list of strings of at most 255 bytes";
		if (!bev_subscription_add(subscription, by, text))
			return "the subscription is too large in all";
	}
	if (list && !json_is_array(list))
		return numbers ? "expected a list of ids" : "expected a list of strings";
	return NULL;
}

static bool
read_lists(BevSubscription *subscription, const json_t *filter, BevSubscriptionFault *fault)
{
	for (size_t i = 0; i < LISTS; i++)
	{
		const char *wrong = read_list(subscription, lists[i].by,
		                              json_object_get(filter, lists[i].name), lists[i].numbers);

		if (wrong)
			return fail(fault, lists[i].name, wrong);
	}
	return true;
}

/* ---- where ---- */

/* As short as it can be written without being another one. */
static void
write_real(double value, char *text, size_t size)
{
	for (int digits = 15; digits <= 17; digits++)
	{
		snprintf(text, size, "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			return;
	}
}

/* The form of a scalar; 0: it is none, or nobody can ask for it. */
static uint32_t
form_of(const json_t *value, char form[BEV_SCALAR_ROOM])
{
	char text[64];

	if (json_is_string(value))
	{
		if (!bev_text_is_line(json_string_value(value), json_string_length(value)))
			return 0;
		return bev_scalar_of_text(
			(BevSpan){json_string_value(value), (uint32_t) json_string_length(value)}, form);
	}
	if (json_is_integer(value))
		snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_real(value))
		write_real(json_real_value(value), text, sizeof(text));
	else if (json_is_boolean(value) || json_is_null(value))
		strcpy(text, json_is_true(value) ? "true" : json_is_null(value) ? "null" : "false");
	else
		return 0;
	return bev_scalar_read((BevSpan){text, (uint32_t) strlen(text)}, form);
}

static bool
read_value(BevSubscription *subscription, const json_t *value)
{
	char form[BEV_SCALAR_ROOM];
	uint32_t len = form_of(value, form);

	return len > 0 && bev_subscription_value(subscription, (BevSpan){form, len});
}

/* One, or a list of them. */
static bool
read_values(BevSubscription *subscription, const json_t *values)
{
	if (!json_is_array(values))
		return read_value(subscription, values);
	for (size_t i = 0; i < json_array_size(values); i++)
		if (!read_value(subscription, json_array_get(values, i)))
			return false;
	return json_array_size(values) > 0;
}

static bool
read_where(BevSubscription *subscription, const json_t *where, BevSubscriptionFault *fault)
{
	const char *field;
	json_t *values;

	if (where == NULL)
		return true;
	if (!json_is_object(where))
		return fail(fault, "where", "expected an object with fields of the payload");
	/* Iterating doesn't change it, but the library doesn't say so. */
	json_object_foreach ((json_t *) where, field, values)
	{
		size_t len = strlen(field);

		if (len == 0 || len > BEV_FACT_NAME_MAX || !bev_text_is_line(field, len) ||
		    !bev_subscription_where(subscription, field))
			return fail(fault, "where", "expected at most 16 fields, with names of 1 to 63 bytes");
		if (!read_values(subscription, values))
			return fail(
				fault, "where",
				"expected of each field a text, a number, true, false or null, or a list of "
				"1 to 1000 of these; texts of at most 255 bytes, without control characters");
	}
	return true;
}

/* ---- the whole ---- */

static bool
is_among(const char *name, const char *const *names)
{
	while (*names && strcmp(name, *names) != 0)
		names++;
	return *names != NULL;
}

/* Are all of them known?  others: beside those that each filter has. */
static bool
check_members(const json_t *filter, const char *const *others, bool has_any,
              BevSubscriptionFault *fault)
{
	static const char *const known[] = {"types",          "actions", "project_ids",
	                                    "bug_report_ids", "where",   NULL};
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *) filter, name, value)
		if (!is_among(name, known) && !is_among(name, others) &&
		    !(has_any && strcmp(name, "any") == 0))
			return fail(fault,
			            strspn(name, "abcdefghijklmnopqrstuvwxyz_") == strlen(name) &&
			                    strlen(name) <= 32 ?
			                name :
			                "payload",
			            "there is no such filter");
	return true;
}

/* A filter of "any". */
static bool
read_alternative(BevSubscription *subscription, const json_t *filter, BevSubscriptionFault *fault)
{
	static const char *const none[] = {NULL};

	if (!json_is_object(filter) || !bev_subscription_or(subscription))
		return fail(fault, "any", "expected a list of 1 to 32 filters");
	return check_members(filter, none, false, fault) && read_lists(subscription, filter, fault) &&
	       read_where(subscription, json_object_get(filter, "where"), fault);
}

static bool
read_any(BevSubscription *subscription, const json_t *any, BevSubscriptionFault *fault)
{
	if (any == NULL)
		return true;
	if (!json_is_array(any) || json_array_size(any) == 0)
		return fail(fault, "any", "expected a list of 1 to 32 filters");
	for (size_t i = 0; i < json_array_size(any); i++)
		if (!read_alternative(subscription, json_array_get(any, i), fault))
			return false;
	return true;
}

/* Seal what was read, or forget it. */
static bool
finish(BevSubscription *read, bool good, BevSubscription **subscription)
{
	bool narrows = good && !bev_subscription_seal(read);

	*subscription = narrows ? read : NULL;
	if (!narrows)
		bev_subscription_free(read);
	return good;
}

bool
bev_subscription_read_where(const json_t *payload, BevSubscription **subscription,
                            BevSubscriptionFault *fault)
{
	BevSubscription *read = bev_subscription_create();

	return finish(read,
	              read_where(read, json_object_get(payload, "where"), fault) &&
	                  read_any(read, json_object_get(payload, "any"), fault),
	              subscription);
}

bool
bev_subscription_read(const json_t *payload, const char *const *others,
                      BevSubscription **subscription, BevSubscriptionFault *fault)
{
	BevSubscription *read = bev_subscription_create();

	return finish(read,
	              check_members(payload, others, true, fault) && read_lists(read, payload, fault) &&
	                  read_where(read, json_object_get(payload, "where"), fault) &&
	                  read_any(read, json_object_get(payload, "any"), fault),
	              subscription);
}
