/*
 * event_request.h - what a GET /events asks for.
 */
#ifndef BEV_GATEWAY_CLIENT_EVENT_REQUEST_H
#define BEV_GATEWAY_CLIENT_EVENT_REQUEST_H

#include "gateway/client/connection.h"
#include "gateway/wire/handshake.h"

/* The longest that an answer in JSON may be waited for, s. */
#define BEV_EVENTS_WAIT_MAX 60

/*
 * From where the client wants to go on: the query's since and stream, or since_time.  What is wrong
 * is in client->fault.
 */
extern void bev_event_request_read_position(BevClient *client, const BevHead *head);

/* Does the head ask for events? */
extern bool bev_event_request_is_one(const BevHead *head);

/*
 * Make the client, whose head this is, one that reads by HTTP: in which form, from where, and which
 * events.  What is wrong with the query is in client->fault, to be told to who shows a good token.
 */
extern void bev_event_request_read(BevClient *client, const BevHead *head,
                                   const char *allowed_origins);

#endif /* BEV_GATEWAY_CLIENT_EVENT_REQUEST_H */
