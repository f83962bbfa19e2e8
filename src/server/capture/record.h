/*
 * record.h - handing a captured event to the transaction.
 */
#ifndef BE_SERVER_CAPTURE_RECORD_H
#define BE_SERVER_CAPTURE_RECORD_H

#include "postgres.h"

#include "common/event/event.h"

/* The type of events about alerts, which no session can make. */
#define BE_TYPE_ALERT	"alert"

/* One event; strings are UTF-8, never NULL. */
typedef struct BeRecord
{
	const char *type;
	const char *action;
	const char *audience;
	const char *key;
	const char *project;
	const char *bug;
	BeSpan		payload;
	BeSpan		changes;
	BeSpan		open_payload;
	BeSpan		open_changes;
	BeSpan		access;
} BeRecord;

/*
 * Is anything to be published: is the session's database the one that is served,
 * and bugevents.enabled on?  Only when preloaded.
 */
extern bool be_record_is_wanted(void);

/* The record (event.h) as bytes, palloc'd. */
extern char *be_record_bytes(const BeRecord *record, Size *size);

/* Write it where the transaction collects its events. */
extern void be_record_publish(const BeRecord *record);

#endif							/* BE_SERVER_CAPTURE_RECORD_H */
