/*
 * row_reader.h - gives a client the rows of some ranges, all as of one seq, in parts.
 */
#ifndef BEV_GATEWAY_SESSION_ROW_READER_H
#define BEV_GATEWAY_SESSION_ROW_READER_H

#include "gateway/session/row_spool.h"
#include "gateway/stream/row_cache.h"

typedef struct BevRowReader
{
	BevSession *session;
	const char *id; /* of the request, JSON text, or NULL */
	const BevRowRange *range;
	uint32_t ranges;
	BevRowCache *cache;
	BevRowSpools *spools;
	void (*came)(void *owner); /* a page, or failed */
	void *owner;

	BevRowSnapshot **snapshot; /* of each range; NULL: it is not reading */
	uint32_t at;               /* the range, */
	uint32_t next;             /* and the row in its snapshot, */
	BevRowPage *page;          /* or in its base; NULL: it isn't there yet */
	bool has_given;            /* a part, of this seq */
} BevRowReader;

typedef enum BevReading
{
	BEV_ROWS_LEFT,  /* there is more, when there is room */
	BEV_ROWS_ASKED, /* came() will be called */
	BEV_ROWS_GIVEN  /* all of them */
} BevReading;

/*
 * Hold the rows of the ranges as they are in these sets.  What comes up to came() in the struct
 * is set.
 */
extern void bev_row_reader_begin(BevRowReader *reader, BevRowSet *const *sets);

/* As much as there is room for; the session's cursor is the seq. */
extern BevReading bev_row_reader_give(BevRowReader *reader);

/* Could the page that came not be had? */
extern bool bev_row_reader_failed(const BevRowReader *reader);

/* Let go of all that is held, if anything is. */
extern void bev_row_reader_end(BevRowReader *reader);

/* Is there no room for more? */
extern bool bev_row_reader_is_choked(const BevSession *session);

#endif /* BEV_GATEWAY_SESSION_ROW_READER_H */
