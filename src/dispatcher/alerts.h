/*
 * alerts.h - telling when something is wrong (bugevents.alert_...).
 */
#ifndef BE_DISPATCHER_ALERTS_H
#define BE_DISPATCHER_ALERTS_H

/* Begin with none raised. */
extern void be_alerts_begin(void);

/*
 * Look whether there is something to tell, if it is time for that.  In a transaction; to be
 * called about once a second.
 */
extern void be_alerts_run(void);

#endif							/* BE_DISPATCHER_ALERTS_H */
