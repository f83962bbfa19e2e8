/*
 * database_text.c - text of the database as valid UTF-8, whatever the encoding.
 *
 * Model: plain ASCII, the usual case, needs nothing in any encoding, and finding that out
 * costs less than any check.  For the rest there are two cases.  In a UTF-8 or SQL_ASCII
 * database the bytes are checked, and replaced where they aren't UTF-8 (SQL_ASCII promises
 * nothing; a UTF-8 database may hold what an older server let in).  In any other encoding
 * it goes through the conversion that PostgreSQL has for the encoding, in the mode that
 * reports where it stopped in place of an error.
 *
 * Failure: a byte that can't be converted becomes U+FFFD.  Only running out of
 * memory throws.
 */
#include "server/encode/database_text.h"

#include "catalog/namespace.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#define REPLACEMENT "\xEF\xBF\xBD"

/* Input that one call of the conversion gets: its output must be < 1 GB. */
#define CONVERT_CHUNK (1024 * 1024)

static bool
all_ascii(const char *text, Size len)
{
	uint64 bits = 0;
	Size i = 0;

	for (; i + 4 * sizeof(uint64) <= len; i += 4 * sizeof(uint64))
	{
		uint64 words[4];

		memcpy(words, text + i, sizeof(words));
		bits |= (words[0] | words[1]) | (words[2] | words[3]);
	}
	for (; i + sizeof(uint64) <= len; i += sizeof(uint64))
	{
		uint64 word;

		memcpy(&word, text + i, sizeof(word));
		bits |= word;
	}
	for (; i < len; i++)
		bits |= (unsigned char) text[i];
	return (bits & UINT64CONST(0x8080808080808080)) == 0;
}

/* Copy with each byte that is not part of a valid character replaced. */
static char *
replace_invalid(const char *text, Size *len)
{
	const char *end = text + *len;
	StringInfoData out;

	initStringInfo(&out);
	while (text < end)
	{
		int valid = pg_encoding_verifymbstr(PG_UTF8, text, (int) (end - text));

		appendBinaryStringInfo(&out, text, valid);
		text += valid;
		if (text < end)
		{
			appendBinaryStringInfo(&out, REPLACEMENT, 3);
			text++;
		}
	}
	*len = out.len;
	return out.data;
}

/* Convert from the server's encoding, which is neither UTF-8 nor SQL_ASCII. */
static char *
convert(Oid proc, int encoding, const char *text, Size *len)
{
	const char *end = text + *len;
	int room = CONVERT_CHUNK * MAX_CONVERSION_GROWTH + 1;
	char *buffer = palloc(Min((Size) room, *len * MAX_CONVERSION_GROWTH + 1));
	StringInfoData out;

	initStringInfo(&out);
	while (text < end)
	{
		int rest = (int) Min(end - text, CONVERT_CHUNK);
		int clipped = pg_encoding_mbcliplen(encoding, text, (int) (end - text), rest);
		int done = 0;

		if (clipped > 0)
		{
			done = pg_do_encoding_conversion_buf(proc, encoding, PG_UTF8, (unsigned char *) text,
			                                     clipped, (unsigned char *) buffer,
			                                     clipped * MAX_CONVERSION_GROWTH + 1, true);
			appendStringInfoString(&out, buffer);
		}
		text += done;
		if (done == 0 || done < clipped)
		{
			/* The length of a character may be told by its second byte. */
			int skip = end - text > 1 ? pg_encoding_mblen(encoding, text) : 1;

			appendBinaryStringInfo(&out, REPLACEMENT, 3);
			text += Max(Min(skip, end - text), 1);
		}
	}
	pfree(buffer);
	*len = out.len;
	return out.data;
}

const char *
bev_database_text_to_utf8(const char *text, Size *len)
{
	static Oid proc = InvalidOid;
	int encoding;

	if (all_ascii(text, *len))
		return text;
	encoding = GetDatabaseEncoding();
	if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
	{
		if (pg_encoding_verifymbstr(PG_UTF8, text, (int) *len) == (int) *len)
			return text;
		return replace_invalid(text, len);
	}

	if (!OidIsValid(proc))
		proc = FindDefaultConversionProc(encoding, PG_UTF8);
	if (!OidIsValid(proc))
		return replace_invalid(text, len);
	return convert(proc, encoding, text, len);
}

const char *
bev_database_text_to_cstring(const char *text)
{
	Size len = strlen(text);

	/* Every copy above is NUL-terminated by StringInfo. */
	return bev_database_text_to_utf8(text, &len);
}

Size
bev_database_text_clip(const char *text, Size len)
{
	int encoding = GetDatabaseEncoding();

	if (encoding != PG_UTF8 && encoding != PG_SQL_ASCII)
		return pg_mbcliplen(text, (int) len, (int) len);

	/* The lead byte of a split character is among the last three. */
	for (Size back = 1; back <= Min(3, len); back++)
	{
		unsigned char c = (unsigned char) text[len - back];

		if (c >= 0xC0)
			return pg_utf_mblen(&c) > (int) back ? len - back : len;
		if (c < 0x80)
			break;
	}
	return len;
}
