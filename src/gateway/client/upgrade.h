/*
 * upgrade.h - who is let in: from the request's head to ready.
 */
#ifndef BEV_GATEWAY_CLIENT_UPGRADE_H
#define BEV_GATEWAY_CLIENT_UPGRADE_H

#include "gateway/client/connection.h"
#include "gateway/client/http.h"
#include "gateway/session/access_update.h"

typedef struct BevUpgrade
{
	const BevConfig *config;
	const BevTokenCheck *tokens;
	const BevHttp *http;
	BevFanout *fanout;
	BevQuestions *questions;
	BevRegistrations *registrations;
	BevAccessUpdates *updates;
} BevUpgrade;

/*
 * Bytes came while the client is in its handshake: keep them.  True: the head is complete
 * (client->head_len), and is to be answered.  A head that is too long is refused.
 */
extern bool bev_upgrade_receive(BevClient *client, const char *data, size_t len);

/* Answer the complete head: the client's state is another one then. */
extern void bev_upgrade_answer(const BevUpgrade *upgrade, BevClient *client, const char *data,
                               size_t len);

/*
 * ADMIT came.  False: it is malformed.  *client is who was admitted, and is welcomed, held or
 * refused now; NULL: nobody.
 */
extern bool bev_upgrade_admit(const BevUpgrade *upgrade, const BevMessage *message,
                              BevClient **client);

/* Is it held, since it is ahead of the stream? */
extern bool bev_upgrade_is_held(const BevClient *client);

/* Welcome one that is held, if the stream got there or it was held for long enough. */
extern bool bev_upgrade_release(const BevUpgrade *upgrade, BevClient *client);

#endif /* BEV_GATEWAY_CLIENT_UPGRADE_H */
