/*
 * handshake.h - reads an HTTP request's head, and the WebSocket upgrade in it.
 *
 * The head is parsed strictly, in place, once it has come whole: spans point
 * into the bytes that were given.  Nothing is copied, nothing is allocated.
 *
 * Pure C.
 */
#ifndef BEV_GATEWAY_WIRE_HANDSHAKE_H
#define BEV_GATEWAY_WIRE_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/event/event.h"
#include "common/pipe/message.h"
#include "gateway/net/address.h"

/* The longest head that is read: an 8 kB token and 8 kB of everything else. */
#define BEV_HEAD_MAX 16384

#define BEV_SUBPROTOCOL   "bugevents.v1"
#define BEV_BEARER_PREFIX "bearer."

typedef struct BevHead
{
	BevSpan method;
	BevSpan path;  /* without the query */
	BevSpan query; /* without the question mark */
	BevSpan host;
	BevSpan origin;
	BevSpan authorization;
	BevForwarded forwarded;
	BevSpan upgrade;
	BevSpan connection;
	BevSpan key;       /* Sec-WebSocket-Key */
	BevSpan version;   /* Sec-WebSocket-Version */
	BevSpan protocols; /* Sec-WebSocket-Protocol */
	BevSpan accept;    /* the last one */
	BevSpan last_id;   /* Last-Event-ID */
	BevSpan known_tag; /* If-None-Match, the last one */
	bool is_old;       /* HTTP/1.0, as health checks and proxies use; a host isn't needed */
	bool has_origin;   /* it may be empty, which is not none */
	bool has_body;     /* a content length or a transfer encoding */
	bool is_forwarded; /* a proxy says that it is not the first to ask */
	bool ambiguous;    /* an authorization, origin or list came twice */
} BevHead;

/*
 * Length of the head at the start of data, its empty line included; 0 while it
 * is not complete.
 */
extern size_t bev_head_end(const char *data, size_t len);

/* Parse a complete head.  0, or the HTTP status of the refusal. */
extern int bev_head_parse(const char *data, size_t len, BevHead *head);

/*
 * Does the client ask for a WebSocket?  Whoever offers another protocol (HTTP/2 without TLS, as
 * Java's client and curl --http2 do) is content with an answer in this one.
 */
extern bool bev_head_wants_upgrade(const BevHead *head);

/* Is the upgrade one that can be accepted (RFC 6455 4.2.1)?  0, or the HTTP status. */
extern int bev_head_check_upgrade(const BevHead *head);

/* Does it want Server-Sent Events? */
extern bool bev_head_wants_sse(const BevHead *head);

/* Does the client offer our subprotocol, so that it must be named? */
extern bool bev_head_offers_protocol(const BevHead *head);

/*
 * The token: in the Authorization header, the subprotocols or the query (token,
 * access_token).  False when there is none.  dst has room for BEV_TOKEN_MAX + 1 bytes; a token that
 * is longer, or given twice, gives an empty string, which no check accepts.
 */
extern bool bev_head_token(const BevHead *head, char *dst);

/*
 * A parameter of the query, decoded and terminated.  -1: not there; -2: given
 * twice, malformed or longer than size - 1; else its length.
 */
extern int bev_head_parameter(const BevHead *head, const char *name, char *dst, size_t size);

/*
 * The name of a parameter that isn't among known, which ends with a NULL, cut to size - 1 bytes.
 * False: there is none.
 */
extern bool bev_head_unknown_parameter(const BevHead *head, const char *const *known, char *dst,
                                       size_t size);

/* The value for Sec-WebSocket-Accept, terminated. */
#define BEV_ACCEPT_LEN 28
extern void bev_head_accept(const BevHead *head, char dst[BEV_ACCEPT_LEN + 1]);

/*
 * May a page of this origin connect?  allowed is the setting: exact origins
 * between commas, "*" for any, empty for the origin that is served here.
 */
extern bool bev_origin_allowed(const BevHead *head, const char *allowed);

#endif /* BEV_GATEWAY_WIRE_HANDSHAKE_H */
