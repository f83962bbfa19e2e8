/*
 * registration.c - asks the dispatcher whether a client may stay.
 *
 * Model: the dispatcher answers in the order in which it was asked, so what waits
 * is a queue.  A client that goes while it waits leaves its place empty; should
 * the answer be that it is admitted, CLOSED takes that back.  Who came in a turn is
 * asked for at its end, after it was told who went: whoever replaces a connection is
 * not counted twice.  An answer that an event has overtaken, which said something else of
 * the user, is not used: it is asked for again.
 *
 * Not here: what the answer is based on.
 */
#include "gateway/session/registration.h"
#include "common/program/hash.h"
#include "common/program/memory.h"
#include "gateway/session/reply.h"
#include "gateway/wire/frame.h"
#include "common/pipe/body.h"
#include "common/text/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reports that fit in one message. */
#define REPORTS_MAX (BEV_MESSAGE_MAX_UP / sizeof(BevClientsMessage))

struct BevRegistration
{
	STAILQ_ENTRY(BevRegistration) next;
	BevSession *session; /* NULL: gone meanwhile */
	uint64_t number;
};

static void
write_id(const BevSession *session, char *text)
{
	for (size_t i = 0; i < sizeof(session->id); i++)
		sprintf(text + 2 * i, "%02x", session->id[i]);
}

/* Copy text, cut at a character if it is too long. */
static void
copy_clipped(char *to, size_t size, const char *text)
{
	size_t len = bev_utf8_clip(text, strlen(text), size - 1);

	memcpy(to, text, len);
	to[len] = '\0';
}

static void
send_open(BevRegistrations *registrations, BevSession *session)
{
	BevOpenMessage open = {
		.client = session->number,
		.expires_at = session->expires_at * 1000000,
	};

	write_id(session, open.id);
	copy_clipped(open.user, sizeof(open.user), session->user_id);
	copy_clipped(open.role, sizeof(open.role), session->role);
	copy_clipped(open.address, sizeof(open.address), bev_session_address(session));
	bev_link_send(registrations->link, BEV_MSG_OPEN, &open, NULL, 0);
}

static void
send_closed(BevRegistrations *registrations, uint64_t number, int code, const char *reason)
{
	BevClosedMessage closed = {.client = number, .code = code};

	copy_clipped(closed.reason, sizeof(closed.reason), reason);
	bev_link_send(registrations->link, BEV_MSG_CLOSED, &closed, NULL, 0);
}

/* What there is to report of a session; false: nothing new. */
static bool
fill_report(BevSession *session, BevClientsMessage *report)
{
	if (!session->admitted || !(session->state == BEV_SESSION_OPEN || session->was_open))
		return false;
	*report = (BevClientsMessage){
		.client = session->number,
		.start = session->start,
		.cursor = bev_session_position(session),
		.sent = session->sent,
		.received = session->received,
		.expires_at = session->expires_at * 1000000,
		.lags = session->standing != BEV_LIVE,
	};
	if (report->cursor == session->reported_cursor &&
	    report->received == session->reported_received && report->lags == session->reported_lags)
		return false;
	session->reported_cursor = report->cursor;
	session->reported_received = report->received;
	session->reported_lags = report->lags;
	return true;
}

/* What the session narrowed its stream to, unless that is known. */
static void
report_subscription(BevRegistrations *registrations, BevSession *session)
{
	BevSubscriptionMessage subscription = {.client = session->number};
	char bytes[BEV_PACKED_SUBSCRIPTION_TOLD];
	const BevSpan none = {"", 0};
	uint32_t len = 0;
	uint32_t hash;

	session->subscription_changed = false;
	if (session->muted)
		(void) bev_packed_subscription_add(bytes, sizeof(bytes), &len,
		                                   BEV_PACKED_SUBSCRIPTION_NOTHING, none);
	if (session->conflates)
		(void) bev_packed_subscription_add(bytes, sizeof(bytes), &len,
		                                   BEV_PACKED_SUBSCRIPTION_CONFLATED, none);
	bev_subscription_write(session->subscription, bytes, &len);

	hash = bev_hash((BevSpan){bytes, len});
	if (hash == session->told_subscription)
		return;
	session->told_subscription = hash;
	bev_link_send(registrations->link, BEV_MSG_SUBSCRIPTION, &subscription, bytes, len);
}

/* What is not told yet of one that is about to go. */
static void
report_last(BevRegistrations *registrations, BevSession *session)
{
	BevClientsMessage report;

	if (session->subscription_changed)
		report_subscription(registrations, session);
	if (fill_report(session, &report))
		bev_link_send(registrations->link, BEV_MSG_CLIENTS, NULL, &report, sizeof(report));
}

static BevRegistration *
pop(BevRegistrationQueue *queue)
{
	BevRegistration *registration = STAILQ_FIRST(queue);

	if (registration)
		STAILQ_REMOVE_HEAD(queue, next);
	return registration;
}

void
bev_registration_ask(BevRegistrations *registrations, BevSession *session)
{
	BevRegistration *registration = bev_alloc(sizeof(*registration));

	session->number = ++registrations->last_number;
	session->registration = registration;
	session->outdated = 0;
	*registration = (BevRegistration){.session = session, .number = session->number};
	STAILQ_INSERT_TAIL(&registrations->came, registration, next);
}

void
bev_registration_flush(BevRegistrations *registrations)
{
	BevRegistration *registration;

	while ((registration = pop(&registrations->came)) != NULL)
	{
		if (registration->session == NULL)
		{
			free(registration);
			continue;
		}
		send_open(registrations, registration->session);
		STAILQ_INSERT_TAIL(&registrations->asked, registration, next);
	}
}

void
bev_registration_ask_again(BevRegistrations *registrations, BevSession *session)
{
	send_closed(registrations, session->number, 0, "");
	session->admitted = false;
	bev_identity_forget_tables(&session->identity);
	bev_session_regroup(session);
	bev_registration_ask(registrations, session);
}

static void
refuse(BevSession *session, uint32_t verdict)
{
	switch (verdict)
	{
		case BEV_TOO_MANY_CONNECTIONS:
			bev_session_abuse(session, BEV_COUNT_ABUSE_too_many_connections);
			bev_reply_refuse(session, BEV_CLOSE_POLICY, "too_many_connections",
			                 "this user has too many connections");
			break;
		case BEV_NOT_LOOKED_UP:
			bev_reply_refuse(session, BEV_CLOSE_INTERNAL, "internal_error",
			                 "who you are could not be looked up");
			break;
		default:
			bev_reply_refuse(session, BEV_CLOSE_TRY_LATER, "server_full",
			                 "the server takes no more connections");
	}
}

/* Its session, unless that ended meanwhile. */
static BevSession *
waiting_session(const BevRegistration *registration)
{
	BevSession *session = registration->session;

	return session && session->state == BEV_SESSION_WAITING ? session : NULL;
}

bool
bev_registration_answer(BevRegistrations *registrations, const BevMessage *message,
                        BevAdmission *admission)
{
	BevAdmitMessage admit;
	BevRegistration *registration = pop(&registrations->asked);
	BevSession *session = registration ? waiting_session(registration) : NULL;
	bool fits = registration &&
	            bev_body_read(message, &admit, sizeof(admit), &admission->statements) &&
	            admit.client == registration->number;

	if (registration && registration->session)
		registration->session->registration = NULL;
	admission->session = NULL;
	if (fits && session && admit.verdict == BEV_ADMITTED && session->outdated > admit.as_of)
		bev_registration_ask_again(registrations, session);
	else if (fits && session && admit.verdict == BEV_ADMITTED)
	{
		session->admitted = true;
		session->unread = admit.unread;
		admission->session = session;
		admission->as_of = admit.as_of;
	}
	else if (fits && session)
		refuse(session, admit.verdict);
	else if (fits && admit.verdict == BEV_ADMITTED)
		send_closed(registrations, admit.client, BEV_CLOSE_ABNORMAL, "");
	free(registration);
	return fits;
}

void
bev_registration_tell_role(BevRegistrations *registrations, BevSession *session)
{
	BevRoleMessage role = {.client = session->number};

	if (!session->admitted)
		return;
	copy_clipped(role.role, sizeof(role.role), session->role);
	bev_link_send(registrations->link, BEV_MSG_ROLE, &role, NULL, 0);
}

void
bev_registration_leave(BevRegistrations *registrations, BevSession *session)
{
	if (session->registration)
		session->registration->session = NULL;
	session->registration = NULL;
	if (session->admitted)
	{
		report_last(registrations, session);
		send_closed(registrations, session->number, session->end_code, session->end_reason);
	}
	session->admitted = false;
}

bool
bev_registration_disconnect(BevSessions *sessions, const BevMessage *message)
{
	BevSession *session;
	BevDisconnectMessage disconnect;

	if (!bev_body_read(message, &disconnect, sizeof(disconnect), NULL))
		return false;

	/* A walk, since it is an operator who asks.  None: it went by itself. */
	LIST_FOREACH (session, &sessions->open, entry)
		if (session->admitted && session->number == disconnect.client)
		{
			bev_session_end(session, BEV_CLOSE_POLICY, disconnect.reason);
			break;
		}
	return true;
}

void
bev_registration_report(BevRegistrations *registrations, BevSessions *sessions)
{
	BevSession *session;
	static BevClientsMessage reports[REPORTS_MAX];
	size_t count = 0;

	LIST_FOREACH (session, &sessions->open, entry)
	{
		if (session->state == BEV_SESSION_CLOSING)
			continue; /* told as it leaves */
		if (session->subscription_changed && session->admitted)
			report_subscription(registrations, session);
		if (!fill_report(session, &reports[count]))
			continue;
		if (++count == REPORTS_MAX)
		{
			bev_link_send(registrations->link, BEV_MSG_CLIENTS, NULL, reports,
			              count * sizeof(reports[0]));
			count = 0;
		}
	}
	if (count > 0)
		bev_link_send(registrations->link, BEV_MSG_CLIENTS, NULL, reports,
		              count * sizeof(reports[0]));
}

void
bev_registration_free(BevRegistrations *registrations)
{
	BevRegistration *registration;

	while ((registration = pop(&registrations->asked)) != NULL ||
	       (registration = pop(&registrations->came)) != NULL)
		free(registration);
}
