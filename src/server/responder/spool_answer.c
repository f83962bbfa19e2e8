/*
 * spool_answer.c - rows that are kept on disk for a gateway that reads them in pages.
 *
 * Model
 *	A temporary file of PostgreSQL's own for each spool, in a set for each gateway
 *	(server/dispatcher/spool_files.h), which any responder may write and read:
 *
 *	| size, count, records | size, count, records | ...     pages of PAGE_BYTES or more
 *
 *	A gateway has BEV_SPOOLS_MAX spools, by number.  All of them together take
 *	bugevents.state_disk_size; what is above that is refused before it is written, whoever
 *	the gateway is now (test/t/006_get.pl).
 *
 * Trust: a gateway may name any place in its own files, and is given the bytes there.
 *
 * Cost: rows are written once and read once for each client, mostly from the system's memory.
 */
#include "server/responder/spool_answer.h"

#include <fcntl.h>

#include "common/event/event.h"
#include "common/pipe/body.h"
#include "server/base/settings.h"
#include "storage/buffile.h"
#include "utils/memutils.h"

#define PAGE_BYTES (256 * 1024)
#define NAME_SIZE  16

typedef struct PageHead
{
	uint32 size;
	uint32 count;
} PageHead;

static char *
name_of(uint32 number, char *name)
{
	snprintf(name, NAME_SIZE, "rows%u", number);
	return name;
}

/* False: it is none. */
static bool
read_number(const char *text, uint32 *number)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	*number = (uint32) value;
	return end != text && *end == '\0' && value < BEV_SPOOLS_MAX;
}

/* The spool that a request names; false: the answer says what is wrong. */
static bool
read_spool(const BevQuestionHead *head, Jsonb *json, uint32 *number, bool *is_named,
           BevAnswer *answer)
{
	char *text;

	*is_named = bev_request_text(json, "spool", &text) && text != NULL;
	if (!*is_named || (head->spools.ntablespaces > 0 && read_number(text, number)))
		return true;
	bev_answer_error(answer, "invalid_field", "spool", "there is no such spool");
	return false;
}

/* ---- Writing ---- */

/* The files are a gateway's, not ours: closing one leaves it there. */
static BufFile *
open_file(const BevQuestionHead *head, uint32 number, int mode)
{
	char name[NAME_SIZE];

	return BufFileOpenFileSet(unconstify(FileSet *, &head->spools), name_of(number, name), mode,
	                          true);
}

static void
delete_file(const BevQuestionHead *head, uint32 number)
{
	char name[NAME_SIZE];

	BufFileDeleteFileSet(unconstify(FileSet *, &head->spools), name_of(number, name), true);
}

static BufFile *
create_file(const BevQuestionHead *head, uint32 number)
{
	char name[NAME_SIZE];

	delete_file(head, number);
	return BufFileCreateFileSet(unconstify(FileSet *, &head->spools), name_of(number, name));
}

/* Of all spools of the gateway. */
static int64
bytes_used(const BevQuestionHead *head)
{
	int64 bytes = 0;

	for (uint32 i = 0; i < BEV_SPOOLS_MAX; i++)
	{
		BufFile *file = open_file(head, i, O_RDONLY);

		if (file == NULL)
			continue;
		bytes += BufFileSize(file);
		BufFileClose(file);
	}
	return bytes;
}

/* The records at the beginning of rest, as a page; what is behind it. */
static BevSpan
write_page(BufFile *file, BevSpan rest, uint32 *left)
{
	BevSpan behind = rest;
	PageHead page = {0};
	BevEvent record;

	while (*left > 0 && rest.len - behind.len < PAGE_BYTES)
	{
		if (!bev_body_next_record(&behind, &record))
			elog(ERROR, "could not read a record that was just written");
		page.count++;
		--*left;
	}
	page.size = rest.len - behind.len;
	BufFileWrite(file, &page, sizeof(page));
	BufFileWrite(file, unconstify(char *, rest.data), page.size);
	return behind;
}

static void
write_pages(BufFile *file, BevAnswer *answer)
{
	BevSpan rest = {answer->rest.data, (uint32_t) answer->rest.len};

	while (answer->message.count > 0)
		rest = write_page(file, rest, &answer->message.count);
	memmove(answer->rest.data, rest.data, rest.len);
	answer->rest.len = (int) rest.len;
	answer->rest.data[rest.len] = '\0';
}

static BufFile *
open_to_write(const BevQuestionHead *head, uint32 number, bool is_first)
{
	BufFile *file = is_first ? create_file(head, number) : open_file(head, number, O_RDWR);

	if (file && !is_first && BufFileSeek(file, 0, 0, SEEK_END) != 0)
		elog(ERROR, "could not go to the end of a spool");
	return file;
}

void
bev_spool_answer_write(const BevQuestionHead *head, Jsonb *json, bool is_first, BevAnswer *answer)
{
	int64 limit = (int64) bev_state_disk_size * 1024;
	uint32 number;
	bool is_named;
	BufFile *file;

	if (!read_spool(head, json, &number, &is_named, answer) || !is_named)
		return;
	if (is_first)
		delete_file(head, number);
	if (bytes_used(head) + answer->rest.len > limit)
	{
		bev_answer_error(answer, "state_too_big", "",
		                 "these are more rows than bugevents.state_disk_size: narrow the "
		                 "subscription");
		return;
	}
	file = open_to_write(head, number, is_first);
	if (file == NULL)
	{
		bev_answer_error(answer, "internal_error", "", "the rows that were read are gone");
		return;
	}
	write_pages(file, answer);
	BufFileClose(file);
}

/* ---- Reading ---- */

static void
read_bytes(BufFile *file, void *dst, Size size)
{
	if (BufFileRead(file, dst, size) != size)
		ereport(ERROR, (errcode_for_file_access(), errmsg("could not read a spool")));
}

/* A place that is none is the gateway's own fault, and no reason to take all our memory. */
static void
add_page(BufFile *file, int64 size, int64 at, BevAnswer *answer)
{
	PageHead page;
	int64 next;

	if (at < 0 || at > size - (int64) sizeof(page) || BufFileSeek(file, 0, at, SEEK_SET) != 0)
		elog(ERROR, "a spool has no page there");
	read_bytes(file, &page, sizeof(page));
	next = at + (int64) sizeof(page) + page.size;
	if (next > size || page.size > MaxAllocSize / 2)
		elog(ERROR, "a spool has no page there");
	enlargeStringInfo(&answer->rest, (int) page.size);
	read_bytes(file, answer->rest.data, page.size);
	answer->rest.len = (int) page.size;
	answer->message.count = page.count;
	if (next < size)
		appendStringInfo(&answer->rest, "+" INT64_FORMAT, next);
	else
		appendStringInfoChar(&answer->rest, '.');
}

/* An empty one has no page at all. */
static void
answer_page(const BevQuestionHead *head, uint32 number, int64 at, BevAnswer *answer)
{
	BufFile *file = open_file(head, number, O_RDONLY);
	int64 size;

	if (file == NULL)
	{
		bev_answer_error(answer, "internal_error", "", "the rows that were read are gone");
		return;
	}
	size = BufFileSize(file);
	if (size == 0)
		appendStringInfoChar(&answer->rest, '.');
	else
		add_page(file, size, at, answer);
	BufFileClose(file);
}

void
bev_spool_answer(const BevQuestionHead *head, const char *payload, BevAnswer *answer)
{
	Jsonb *json = bev_request_read(payload, answer);
	uint32 number;
	bool is_named;
	char *at;

	if (json == NULL || !read_spool(head, json, &number, &is_named, answer))
		return;
	answer->message.kind = BEV_ANSWER_ROWS;
	if (!is_named)
		bev_answer_error(answer, "missing_field", "spool", "which one?");
	else if (bev_request_text(json, "at", &at) && at)
		answer_page(head, number, strtoll(at, NULL, 10), answer);
	else
	{
		delete_file(head, number);
		appendStringInfoChar(&answer->rest, '.');
	}
}
