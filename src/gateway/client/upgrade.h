/*
 * upgrade.h - who is let in: from the request's head to ready.
 */
#ifndef BEV_GATEWAY_CLIENT_UPGRADE_H
#define BEV_GATEWAY_CLIENT_UPGRADE_H

#include "gateway/client/client.h"

/* Bytes came while the client is in its handshake. */
extern void bev_upgrade_receive(BevClient *client, const char *data, size_t len);

/* The dispatcher lets the client stay. */
extern void bev_upgrade_admitted(BevClient *client);

/* Look again at those who are ahead of the stream. */
extern void bev_upgrade_look_at_held(BevGateway *gateway);

/* The stream begins: those who waited for it are looked up again, and welcomed. */
extern void bev_upgrade_welcome_waiting(BevGateway *gateway);

#endif /* BEV_GATEWAY_CLIENT_UPGRADE_H */
