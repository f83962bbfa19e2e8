/*
 * json_member.c - the members of a JSON object, one by one, as they stand there.
 *
 * Model: a value is passed over by its brackets and quotes alone; what is in it isn't looked at.
 *
 * Cost: each byte of the document is looked at once, in strings by memchr.
 */
#include "common/event/json_member.h"

#include <string.h>

static void
skip(BevSpan *rest, uint32_t n)
{
	rest->data += n;
	rest->len -= n;
}

static void
skip_spaces(BevSpan *rest)
{
	while (rest->len > 0 && memchr(" \t\n\r", rest->data[0], 4))
		skip(rest, 1);
}

/* Bytes of the string that begins here, quotes included; all there are if it doesn't end. */
static uint32_t
string_length(BevSpan json)
{
	uint32_t from = 1;

	while (from < json.len)
	{
		const char *quote = memchr(json.data + from, '"', json.len - from);
		const char *escape =
			quote ? memchr(json.data + from, '\\', quote - (json.data + from)) : NULL;

		if (quote == NULL)
			break;
		if (escape == NULL)
			return (uint32_t) (quote + 1 - json.data);
		from = (uint32_t) (escape + 2 - json.data);
	}
	return json.len;
}

/* Bytes of the array or object that begins here; all there are if it doesn't end. */
static uint32_t
nested_length(BevSpan json)
{
	uint32_t depth = 0;
	uint32_t i = 0;

	while (i < json.len)
	{
		char c = json.data[i];

		if (c == '"')
		{
			i += string_length((BevSpan){json.data + i, json.len - i});
			continue;
		}
		i++;
		if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && --depth == 0)
			return i;
	}
	return json.len;
}

static BevSpan
take_value(BevSpan *rest)
{
	BevSpan value = *rest;

	if (value.len == 0)
		return value;
	if (value.data[0] == '"')
		value.len = string_length(value);
	else if (value.data[0] == '{' || value.data[0] == '[')
		value.len = nested_length(value);
	else
		for (uint32_t i = 0; i < rest->len; i++)
			if (memchr(",]} \t\n\r", rest->data[i], 7))
			{
				value.len = i;
				break;
			}
	skip(rest, value.len);
	return value;
}

/* Pass over what stands between two of them; false: something else does. */
static bool
take_sign(BevSpan *rest, const char *signs)
{
	skip_spaces(rest);
	if (rest->len == 0 || strchr(signs, rest->data[0]) == NULL)
		return false;
	skip(rest, 1);
	skip_spaces(rest);
	return true;
}

bool
bev_json_next_member(BevSpan *rest, BevMember *member)
{
	if (!take_sign(rest, "{,") || rest->len == 0 || rest->data[0] != '"')
		return false;
	member->name = take_value(rest);
	if (!take_sign(rest, ":"))
		return false;
	member->value = take_value(rest);
	return member->value.len > 0;
}

BevSpan
bev_json_first_element(BevSpan array)
{
	if (array.len == 0 || array.data[0] != '[' || !take_sign(&array, "["))
		return (BevSpan){NULL, 0};
	return take_value(&array);
}
