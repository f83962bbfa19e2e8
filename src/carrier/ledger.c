/*
 * ledger.c - which idempotency keys were sent lately.
 *
 * Model: a ring of digests.  A look compares all of them, which takes some microseconds
 * and happens once for each delivery.
 */
#include "ledger.h"
#include "pipe/carrier.h"

#include <openssl/sha.h>
#include <pthread.h>
#include <string.h>

typedef struct Entry
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	int			code;
} Entry;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Entry ring[BE_CARRIER_LEDGER];	/* protected by lock */
static unsigned added;					/* likewise */

static void
digest_of(const char *key, unsigned char *digest)
{
	SHA256((const unsigned char *) key, strlen(key), digest);
}

void
be_ledger_add(const char *key, int code)
{
	Entry		entry = {.code = code};

	digest_of(key, entry.digest);
	pthread_mutex_lock(&lock);
	ring[added++ % BE_CARRIER_LEDGER] = entry;
	pthread_mutex_unlock(&lock);
}

bool
be_ledger_find(const char *key, int *code)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	bool		found = false;

	digest_of(key, digest);
	pthread_mutex_lock(&lock);
	for (unsigned i = 0; i < BE_CARRIER_LEDGER && i < added && !found; i++)
	{
		found = memcmp(ring[i].digest, digest, sizeof(digest)) == 0;
		if (found)
			*code = ring[i].code;
	}
	pthread_mutex_unlock(&lock);
	return found;
}
