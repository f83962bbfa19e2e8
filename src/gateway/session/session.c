/*
 * session.c - who is connected: name, groups, place in the stream, and what is owed.
 *
 * Model
 *	A session is named by a token, which the verifier read, and belongs to the groups that its
 *	principals name in the directory.  It knows its place in the stream; fanout.c moves it.
 *	Answers of its own are appended to out and written together.
 *
 *	Its end has three steps.  bev_session_end marks it: it is out of the counts, keeps the
 *	position that it has, and its close frame is on its way.  At the end of the turn
 *	bev_sessions_next_ended takes it out of its groups and hands it to those who let go of
 *	it: replay, fan-out, registration, questions.  When its socket is closed it is out of
 *	the list, and freed at the end of that turn.
 *
 * Concurrency
 *	One thread.  Sockets are closed in the library's own callback or at the end of a turn,
 *	so whoever walks the list, a group or the waiters meets no change by ending somebody.
 *	Between the first two steps the state says that it ended; whoever finds it elsewhere
 *	looks at that (test/gateway/ending.py, and the fuzzing of pipe_down with two messages
 *	in a turn).
 *
 * Memory
 *	A session that does not read is not read from (socket.c), so what waits for it is
 *	bounded by the answers to one buffer full of requests.
 *
 * Failure
 *	Whatever goes wrong ends in bev_session_end; a connection that is broken is dropped
 *	without it.  A peer that does not answer the close frame, or does
 *	not close after it, is dropped after LINGER_MS (test/gateway/ending.py).
 *
 * Cost
 *	Nothing while it is idle but a look at its clocks, each tick.
 */
#include "gateway/session/session.h"
#include "common/program/memory.h"
#include "gateway/wire/frame.h"

#include <stdlib.h>
#include <string.h>

/* How long the peer has to answer a close, or to close after an HTTP answer. */
#define LINGER_MS 2000

/* No connection comes from it (RFC 4291, 2.5.2), and no header may name it to any use. */
#define NOBODYS_ADDRESS "::"

void
bev_session_begin(BevSession *session, BevSessions *sessions)
{
	session->sessions = sessions;
	STAILQ_INIT(&session->to_ask);
	LIST_INSERT_HEAD(&sessions->open, session, entry);
	LIST_INSERT_HEAD(&sessions->finding[BEV_WALKED], session, same_finding);
	sessions->count++;
}

/* ---- Who ---- */

const char *
bev_session_address(BevSession *session)
{
	if (*session->address == '\0')
		bev_socket_peer(&session->socket, session->address, sizeof(session->address));
	return session->address;
}

const char *
bev_session_rated_address(BevSession *session)
{
	const char *address = bev_session_address(session);

	return session->origin_hidden && bev_address_is_loopback(address) ? NOBODYS_ADDRESS : address;
}

void
bev_session_abuse(BevSession *session, BevCounter kind)
{
	bev_count(session->sessions->counts, kind, 1);
	bev_abuse_note(session->sessions->abuses, kind, bev_session_address(session));
}

static void
leave_groups(BevSession *session)
{
	for (uint32_t i = 0; i < session->memberships; i++)
		bev_directory_leave(&session->sessions->directory, &session->membership[i]);
	free(session->membership);
	session->membership = NULL;
	session->memberships = 0;
}

static void
join_groups(BevSession *session)
{
	BevDirectory *directory = &session->sessions->directory;
	const BevPrincipals *principals = &session->principals;

	session->membership = bev_alloc(sizeof(BevMembership) * (principals->count + 1));
	for (uint32_t i = 0; i < principals->count; i++)
		bev_directory_join(directory, principals->name[i],
		                   &session->membership[session->memberships++], session, session->finding);
	if (principals->is_admin)
		bev_directory_join(directory, BEV_PRINCIPAL_ADMIN,
		                   &session->membership[session->memberships++], session, session->finding);
}

bool
bev_session_regroup(BevSession *session)
{
	const char *role = bev_identity_role(&session->identity);
	bool changes = session->role && strcmp(session->role, role) != 0;

	session->regrouped++;
	leave_groups(session);
	bev_principals_free(&session->principals);
	bev_identity_principals(&session->identity, session->user_id, &session->principals);
	join_groups(session);

	free(session->role);
	session->role = bev_copy_text(role, strlen(role));
	return changes;
}

bool
bev_session_identify(BevSession *session, const BevGrant *grant, BevSpan projects)
{
	free(session->user_id);
	session->user_id = bev_copy_text(grant->user, strlen(grant->user));
	session->expires_at = grant->expires_at;
	session->ends_at = grant->ends_at;
	session->warned = false;
	bev_identity_token(&session->identity, grant->role, projects);
	return bev_session_regroup(session);
}

/* ---- Writing ---- */

/*
 * All is written that will ever be: say so to the peer, if nothing that it says matters
 * any more.  It reads an end and closes in turn.  What it still sends is read and thrown
 * away meanwhile: a socket that is closed over unread bytes resets the connection, and
 * with it our last words (RFC 6455, section 7.1.1).
 */
static void
half_close(BevSession *session)
{
	bool heard_all = session->state == BEV_SESSION_HTTP ||
	                 (session->state == BEV_SESSION_CLOSING && session->heard_all);

	if (!heard_all || session->half_closed)
		return;
	session->half_closed = true;
	bev_socket_finish(&session->socket);
}

void
bev_session_flush(BevSession *session)
{
	BevText out = session->out;

	if (bev_socket_is_choked(&session->socket))
		return;
	if (out.len > 0)
	{
		session->out = (BevText){0};
		bev_count(session->sessions->counts, BEV_COUNT_BYTES_SENT, out.len);
		bev_socket_write(session->sessions->sockets, &session->socket, out.data, out.len);
		bev_text_free(&out);
	}
	if (session->state == BEV_SESSION_HTTP && !session->lingers)
	{
		session->deadline = bev_session_now(session) + LINGER_MS;
		session->lingers = true;
	}
	if (!bev_socket_is_choked(&session->socket))
		half_close(session);
}

/* ---- The end ---- */

/* Out of the counts, and on the list of those to be let go of. */
static void
mark_ended(BevSession *session, int code, const char *reason)
{
	BevSessions *sessions = session->sessions;

	session->was_open = session->state == BEV_SESSION_OPEN;
	if (session->was_open)
		bev_count_close(sessions->counts, code);
	if (session->was_open || session->state == BEV_SESSION_WAITING)
		sessions->let_in--;
	session->cursor = bev_session_position(session);
	session->state = BEV_SESSION_CLOSING;
	session->end_code = code;
	session->end_reason = bev_copy_text(reason, strlen(reason));
	STAILQ_INSERT_TAIL(&sessions->ended, session, next_ended);
}

void
bev_session_end(BevSession *session, int code, const char *reason)
{
	if (session->state == BEV_SESSION_HTTP)
		return;
	if (session->state != BEV_SESSION_CLOSING)
	{
		mark_ended(session, code, reason);
		session->deadline = bev_session_now(session) + LINGER_MS;
		if (session->http)
			bev_http_stream_end(session->http, &session->out, code, reason);
		else
			bev_frame_add_close(&session->out, code, reason);
	}
	bev_session_flush(session);
}

void
bev_session_drop(BevSession *session)
{
	bev_socket_drop(session->sessions->sockets, &session->socket);
}

void
bev_session_closed(BevSession *session)
{
	if (session->state != BEV_SESSION_CLOSING)
		mark_ended(session, BEV_CLOSE_ABNORMAL, "");
	LIST_REMOVE(session, entry);
	LIST_REMOVE(session, same_finding);
	session->sessions->count--;
	LIST_INSERT_HEAD(&session->sessions->dead, session, entry);
}

BevSession *
bev_sessions_next_ended(BevSessions *sessions)
{
	BevSession *session = STAILQ_FIRST(&sessions->ended);

	if (session == NULL)
		return NULL;
	STAILQ_REMOVE_HEAD(&sessions->ended, next_ended);
	leave_groups(session);
	return session;
}

BevSession *
bev_sessions_next_dead(BevSessions *sessions)
{
	BevSession *session = LIST_FIRST(&sessions->dead);

	if (session)
		LIST_REMOVE(session, entry);
	return session;
}

void
bev_session_free(BevSession *session)
{
	bev_text_free(&session->out);
	bev_http_stream_free(session->http);
	bev_principals_free(&session->principals);
	bev_identity_free(&session->identity);
	bev_subscription_free(session->subscription);
	free(session->user_id);
	free(session->role);
	free(session->end_reason);
}
