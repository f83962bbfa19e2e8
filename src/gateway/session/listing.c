/*
 * listing.c - a list that a client asks for, page by page.
 *
 * Model: rows come in rounds, each a question of its own; what the client may see and wants of them
 * is kept until the page is full, and one row more is known to be for it, or there are none.  So a
 * page ends by what the client sees, and the place behind it is sealed (place.h): neither says what
 * stands in between.  The other end says behind the records of a round whether there are more, and
 * the place that it reached:
 *
 *	+TABLE:KEY	there are more		.TABLE:KEY	there are none
 *
 * Memory: what a client may see of one page, and one round.
 *
 * Cost: LOOKED_MAX rows for a page at the most, and PAGE_BYTES of what is seen.  Who sees few
 * of a great many rows gets pages that are shorter than was asked for, even empty ones, before
 * the last.
 */
#include "gateway/session/listing.h"

#include <stdlib.h>
#include <string.h>

#include "common/pipe/body.h"
#include "common/program/memory.h"
#include "gateway/session/place.h"
#include "gateway/session/reply.h"
#include "gateway/stream/subscription_reader.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX     1000
#define ROUND_MIN     100 /* rows */
#define LOOKED_MAX    10000
#define PAGE_BYTES    (256 * 1024)
#define WHERE_MAX     2048 /* bytes of a question */

typedef struct Listing
{
	BevVerb verb;
	json_t *filter;          /* the request without its limit and place */
	BevSubscription *wanted; /* of the rows that are seen; NULL: all */
	char *bound;             /* what places are bound to */
	char *from;              /* where the next round begins; NULL: at the beginning */
	char *end;               /* behind the last row of a full page */
	uint32_t limit;
	uint32_t round; /* rows asked for in this one */
	uint32_t seen;
	uint32_t looked_at;
	bool has_more;  /* rows, that is; whether for the client, isn't known */
	bool sees_more; /* a row for the client stands behind a full page */
	uint64_t seq;   /* of the first round */
	BevText items;
} Listing;

static void
free_listing(void *state)
{
	Listing *listing = state;

	json_decref(listing->filter);
	bev_subscription_free(listing->wanted);
	free(listing->bound);
	free(listing->from);
	free(listing->end);
	bev_text_free(&listing->items);
	free(listing);
}

/* ---- The page ---- */

/* "TABLE:" and a key. */
static void
set_place(char **place, BevSpan table, BevSpan key)
{
	BevText text = {0};

	bev_text_add(&text, table.data, table.len);
	bev_text_add(&text, key.data, key.len);
	bev_text_add(&text, "", 1);
	free(*place);
	*place = text.data;
}

static bool
is_full(const Listing *listing)
{
	return listing->seen == listing->limit || listing->items.len >= PAGE_BYTES;
}

/* What stands behind the records; the table of its place is that of all of them. */
typedef struct Reached
{
	bool has_more;
	BevSpan place;
	BevSpan table; /* with the colon */
} Reached;

static bool
read_reached(BevSpan rest, Reached *reached)
{
	const char *colon;

	if (rest.len == 0 || (rest.data[0] != '+' && rest.data[0] != '.'))
		return false;
	*reached = (Reached){.has_more = rest.data[0] == '+', .place = {rest.data + 1, rest.len - 1}};
	colon = memchr(reached->place.data, ':', reached->place.len);
	reached->table =
		(BevSpan){reached->place.data, colon ? (uint32_t) (colon + 1 - reached->place.data) : 0};
	return true;
}

static void
add_record(Listing *listing, const BevSession *session, const BevEvent *event,
           const Reached *reached)
{
	bev_text_add_string(&listing->items, listing->seen++ > 0 ? "," : "");
	bev_question_add_row(&listing->items, session, event);
	if (is_full(listing))
		set_place(&listing->end, reached->table, event->field[BEV_EVENT_KEY]);
}

static bool
is_for(const Listing *listing, const BevSession *session, const BevEvent *event)
{
	return bev_question_may_see(session, event) &&
	       bev_subscription_passes_event(listing->wanted, event, session->principals.is_admin,
	                                     true);
}

/* Take what is seen of a round; false: malformed. */
static bool
take_records(Listing *listing, const BevSession *session, uint32_t count, BevSpan rest)
{
	BevSpan behind = rest;
	Reached reached;
	BevEvent event;

	for (uint32_t i = 0; i < count; i++)
		if (!bev_body_next_record(&behind, &event))
			return false;
	if (!read_reached(behind, &reached))
		return false;
	listing->has_more = reached.has_more;
	for (uint32_t i = 0; i < count && !listing->sees_more; i++)
	{
		(void) bev_body_next_record(&rest, &event);
		if (is_full(listing))
			listing->sees_more = is_for(listing, session, &event);
		else if (is_for(listing, session, &event))
			add_record(listing, session, &event, &reached);
	}
	set_place(&listing->from, reached.place, (BevSpan){NULL, 0});
	return true;
}

static void
reply_page(BevSession *session, const char *id, Listing *listing)
{
	BevText text = {0};
	const char *place = is_full(listing) ? listing->end : listing->from;
	char *next = NULL;

	if (listing->sees_more || listing->has_more)
		next = bev_place_seal((BevSpan){place, (uint32_t) strlen(place)}, listing->bound);
	bev_text_add_string(&text, "{\"items\":[");
	bev_text_add(&text, listing->items.data, listing->items.len);
	bev_text_add_string(&text, "],\"next\":");
	if (next)
		bev_text_add_json(&text, next, strlen(next));
	else
		bev_text_add_string(&text, "null");
	bev_text_add(&text, "}", 2);
	bev_reply_as_of(session, id, listing->seq, text.data);
	bev_text_free(&text);
	free(next);
}

/* ---- Rounds ---- */

static void ask_round(BevQuestions *questions, BevSession *session, const char *id,
                      Listing *listing);

static bool
on_rows(BevQuestions *questions, BevSession *session, const char *id,
        const BevAnswerMessage *answer, BevSpan rest, void **state)
{
	Listing *listing = *state;

	if (answer->kind == BEV_ANSWER_ERROR)
	{
		bev_question_report(session, id, answer, rest);
		return true;
	}
	if (answer->kind != BEV_ANSWER_ROWS || !take_records(listing, session, answer->count, rest))
		return false;
	if (listing->looked_at == 0)
		listing->seq = answer->seq;
	listing->looked_at += listing->round;
	if (listing->sees_more || !listing->has_more || listing->looked_at >= LOOKED_MAX)
		reply_page(session, id, listing);
	else
	{
		*state = NULL; /* the next round's */
		ask_round(questions, session, id, listing);
	}
	return true;
}

static void
ask_round(BevQuestions *questions, BevSession *session, const char *id, Listing *listing)
{
	json_t *payload = json_copy(listing->filter);
	uint32_t left = listing->limit - listing->seen;
	char *text;

	listing->round = left < ROUND_MIN ? ROUND_MIN : left;
	json_object_set_new(payload, "limit", json_integer(listing->round));
	if (listing->from)
		json_object_set_new(payload, "after", json_string(listing->from));
	text = json_dumps(payload, JSON_COMPACT);
	bev_question_ask_for(questions, session, id, listing->verb, text, on_rows, listing,
	                     free_listing);
	free(text);
	json_decref(payload);
}

/* ---- The request ---- */

/* A number of rows, as a number or as text; 0: it is none. */
static uint32_t
read_limit(const json_t *limit)
{
	json_int_t value = 0;
	char *end;

	if (limit == NULL || json_is_null(limit))
		return LIMIT_DEFAULT;
	if (json_is_integer(limit))
		value = json_integer_value(limit);
	else if (json_is_string(limit) && *json_string_value(limit))
	{
		value = strtol(json_string_value(limit), &end, 10);
		value = *end == '\0' ? value : 0;
	}
	return value >= 1 && value <= LIMIT_MAX ? (uint32_t) value : 0;
}

/* Whose list, and of what: a place means something there only. */
static char *
make_bound(const BevSession *session, const json_t *filter)
{
	char *text = json_dumps(filter, JSON_COMPACT | JSON_SORT_KEYS);
	BevText bound = {0};

	bev_text_add_json(&bound, session->user_id, strlen(session->user_id));
	bev_text_add(&bound, text, strlen(text) + 1);
	free(text);
	return bound.data;
}

/*
 * What the database is asked for is only to spare it rows: which of them pass is judged here, and a
 * long list of values would not fit into a question.
 */
static void
keep_where(Listing *listing)
{
	json_t *where = json_object_get(listing->filter, "where");
	char *text = where ? json_dumps(where, JSON_COMPACT) : NULL;

	if (listing->verb != BEV_VERB_LIST || (text && strlen(text) > WHERE_MAX))
		json_object_del(listing->filter, "where");
	json_object_del(listing->filter, "any");
	free(text);
}

static void
refuse(BevSession *session, const char *id, const char *field, const char *message)
{
	char more[64];

	snprintf(more, sizeof(more), ",\"field\":\"%s\"", field);
	bev_reply_error_with(session, id, "invalid_field", message, more);
}

void
bev_listing_ask(BevQuestions *questions, BevSession *session, const char *id, BevVerb verb,
                const json_t *payload)
{
	const json_t *after = json_object_get(payload, "after");
	Listing *listing = bev_alloc(sizeof(*listing));
	BevSubscriptionFault fault = {0};

	*listing = (Listing){.verb = verb, .filter = json_copy((json_t *) payload)};
	json_object_del(listing->filter, "limit");
	json_object_del(listing->filter, "after");
	listing->bound = make_bound(session, listing->filter);
	(void) bev_subscription_read_where(payload, &listing->wanted, &fault);
	keep_where(listing);
	listing->limit = read_limit(json_object_get(payload, "limit"));
	if (json_is_string(after))
		listing->from = bev_place_open(json_string_value(after), listing->bound);

	if (fault.field)
		refuse(session, id, fault.field, fault.message);
	else if (listing->limit == 0)
		refuse(session, id, "limit", "expected a number from 1 to 1000");
	else if (after && !json_is_null(after) && listing->from == NULL)
		refuse(session, id, "after", "expected what a page of this list gave as next");
	else
	{
		ask_round(questions, session, id, listing);
		return;
	}
	free_listing(listing);
}
