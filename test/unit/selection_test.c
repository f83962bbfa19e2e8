/*
 * selection_test.c - what passes a filter: scalars, each rule by an example, and random filters and
 * events beside a plain reference, by the event, by its frame and by the index.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/stream/asked_fields.h"
#include "gateway/stream/chunk.h"
#include "gateway/stream/subscription_index.h"
#include "gateway/stream/subscription_reader.h"
#include "make_event.h"
#include "tap.h"

static BevSpan
span_of(const char *text)
{
	return (BevSpan){text, (uint32_t) strlen(text)};
}

/* ---- scalars ---- */

static void
test_scalars(void)
{
	static const struct
	{
		const char *json;
		const char *form; /* "": none */
	} cases[] = {
		{"7", "=7"},
		{"\"7\"", "=7"},
		{"7.0", "=7"},
		{"70e-1", "=7"},
		{"0.7E1", "=7"},
		{"-7", "=-7"},
		{"-0", "=0"},
		{"0.000", "=0"},
		{"\"007\"", "=007"},
		{"\"7.0\"", "=7.0"},
		{"9007199254740993", "=9007199254740993"},
		{"9007199254740993.0", "=9007199254740993"},
		{"0.1", "=0.1"},
		{"0.10", "=0.1"},
		{"100.250", "=100.25"},
		{"0.000012", "=0.000012"},
		{"0.0000001", "=1e-7"},
		{"1e20", "=100000000000000000000"},
		{"1e+20", "=100000000000000000000"},
		{"1.5e300", "=1.5e300"},
		{"15e299", "=1.5e300"},
		{"1e99999999999", ""},
		{"true", "+"},
		{"false", "-"},
		{"null", "0"},
		{"\"true\"", "=true"},
		{"\"null\"", "=null"},
		{"\"\"", "="},
		{"\"a\\\"b\\\\c\\/\"", "=a\"b\\c/"},
		{"\"\\u00e9\"", "=\xc3\xa9"},
		{"\"\\ud83d\\ude00\"", "=\xf0\x9f\x98\x80"},
		{"\"\\ud83d\"", ""},
		{"\"\\ude00\"", ""},
		{"\"\\u00\"", ""},
		{"\"a\\nb\"", ""},
		{"\"\\u0000\"", ""},
		{"[7]", ""},
		{"{}", ""},
		{"nul", ""},
		{"-", ""},
		{"1e", ""},
		{".", ""},
		{"\"", ""},
		{"\"\\", ""},
		{"", ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		size_t len = strlen(cases[i].json);
		char *json = malloc(len ? len : 1); /* so that each overrun shows */
		char form[BEV_SCALAR_ROOM];

		memcpy(json, cases[i].json, len);
		tap_is(form, bev_scalar_read((BevSpan){json, (uint32_t) len}, form), cases[i].form,
		       *cases[i].json ? cases[i].json : "nothing");
		free(json);
	}
}

static void
test_long_scalars(void)
{
	bool good = true;

	for (uint32_t n = 250; n < 520; n++)
	{
		char *json = malloc(n + 2);
		char form[BEV_SCALAR_ROOM];
		BevSpan text = {json, n + 2};

		memset(json, 'x', n + 2);
		json[0] = json[n + 1] = '"';
		good &= bev_scalar_read(text, form) == (n <= BEV_SCALAR_TEXT_MAX ? n + 1 : 0);
		memset(json, '7', n + 2);
		good &= bev_scalar_read(text, form) == 0 || n + 2 <= BEV_SCALAR_TEXT_MAX;
		json[0] = '1';
		memset(json + 1, '0', n + 1);
		good &= n + 2 > BEV_SCALAR_TEXT_MAX ||
		        (bev_scalar_read(text, form) == 6 && memcmp(form, "=1e", 3) == 0);
		free(json);
	}
	tap_ok(good, "what is too long has no form");
}

/* ---- by examples ---- */

static BevSubscription *
read_filter(const char *text)
{
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	static const char *const none[] = {NULL};
	BevSubscription *subscription = NULL;
	BevSubscriptionFault fault = {0};

	if (!bev_subscription_read(json, none, &subscription, &fault))
		printf("# refused: %s: %s\n", fault.field, fault.message);
	json_decref(json);
	return subscription;
}

/* An event of bug 12 in project 7, by what admins get of it if open is NULL. */
static bool
passes(const char *filter, const char *type, const char *action, const char *payload,
       const char *changes, const char *open)
{
	bool keyless = strcmp(action, "truncated") == 0 || strcmp(action, "reload") == 0;
	const char *text[BEV_EVENT_FIELDS] = {type,
	                                      action,
	                                      "all",
	                                      keyless                     ? "" :
	                                      strcmp(type, "schema") == 0 ? "comment" :
	                                                                    "12",
	                                      keyless ? "" : "7",
	                                      keyless ? "" : "12",
	                                      payload,
	                                      changes,
	                                      open};
	size_t size;
	char *record = make_event(text, &size);
	BevSubscription *subscription = read_filter(filter);
	BevEvent event;
	bool result;

	if (!bev_event_read(record, size, &event))
		abort();
	result =
		subscription && bev_subscription_passes_event(subscription, &event, open == NULL, false);
	bev_subscription_free(subscription);
	free(record);
	return result;
}

static void
test_examples(void)
{
	static const char bug[] =
		"{\"id\":12,\"status\":\"open\",\"assignee_id\":null,\"urgent\":true,\"project_id\":7,"
		"\"tags\":[\"a\"],\"more\":{\"status\":\"closed\"},\"score\":1.50}";
	static const struct
	{
		const char *name;
		const char *filter;
		bool passes;
	} cases[] = {
		{"a value", "{\"where\":{\"status\":\"open\"}}", true},
		{"another value", "{\"where\":{\"status\":\"closed\"}}", false},
		{"one of several", "{\"where\":{\"status\":[\"closed\",\"open\"]}}", true},
		{"two fields", "{\"where\":{\"status\":\"open\",\"urgent\":true}}", true},
		{"two, one of which isn't", "{\"where\":{\"status\":\"open\",\"urgent\":false}}", false},
		{"null", "{\"where\":{\"assignee_id\":null}}", true},
		{"null or a value", "{\"where\":{\"assignee_id\":[7,null]}}", true},
		{"a field that is not there", "{\"where\":{\"severity\":null}}", false},
		{"a text for true", "{\"where\":{\"urgent\":\"true\"}}", false},
		{"a number", "{\"where\":{\"id\":12}}", true},
		{"a text for a number", "{\"where\":{\"id\":\"12\"}}", true},
		{"a text that isn't the number", "{\"where\":{\"id\":\"012\"}}", false},
		{"another spelling of a number", "{\"where\":{\"score\":1.5}}", true},
		{"an array", "{\"where\":{\"tags\":\"a\"}}", false},
		{"a member of an object", "{\"where\":{\"more\":\"closed\"}}", false},
		{"with the type", "{\"types\":[\"bug_report\"],\"where\":{\"id\":12}}", true},
		{"with another type", "{\"types\":[\"comment\"],\"where\":{\"id\":12}}", false},
		{"with the project", "{\"project_ids\":[7],\"where\":{\"id\":12}}", true},
		{"one of two", "{\"any\":[{\"where\":{\"id\":1}},{\"where\":{\"status\":\"open\"}}]}",
	     true},
		{"neither", "{\"any\":[{\"where\":{\"id\":1}},{\"types\":[\"comment\"]}]}", false},
		{"one of two, and all", "{\"types\":[\"bug_report\"],\"any\":[{\"project_ids\":[7]}]}",
	     true},
		{"one of two, but not all", "{\"types\":[\"comment\"],\"any\":[{\"project_ids\":[7]}]}",
	     false},
		{"any that asks nothing", "{\"any\":[{}]}", true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		tap_ok(passes(cases[i].filter, "bug_report", "updated", bug, "", NULL) == cases[i].passes,
		       cases[i].name);
}

static void
test_versions(void)
{
	static const char closed[] =
		"{\"id\":12,\"status\":\"closed\",\"assignee_id\":8,\"project_id\":7}";
	static const char changes[] = "{\"status\":[\"open\",\"closed\"],\"assignee_id\":[7,8]}";

	tap_ok(
		passes("{\"where\":{\"status\":\"open\"}}", "bug_report", "updated", closed, changes, NULL),
		"an update passes by what it was");
	tap_ok(passes("{\"where\":{\"status\":\"closed\"}}", "bug_report", "updated", closed, changes,
	              NULL),
	       "and by what it is");
	tap_ok(passes("{\"where\":{\"status\":\"open\",\"assignee_id\":7}}", "bug_report", "updated",
	              closed, changes, NULL),
	       "all of it");
	tap_ok(!passes("{\"where\":{\"status\":\"open\",\"assignee_id\":8}}", "bug_report", "updated",
	               closed, changes, NULL),
	       "but not by what it never was");
	tap_ok(!passes("{\"where\":{\"status\":\"open\"},\"any\":[{\"where\":{\"assignee_id\":8}}]}",
	               "bug_report", "updated", closed, changes, NULL),
	       "nor by a part of each");
	tap_ok(passes("{\"project_ids\":[3]}", "bug_report", "updated", closed,
	              "{\"project_id\":[3,7]}", NULL),
	       "a list of projects knows where it was");
	tap_ok(!passes("{\"project_ids\":[3]}", "bug_report", "updated", closed,
	               "{\"project_id\":[4,7]}", NULL),
	       "and where it wasn't");
	tap_ok(passes("{\"project_ids\":[7],\"where\":{\"status\":\"open\"}}", "bug_report",
	              "moved_out", "{\"id\":12}", "", NULL),
	       "who asks for what moved_out doesn't say gets it");
	tap_ok(!passes("{\"where\":{\"id\":13}}", "bug_report", "moved_out", "{\"id\":12}", "", NULL),
	       "who asks for what it says gets what is so");
	tap_ok(passes("{\"where\":{\"status\":\"open\"},\"project_ids\":[1]}", "bug_report",
	              "truncated", "{\"table\":\"bugs\"}", "", NULL),
	       "truncated is about all rows");
	tap_ok(!passes("{\"types\":[\"comment\"]}", "bug_report", "reload", "{\"table\":\"bugs\"}", "",
	               NULL),
	       "of its type");
	tap_ok(passes("{\"types\":[\"comment\"],\"where\":{\"id\":1}}", "schema", "changed", "{}", "",
	              NULL),
	       "a schema is told to whom takes that type");
	tap_ok(!passes("{\"types\":[\"project\"]}", "schema", "changed", "{}", "", NULL),
	       "and no other");
	tap_ok(!passes("{\"where\":{\"email\":\"x\"}}", "user", "updated",
	               "{\"id\":12,\"email\":\"x\"}", "", "{\"id\":12}"),
	       "what somebody doesn't see isn't compared for him");
	tap_ok(passes("{\"where\":{\"email\":\"x\"}}", "user", "updated", "{\"id\":12,\"email\":\"x\"}",
	              "", NULL),
	       "but for admins");
}

static void
test_refused(void)
{
	static const char *const refused[] = {
		"{\"where\":7}",
		"{\"where\":{\"status\":[]}}",
		"{\"where\":{\"status\":[[1]]}}",
		"{\"where\":{\"status\":{\"not\":\"open\"}}}",
		"{\"where\":{\"\":1}}",
		"{\"where\":{\"a\\nb\":1}}",
		"{\"where\":{\"status\":\"a\\nb\"}}",
		"{\"any\":[]}",
		"{\"any\":{}}",
		"{\"any\":[7]}",
		"{\"any\":[{\"any\":[{}]}]}",
		"{\"any\":[{\"conflate\":true}]}",
		"{\"any\":[{\"where\":[]}]}",
		"{\"wehre\":{}}",
	};
	static const char *const none[] = {NULL};

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
	{
		json_t *json = json_loads(refused[i], 0, NULL);
		BevSubscription *subscription;
		BevSubscriptionFault fault = {0};

		tap_ok(!bev_subscription_read(json, none, &subscription, &fault) && fault.field &&
		           subscription == NULL,
		       refused[i]);
		json_decref(json);
	}
}

static bool
is_read(const char *form, int n)
{
	json_t *json = json_pack("{s:{}}", "where");
	json_t *where = json_object_get(json, "where");
	json_t *any = json_array();
	json_t *values = json_array();
	static const char *const none[] = {NULL};
	BevSubscription *subscription;
	BevSubscriptionFault fault;
	bool good;

	for (int i = 0; i < n; i++)
	{
		char name[64];

		snprintf(name, sizeof(name), "f%d", i);
		if (*form == 'w')
			json_object_set_new(where, name, json_integer(i));
		json_array_append_new(values, json_integer(i));
		json_array_append_new(any, json_object());
	}
	if (*form == 'v')
		json_object_set(where, "f", values);
	if (*form == 'a')
		json_object_set(json, "any", any);
	good = bev_subscription_read(json, none, &subscription, &fault);
	bev_subscription_free(subscription);
	json_decref(json);
	json_decref(any);
	json_decref(values);
	return good;
}

static void
test_limits(void)
{
	tap_ok(is_read("w", 16) && !is_read("w", 17), "16 fields");
	tap_ok(is_read("v", 1000) && !is_read("v", 1001), "1000 values of each");
	tap_ok(is_read("a", 32) && !is_read("a", 33), "32 alternatives");
}

/* ---- at random, beside a reference ---- */

#define FIELDS    4
#define VALUES    8
#define SPELLINGS 4

/* Values of the reference, each with ways to write it; the last one can't be asked for. */
static const char *const spelling[VALUES][SPELLINGS] = {
	{"7", "\"7\"", "7.0", "70e-1"},
	{"\"open\"", "\"\\u006fpen\"", "\"open\"", "\"op\\u0065n\""},
	{"true", "true", "true", "true"},
	{"null", "null", "null", "null"},
	{"\"07\"", "\"07\"", "\"0\\u0037\"", "\"07\""},
	{"0.5", "5e-1", "0.50", "\"0.5\""},
	{"false", "false", "false", "false"},
	{"[7]", "{\"a\":7}", "[]", "\"a\\nb\""},
};

static const char *const field_name[FIELDS] = {"status", "project_id", "b", "assignee_id"};
static const char *const type_name[] = {"bug_report", "comment"};
static const char *const action_name[] = {"created", "updated", "moved_out", "reload"};

/* 0: no such field */
typedef struct Row
{
	int value[FIELDS];
} Row;

typedef struct Case
{
	int type;
	int action;
	Row now;
	Row before;
	char payload[512];
	char changes[512];
} Case;

/* One filter: by bits, one for each possibility; 0: it doesn't ask. */
typedef struct Filter
{
	int types;
	int actions;
	int projects; /* of values */
	int values[FIELDS];
} Filter;

typedef struct Wish
{
	Filter all;
	Filter any[3];
	int alternatives;
} Wish;

static int
draw(int n)
{
	return rand() % n;
}

static const char *
write_value(int value)
{
	return spelling[value - 1][draw(SPELLINGS)];
}

static Case
draw_case(void)
{
	Case one = {.type = draw(2), .action = draw(4)};
	bool is_update = one.action == 1;
	char *payload = one.payload + sprintf(one.payload, "{\"id\":12");
	char *changes = one.changes + sprintf(one.changes, "{\"x\":[1,2]");

	for (int i = 0; i < FIELDS; i++)
	{
		one.now.value[i] = one.action > 1 ? 0 : draw(VALUES + 1);
		one.before.value[i] = one.now.value[i];
		if (one.now.value[i] == 0)
			continue;
		payload += sprintf(payload, ", \"%s\" : %s", field_name[i], write_value(one.now.value[i]));
		if (!is_update || draw(2))
			continue;
		one.before.value[i] = 1 + draw(VALUES);
		changes += sprintf(changes, ",\"%s\":[%s,%s]", field_name[i],
		                   write_value(one.before.value[i]), write_value(one.now.value[i]));
	}
	strcpy(payload, "}");
	strcpy(changes, is_update ? "}" : "");
	if (!is_update)
		*one.changes = '\0';
	return one;
}

static Filter
draw_filter(void)
{
	Filter filter = {.types = draw(3) ? 0 : 1 + draw(3), .actions = draw(4) ? 0 : 1 + draw(15)};

	filter.projects = draw(3) ? 0 : 1 << draw(2);
	for (int i = 0; i < FIELDS; i++)
		filter.values[i] = draw(3) ? 0 : 1 + draw((1 << (VALUES - 1)) - 1);
	return filter;
}

static bool
filter_holds(const Filter *filter, const Case *one, const Row *row)
{
	if (filter->types && !(filter->types >> one->type & 1))
		return false;
	if (filter->actions && !(filter->actions >> one->action & 1))
		return false;
	if (one->action == 3)
		return true;
	/* Its project is what moved_out says beside its payload: none, here. */
	if (filter->projects &&
	    (row->value[1] == 0 || row->value[1] > 2 || !(filter->projects >> (row->value[1] - 1) & 1)))
		return false;
	for (int i = 0; i < FIELDS; i++)
		if (filter->values[i] && !(one->action == 2 && row->value[i] == 0) &&
		    (row->value[i] == 0 || !(filter->values[i] >> (row->value[i] - 1) & 1)))
			return false;
	return true;
}

static bool
row_passes(const Wish *wish, const Case *one, const Row *row)
{
	bool any = wish->alternatives == 0;

	for (int i = 0; i < wish->alternatives; i++)
		any |= filter_holds(&wish->any[i], one, row);
	return any && filter_holds(&wish->all, one, row);
}

static json_t *
json_of(const Filter *filter)
{
	json_t *json = json_object();
	json_t *where = json_object();

	if (filter->types)
		json_object_set_new(json, "types", json_array());
	if (filter->actions)
		json_object_set_new(json, "actions", json_array());
	if (filter->projects)
		json_object_set_new(json, "project_ids",
		                    json_pack("[s]", filter->projects == 1 ? "7" : "open"));
	for (int i = 0; i < 2; i++)
		if (filter->types >> i & 1)
			json_array_append_new(json_object_get(json, "types"), json_string(type_name[i]));
	for (int i = 0; i < 4; i++)
		if (filter->actions >> i & 1)
			json_array_append_new(json_object_get(json, "actions"), json_string(action_name[i]));
	for (int i = 0; i < FIELDS; i++)
	{
		json_t *values = json_array();

		for (int k = 0; k < VALUES - 1; k++)
			if (filter->values[i] >> k & 1)
				json_array_append_new(values,
				                      json_loads(write_value(k + 1), JSON_DECODE_ANY, NULL));
		if (filter->values[i])
			json_object_set(where, field_name[i], values);
		json_decref(values);
	}
	json_object_set_new(json, "where", where);
	return json;
}

static BevSubscription *
draw_wish(Wish *wish)
{
	json_t *json;
	json_t *any = json_array();
	static const char *const none[] = {NULL};
	BevSubscription *subscription = NULL;
	BevSubscriptionFault fault;

	wish->all = draw(2) ? draw_filter() : (Filter){0};
	wish->alternatives = draw(2) ? 0 : 1 + draw(3);
	json = json_of(&wish->all);
	for (int i = 0; i < wish->alternatives; i++)
	{
		wish->any[i] = draw_filter();
		json_array_append_new(any, json_of(&wish->any[i]));
	}
	if (wish->alternatives)
		json_object_set(json, "any", any);
	if (!bev_subscription_read(json, none, &subscription, &fault))
		abort();
	json_decref(any);
	json_decref(json);
	return subscription;
}

#define WISHES 300
#define CASES  400

typedef struct Asker
{
	Wish wish;
	BevSubscription *subscription;
	BevIndexEntry entry;
	bool indexed;
	int found;
} Asker;

static void
on_found(void *owner, void *member)
{
	((Asker *) member)->found = *(int *) owner;
}

/* Does each of three ways say what the reference says? */
static bool
check_asker(const Asker *asker, const Case *one, int n, const BevChunk *chunk,
            const BevEvent *event, const BevAskedFields *asked)
{
	bool wanted = row_passes(&asker->wish, one, &one->now) ||
	              (one->action == 1 && row_passes(&asker->wish, one, &one->before));
	BevLabels labels;

	bev_chunk_labels(chunk, &chunk->frame[n], &labels);
	labels.subject.facts = bev_chunk_facts(chunk, &chunk->frame[n], asked, true);
	return bev_subscription_passes_event(asker->subscription, event, true, false) == wanted &&
	       bev_subscription_passes(asker->subscription, &labels.subject) == wanted &&
	       (!wanted || !asker->indexed || bev_selection_is_sweeping(&labels.subject) ||
	        asker->found == n);
}

static const char *
project_of(const Case *one)
{
	return one->now.value[1] == 1 ? "7" : one->now.value[1] == 2 ? "open" : "";
}

static void
test_random(void)
{
	Asker *askers = calloc(WISHES, sizeof(Asker));
	BevEventsMessage message = {.first_seq = 1, .tx_of = CASES, .xid = 1};
	BevChunk *chunk = bev_chunk_create(0);
	BevAskedFields asked = {0};
	BevSubscriptionIndex index = {0};
	int passed = 0;
	int looked = 0;
	int indexed = 0;
	bool good = true;

	srand(20);
	for (int i = 0; i < WISHES; i++)
	{
		Asker *asker = &askers[i];

		asker->subscription = draw_wish(&asker->wish);
		if (asker->subscription == NULL)
			continue;
		asker->found = -1;
		asker->indexed =
			bev_subscription_index_join(&index, &asker->entry, asker->subscription, asker);
		indexed += asker->indexed;
		bev_asked_fields_add(&asked, bev_subscription_selection(asker->subscription));
	}
	for (int n = 0; n < CASES; n++)
	{
		Case one = draw_case();
		const char *text[BEV_EVENT_FIELDS] = {type_name[one.type],
		                                      action_name[one.action],
		                                      "all",
		                                      one.action == 3 ? "" : "12",
		                                      project_of(&one),
		                                      "",
		                                      one.payload,
		                                      one.changes};
		size_t size;
		char *record = make_event(text, &size);
		BevEvent event;
		BevLabels labels;

		if (!bev_event_read(record, size, &event))
			abort();
		bev_chunk_add(chunk, &message, n, &event);
		bev_chunk_labels(chunk, &chunk->frame[n], &labels);
		labels.subject.facts = bev_chunk_facts(chunk, &chunk->frame[n], &asked, true);
		bev_subscription_index_find(&index, &labels.subject, on_found, &n);
		for (int i = 0; i < WISHES; i++)
		{
			if (askers[i].subscription == NULL)
				continue;
			looked++;
			passed += row_passes(&askers[i].wish, &one, &one.now);
			if (good && !check_asker(&askers[i], &one, n, chunk, &event, &asked))
			{
				good = false;
				printf("# wish %d, event %d: %s %s %s %s\n", i, n, text[0], text[1], one.payload,
				       one.changes);
			}
		}
		free(record);
	}
	tap_ok(good, "random filters let pass what the reference does");
	printf("# %d of %d passed, %d of %d filters in the index\n", passed, looked, indexed, WISHES);
	tap_ok(passed > looked / 50 && passed < looked / 2 && indexed > WISHES / 4 && indexed < WISHES,
	       "and all answers are common");
	for (int i = 0; i < WISHES; i++)
	{
		bev_subscription_index_leave(&index, &askers[i].entry);
		if (askers[i].subscription)
			bev_asked_fields_remove(&asked, bev_subscription_selection(askers[i].subscription));
		bev_subscription_free(askers[i].subscription);
	}
	tap_ok(index.values.groups.count == 0 && asked.names.count == 0, "all are let go of");
	bev_subscription_index_free(&index);
	bev_asked_fields_free(&asked);
	bev_chunk_free(chunk);
	free(askers);
}

/* ---- how many are touched ---- */

static void
count_found(void *owner, void *member __attribute__((unused)))
{
	++*(int *) owner;
}

/* Of ten thousand that ask for what is open, each for another person. */
static void
test_matches(void)
{
	enum
	{
		ASKERS = 10000
	};
	BevIndexEntry *entry = calloc(ASKERS, sizeof(BevIndexEntry));
	BevSubscription **subscription = calloc(ASKERS, sizeof(*subscription));
	BevSubscriptionIndex index = {0};
	BevSubject subject = {0};
	char facts[2 * BEV_FACT_ROOM];
	int found = 0;

	for (int i = 0; i < ASKERS; i++)
	{
		char text[128];

		snprintf(text, sizeof(text), "{\"where\":{\"status\":\"open\",\"assignee_id\":%d}}", i);
		subscription[i] = read_filter(text);
		(void) bev_subscription_index_join(&index, &entry[i], subscription[i], &entry[i]);
	}
	subject.facts.data = facts;
	subject.facts.len = bev_fact_write(span_of("status"), span_of("\"open\""), span_of(""), facts);
	subject.facts.len += bev_fact_write(span_of("assignee_id"), span_of("7"), span_of(""),
	                                    facts + subject.facts.len);
	bev_subscription_index_find(&index, &subject, count_found, &found);
	tap_ok(found >= 1 && found <= 2, "an event touches the one of ten thousand that it is for");
	for (int i = 0; i < ASKERS; i++)
	{
		bev_subscription_index_leave(&index, &entry[i]);
		bev_subscription_free(subscription[i]);
	}
	bev_subscription_index_free(&index);
	free(entry);
	free(subscription);
}

int
main(void)
{
	test_scalars();
	test_long_scalars();
	test_examples();
	test_versions();
	test_refused();
	test_limits();
	test_random();
	test_matches();
	return tap_done();
}
