/*
 * access_update.c - lets what tables say of users take effect on the clients.
 *
 * Model: the stream itself carries the changes, in its order.  A statement that
 * changes something for a client that is here splits the batch: what came before is
 * delivered to whoever might see it then, and only then the client is made what it is
 * now, or closed.  Events that change nothing for anybody cost a look into the
 * directory.
 *
 * What a client was told about at its admission is the state as of a seq or later;
 * statements of events up to that seq are outdated and passed over.  Those of later
 * events are taken even if the state had them already, which changes nothing.  One that comes
 * while a client waits to be admitted may be later than what it is told then, so that it
 * is asked for again (registration.c).
 *
 * History (request is not 0) says nothing about now, and doesn't come here.
 */
#include "gateway/session/access_update.h"
#include "common/program/memory.h"
#include "gateway/session/reply.h"
#include "gateway/wire/frame.h"

#include <stdlib.h>
#include <string.h>

/* Clients for which something changed, each once. */
typedef struct Changed
{
	BevSession **session;
	uint32_t count;
} Changed;

/* Refuse whom the tables don't let in; false: it may stay. */
static bool
refuse_by_tables(const BevAccessUpdates *updates, BevSession *session)
{
	switch (bev_identity_standing(&session->identity))
	{
		case BEV_USER_INACTIVE:
			bev_session_abuse(session, BEV_COUNT_ABUSE_inactive_user);
			bev_reply_refuse(session, BEV_CLOSE_POLICY, "user_inactive", "this user is not active");
			return true;
		case BEV_USER_DELETED:
			bev_session_abuse(session, BEV_COUNT_ABUSE_inactive_user);
			bev_reply_refuse(session, BEV_CLOSE_POLICY, "user_inactive", "this user was deleted");
			return true;
		case BEV_USER_UNKNOWN:
			if (!updates->config->require_user)
				return false;
			bev_reply_refuse(session, BEV_CLOSE_POLICY, "forbidden", "this user is not known");
			return true;
		default:
			return false;
	}
}

static bool
is_admitted(const BevSession *session)
{
	return session->admitted &&
	       (session->state == BEV_SESSION_OPEN || session->state == BEV_SESSION_WAITING);
}

/* It has to be looked up again, and can go on where it was. */
static void
make_reconnect(BevSession *session)
{
	bev_reply_refuse(session, BEV_CLOSE_RESTART, "access_changed",
	                 "what you may see has to be looked up again: "
	                 "connect again, and resume");
}

static void
regroup(BevAccessUpdates *updates, BevSession *session)
{
	if (bev_session_regroup(session))
		bev_registration_tell_role(updates->registrations, session);
	bev_fanout_release_one(updates->fanout, session);
}

bool
bev_access_update_admit(BevAccessUpdates *updates, BevSession *session, uint64_t as_of,
                        BevSpan statements)
{
	BevAccess access;

	bev_identity_forget_tables(&session->identity);
	session->identity.as_of = as_of;
	while (bev_access_next(&statements, &access))
		bev_identity_take(&session->identity, &access);
	if (statements.len > 0)
		return false;
	regroup(updates, session);
	refuse_by_tables(updates, session);
	return true;
}

static void
add_changed(Changed *changed, BevSession *session)
{
	for (uint32_t i = 0; i < changed->count; i++)
		if (changed->session[i] == session)
			return;
	changed->session = bev_realloc(changed->session, sizeof(BevSession *) * (changed->count + 1));
	changed->session[changed->count++] = session;
}

static void
take_for(BevSession *session, uint64_t seq, const BevAccess *access, Changed *changed)
{
	/* Others may belong to this user's principal, by a membership. */
	if (strcmp(session->user_id, access->user) != 0)
		return;
	if (is_admitted(session) && session->identity.as_of < seq &&
	    bev_identity_take(&session->identity, access))
		add_changed(changed, session);
}

/* Take a statement in for the connections of its user. */
static void
take(BevAccessUpdates *updates, uint64_t seq, const BevAccess *access, Changed *changed)
{
	BevText name = {0};
	const BevGroup *group;
	BevMembership *one;

	bev_registration_note_said(updates->registrations, access->user, seq);
	bev_text_add_string(&name, BEV_PRINCIPAL_USER);
	bev_text_add_string(&name, access->user);
	group = bev_directory_find(&updates->fanout->sessions->directory,
	                           (BevSpan){name.data, (uint32_t) name.len});
	bev_text_free(&name);
	if (group == NULL)
		return;
	for (int finding = 0; finding < BEV_FINDINGS; finding++)
		LIST_FOREACH (one, &group->members[finding], entry)
			take_for(one->member, seq, access, changed);
}

static void
make_all_reconnect(BevAccessUpdates *updates, uint64_t seq)
{
	BevSession *session;

	bev_registration_note_said(updates->registrations, NULL, seq);
	bev_fanout_batch(updates->fanout);
	LIST_FOREACH (session, &updates->fanout->sessions->open, entry)
		if (is_admitted(session) && session->identity.as_of < seq)
			make_reconnect(session);
}

bool
bev_access_update_event(BevAccessUpdates *updates, uint64_t seq, BevSpan statements)
{
	Changed changed = {0};
	BevAccess access;

	if (statements.len == 0)
		return true;
	while (bev_access_next(&statements, &access))
	{
		if (access.kind == BEV_ACCESS_VOID)
			make_all_reconnect(updates, seq);
		else
			take(updates, seq, &access, &changed);
	}
	if (changed.count > 0)
		bev_fanout_batch(updates->fanout);
	for (uint32_t i = 0; i < changed.count; i++)
	{
		/* Delivering may have found the connection broken. */
		if (is_admitted(changed.session[i]) && !refuse_by_tables(updates, changed.session[i]))
			regroup(updates, changed.session[i]);
	}
	free(changed.session);
	return statements.len == 0;
}

void
bev_access_update_missed(BevAccessUpdates *updates)
{
	BevSession *session;

	bev_registration_note_said(updates->registrations, NULL, UINT64_MAX);
	LIST_FOREACH (session, &updates->fanout->sessions->open, entry)
		if (is_admitted(session) && session->identity.as_of > 0)
			make_reconnect(session);
}

void
bev_access_update_review(BevAccessUpdates *updates)
{
	BevSession *session;

	LIST_FOREACH (session, &updates->fanout->sessions->open, entry)
		if (is_admitted(session))
			refuse_by_tables(updates, session);
}
