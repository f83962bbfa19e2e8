/*
 * admission.h - who may connect, counted over all gateways.
 */
#ifndef BEV_SERVER_ADMISSION_ADMISSION_H
#define BEV_SERVER_ADMISSION_ADMISSION_H

#include "postgres.h"

#include "server/admission/applicant.h"
#include "server/shared/clients.h"
#include "common/pipe/message.h"

/* Begin with nobody connected. */
extern void bev_admission_begin(void);

/*
 * May this client of a gateway stay?  If so it is in the table from now on, and what it was granted
 * is kept; its projects are taken.  False when the gateway has this client already: it is broken.
 */
extern bool bev_admission_open(int gateway, BevApplicant *who, BevVerdict *verdict);

/* Remember that it was refused, for any reason but BEV_ADMITTED. */
extern void bev_admission_refused(int gateway, const BevApplicant *who, BevVerdict verdict);

/* What the tables of users say of one that may stay, as of a seq: statements (access.h). */
extern void bev_admission_tables(int gateway, uint64 client, uint64 as_of, BevSpan statements);

/* What an event says of users. */
extern void bev_admission_take_access(uint64 seq, BevSpan statements);

/*
 * Is an admin connected to the gateway, by a token that has not expired and by the tables?  In
 * doubt yes: where one table has made somebody an admin again, another one may say otherwise.
 */
extern bool bev_admission_has_admin(int gateway);

/* Tokens expire: to be called once in a while. */
extern void bev_admission_review_admins(void);

/* It showed another good token. */
extern void bev_admission_renew(int gateway, uint64 client, const BevGrant *grant,
                                const char *projects);

/* These say false when the gateway has no such client: it is broken. */
extern bool bev_admission_close(int gateway, const BevClosedMessage *closed);
extern bool bev_admission_role(int gateway, const BevRoleMessage *role);
extern bool bev_admission_report(int gateway, const BevClientsMessage *report);
extern bool bev_admission_subscription(int gateway, uint64 client, BevSpan subscription);

/* How many clients are connected. */
extern int bev_admission_count(void);

/* What the verifier said of a client that is connected; NULL: the gateway has no such client. */
extern const BevApplicant *bev_admission_who(int gateway, uint64 client);

/* The gateway is gone, and so are its clients. */
extern void bev_admission_forget(int gateway);

/* The next client that somebody wants disconnected; false: there is none. */
extern bool bev_admission_next_disconnect(int *gateway, BevDisconnectMessage *disconnect);

#endif /* BEV_SERVER_ADMISSION_ADMISSION_H */
