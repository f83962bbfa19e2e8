/*
 * ledger.c - what the carrier did, in a file that outlives it and us.
 *
 * Model: lines "boot ID", "began KEY", "sent KEY" and "failed KEY".  The file isn't flushed to
 * disk: it is for the end of processes.  If the machine ended, it may have lost its last lines; the
 * id of the boot says so, and then what isn't in it may have been sent.  So may it be if the file
 * is a copy, as a backup or a standby has it, which lacks what was written later: the id has the
 * file's number in it.
 *
 * Concurrency: whoever has the file open holds the lock on it, the carrier by the descriptor
 * it inherited.  So nobody reads it while a carrier may still write.
 */
#include "notify/courier/ledger.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file_perm.h"
#include "lib/stringinfo.h"
#include "storage/fd.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#define PATH      "bugevents_courier.ledger" /* in the data directory */
#define BOOT_FILE "/proc/sys/kernel/random/boot_id"
#define KEY_SIZE  64
#define BOOT_SIZE 40 /* a UUID, and its end */
#define ID_SIZE   (BOOT_SIZE + 34)

typedef struct Entry
{
	char key[KEY_SIZE];
	BevLedgerFate fate;
} Entry;

static int ledger = -1;
static HTAB *entries = NULL;
static bool same_boot;

bool
bev_ledger_open(void)
{
	if (ledger < 0)
		ledger = open(PATH, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, pg_file_create_mode);
	if (ledger < 0)
		ereport(ERROR, (errcode_for_file_access(), errmsg("could not open file \"%s\": %m", PATH)));
	return flock(ledger, LOCK_EX | LOCK_NB) == 0;
}

int
bev_ledger_fd(void)
{
	return ledger;
}

/* Empty where the system has no such thing: then every start is like one of the machine. */
static void
read_boot_id(char *id, size_t size)
{
	int fd = open(BOOT_FILE, O_RDONLY | O_CLOEXEC);
	char text[BOOT_SIZE];
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
	struct stat status;

	text[Max(n, 0)] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (fd >= 0)
		close(fd);
	id[0] = '\0';
	if (text[0] && fstat(ledger, &status) == 0)
		snprintf(id, size, "%s.%llx.%llx", text, (unsigned long long) status.st_dev,
		         (unsigned long long) status.st_ino);
}

static void
read_file(StringInfo text)
{
	char part[8192];
	ssize_t n;

	if (lseek(ledger, 0, SEEK_SET) < 0)
		n = -1;
	else
		while ((n = read(ledger, part, sizeof(part))) > 0)
			appendBinaryStringInfo(text, part, n);
	if (n < 0)
		ereport(ERROR, (errcode_for_file_access(), errmsg("could not read file \"%s\": %m", PATH)));
}

static void
take_fate(const char *key, BevLedgerFate fate)
{
	char name[KEY_SIZE];
	bool found;
	Entry *entry;

	strlcpy(name, key, sizeof(name));
	entry = hash_search(entries, name, HASH_ENTER, &found);
	/* What was sent once stays so, whatever was tried again. */
	if (!found || entry->fate != BEV_LEDGER_SENT)
		entry->fate = fate;
}

static void
take_line(char *line, const char *boot)
{
	char *rest = strchr(line, ' ');

	if (rest == NULL)
		return;
	*rest++ = '\0';
	rest[strcspn(rest, " ")] = '\0';
	if (strcmp(line, "boot") == 0)
		same_boot = *boot && strcmp(rest, boot) == 0;
	else if (strcmp(line, "began") == 0)
		take_fate(rest, BEV_LEDGER_UNKNOWN);
	else if (strcmp(line, "sent") == 0)
		take_fate(rest, BEV_LEDGER_SENT);
	else if (strcmp(line, "failed") == 0)
		take_fate(rest, BEV_LEDGER_NOT_SENT);
}

void
bev_ledger_read(void)
{
	HASHCTL info = {.keysize = KEY_SIZE, .entrysize = sizeof(Entry), .hcxt = CurrentMemoryContext};
	char boot[ID_SIZE];
	StringInfoData text;
	char *rest;
	char *line;

	entries = hash_create("bugevents ledger", 256, &info, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	same_boot = false;
	read_boot_id(boot, sizeof(boot));
	initStringInfo(&text);
	read_file(&text);
	rest = text.data;
	/* A last line without its end is one that was not written to the end. */
	while ((line = rest) && (rest = strchr(line, '\n')))
	{
		*rest++ = '\0';
		take_line(line, boot);
	}
}

BevLedgerFate
bev_ledger_find(const char *key)
{
	char name[KEY_SIZE];
	Entry *entry;

	strlcpy(name, key, sizeof(name));
	entry = hash_search(entries, name, HASH_FIND, NULL);
	if (entry == NULL)
		return same_boot ? BEV_LEDGER_NOT_SENT : BEV_LEDGER_UNKNOWN;
	return entry->fate;
}

void
bev_ledger_clear(void)
{
	char boot[ID_SIZE];
	char line[ID_SIZE + 8];
	int len;

	read_boot_id(boot, sizeof(boot));
	len = snprintf(line, sizeof(line), "boot %s\n", boot);
	if (ftruncate(ledger, 0) != 0 || write(ledger, line, len) != len)
		ereport(ERROR,
		        (errcode_for_file_access(), errmsg("could not write file \"%s\": %m", PATH)));
}

int64
bev_ledger_size(void)
{
	struct stat status;

	return fstat(ledger, &status) == 0 ? status.st_size : 0;
}
