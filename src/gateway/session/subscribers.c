/*
 * subscribers.c - the sessions that find their events by what they ask for.
 *
 * Model: a session whose subscription asks for certain values is in the index, and in no list that
 * is walked for an event.  Before a batch is sent each of its events is looked up there; what is
 * found is a list for each session, in the order of the stream, of what may be for it.  Events that
 * pass whatever is asked of rows (selection.h), or tell too little of theirs, are for all such
 * sessions that are in their audience.
 *
 * Concurrency: one thread.  Who ended in this turn is still in the lists; fanout.c looks at its
 * state.
 *
 * Memory: an entry for each event of a batch and session that it may be for.
 *
 * Cost: of an event a lookup for each field that is asked for, and one entry for each that is
 * found.
 */
#include "gateway/session/subscribers.h"
#include "common/event/audience.h"
#include "common/program/memory.h"

#include <stdlib.h>

/* ---- who ---- */

static void
set_finding(BevSession *session, BevFinding finding)
{
	if (session->finding == finding)
		return;
	session->finding = finding;
	LIST_REMOVE(session, same_finding);
	LIST_INSERT_HEAD(&session->sessions->finding[finding], session, same_finding);
	for (uint32_t i = 0; i < session->memberships; i++)
		bev_directory_move(&session->membership[i], finding);
}

void
bev_subscribers_leave(BevSubscribers *subscribers, BevSession *session)
{
	bev_subscription_index_leave(&subscribers->index, &session->index_entry);
	if (session->subscription)
		bev_asked_fields_remove(&subscribers->asked,
		                        bev_subscription_selection(session->subscription));
}

void
bev_subscribers_set(BevSubscribers *subscribers, BevSession *session, BevSubscription *subscription)
{
	bool sought;

	if (subscription)
		bev_asked_fields_add(&subscribers->asked, bev_subscription_selection(subscription));
	bev_subscribers_leave(subscribers, session);
	bev_subscription_free(session->subscription);
	session->subscription = subscription;
	sought = subscription && bev_subscription_index_join(&subscribers->index, &session->index_entry,
	                                                     subscription, session);
	set_finding(session, sought ? BEV_SOUGHT : BEV_WALKED);
}

void
bev_subscribers_judge(const BevSubscribers *subscribers, const BevSession *session,
                      const BevChunk *chunk, const BevFrame *frame, BevLabels *labels)
{
	bev_chunk_labels(chunk, frame, labels);
	if (session->subscription &&
	    bev_selection_field(bev_subscription_selection(session->subscription), 0))
		labels->subject.facts =
			bev_chunk_facts(chunk, frame, &subscribers->asked, session->principals.is_admin);
}

/* ---- what is for whom ---- */

void
bev_subscribers_begin(BevSubscribers *subscribers, uint64_t batch)
{
	subscribers->batch = batch;
	subscribers->count = 0;
}

static void
note(void *owner, void *member)
{
	BevSubscribers *subscribers = owner;
	BevSession *session = member;
	bool is_first = session->found_batch != subscribers->batch;

	if (!is_first && subscribers->found[session->found_last].seq == subscribers->seq)
		return; /* by several values */
	if (subscribers->count == subscribers->room)
	{
		subscribers->room = subscribers->room ? subscribers->room * 2 : 64;
		subscribers->found = bev_realloc(subscribers->found, sizeof(BevFound) * subscribers->room);
	}
	subscribers->found[subscribers->count] = (BevFound){session, subscribers->seq, 0};
	if (is_first)
		session->found_next = subscribers->count;
	else
		subscribers->found[session->found_last].next = subscribers->count + 1;
	session->found_batch = subscribers->batch;
	session->found_last = subscribers->count++;
}

static void
note_group(BevSubscribers *subscribers, const BevDirectory *directory, BevSpan name)
{
	const BevGroup *group = bev_directory_find(directory, name);
	BevMembership *one;

	if (group)
		LIST_FOREACH (one, &group->members[BEV_SOUGHT], entry)
			note(subscribers, one->member);
}

/* All who may see it, whatever they ask for. */
static void
note_audience(BevSubscribers *subscribers, BevSessions *sessions, uint8_t flags, BevSpan audience)
{
	BevSession *session;
	BevSpan principal;

	if (flags & BEV_SEEN_BY_ALL)
		LIST_FOREACH (session, &sessions->finding[BEV_SOUGHT], same_finding)
			note(subscribers, session);
	else
		while (bev_audience_next(&audience, &principal))
			if (principal.len > 0)
				note_group(subscribers, &sessions->directory, principal);
}

void
bev_subscribers_find(BevSubscribers *subscribers, BevSessions *sessions, const BevChunk *chunk,
                     const BevFrame *frame)
{
	BevLabels labels;

	subscribers->seq = frame->seq;
	bev_chunk_labels(chunk, frame, &labels);
	if (bev_selection_is_sweeping(&labels.subject))
	{
		note_audience(subscribers, sessions, frame->flags, labels.audience);
		return;
	}
	labels.subject.facts = bev_chunk_facts(chunk, frame, &subscribers->asked, true);
	bev_subscription_index_find(&subscribers->index, &labels.subject, note, subscribers);
}

uint32_t
bev_subscribers_next(const BevSubscribers *subscribers, BevSession *session, const BevChunk *chunk,
                     uint32_t i)
{
	const BevFound *found = &subscribers->found[session->found_next];

	while (i < chunk->count && found->seq < chunk->frame[i].seq)
	{
		if (found->next == 0)
			return chunk->count;
		session->found_next = found->next - 1;
		found = &subscribers->found[session->found_next];
	}
	if (i >= chunk->count || found->seq > chunk->covered)
		return chunk->count;
	return bev_chunk_find(chunk, found->seq - 1);
}

void
bev_subscribers_free(BevSubscribers *subscribers)
{
	bev_subscription_index_free(&subscribers->index);
	bev_asked_fields_free(&subscribers->asked);
	free(subscribers->found);
	*subscribers = (BevSubscribers){0};
}
