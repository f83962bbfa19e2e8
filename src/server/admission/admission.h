/*
 * admission.h - who may connect, counted over all gateways.
 */
#ifndef BEV_SERVER_ADMISSION_ADMISSION_H
#define BEV_SERVER_ADMISSION_ADMISSION_H

#include "postgres.h"

#include "server/shared/clients.h"
#include "common/pipe/message.h"

/* Begin with nobody connected. */
extern void bev_admission_begin(void);

/*
 * May this client of a gateway stay?  If so it is in the table from now on.  False
 * when the gateway has this client already: it is broken.
 */
extern bool bev_admission_open(int gateway, const BevOpenMessage *open, BevVerdict *verdict);

/* Remember that it was refused, for any reason but BEV_ADMITTED. */
extern void bev_admission_refused(int gateway, const BevOpenMessage *open, BevVerdict verdict);

/* These say false when the gateway has no such client: it is broken. */
extern bool bev_admission_close(int gateway, const BevClosedMessage *closed);
extern bool bev_admission_role(int gateway, const BevRoleMessage *role);
extern bool bev_admission_report(int gateway, const BevClientsMessage *report);
extern bool bev_admission_subscription(int gateway, uint64 client, BevSpan subscription);

/* How many clients are connected. */
extern int bev_admission_count(void);

extern bool bev_admission_who(int gateway, uint64 client, BevConnection *who);

/* The gateway is gone, and so are its clients. */
extern void bev_admission_forget(int gateway);

/* The next client that somebody wants disconnected; false: there is none. */
extern bool bev_admission_next_disconnect(int *gateway, BevDisconnectMessage *disconnect);

#endif /* BEV_SERVER_ADMISSION_ADMISSION_H */
