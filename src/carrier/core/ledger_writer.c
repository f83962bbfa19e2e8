/*
 * ledger_writer.c - which idempotency keys were sent lately.
 *
 * Model: a ring of digests.  A look compares all of them, which takes some microseconds
 * and happens once for each delivery.
 */
#include "carrier/core/ledger_writer.h"
#include "common/pipe/carrier_message.h"

#include <openssl/sha.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct Entry
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	int code;
} Entry;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Entry ring[BEV_CARRIER_LEDGER]; /* protected by lock */
static unsigned added;                 /* likewise */

static int file = -1;

/*
 * A line at once, since other threads write, too.  If it can't be written, the courier will think
 * less sure than it could be, and no worse.
 */
static void
write_line(const char *what, const char *key)
{
	char line[BEV_CARRIER_MAX_KEY + 16];
	int len = snprintf(line, sizeof(line), "%s %s\n", what, key);

	if (file >= 0 && len < (int) sizeof(line) && write(file, line, (size_t) len) != len)
		fputs("bugevents carrier: could not write to its ledger\n", stderr);
}

void
bev_ledger_writer_open(int fd)
{
	file = fd;
}

void
bev_ledger_writer_begin(const char *key)
{
	write_line("began", key);
}

void
bev_ledger_writer_fail(const char *key)
{
	write_line("failed", key);
}

static void
digest_of(const char *key, unsigned char *digest)
{
	SHA256((const unsigned char *) key, strlen(key), digest);
}

void
bev_ledger_writer_add(const char *key, int code)
{
	Entry entry = {.code = code};

	write_line("sent", key);
	digest_of(key, entry.digest);
	pthread_mutex_lock(&lock);
	ring[added++ % BEV_CARRIER_LEDGER] = entry;
	pthread_mutex_unlock(&lock);
}

bool
bev_ledger_writer_find(const char *key, int *code)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	bool found = false;

	digest_of(key, digest);
	pthread_mutex_lock(&lock);
	for (unsigned i = 0; i < BEV_CARRIER_LEDGER && i < added && !found; i++)
	{
		found = memcmp(ring[i].digest, digest, sizeof(digest)) == 0;
		if (found)
			*code = ring[i].code;
	}
	pthread_mutex_unlock(&lock);
	return found;
}
