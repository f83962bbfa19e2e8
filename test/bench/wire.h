/*
 * wire.h - a connected socket that doesn't block, plain or by TLS.
 */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include <stdbool.h>
#include <sys/types.h>

struct ssl_st;
struct ssl_ctx_st;

typedef struct Wire
{
	int			fd;
	struct ssl_st *tls;			/* NULL: plain */
} Wire;

/* Ends the program if it can't.  A client's context verifies nobody. */
extern struct ssl_ctx_st *wire_client_context(void);
extern struct ssl_ctx_st *wire_server_context(const char *cert_file, const char *key_file);

/* context is NULL for a plain socket. */
extern void wire_open(Wire *wire, int fd, struct ssl_ctx_st *context, bool server);

/* Go on with the handshake: 1 when it is over, 0 when it waits, -1 on failure. */
extern int	wire_shake(Wire *wire);

/* As read and send; -1 with EAGAIN when they would block. */
extern ssize_t wire_read(Wire *wire, char *data, size_t len);
extern ssize_t wire_send(Wire *wire, const char *data, size_t len);

/* Without a farewell. */
extern void wire_close(Wire *wire);

#endif							/* BENCH_WIRE_H */
