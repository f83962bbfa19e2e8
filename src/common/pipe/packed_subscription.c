/*
 * packed_subscription.c - what a client wants of the stream, as bytes that say so.
 */
#include "common/pipe/packed_subscription.h"

#include <string.h>

bool
be_interest_next(BeSpan *rest, BeInterest *interest)
{
	const char *end = rest->len > 1 ? memchr(rest->data, '\0', rest->len) : NULL;

	if (end == NULL || end == rest->data || memchr("tapbTAPBcn", rest->data[0], 10) == NULL)
		return false;
	interest->kind = (BeInterestKind) rest->data[0];
	interest->value = rest->data + 1;
	rest->len -= (uint32_t) (end + 1 - rest->data);
	rest->data = end + 1;
	return true;
}

bool
be_interest_add(char *dst, uint32_t *len, BeInterestKind kind, const char *value)
{
	size_t		size = strlen(value) + 1;

	if (size + 1 > BE_INTEREST_MAX - *len)
		return false;
	dst[*len] = (char) kind;
	memcpy(dst + *len + 1, value, size);
	*len += (uint32_t) size + 1;
	return true;
}

/* Of one list: which field of an event it is about, and what it is called in either form. */
typedef struct List
{
	BeEventField field;
	BeInterestKind one;
	BeInterestKind count;
} List;

static const List lists[] = {
	{BE_EVENT_TYPE, BE_INTEREST_TYPE, BE_INTEREST_TYPES},
	{BE_EVENT_ACTION, BE_INTEREST_ACTION, BE_INTEREST_ACTIONS},
	{BE_EVENT_PROJECT, BE_INTEREST_PROJECT, BE_INTEREST_PROJECTS},
	{BE_EVENT_BUG, BE_INTEREST_BUG, BE_INTEREST_BUGS},
};

static BeInterestAnswer
list_answer(const List *list, BeSpan interest, const BeEvent *event)
{
	BeInterestAnswer answer = BE_INTERESTED;
	BeInterest	one;

	while (be_interest_next(&interest, &one))
	{
		if (one.kind == list->count)
			return BE_PERHAPS_INTERESTED;
		if (one.kind != list->one)
			continue;
		if (be_span_is(event->field[list->field], one.value))
			return BE_INTERESTED;
		answer = BE_NOT_INTERESTED;
	}
	return answer;
}

static bool
wants_nothing(BeSpan interest)
{
	BeInterest	one;

	while (be_interest_next(&interest, &one))
		if (one.kind == BE_INTEREST_NOTHING)
			return true;
	return false;
}

BeInterestAnswer
be_interest_in(BeSpan interest, const BeEvent *event)
{
	BeInterestAnswer all = wants_nothing(interest) ? BE_NOT_INTERESTED : BE_INTERESTED;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]) && all != BE_NOT_INTERESTED; i++)
	{
		BeInterestAnswer one = list_answer(&lists[i], interest, event);

		if (one != BE_INTERESTED)
			all = one;
	}
	return all;
}
