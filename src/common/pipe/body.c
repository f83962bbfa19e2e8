/*
 * body.c - the bodies of messages: one table of their kinds, from which they are written, read and
 * checked.
 *
 * Model: a body is the struct of its kind (message.h), then bytes behind it.  Bodies are not
 * aligned, so structs are copied out.  The table says what each field must be; what concerns
 * several of them, or the bytes behind them, is in fits_together.
 */
#include "common/pipe/body.h"

#include <string.h>

#include "common/text/utf8.h"

/* Texts are terminated, and have no control characters, which would break a line of a log. */
typedef enum Rule
{
	NO_RULE,
	AT_MOST,
	NOT_ZERO,
	LINE,
	ASCII_LINE,
	UTF8_LINE
} Rule;

typedef struct Field
{
	Rule rule;
	uint16_t offset;
	uint16_t size;
	uint32_t most; /* AT_MOST */
} Field;

typedef struct Body
{
	BevMessageKind kind;
	size_t size;
	bool has_rest;
	Field field[4];
} Body;

#define BODY(kind, name, rest, ...) \
	{ \
		BEV_MSG_##kind, sizeof(Bev##name##Message), rest, \
		{ \
			__VA_ARGS__ \
		} \
	}
#define PLACE(name, field) \
	offsetof(Bev##name##Message, field), sizeof(((Bev##name##Message *) 0)->field)
#define IS(rule, name, field) \
	{ \
		rule, PLACE(name, field), 0 \
	}
#define UP_TO(most, name, field) \
	{ \
		AT_MOST, PLACE(name, field), most \
	}
#define ALONE    false
#define FOLLOWED true

typedef struct BevCountersMessage
{
	uint64_t counter[BEV_COUNTER_KINDS];
} BevCountersMessage;

static const Body bodies[] = {
	BODY(STREAM, Stream, FOLLOWED, IS(LINE, Stream, id)),
	BODY(EVENTS, Events, FOLLOWED, IS(NOT_ZERO, Events, count)),
	BODY(PROGRESS, Progress, ALONE),
	BODY(FETCHED, Fetched, ALONE, UP_TO(BEV_FETCH_GONE, Fetched, result)),
	BODY(ADMIT, Admit, FOLLOWED, UP_TO(BEV_NOT_CHECKED, Admit, verdict),
         IS(UTF8_LINE, Admit, grant.user), IS(UTF8_LINE, Admit, grant.role)),
	BODY(DISCONNECT, Disconnect, ALONE, IS(LINE, Disconnect, reason)),
	BODY(ANSWER, Answer, FOLLOWED, UP_TO(BEV_ANSWER_GRANT, Answer, kind), IS(LINE, Answer, code),
         IS(LINE, Answer, field)),
	BODY(HELLO, Hello, ALONE),
	BODY(LISTEN, Listen, ALONE, IS(NOT_ZERO, Listen, config)),
	BODY(LOG, Log, FOLLOWED, UP_TO(BEV_LOG_WARNING, Log, level)),
	BODY(FETCH, Fetch, ALONE, IS(NOT_ZERO, Fetch, request)),
	BODY(CONDITION, Condition, FOLLOWED),
	BODY(KNOWN, Known, ALONE),
	BODY(SCOPE, Scope, ALONE, UP_TO(1, Scope, whole)),
	BODY(OPEN, Open, FOLLOWED, IS(UTF8_LINE, Open, id), IS(UTF8_LINE, Open, address)),
	BODY(TOKEN, Token, FOLLOWED, UP_TO(BEV_TOKEN_METRICS, Token, use)),
	BODY(AGAIN, Again, ALONE),
	BODY(CLOSED, Closed, ALONE, UP_TO(UINT16_MAX, Closed, code), IS(ASCII_LINE, Closed, reason)),
	BODY(ROLE, Role, ALONE, IS(UTF8_LINE, Role, role)),
	BODY(ASK, Ask, FOLLOWED, UP_TO(BEV_VERBS - 1, Ask, verb)),
	BODY(COUNTERS, Counters, ALONE),
	BODY(ABUSE, Abuse, ALONE, UP_TO(BEV_ABUSE_KINDS - 1, Abuse, kind), IS(NOT_ZERO, Abuse, times),
         IS(LINE, Abuse, address)),
	BODY(SUBSCRIPTION, Subscription, FOLLOWED),
	BODY(SPENT, Spent, ALONE, UP_TO(BEV_SPENT_KINDS - 1, Spent, kind), IS(NOT_ZERO, Spent, times),
         IS(LINE, Spent, address)),
	BODY(SPENT_ELSEWHERE, Spent, ALONE, UP_TO(BEV_SPENT_KINDS - 1, Spent, kind),
         IS(NOT_ZERO, Spent, times), IS(LINE, Spent, address)),
	BODY(SLOW, Slow, ALONE, IS(NOT_ZERO, Slow, clients), IS(NOT_ZERO, Slow, events)),
	BODY(KEYRING, Keyring, FOLLOWED, UP_TO(1, Keyring, keys)),
	BODY(CHECK, Check, FOLLOWED),
	BODY(CHECKED, Checked, FOLLOWED, UP_TO(BEV_TOKEN_EXPIRED, Checked, result),
         UP_TO(1, Checked, grant.is_admin), IS(UTF8_LINE, Checked, grant.user),
         IS(UTF8_LINE, Checked, grant.role)),
};

static const Body *
find_body(uint32_t kind)
{
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		if (bodies[i].kind == kind)
			return &bodies[i];
	return NULL;
}

size_t
bev_body_size(BevMessageKind kind)
{
	const Body *body = find_body(kind);

	return body ? body->size : 0;
}

/* In the order of the machine. */
static uint64_t
number_at(const char *place, size_t size)
{
	uint64_t wide;
	uint32_t narrow;

	if (size == sizeof(wide))
		memcpy(&wide, place, sizeof(wide));
	else
		memcpy(&narrow, place, sizeof(narrow));
	return size == sizeof(wide) ? wide : narrow;
}

static bool
is_line(Rule rule, const char *text, size_t size)
{
	size_t len = strnlen(text, size);

	if (len == size || !bev_utf8_is_one_line(text))
		return false;
	for (size_t i = 0; rule == ASCII_LINE && i < len; i++)
		if ((unsigned char) text[i] > 0x7e)
			return false;
	return rule != UTF8_LINE || bev_utf8_check(0, text, len) == 0;
}

static bool
is_as_it_must(const Field *field, const char *head)
{
	const char *place = head + field->offset;

	switch (field->rule)
	{
		case NO_RULE:
			return true;
		case AT_MOST:
			return number_at(place, field->size) <= field->most;
		case NOT_ZERO:
			return number_at(place, field->size) != 0;
		default:
			return is_line(field->rule, place, field->size);
	}
}

static bool
is_subscription(BevSpan packed)
{
	BevPackedSubscription one;

	if (packed.len > BEV_PACKED_SUBSCRIPTION_TOLD)
		return false;
	while (bev_packed_subscription_next(&packed, &one))
		if (!is_line(UTF8_LINE, one.value, strlen(one.value) + 1))
			return false;
	return packed.len == 0;
}

bool
bev_body_next_era(BevSpan *eras, BevPastEra *era)
{
	if (eras->len < sizeof(*era))
		return false;
	memcpy(era, eras->data, sizeof(*era));
	eras->data += sizeof(*era);
	eras->len -= sizeof(*era);
	return true;
}

static bool
are_past_eras(BevSpan rest)
{
	BevPastEra era;

	if (rest.len > BEV_PAST_ERAS_MAX * sizeof(era))
		return false;
	while (bev_body_next_era(&rest, &era))
		if (!is_line(ASCII_LINE, era.id, sizeof(era.id)) || strlen(era.id) != BEV_STREAM_ID_LEN)
			return false;
	return rest.len == 0;
}

static bool
is_token(BevSpan token)
{
	return token.len <= BEV_TOKEN_MAX + 1 && memchr(token.data, '\0', token.len) == NULL;
}

/* Each is an id with its NUL. */
static bool
are_projects(BevSpan projects)
{
	while (projects.len > 0)
	{
		size_t len = strnlen(projects.data, projects.len);

		if (len == projects.len || len > BEV_USER_ID_MAX ||
		    !is_line(UTF8_LINE, projects.data, len + 1))
			return false;
		projects.data += len + 1;
		projects.len -= (uint32_t) len + 1;
	}
	return true;
}

/* What follows is a grant's projects, or why there is none. */
static bool
is_checked(const BevCheckedMessage *checked, BevSpan rest)
{
	if (checked->result != BEV_TOKEN_GOOD)
		return rest.len > 0 && checked->grant.projects == 0;
	return checked->grant.user[0] != '\0' && rest.len == checked->grant.projects &&
	       are_projects(rest);
}

static bool
is_admit(const BevAdmitMessage *admit, BevSpan rest)
{
	return admit->unread >= -1 && admit->grant.projects <= rest.len &&
	       are_projects((BevSpan){rest.data, admit->grant.projects});
}

static bool
fits_together(BevMessageKind kind, const void *head, BevSpan rest)
{
	const BevEventsMessage *events = head;
	const BevFetchMessage *fetch = head;

	switch (kind)
	{
		case BEV_MSG_STREAM:
			return strlen(((const BevStreamMessage *) head)->id) == BEV_STREAM_ID_LEN &&
			       are_past_eras(rest);
		case BEV_MSG_EVENTS:
			return events->first_seq <= UINT64_MAX - events->count;
		case BEV_MSG_ADMIT:
			return is_admit(head, rest);
		case BEV_MSG_OPEN:
		case BEV_MSG_TOKEN:
		case BEV_MSG_CHECK:
			return is_token(rest);
		case BEV_MSG_CHECKED:
			return is_checked(head, rest);
		case BEV_MSG_FETCH:
			return fetch->after <= fetch->upto;
		case BEV_MSG_ASK:
			return rest.len <= BEV_ASK_MAX && memchr(rest.data, '\0', rest.len) == NULL;
		case BEV_MSG_SUBSCRIPTION:
			return is_subscription(rest);
		default:
			return true;
	}
}

bool
bev_body_read(const BevMessage *message, void *head, size_t size, BevSpan *rest)
{
	const Body *body = find_body(message->kind);
	BevSpan behind;

	if (body == NULL || body->size != size || message->size < size ||
	    (message->size > size && !(body->has_rest && rest)))
		return false;
	memcpy(head, message->body, size);
	behind = (BevSpan){message->body + size, (uint32_t) (message->size - size)};
	for (size_t i = 0; i < sizeof(body->field) / sizeof(body->field[0]); i++)
		if (!is_as_it_must(&body->field[i], head))
			return false;
	if (rest)
		*rest = behind;
	return fits_together(body->kind, head, behind);
}

bool
bev_body_read_grant(BevSpan rest, BevGrant *grant, BevSpan *projects)
{
	if (rest.len < sizeof(*grant))
		return false;
	memcpy(grant, rest.data, sizeof(*grant));
	*projects = (BevSpan){rest.data + sizeof(*grant), rest.len - (uint32_t) sizeof(*grant)};
	return is_line(UTF8_LINE, grant->user, sizeof(grant->user)) &&
	       is_line(UTF8_LINE, grant->role, sizeof(grant->role)) &&
	       grant->projects == projects->len && are_projects(*projects);
}

bool
bev_body_next_project(BevSpan *projects, const char **project)
{
	size_t len = strnlen(projects->data, projects->len);

	if (len == projects->len)
		return false;
	*project = projects->data;
	projects->data += len + 1;
	projects->len -= (uint32_t) len + 1;
	return true;
}

bool
bev_body_next_record(BevSpan *records, BevEvent *event)
{
	if (!bev_event_read(records->data, records->len, event))
		return false;
	records->data += event->size;
	records->len -= event->size;
	return true;
}

bool
bev_body_next_report(BevSpan *reports, BevClientsMessage *report)
{
	if (reports->len < sizeof(*report))
		return false;
	memcpy(report, reports->data, sizeof(*report));
	reports->data += sizeof(*report);
	reports->len -= sizeof(*report);
	return true;
}
