/*
 * alert_rules.h - telling when something is wrong (bugevents.alert_...).
 */
#ifndef BE_SERVER_DISPATCHER_ALERTS_H
#define BE_SERVER_DISPATCHER_ALERTS_H

/* Begin with none raised. */
extern void be_alerts_begin(void);

/*
 * Look whether there is something to tell, if it is time for that.  In a transaction; to be
 * called about once a second.
 */
extern void be_alerts_run(void);

#endif							/* BE_SERVER_DISPATCHER_ALERTS_H */
