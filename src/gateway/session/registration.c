/*
 * registration.c - asks the dispatcher whether a client may stay.
 *
 * Model: the dispatcher answers mostly in the order in which it was asked, so what waits
 * is a queue that is searched from its head.  A client that goes while it waits leaves its place
 * empty; should the answer be that it is admitted, CLOSED takes that back.  Who came in a turn is
 * asked for at its end, after it was told who went: whoever replaces a connection is
 * not counted twice.  BEV_CHECKS_MAX are asked for at a time, the others when one is answered.
 *
 * An answer that an event has overtaken, which said something else of the user, is not used: it is
 * asked for again.  Who a client is isn't known before the answer, so what events say is kept by a
 * hash of the user's id; another user with the same hash costs one more question, and no more.
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

#include <openssl/crypto.h>
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
	char *token;       /* until it is asked for; NULL: it was admitted once, and is asked again */
	uint64_t said;     /* the last event before it that said something of a user */
	uint64_t outdated; /* what is answered up to before this seq; 0: nothing was said of all */
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
forget_token(BevRegistration *registration)
{
	if (registration->token)
		OPENSSL_cleanse(registration->token, strlen(registration->token));
	free(registration->token);
	registration->token = NULL;
}

static void
free_registration(BevRegistration *registration)
{
	forget_token(registration);
	free(registration);
}

static void
send_open(BevRegistrations *registrations, BevRegistration *registration)
{
	BevSession *session = registration->session;
	BevOpenMessage open = {.client = session->number};

	write_id(session, open.id);
	copy_clipped(open.address, sizeof(open.address), bev_session_address(session));
	bev_link_send(registrations->link, BEV_MSG_OPEN, &open, registration->token,
	              strlen(registration->token));
	forget_token(registration);
}

static void
send_again(BevRegistrations *registrations, const BevRegistration *registration)
{
	BevAgainMessage again = {.client = registration->number};

	bev_link_send(registrations->link, BEV_MSG_AGAIN, &again, NULL, 0);
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
		.lags = session->standing != BEV_LIVE,
		.protocol = BEV_PROTOCOL_WEBSOCKET + bev_session_form(session),
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

static void
queue(BevRegistrations *registrations, BevSession *session, char *token)
{
	BevRegistration *registration = bev_alloc(sizeof(*registration));

	session->registration = registration;
	*registration = (BevRegistration){.session = session,
	                                  .number = session->number,
	                                  .token = token,
	                                  .said = registrations->last_said};
	STAILQ_INSERT_TAIL(&registrations->came, registration, next);
}

void
bev_registration_ask(BevRegistrations *registrations, BevSession *session, const char *token)
{
	session->number = ++registrations->last_number;
	queue(registrations, session, bev_copy_text(token, strlen(token)));
}

/* The dispatcher has one who was admitted, and went while it was to be asked for again. */
static void
drop_gone(BevRegistrations *registrations, BevRegistration *registration)
{
	if (registration->token == NULL)
		send_closed(registrations, registration->number, BEV_CLOSE_ABNORMAL, "");
	free_registration(registration);
}

void
bev_registration_flush(BevRegistrations *registrations)
{
	BevRegistration *registration;

	while (registrations->waiting < BEV_CHECKS_MAX &&
	       (registration = pop(&registrations->came)) != NULL)
	{
		if (registration->session == NULL)
		{
			drop_gone(registrations, registration);
			continue;
		}
		if (registration->token)
			send_open(registrations, registration);
		else
			send_again(registrations, registration);
		STAILQ_INSERT_TAIL(&registrations->asked, registration, next);
		registrations->waiting++;
	}
}

void
bev_registration_ask_again(BevRegistrations *registrations, BevSession *session)
{
	session->admitted = false;
	queue(registrations, session, NULL);
}

/* ---- What events say meanwhile ---- */

static uint64_t *
said_of(BevRegistrations *registrations, const char *user)
{
	uint32_t hash = bev_hash((BevSpan){user, (uint32_t) strlen(user)});

	return &registrations->said[hash % BEV_SAID_SLOTS];
}

static void
outdate(BevRegistrationQueue *waiting, uint64_t seq)
{
	BevRegistration *registration;

	STAILQ_FOREACH (registration, waiting, next)
		registration->outdated = seq;
}

void
bev_registration_note_said(BevRegistrations *registrations, const char *user, uint64_t seq)
{
	if (user)
	{
		*said_of(registrations, user) = seq;
		registrations->last_said = seq;
		return;
	}
	outdate(&registrations->came, seq);
	outdate(&registrations->asked, seq);
}

/* Was something said of its user since it was asked for, that the answer doesn't have? */
static bool
is_outdated(BevRegistrations *registrations, const BevRegistration *registration,
            const BevAdmitMessage *admit)
{
	uint64_t said = *said_of(registrations, admit->grant.user);

	return registration->outdated > admit->as_of ||
	       (said > admit->as_of && said > registration->said);
}

/* ---- The answer ---- */

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
		case BEV_NOT_CHECKED:
			bev_reply_refuse(session, BEV_CLOSE_INTERNAL, "internal_error",
			                 "your token could not be checked, try again");
			break;
		default:
			bev_reply_refuse(session, BEV_CLOSE_TRY_LATER, "server_full",
			                 "the server takes no more connections");
	}
}

/* NULL: there is none. */
static BevRegistration *
find_asked(BevRegistrations *registrations, uint64_t number)
{
	BevRegistration *registration;

	STAILQ_FOREACH (registration, &registrations->asked, next)
		if (registration->number == number)
			break;
	return registration;
}

bool
bev_registration_known(BevRegistrations *registrations, const BevMessage *message,
                       BevSession **session)
{
	BevKnownMessage known;
	BevRegistration *registration;

	*session = NULL;
	if (!bev_body_read(message, &known, sizeof(known), NULL) ||
	    (registration = find_asked(registrations, known.client)) == NULL)
		return false;
	*session = registration->session;
	return true;
}

/* Take it out of the queue; NULL: there is none. */
static BevRegistration *
take_asked(BevRegistrations *registrations, uint64_t number)
{
	BevRegistration *registration = find_asked(registrations, number);

	if (registration)
	{
		STAILQ_REMOVE(&registrations->asked, registration, BevRegistration, next);
		registrations->waiting--;
	}
	return registration;
}

/* Its session, unless that ended meanwhile. */
static BevSession *
waiting_session(const BevRegistration *registration)
{
	BevSession *session = registration->session;

	return session && session->state == BEV_SESSION_WAITING ? session : NULL;
}

static void
let_in(BevSession *session, const BevAdmitMessage *admit, BevSpan rest, BevAdmission *admission)
{
	session->admitted = true;
	session->unread = admit->unread;
	admission->session = session;
	admission->grant = admit->grant;
	admission->as_of = admit->as_of;
	admission->projects = (BevSpan){rest.data, admit->grant.projects};
	admission->statements =
		(BevSpan){rest.data + admit->grant.projects, rest.len - admit->grant.projects};
}

static void
take_verdict(BevRegistrations *registrations, const BevRegistration *registration,
             const BevAdmitMessage *admit, BevSpan rest, BevAdmission *admission)
{
	BevSession *session = waiting_session(registration);

	if (session == NULL)
	{
		if (admit->verdict == BEV_ADMITTED)
			send_closed(registrations, admit->client, BEV_CLOSE_ABNORMAL, "");
		return;
	}
	if (admit->verdict == BEV_ADMITTED && is_outdated(registrations, registration, admit))
		bev_registration_ask_again(registrations, session);
	else if (admit->verdict == BEV_ADMITTED)
		let_in(session, admit, rest, admission);
	else if (admit->verdict == BEV_BAD_TOKEN || admit->verdict == BEV_EXPIRED_TOKEN)
		*admission = (BevAdmission){.session = session, .verdict = admit->verdict, .why = rest};
	else
		refuse(session, admit->verdict);
}

bool
bev_registration_answer(BevRegistrations *registrations, const BevMessage *message,
                        BevAdmission *admission)
{
	BevAdmitMessage admit;
	BevRegistration *registration;
	BevSpan rest;

	*admission = (BevAdmission){.verdict = BEV_ADMITTED};
	if (!bev_body_read(message, &admit, sizeof(admit), &rest) ||
	    (registration = take_asked(registrations, admit.client)) == NULL)
		return false;
	if (registration->session)
		registration->session->registration = NULL;
	take_verdict(registrations, registration, &admit, rest, admission);
	free_registration(registration);
	return true;
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
		free_registration(registration);
}
