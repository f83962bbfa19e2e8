/*
 * tls.c - what is asked of a TLS connection.
 *
 * Model: the identity (certificate, chain and key) belongs to the context, and a
 * connection takes it when it begins, so that a new one drops nobody.  It is put
 * into a context that is thrown away first: only what went well there is used.
 * Why not into the context itself: it keeps a certificate for each type of key,
 * and would go on showing the old one next to a new one of another type.
 *
 * Protocols: none is agreed on by ALPN, which is to say HTTP/1.1.
 *
 * Ciphers: TLS 1.3 as OpenSSL orders them; of TLS 1.2 only forward secrecy with
 * authenticated encryption.
 *
 * Tickets: TLS 1.2 has none, since its tickets are sealed with a key that stays as long as the
 * process, and whoever got it could read what was recorded.  Those of TLS 1.3 only tell who
 * comes back; the keys are agreed on anew (psk_dhe_ke).
 *
 * Cost: a hello takes a signature and an exchange of keys, which is by far the most of it.  The
 * caller says when it is ready for one (bev_tls_plan_step), since it knows of a hello before
 * OpenSSL reads it.  One that comes in pieces, or is asked for again (HelloRetryRequest), comes
 * unplanned: so many are taken in a turn, and others fail.
 *
 * Memory: no cache of sessions; a client that comes back brings a ticket.
 */
#include "gateway/net/tls.h"
#include "common/program/memory.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>

/* In a turn; a step takes a millisecond at most. */
#define UNPLANNED_STEPS 4

#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"

static bool
fail(char *error, size_t error_size, const char *what)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;

	snprintf(error, error_size, reason ? "%s: %s" : "%s", what, reason);
	ERR_clear_error();
	return false;
}

/* OpenSSL would ask at the terminal. */
static int
no_passphrase(char *buffer __attribute__((unused)), int size __attribute__((unused)),
              int writing __attribute__((unused)), void *data __attribute__((unused)))
{
	return 0;
}

static EVP_PKEY *
read_key(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);

	BIO_free(bio);
	return key;
}

/* The certificates of a file, leaf first; NULL: not even one. */
static STACK_OF(X509) * read_chain(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	STACK_OF(X509) *chain = sk_X509_new_null();
	X509 *one;
	bool whole;

	while ((one = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)) != NULL)
		sk_X509_push(chain, one);
	whole = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	BIO_free(bio);
	if (whole && sk_X509_num(chain) > 0)
	{
		ERR_clear_error();
		return chain;
	}
	sk_X509_pop_free(chain, X509_free);
	return NULL;
}

typedef struct Identity
{
	X509 *leaf;
	STACK_OF(X509) * rest; /* of the chain */
	EVP_PKEY *key;
} Identity;

static void
free_identity(Identity *identity)
{
	if (identity == NULL)
		return; /* a context may have none yet */
	X509_free(identity->leaf);
	sk_X509_pop_free(identity->rest, X509_free);
	EVP_PKEY_free(identity->key);
	free(identity);
}

/* The context is freed, and its identity with it. */
static void
on_context_free(void *parent __attribute__((unused)), void *identity,
                CRYPTO_EX_DATA *data __attribute__((unused)), int index __attribute__((unused)),
                long argl __attribute__((unused)), void *argp __attribute__((unused)))
{
	free_identity(identity);
}

/* Where a context keeps its identity. */
static int
identity_index(void)
{
	static int index = -1;

	if (index < 0)
		index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, on_context_free);
	return index;
}

/* Hellos that may still be answered in this turn. */
static uint32_t steps_left = UNPLANNED_STEPS;

void
bev_tls_begin_turn(void)
{
	steps_left = UNPLANNED_STEPS;
}

void
bev_tls_plan_step(void)
{
	steps_left++;
}

/* A connection begins: its hello was read, and the costly step comes next. */
static int
show_identity(SSL *ssl, void *unused __attribute__((unused)))
{
	const Identity *identity = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), identity_index());

	if (steps_left == 0)
		return 0;
	steps_left--;
	if (SSL_version(ssl) < TLS1_3_VERSION)
		SSL_set_options(ssl, SSL_OP_NO_TICKET);
	return identity != NULL &&
	       SSL_use_cert_and_key(ssl, identity->leaf, identity->key, identity->rest, 1);
}

static Identity *
read_identity(const BevTls *tls, char *error, size_t error_size)
{
	STACK_OF(X509) *chain = read_chain(tls->cert);
	EVP_PKEY *key = chain ? read_key(tls->key) : NULL;
	Identity *identity;

	if (key == NULL)
	{
		fail(error, error_size,
		     chain ? "tls_key_file has no private key in PEM without a passphrase" :
		             "tls_cert_file has no certificate in PEM");
		sk_X509_pop_free(chain, X509_free);
		return NULL;
	}
	identity = bev_alloc(sizeof(*identity));
	identity->leaf = sk_X509_shift(chain);
	identity->rest = chain;
	identity->key = key;
	return identity;
}

/* Would OpenSSL show it? */
static bool
try_identity(const Identity *identity)
{
	SSL_CTX *trial = SSL_CTX_new(TLS_server_method());
	bool good =
		trial && SSL_CTX_use_cert_and_key(trial, identity->leaf, identity->key, identity->rest, 1);

	SSL_CTX_free(trial);
	return good;
}

bool
bev_tls_use(SSL_CTX *context, const BevTls *tls, char *error, size_t error_size)
{
	Identity *identity;

	ERR_clear_error();
	identity = read_identity(tls, error, error_size);
	if (identity == NULL)
		return false;
	if (!try_identity(identity))
	{
		free_identity(identity);
		return fail(error, error_size, "tls_key_file does not fit tls_cert_file");
	}
	free_identity(SSL_CTX_get_ex_data(context, identity_index()));
	SSL_CTX_set_ex_data(context, identity_index(), identity);
	SSL_CTX_set_cert_cb(context, show_identity, NULL);
	SSL_CTX_set_cipher_list(context, CIPHERS);
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
	                                 SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_min_proto_version(context,
	                              tls->min_version == 13 ? TLS1_3_VERSION : TLS1_2_VERSION);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(context, 1);

	/*
	 * The library's own callback would take h2, and frame what is written for it, in
	 * nine bytes ahead of a buffer that has none.
	 */
	SSL_CTX_set_alpn_select_cb(context, NULL, NULL);
	return true;
}
