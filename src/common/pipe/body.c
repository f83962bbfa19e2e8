/*
 * body.c - reads the bodies of messages.
 *
 * Bodies are not aligned, so they are copied out.
 */
#include "common/pipe/body.h"

#include <string.h>

/* A body that is this struct and nothing else. */
static bool
read_struct(const BevMessage *message, void *dst, size_t size)
{
	if (message->size != size)
		return false;
	memcpy(dst, message->body, size);
	return true;
}

/* A struct at the start of the body; the rest is what follows it. */
static bool
read_head(const BevMessage *message, void *dst, size_t size, BevSpan *rest)
{
	if (message->size < size)
		return false;
	memcpy(dst, message->body, size);
	*rest = (BevSpan){message->body + size, (uint32_t) (message->size - size)};
	return true;
}

/* A terminated text without control characters, which would break a line of a log. */
static bool
is_text(const char *text, size_t size)
{
	size_t len = strnlen(text, size);

	for (size_t i = 0; i < len; i++)
		if ((unsigned char) text[i] < 0x20 || text[i] == 0x7f)
			return false;
	return len < size;
}

static bool
is_ascii(const char *text, size_t size)
{
	for (size_t i = 0; i < size && text[i]; i++)
		if ((unsigned char) text[i] > 0x7e)
			return false;
	return is_text(text, size);
}

bool
bev_body_stream(const BevMessage *message, BevStreamMessage *stream)
{
	return read_struct(message, stream, sizeof(*stream)) &&
	       strnlen(stream->id, sizeof(stream->id)) == BEV_STREAM_ID_LEN;
}

bool
bev_body_progress(const BevMessage *message, BevProgressMessage *progress)
{
	return read_struct(message, progress, sizeof(*progress));
}

bool
bev_body_fetched(const BevMessage *message, BevFetchedMessage *fetched)
{
	return read_struct(message, fetched, sizeof(*fetched)) && fetched->result <= BEV_FETCH_GONE;
}

bool
bev_body_admit(const BevMessage *message, BevAdmitMessage *admit, BevSpan *access)
{
	return read_head(message, admit, sizeof(*admit), access) &&
	       admit->verdict <= BEV_NOT_LOOKED_UP && admit->unread >= -1;
}

bool
bev_body_disconnect(const BevMessage *message, BevDisconnectMessage *disconnect)
{
	return read_struct(message, disconnect, sizeof(*disconnect)) &&
	       is_text(disconnect->reason, sizeof(disconnect->reason));
}

bool
bev_body_answer(const BevMessage *message, BevAnswerMessage *answer, BevSpan *rest)
{
	return read_head(message, answer, sizeof(*answer), rest) && answer->kind <= BEV_ANSWER_OBJECT &&
	       is_text(answer->code, sizeof(answer->code)) &&
	       is_text(answer->field, sizeof(answer->field));
}

bool
bev_body_events(const BevMessage *message, BevEventsMessage *events, BevSpan *records)
{
	return read_head(message, events, sizeof(*events), records) && events->count > 0 &&
	       events->first_seq <= UINT64_MAX - events->count;
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
bev_body_hello(const BevMessage *message, BevHelloMessage *hello)
{
	return read_struct(message, hello, sizeof(*hello));
}

bool
bev_body_log(const BevMessage *message, BevLogMessage *log, BevSpan *text)
{
	return read_head(message, log, sizeof(*log), text) && log->level <= BEV_LOG_WARNING;
}

bool
bev_body_fetch(const BevMessage *message, BevFetchMessage *fetch)
{
	return read_struct(message, fetch, sizeof(*fetch)) && fetch->request != 0 &&
	       fetch->after <= fetch->upto;
}

bool
bev_body_open(const BevMessage *message, BevOpenMessage *open)
{
	return read_struct(message, open, sizeof(*open)) && is_text(open->id, sizeof(open->id)) &&
	       is_text(open->user, sizeof(open->user)) && is_text(open->role, sizeof(open->role)) &&
	       is_text(open->address, sizeof(open->address));
}

bool
bev_body_closed(const BevMessage *message, BevClosedMessage *closed)
{
	return read_struct(message, closed, sizeof(*closed)) && closed->code <= UINT16_MAX &&
	       is_ascii(closed->reason, sizeof(closed->reason));
}

bool
bev_body_role(const BevMessage *message, BevRoleMessage *role)
{
	return read_struct(message, role, sizeof(*role)) && is_text(role->role, sizeof(role->role));
}

bool
bev_body_ask(const BevMessage *message, BevAskMessage *ask, BevSpan *payload)
{
	return read_head(message, ask, sizeof(*ask), payload) && ask->verb < BEV_VERBS &&
	       payload->len <= BEV_ASK_MAX && memchr(payload->data, '\0', payload->len) == NULL;
}

bool
bev_body_abuse(const BevMessage *message, BevAbuseMessage *abuse)
{
	return read_struct(message, abuse, sizeof(*abuse)) && abuse->kind < BEV_ABUSE_KINDS &&
	       abuse->times > 0 && is_text(abuse->address, sizeof(abuse->address));
}

bool
bev_body_slow(const BevMessage *message, BevSlowMessage *slow)
{
	return read_struct(message, slow, sizeof(*slow)) && slow->clients > 0 && slow->events > 0;
}

bool
bev_body_counters(const BevMessage *message, uint64_t counter[BEV_COUNTER_KINDS])
{
	return read_struct(message, counter, sizeof(counter[0]) * BEV_COUNTER_KINDS);
}

bool
bev_body_subscription(const BevMessage *message, BevSubscriptionMessage *who, BevSpan *packed)
{
	BevSpan rest;
	BevPackedSubscription one;

	if (!read_head(message, who, sizeof(*who), packed) || packed->len > BEV_PACKED_SUBSCRIPTION_MAX)
		return false;
	rest = *packed;
	while (bev_packed_subscription_next(&rest, &one))
		if (!is_text(one.value, strlen(one.value) + 1))
			return false;
	return rest.len == 0;
}

int
bev_body_reports(const BevMessage *message)
{
	return message->size % sizeof(BevClientsMessage) == 0 ?
	           (int) (message->size / sizeof(BevClientsMessage)) :
	           -1;
}

void
bev_body_report(const BevMessage *message, int i, BevClientsMessage *report)
{
	memcpy(report, message->body + i * sizeof(*report), sizeof(*report));
}
