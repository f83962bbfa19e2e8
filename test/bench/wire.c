/*
 * wire.c - a connected socket that doesn't block, plain or by TLS.
 */
#include "wire.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static SSL_CTX *
new_context(const SSL_METHOD *method)
{
	SSL_CTX    *context = SSL_CTX_new(method);

	if (context == NULL)
	{
		fprintf(stderr, "no TLS\n");
		exit(1);
	}
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					 SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	return context;
}

SSL_CTX *
wire_client_context(void)
{
	return new_context(TLS_client_method());
}

SSL_CTX *
wire_server_context(const char *cert_file, const char *key_file)
{
	SSL_CTX    *context = new_context(TLS_server_method());

	if (SSL_CTX_use_certificate_chain_file(context, cert_file) != 1 ||
		SSL_CTX_use_PrivateKey_file(context, key_file, SSL_FILETYPE_PEM) != 1)
	{
		ERR_print_errors_fp(stderr);
		exit(1);
	}
	SSL_CTX_set_num_tickets(context, 1);
	return context;
}

void
wire_open(Wire *wire, int fd, SSL_CTX *context, bool server)
{
	wire->fd = fd;
	wire->tls = NULL;
	if (context == NULL)
		return;
	wire->tls = SSL_new(context);
	SSL_set_fd(wire->tls, fd);
	if (server)
		SSL_set_accept_state(wire->tls);
	else
		SSL_set_connect_state(wire->tls);
}

/* What an unfinished call of OpenSSL means; errno is set. */
static ssize_t
unfinished(Wire *wire, int result)
{
	int			error = SSL_get_error(wire->tls, result);

	if (error == SSL_ERROR_ZERO_RETURN)
		return 0;
	errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : EPROTO;
	return -1;
}

int
wire_shake(Wire *wire)
{
	int			result;

	if (wire->tls == NULL)
		return 1;
	ERR_clear_error();
	result = SSL_do_handshake(wire->tls);
	if (result == 1)
		return 1;
	return unfinished(wire, result) < 0 && errno == EAGAIN ? 0 : -1;
}

ssize_t
wire_read(Wire *wire, char *data, size_t len)
{
	size_t		got = 0;
	int			result = 1;

	if (wire->tls == NULL)
		return read(wire->fd, data, len);
	ERR_clear_error();
	/* A record at a time. */
	while (got < len && (result = SSL_read(wire->tls, data + got, (int) (len - got))) > 0)
		got += (size_t) result;
	return got > 0 ? (ssize_t) got : unfinished(wire, result);
}

ssize_t
wire_send(Wire *wire, const char *data, size_t len)
{
	size_t		sent = 0;
	int			result = 1;

	if (wire->tls == NULL)
		return send(wire->fd, data, len, MSG_NOSIGNAL);
	ERR_clear_error();
	while (sent < len && (result = SSL_write(wire->tls, data + sent, (int) (len - sent))) > 0)
		sent += (size_t) result;
	return sent > 0 ? (ssize_t) sent : unfinished(wire, result);
}

void
wire_close(Wire *wire)
{
	SSL_free(wire->tls);
	close(wire->fd);
	wire->tls = NULL;
	wire->fd = -1;
}
