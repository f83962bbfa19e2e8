/*
 * upgrade.h - who is let in: from the request's head to ready.
 */
#ifndef BE_GATEWAY_CLIENT_UPGRADE_H
#define BE_GATEWAY_CLIENT_UPGRADE_H

#include "gateway/client/client.h"

/* Bytes came while the client is in its handshake. */
extern void be_door_receive(BeClient *client, const char *data, size_t len);

/* The dispatcher lets the client stay. */
extern void be_door_admitted(BeClient *client);

/* Look again at those who are ahead of the stream. */
extern void be_door_look_at_held(BeGateway *gateway);

/* The stream begins: those who waited for it are looked up again, and welcomed. */
extern void be_door_welcome_waiting(BeGateway *gateway);

#endif							/* BE_GATEWAY_CLIENT_UPGRADE_H */
