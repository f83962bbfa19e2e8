/*
 * client_message.h - what clients ask for.
 *
 *	subscribe     narrows the stream; replaces the subscription before it
 *	unsubscribe   ends the stream: nothing comes but answers, until the next
 *	              subscribe, which goes on from its own reply's seq
 *	ping          {"pong":true,"seq":tip}
 *	authenticate  {"token":"..."} of the same user: renews expiry and role
 *
 * Everything that is wrong with a message is answered with an error that echoes
 * its id; the connection lives on.
 */
#ifndef BEV_GATEWAY_CLIENT_CLIENT_MESSAGE_H
#define BEV_GATEWAY_CLIENT_CLIENT_MESSAGE_H

#include "gateway/client/client_request.h"
#include "gateway/client/connection.h"

/* Answer one text message. */
extern void bev_client_message_answer(const BevClientMessages *messages, BevClient *client,
                                      const char *text, size_t len);

#endif /* BEV_GATEWAY_CLIENT_CLIENT_MESSAGE_H */
