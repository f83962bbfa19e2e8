/*
 * row_spool.h - rows that the server keeps for us on its disk, since they are too many for memory.
 *
 * A spool is written by the rounds of a load (row_load.h), and then read by any number of
 * readers, each at its own pace.
 */
#ifndef BEV_GATEWAY_SESSION_ROW_SPOOL_H
#define BEV_GATEWAY_SESSION_ROW_SPOOL_H

#include "gateway/session/question.h"
#include "gateway/stream/row_set.h"

typedef enum BevSpoolUse
{
	BEV_SPOOL_FREE,
	BEV_SPOOL_USED,
	BEV_SPOOL_DROPPED /* the server was asked to */
} BevSpoolUse;

typedef struct BevRowSpool
{
	BevRowBase base;
	uint8_t use; /* BevSpoolUse */
} BevRowSpool;

typedef struct BevRowSpools
{
	BevQuestions *questions;
	BevRowSpool spool[BEV_SPOOLS_MAX];
	LIST_HEAD(, BevRowPage) pages;
} BevRowSpools;

/* What a reader was given of a spool: a page of it. */
typedef struct BevRowPage
{
	LIST_ENTRY(BevRowPage) entry;
	BevRowSpools *spools;
	BevRowBase *base;
	size_t *bytes; /* what it takes is counted there */
	char *data;
	uint32_t size;
	BevSpan rest;  /* the records that were not taken yet */
	uint64_t next; /* where the next page is */
	bool asks;
	bool is_last;
	void (*came)(void *owner); /* a page, or failed */
	bool failed;
	void *owner; /* NULL: he went */
} BevRowPage;

/* One to be written, and held; NULL: all are in use. */
extern BevRowBase *bev_row_spool_take(BevRowSpools *spools);

/* Is one of them being dropped? */
extern bool bev_row_spools_wait(const BevRowSpools *spools);

/* Have those dropped that nobody holds, in the name of one of the sessions, if one is open. */
extern void bev_row_spools_run(BevRowSpools *spools, const BevSessions *sessions);

extern void bev_row_spools_free(BevRowSpools *spools);

/* Begin to read; to be ended. */
extern BevRowPage *bev_row_page_begin(BevRowSpools *spools, BevRowBase *base, size_t *bytes,
                                      void (*came)(void *owner), void *owner);
extern void bev_row_page_end(BevRowPage *page);

/* The next record of the page; false: it has no more. */
extern bool bev_row_page_next(BevRowPage *page, BevEvent *record);

/* Ask for the next page, unless that is under way, on behalf of an admitted session. */
extern void bev_row_page_ask(BevRowPage *page, const BevSession *session);

#endif /* BEV_GATEWAY_SESSION_ROW_SPOOL_H */
