/*
 * record.h - handing a captured event to the transaction.
 */
#ifndef BEV_SERVER_CAPTURE_RECORD_H
#define BEV_SERVER_CAPTURE_RECORD_H

#include "postgres.h"

#include "common/event/event.h"

/* The type of events about alerts, which no session can make. */
#define BEV_TYPE_ALERT "alert"

/* One event; strings are UTF-8, never NULL. */
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
} BevRecord;

/*
 * Is anything to be published: is the session's database the one that is served,
 * and bugevents.enabled on?  Only when preloaded.
 */
extern bool bev_record_is_wanted(void);

/* The record (event.h) as bytes, palloc'd. */
extern char *bev_record_bytes(const BevRecord *record, Size *size);

/* Write it where the transaction collects its events. */
extern void bev_record_publish(const BevRecord *record);

#endif /* BEV_SERVER_CAPTURE_RECORD_H */
