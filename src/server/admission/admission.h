/*
 * admission.h - who may connect, counted over all gateways.
 */
#ifndef BE_SERVER_ADMISSION_ADMISSION_H
#define BE_SERVER_ADMISSION_ADMISSION_H

#include "postgres.h"

#include "server/shared/clients.h"
#include "common/pipe/message.h"

/* Begin with nobody connected. */
extern void be_admission_begin(void);

/*
 * May this client of a gateway stay?  If so it is in the table from now on.  False
 * when the gateway has this client already: it is broken.
 */
extern bool be_admission_open(int gateway, const BeOpenMessage *open,
							  BeVerdict *verdict);

/* Remember that it was refused, for any reason but BE_ADMITTED. */
extern void be_admission_refused(int gateway, const BeOpenMessage *open, BeVerdict verdict);

/* These say false when the gateway has no such client: it is broken. */
extern bool be_admission_close(int gateway, const BeClosedMessage *closed);
extern bool be_admission_role(int gateway, const BeRoleMessage *role);
extern bool be_admission_report(int gateway, const BeClientsMessage *report);
extern bool be_admission_interest(int gateway, uint64 client, BeSpan interest);

/* How many clients are connected. */
extern int	be_admission_count(void);

extern bool be_admission_who(int gateway, uint64 client, BeClient *who);

/* The gateway is gone, and so are its clients. */
extern void be_admission_forget(int gateway);

/* The next client that somebody wants disconnected; false: there is none. */
extern bool be_admission_next_wish(int *gateway, BeDisconnectMessage *disconnect);

#endif							/* BE_SERVER_ADMISSION_ADMISSION_H */
