/*
 * body.c - reads the bodies of messages.
 *
 * Bodies are not aligned, so they are copied out.
 */
#include "common/pipe/body.h"

#include <string.h>

/* A body that is this struct and nothing else. */
static bool
read_struct(const BeMessage *message, void *dst, size_t size)
{
	if (message->size != size)
		return false;
	memcpy(dst, message->body, size);
	return true;
}

/* A struct at the start of the body; the rest is what follows it. */
static bool
read_head(const BeMessage *message, void *dst, size_t size, BeSpan *rest)
{
	if (message->size < size)
		return false;
	memcpy(dst, message->body, size);
	*rest = (BeSpan) {message->body + size, (uint32_t) (message->size - size)};
	return true;
}

/* A terminated text without control characters, which would break a line of a log. */
static bool
is_text(const char *text, size_t size)
{
	size_t		len = strnlen(text, size);

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
be_body_stream(const BeMessage *message, BeStreamMessage *stream)
{
	return read_struct(message, stream, sizeof(*stream)) &&
		strnlen(stream->id, sizeof(stream->id)) == BE_STREAM_ID_LEN;
}

bool
be_body_progress(const BeMessage *message, BeProgressMessage *progress)
{
	return read_struct(message, progress, sizeof(*progress));
}

bool
be_body_fetched(const BeMessage *message, BeFetchedMessage *fetched)
{
	return read_struct(message, fetched, sizeof(*fetched)) &&
		fetched->result <= BE_FETCH_GONE;
}

bool
be_body_admit(const BeMessage *message, BeAdmitMessage *admit, BeSpan *access)
{
	return read_head(message, admit, sizeof(*admit), access) &&
		admit->verdict <= BE_NOT_LOOKED_UP && admit->unread >= -1;
}

bool
be_body_disconnect(const BeMessage *message, BeDisconnectMessage *disconnect)
{
	return read_struct(message, disconnect, sizeof(*disconnect)) &&
		is_text(disconnect->reason, sizeof(disconnect->reason));
}

bool
be_body_answer(const BeMessage *message, BeAnswerMessage *answer, BeSpan *rest)
{
	return read_head(message, answer, sizeof(*answer), rest) &&
		answer->kind <= BE_ANSWER_OBJECT &&
		is_text(answer->code, sizeof(answer->code)) &&
		is_text(answer->field, sizeof(answer->field));
}

bool
be_body_events(const BeMessage *message, BeEventsMessage *events, BeSpan *records)
{
	return read_head(message, events, sizeof(*events), records) &&
		events->count > 0 && events->first_seq <= UINT64_MAX - events->count;
}

bool
be_body_next_record(BeSpan *records, BeEvent *event)
{
	if (!be_event_read(records->data, records->len, event))
		return false;
	records->data += event->size;
	records->len -= event->size;
	return true;
}

bool
be_body_hello(const BeMessage *message, BeHelloMessage *hello)
{
	return read_struct(message, hello, sizeof(*hello)) &&
		hello->version == BE_PIPE_VERSION;
}

bool
be_body_log(const BeMessage *message, BeLogMessage *log, BeSpan *text)
{
	return read_head(message, log, sizeof(*log), text) &&
		log->level <= BE_LOG_WARNING;
}

bool
be_body_fetch(const BeMessage *message, BeFetchMessage *fetch)
{
	return read_struct(message, fetch, sizeof(*fetch)) &&
		fetch->request != 0 && fetch->after <= fetch->upto;
}

bool
be_body_open(const BeMessage *message, BeOpenMessage *open)
{
	return read_struct(message, open, sizeof(*open)) &&
		is_text(open->id, sizeof(open->id)) &&
		is_text(open->user, sizeof(open->user)) &&
		is_text(open->role, sizeof(open->role)) &&
		is_text(open->address, sizeof(open->address));
}

bool
be_body_closed(const BeMessage *message, BeClosedMessage *closed)
{
	return read_struct(message, closed, sizeof(*closed)) &&
		closed->code <= UINT16_MAX && is_ascii(closed->reason, sizeof(closed->reason));
}

bool
be_body_role(const BeMessage *message, BeRoleMessage *role)
{
	return read_struct(message, role, sizeof(*role)) &&
		is_text(role->role, sizeof(role->role));
}

bool
be_body_ask(const BeMessage *message, BeAskMessage *ask, BeSpan *payload)
{
	return read_head(message, ask, sizeof(*ask), payload) &&
		ask->verb < BE_VERBS && payload->len <= BE_ASK_MAX &&
		memchr(payload->data, '\0', payload->len) == NULL;
}

bool
be_body_suspect(const BeMessage *message, BeSuspectMessage *suspect)
{
	return read_struct(message, suspect, sizeof(*suspect)) &&
		suspect->kind < BE_SUSPICIONS && suspect->times > 0 &&
		is_text(suspect->address, sizeof(suspect->address));
}

bool
be_body_slow(const BeMessage *message, BeSlowMessage *slow)
{
	return read_struct(message, slow, sizeof(*slow)) &&
		slow->clients > 0 && slow->events > 0;
}

bool
be_body_counters(const BeMessage *message, uint64_t counter[BE_COUNTER_KINDS])
{
	return read_struct(message, counter, sizeof(counter[0]) * BE_COUNTER_KINDS);
}

bool
be_body_interest(const BeMessage *message, BeInterestMessage *who, BeSpan *interest)
{
	BeSpan		rest;
	BeInterest	one;

	if (!read_head(message, who, sizeof(*who), interest) || interest->len > BE_INTEREST_MAX)
		return false;
	rest = *interest;
	while (be_interest_next(&rest, &one))
		if (!is_text(one.value, strlen(one.value) + 1))
			return false;
	return rest.len == 0;
}

int
be_body_reports(const BeMessage *message)
{
	return message->size % sizeof(BeClientsMessage) == 0 ?
		(int) (message->size / sizeof(BeClientsMessage)) : -1;
}

void
be_body_report(const BeMessage *message, int i, BeClientsMessage *report)
{
	memcpy(report, message->body + i * sizeof(*report), sizeof(*report));
}
