/*
 * record.h - handing a captured event to the transaction.
 */
#ifndef BEV_SERVER_CAPTURE_RECORD_H
#define BEV_SERVER_CAPTURE_RECORD_H

#include "postgres.h"

#include "common/event/event.h"

/* The type of events about alerts, which no session can make. */
#define BEV_TYPE_ALERT "alert"

/* One event; strings are UTF-8, and not NULL. */
typedef struct BevRecord
{
	const char *type;
	const char *action;
	const char *audience;
	const char *key;
	const char *project;
	const char *bug;
	BevSpan payload;
	BevSpan changes;
	BevSpan open_payload;
	BevSpan open_changes;
	BevSpan access;
	bool foreign;      /* of a table that doesn't decide: access is empty, and says so */
	bool replayed;     /* the row was there before: access is empty, and says so */
	const char *actor; /* NULL: who acts now */
} BevRecord;

/*
 * Is anything to be published: is the session's database the one that is served,
 * and bugevents.enabled on?  Only when preloaded.
 */
extern bool bev_record_is_wanted(void);

/* The record (event.h) as bytes, palloc'd. */
extern char *bev_record_bytes(const BevRecord *record, Size *size);

/*
 * Write it where the transaction collects its events: now, while events are formed of what was
 * logged, or in its place among the changes that are logged.
 */
extern void bev_record_publish(const BevRecord *record);
extern void bev_record_log(const BevRecord *record);

/*
 * Statements on access (access.h) that go ahead of all that is published from now on: with
 * the next record.  They have to stay until then; empty: none any more.
 */
extern void bev_record_set_ahead(BevSpan statements);

/* The same of a record that was logged, when its turn has come. */
extern void bev_record_publish_bytes(const char *bytes);

#endif /* BEV_SERVER_CAPTURE_RECORD_H */
