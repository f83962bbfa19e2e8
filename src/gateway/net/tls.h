/*
 * tls.h - what is asked of a TLS connection.
 */
#ifndef BEV_GATEWAY_NET_TLS_H
#define BEV_GATEWAY_NET_TLS_H

#include <stdbool.h>
#include <stddef.h>

struct ssl_ctx_st;

/* The settings, as CONFIG brings them. */
typedef struct BevTls
{
	const char *cert;     /* the chain, leaf first, PEM */
	const char *key;      /* PEM, without a passphrase */
	unsigned min_version; /* 12: TLS 1.2; 13: TLS 1.3 */
} BevTls;

/*
 * Make later connections of the context use these.  Connections that exist go on
 * with what they have.  False, with the reason in error: something does not fit,
 * and the context is as it was.
 */
extern bool bev_tls_use(struct ssl_ctx_st *context, const BevTls *tls, char *error,
                        size_t error_size);

/*
 * A turn of the loop begins; one of its steps is going to be the answer to a hello.  Others are
 * answered, too, but only some in each turn.
 */
extern void bev_tls_begin_turn(void);
extern void bev_tls_plan_step(void);

#endif /* BEV_GATEWAY_NET_TLS_H */
