/*
 * json.h - JSON text written straight into a growing buffer.
 *
 * A buffer belongs to the session and is used again for every row.  Whatever is
 * written must be UTF-8 already (database_text.h).
 */
#ifndef BE_SERVER_ENCODE_JSON_H
#define BE_SERVER_ENCODE_JSON_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/date.h"

typedef struct BeJson
{
	char	   *data;			/* not NUL-terminated */
	Size		len;
	Size		capacity;
	MemoryContext context;		/* where data is allocated */
} BeJson;

/* An empty buffer whose bytes live in context; the first write allocates. */
extern void be_json_init(BeJson *json, MemoryContext context);

/* Empty the buffer; gives memory back when the last use was a large one. */
extern void be_json_reset(BeJson *json);

/* Make room for n more bytes; use the inline functions below. */
extern void be_json_enlarge(BeJson *json, Size n);

/* A string with its quotes: len bytes of UTF-8, escaped. */
extern void be_json_string(BeJson *json, const char *text, Size len);

/*
 * An id that is kept as text: a number if it looks like one that JavaScript has, else
 * a string.
 */
extern void be_json_id(BeJson *json, const char *text);

/* Bytes as the string "\x...", bytea's hex format. */
extern void be_json_hex(BeJson *json, const unsigned char *bytes, Size len);

extern void be_json_uuid(BeJson *json, const unsigned char *uuid);
extern void be_json_int(BeJson *json, int64 value);

/* Numbers; strings for NaN and the infinities, which JSON doesn't have. */
extern void be_json_float4(BeJson *json, float4 value);
extern void be_json_float8(BeJson *json, float8 value);

/*
 * ISO 8601 with six digits of fraction; suffix is "Z" or "".  Infinities and
 * years out of 1..9999 as PostgreSQL's ISO style writes them.
 */
extern void be_json_timestamp(BeJson *json, Timestamp value, const char *suffix);
extern void be_json_date(BeJson *json, DateADT value);

/*
 * The text of a scalar that the functions above wrote: a string without its
 * quotes and escapes, anything else as it stands.  dst has room for len bytes;
 * returns the length.
 */
extern Size be_json_plain(const char *scalar, Size len, char *dst);

static inline void
be_json_reserve(BeJson *json, Size n)
{
	if (unlikely(json->capacity - json->len < n))
		be_json_enlarge(json, n);
}

static inline void
be_json_bytes(BeJson *json, const char *bytes, Size len)
{
	be_json_reserve(json, len);
	memcpy(json->data + json->len, bytes, len);
	json->len += len;
}

static inline void
be_json_char(BeJson *json, char c)
{
	be_json_reserve(json, 1);
	json->data[json->len++] = c;
}

#define be_json_literal(json, text)	be_json_bytes(json, "" text "", sizeof(text) - 1)

#endif							/* BE_SERVER_ENCODE_JSON_H */
