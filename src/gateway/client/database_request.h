/*
 * database_request.h - what clients ask of the database.
 */
#ifndef BEV_GATEWAY_CLIENT_DATABASE_REQUEST_H
#define BEV_GATEWAY_CLIENT_DATABASE_REQUEST_H

#include "gateway/client/client_request.h"

/*
 * Each is the request of its name (docs/protocol.md): it is asked, answered from what the gateway
 * has, or refused.
 */
extern void bev_database_request_get(const BevClientRequest *request);
extern void bev_database_request_list(const BevClientRequest *request);
extern void bev_database_request_read(const BevClientRequest *request);
extern void bev_database_request_read_all(const BevClientRequest *request);
extern void bev_database_request_watch(const BevClientRequest *request);
extern void bev_database_request_unwatch(const BevClientRequest *request);
extern void bev_database_request_connections(const BevClientRequest *request);
extern void bev_database_request_disconnect(const BevClientRequest *request);
extern void bev_database_request_inspect(const BevClientRequest *request);
extern void bev_database_request_explain(const BevClientRequest *request);
extern void bev_database_request_visible(const BevClientRequest *request);

#endif /* BEV_GATEWAY_CLIENT_DATABASE_REQUEST_H */
