/*
 * row_spool.c - rows that the server keeps for us on its disk, since they are too many for memory.
 *
 * Model
 *	free --> used, while a set or a reader holds it --> dropped --> free
 *
 *	A gateway can open no file, and a responder can; so it is asked for pages
 *	(server/responder/spool_answer.c).  A spool has the rows as they were read, and doesn't change
 *	once it is complete.
 *
 * Memory: a page for each reader, counted with what the cache holds.
 *
 * Failure: a page that can't be had is told to its reader.  A spool that can't be dropped now,
 * since nobody is there to ask for it, is dropped later, or written anew.
 */
#include "gateway/session/row_spool.h"
#include "common/pipe/body.h"
#include "common/program/memory.h"

#include <inttypes.h>
#include <stdlib.h>

/* ---- Spools ---- */

BevRowBase *
bev_row_spool_take(BevRowSpools *spools)
{
	for (uint32_t i = 0; i < BEV_SPOOLS_MAX; i++)
	{
		BevRowSpool *spool = &spools->spool[i];

		if (spool->base.refs > 0 || spool->use == BEV_SPOOL_DROPPED)
			continue;
		spool->use = BEV_SPOOL_USED;
		spool->base.number = i;
		return bev_row_base_hold(&spool->base);
	}
	return NULL;
}

bool
bev_row_spools_wait(const BevRowSpools *spools)
{
	for (uint32_t i = 0; i < BEV_SPOOLS_MAX; i++)
		if (spools->spool[i].use == BEV_SPOOL_DROPPED)
			return true;
	return false;
}

/* It is free whatever became of the file: whoever writes it next begins it anew. */
static bool
on_dropped(void *owner, const BevAnswerMessage *answer __attribute__((unused)),
           BevSpan rest __attribute__((unused)))
{
	BevRowSpool *spool = owner;

	spool->use = BEV_SPOOL_FREE;
	return true;
}

static const BevSession *
find_open(const BevSessions *sessions)
{
	const BevSession *session;

	LIST_FOREACH (session, &sessions->open, entry)
		if (session->state == BEV_SESSION_OPEN)
			return session;
	return NULL;
}

void
bev_row_spools_run(BevRowSpools *spools, const BevSessions *sessions)
{
	for (uint32_t i = 0; i < BEV_SPOOLS_MAX; i++)
	{
		BevRowSpool *spool = &spools->spool[i];
		const BevSession *session;
		char payload[32];

		if (spool->base.refs > 0 || spool->use != BEV_SPOOL_USED ||
		    (session = find_open(sessions)) == NULL)
			continue;
		spool->use = BEV_SPOOL_DROPPED;
		snprintf(payload, sizeof(payload), "{\"spool\":%" PRIu32 "}", i);
		bev_question_ask_shared(spools->questions, session, BEV_VERB_SPOOLED, payload, on_dropped,
		                        spool);
	}
}

/* ---- Pages ---- */

BevRowPage *
bev_row_page_begin(BevRowSpools *spools, BevRowBase *base, size_t *bytes, void (*came)(void *owner),
                   void *owner)
{
	BevRowPage *page = bev_alloc(sizeof(*page));

	page->spools = spools;
	page->base = bev_row_base_hold(base);
	page->bytes = bytes;
	page->came = came;
	page->owner = owner;
	LIST_INSERT_HEAD(&spools->pages, page, entry);
	return page;
}

static void
empty(BevRowPage *page)
{
	*page->bytes -= page->size;
	free(page->data);
	page->data = NULL;
	page->size = 0;
	page->rest.len = 0;
}

static void
free_page(BevRowPage *page)
{
	LIST_REMOVE(page, entry);
	empty(page);
	bev_row_base_release(page->base);
	free(page);
}

void
bev_row_spools_free(BevRowSpools *spools)
{
	while (!LIST_EMPTY(&spools->pages))
		free_page(LIST_FIRST(&spools->pages));
}

/* A question that is under way comes back to it. */
void
bev_row_page_end(BevRowPage *page)
{
	empty(page);
	page->owner = NULL;
	if (!page->asks)
		free_page(page);
}

bool
bev_row_page_next(BevRowPage *page, BevEvent *record)
{
	return page->rest.len > 0 && bev_body_next_record(&page->rest, record);
}

/* "RECORDS+PLACE", or "RECORDS." where there is nothing behind them.  False: malformed. */
static bool
take_page(BevRowPage *page, uint32_t count, BevSpan rest)
{
	BevSpan behind = rest;
	BevEvent record;
	char *place;

	for (uint32_t i = 0; i < count; i++)
		if (!bev_body_next_record(&behind, &record))
			return false;
	if (behind.len == 0 || (*behind.data != '+' && *behind.data != '.'))
		return false;
	page->is_last = *behind.data == '.';
	place = bev_copy_text(behind.data + 1, behind.len - 1);
	page->next = strtoull(place, NULL, 10);
	free(place);
	page->size = rest.len - behind.len;
	page->data = bev_copy_text(rest.data, page->size);
	page->rest = (BevSpan){page->data, page->size};
	*page->bytes += page->size;
	return true;
}

static bool
on_page(void *owner, const BevAnswerMessage *answer, BevSpan rest)
{
	BevRowPage *page = owner;

	page->asks = false;
	if (page->owner == NULL)
	{
		free_page(page);
		return true;
	}
	page->failed = answer->kind == BEV_ANSWER_ERROR;
	if (!page->failed && (answer->kind != BEV_ANSWER_ROWS || !take_page(page, answer->count, rest)))
		return false;
	page->came(page->owner);
	return true;
}

void
bev_row_page_ask(BevRowPage *page, const BevSession *session)
{
	char payload[64];

	if (page->asks)
		return;
	empty(page);
	page->asks = true;
	snprintf(payload, sizeof(payload), "{\"spool\":%" PRIu32 ",\"at\":%" PRIu64 "}",
	         page->base->number, page->next);
	bev_question_ask_shared(page->spools->questions, session, BEV_VERB_SPOOLED, payload, on_page,
	                        page);
}
