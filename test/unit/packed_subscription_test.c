/*
 * packed_subscription_test.c - what a client wants, as bytes: written, read, and asked about events.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/stream/subscription.h"
#include "tap.h"

static BevSpan
span_of(const char *text)
{
	return (BevSpan){text, (uint32_t) strlen(text)};
}

static BevEvent
event_of(const char *type, const char *action, const char *project, const char *bug)
{
	BevEvent event = {0};

	event.field[BEV_EVENT_TYPE] = span_of(type);
	event.field[BEV_EVENT_ACTION] = span_of(action);
	event.field[BEV_EVENT_PROJECT] = span_of(project);
	event.field[BEV_EVENT_BUG] = span_of(bug);
	event.field[BEV_EVENT_PAYLOAD] = span_of("{\"status\":\"open\"}");
	return event;
}

/* In memory of its own, so that each overrun shows. */
static BevSelectionAnswer
ask(BevSpan packed, const BevEvent *event)
{
	char *copy = malloc(packed.len + 1);
	void *memory = malloc(bev_selection_size(packed));
	BevSelection *selection;
	BevSubject subject;
	BevSelectionAnswer answer;
	char *facts;

	memcpy(copy, packed.data, packed.len);
	selection = bev_selection_make((BevSpan){copy, packed.len}, memory);
	facts = malloc(bev_selection_facts_room(selection));
	bev_selection_subject(selection, event, true, false, facts, &subject);
	answer = bev_selection_judge(selection, &subject);
	free(facts);
	free(memory);
	free(copy);
	return answer;
}

#define PACKED(text) ((BevSpan){text, sizeof(text)}) /* with the last zero */

static void
test_answers(void)
{
	const struct
	{
		const char *name;
		BevSpan packed;
		BevSelectionAnswer answer;
	} cases[] = {
		{"everything", {"", 0}, BEV_SUBSCRIBED},
		{"its type", PACKED("tcomment"), BEV_SUBSCRIBED},
		{"its type among others", PACKED("tuser\0tcomment"), BEV_SUBSCRIBED},
		{"other types", PACKED("tuser\0tbug_report"), BEV_NOT_SUBSCRIBED},
		{"the beginning of its type", PACKED("tcomm"), BEV_NOT_SUBSCRIBED},
		{"all four", PACKED("tcomment\0acreated\0p7\0b12"), BEV_SUBSCRIBED},
		{"another action", PACKED("tcomment\0adeleted\0p7\0b12"), BEV_NOT_SUBSCRIBED},
		{"another project", PACKED("p8"), BEV_NOT_SUBSCRIBED},
		{"another bug", PACKED("b1"), BEV_NOT_SUBSCRIBED},
		{"conflated", PACKED("c"), BEV_SUBSCRIBED},
		{"nothing", PACKED("n"), BEV_NOT_SUBSCRIBED},
		{"nothing of its type", PACKED("n\0tcomment"), BEV_NOT_SUBSCRIBED},
		{"types that aren't told", PACKED("T1000"), BEV_PERHAPS_SUBSCRIBED},
		{"the same, of another project", PACKED("T1000\0p8"), BEV_NOT_SUBSCRIBED},
		{"the same the other way round", PACKED("tuser\0B99"), BEV_NOT_SUBSCRIBED},
		{"the same, of its project", PACKED("p7\0B99"), BEV_PERHAPS_SUBSCRIBED},
		{"a value", PACKED("wstatus\0v=open"), BEV_SUBSCRIBED},
		{"another value", PACKED("wstatus\0v=shut"), BEV_NOT_SUBSCRIBED},
		{"a condition without values", PACKED("wstatus"), BEV_NOT_SUBSCRIBED},
		{"a value without a condition", PACKED("v=shut"), BEV_SUBSCRIBED},
		{"conditions that aren't told", PACKED("W2"), BEV_PERHAPS_SUBSCRIBED},
		{"one that is, and others", PACKED("wstatus\0v=shut\0W2"), BEV_NOT_SUBSCRIBED},
		{"the second alternative", PACKED("o\0tuser\0o\0wstatus\0v=open"), BEV_SUBSCRIBED},
		{"none of them", PACKED("o\0tuser\0o\0p8"), BEV_NOT_SUBSCRIBED},
		{"one, and not what is for all", PACKED("tuser\0o\0tcomment"), BEV_NOT_SUBSCRIBED},
		{"an empty one", PACKED("o"), BEV_SUBSCRIBED},
		{"alternatives that aren't told", PACKED("O3"), BEV_PERHAPS_SUBSCRIBED},
		{"the same, of another type", PACKED("tuser\0O3"), BEV_NOT_SUBSCRIBED},
	};
	BevEvent event = event_of("comment", "created", "7", "12");
	BevEvent without = event_of("build", "done", "", "");

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		tap_ok(ask(cases[i].packed, &event) == cases[i].answer, cases[i].name);
	tap_ok(ask(PACKED("p7"), &without) == BEV_NOT_SUBSCRIBED, "an event without a project");
}

/* Each piece of it in a memory of its own, so that each overrun shows. */
static void
test_cut(void)
{
	static const char whole[] = "tcomment\0p7\0c";
	bool good = true;

	for (uint32_t len = 0; len <= sizeof(whole); len++)
	{
		char *copy = malloc(len ? len : 1);
		BevSpan rest = {copy, len};
		BevPackedSubscription one;
		int n = 0;

		memcpy(copy, whole, len);
		while (bev_packed_subscription_next(&rest, &one))
			n++;
		good &= n == (len >= 14) + (len >= 12) + (len >= 9) &&
		        (rest.len == 0) == (len == 0 || len == 9 || len == 12 || len == 14);
		free(copy);
	}
	tap_ok(good, "cut anywhere it is shorter, or none");
}

/* What is written of a subscription with so many entries in each list. */
static uint32_t
write_lists(int types, int bugs, char *bytes)
{
	BevSubscription *subscription = bev_subscription_create();
	uint32_t len = 0;
	char text[32];

	for (int i = 0; i < types; i++)
	{
		snprintf(text, sizeof(text), "type_%d", i);
		bev_subscription_add(subscription, BEV_BY_TYPE, text);
	}
	for (int i = 0; i < bugs; i++)
	{
		snprintf(text, sizeof(text), "%d", i);
		bev_subscription_add(subscription, BEV_BY_BUG, text);
	}
	bev_subscription_seal(subscription);
	(void) bev_packed_subscription_add(bytes, BEV_PACKED_SUBSCRIPTION_TOLD, &len,
	                                   BEV_PACKED_SUBSCRIPTION_CONFLATED, span_of(""));
	bev_subscription_write(subscription, bytes, &len);
	bev_subscription_free(subscription);
	return len;
}

static bool
is_written(int types, int bugs, const char *wanted, uint32_t size)
{
	char *bytes = malloc(BEV_PACKED_SUBSCRIPTION_TOLD);
	uint32_t len = write_lists(types, bugs, bytes);
	bool same = len == size && memcmp(bytes, wanted, size) == 0;

	free(bytes);
	return same;
}

static void
test_written(void)
{
	char bytes[BEV_PACKED_SUBSCRIPTION_TOLD];
	uint32_t len = 0;
	bool good = true;

	bev_subscription_write(NULL, bytes, &len);
	tap_ok(len == 0, "none narrows nothing");
	tap_ok(is_written(2, 1, "c\0ttype_0\0ttype_1\0b0", 21), "lists that fit");
	tap_ok(is_written(1000, 1, "c\0T1000\0b0", 11), "one that doesn't is a number");
	tap_ok(is_written(1000, 1000, "c\0T1000\0B1000", 14), "so is each");
	for (int types = 0; types <= 60; types++)
		for (int bugs = 0; bugs <= 120; bugs++)
		{
			BevSpan rest = {bytes, write_lists(types, bugs, bytes)};
			BevPackedSubscription one;
			int seen_types = 0;
			int seen_bugs = 0;

			while (bev_packed_subscription_next(&rest, &one))
			{
				seen_types += one.kind == 't' ? 1 : one.kind == 'T' ? atoi(one.value) : 0;
				seen_bugs += one.kind == 'b' ? 1 : one.kind == 'B' ? atoi(one.value) : 0;
			}
			good &= rest.len == 0 && seen_types == types && seen_bugs == bugs;
		}
	tap_ok(good, "of any length: all of a list, or how many");
}

/* A condition and alternatives of growing length: told whole, or by their number. */
static void
test_told(void)
{
	char bytes[BEV_PACKED_SUBSCRIPTION_TOLD];
	bool good = true;
	bool was_told = true;

	for (int n = 1; n <= 200; n++)
	{
		BevSubscription *subscription = bev_subscription_create();
		BevSpan rest = {bytes, 0};
		BevSpan common;
		BevSpan alternative;
		char text[8];
		int alternatives = 0;
		bool told;

		bev_subscription_where(subscription, "status");
		for (int i = 0; i < n; i++)
			bev_subscription_value(subscription,
			                       (BevSpan){text, (uint32_t) sprintf(text, "=%d", i)});
		for (int i = 0; i < n && i < BEV_SUBSCRIPTION_ALTERNATIVES_MAX; i++)
		{
			bev_subscription_or(subscription);
			bev_subscription_add(subscription, BEV_BY_TYPE, "comment");
		}
		bev_subscription_seal(subscription);
		bev_subscription_write(subscription, bytes, &rest.len);
		common = bev_packed_subscription_common(&rest);
		told = common.len > 4 && common.data[0] == 'w';
		while (bev_packed_subscription_alternative(&rest, &alternative))
			alternatives++;
		good &= rest.len == 0 && (told || (common.len > 2 && memcmp(common.data, "W1", 3) == 0));
		good &= was_told || !told; /* longer ones aren't either */
		good &= alternatives == 0 || alternatives == (n < 32 ? n : 32);
		was_told = told;
		bev_subscription_free(subscription);
	}
	tap_ok(good && !was_told, "so are conditions and alternatives");
}

int
main(void)
{
	test_told();
	test_answers();
	test_cut();
	test_written();
	return tap_done();
}
