/*
 * request.h - what clients ask for.
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
#ifndef BE_REQUEST_H
#define BE_REQUEST_H

#include "client.h"

/* Answer one text message. */
extern void be_request_answer(BeClient *client, const char *text, size_t len);

#endif							/* BE_REQUEST_H */
