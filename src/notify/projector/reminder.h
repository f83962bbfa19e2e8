/*
 * reminder.h - reminders that become due.
 */
#ifndef BEV_NOTIFY_PROJECTOR_REMINDER_H
#define BEV_NOTIFY_PROJECTOR_REMINDER_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "notify/projector/bug.h"

/*
 * Fire those that were due at upto, a batch of them, and set those that repeat to their next
 * time.  Returns how many.  Wants a transaction, and SPI to be connected.
 */
extern int bev_reminder_fire(TimestampTz upto);

/*
 * When the next one is due; DT_NOEND: there is none.  Remembered until bev_reminder_changed;
 * else wants what bev_reminder_fire wants.
 */
extern TimestampTz bev_reminder_next(void);
extern bool bev_reminder_next_is_known(void);

/* There are others now. */
extern void bev_reminder_changed(void);

/* The bug's status is this now: if it is a closed one, its reminders go. */
extern void bev_reminder_look_at_status(const char *bug, const char *status);

/*
 * The bug is due then: a moment or a date as text, NULL for never.  Who is concerned is reminded
 * bugevents.due_reminder earlier; what is no moment, or has passed, reminds nobody.
 */
extern void bev_reminder_set_due(const BevBug *bug, const char *due);

#endif /* BEV_NOTIFY_PROJECTOR_REMINDER_H */
