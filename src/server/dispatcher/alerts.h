/*
 * alerts.h - telling when something is wrong (bugevents.alert_...).
 */
#ifndef BEV_SERVER_DISPATCHER_ALERTS_H
#define BEV_SERVER_DISPATCHER_ALERTS_H

/* Begin with none raised. */
extern void bev_alerts_begin(void);

/*
 * Look whether there is something to tell, if it is time for that.  In a transaction; to be
 * called about once a second.
 */
extern void bev_alerts_run(void);

#endif /* BEV_SERVER_DISPATCHER_ALERTS_H */
