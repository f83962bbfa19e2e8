/*
 * json.h - JSON text written straight into a growing buffer.
 *
 * A buffer belongs to the session and is used again for every row.  Whatever is
 * written must be UTF-8 already (database_text.h).
 */
#ifndef BEV_SERVER_ENCODE_JSON_H
#define BEV_SERVER_ENCODE_JSON_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/date.h"

typedef struct BevJson
{
	char *data; /* not NUL-terminated */
	Size len;
	Size capacity;
	MemoryContext context; /* where data is allocated */
} BevJson;

/* An empty buffer whose bytes live in context; the first write allocates. */
extern void bev_json_init(BevJson *json, MemoryContext context);

/* Empty the buffer; gives memory back when the last use was a large one. */
extern void bev_json_reset(BevJson *json);

/* Make room for n more bytes; use the inline functions below. */
extern void bev_json_enlarge(BevJson *json, Size n);

/* A string with its quotes: len bytes of UTF-8, escaped. */
extern void bev_json_string(BevJson *json, const char *text, Size len);

/*
 * An id that is kept as text: a number if it looks like one that JavaScript has, else
 * a string.
 */
extern void bev_json_id(BevJson *json, const char *text);

/* Bytes as the string "\x...", bytea's hex format. */
extern void bev_json_hex(BevJson *json, const unsigned char *bytes, Size len);

extern void bev_json_uuid(BevJson *json, const unsigned char *uuid);
extern void bev_json_int(BevJson *json, int64 value);

/* Numbers; strings for NaN and the infinities, which JSON doesn't have. */
extern void bev_json_float4(BevJson *json, float4 value);
extern void bev_json_float8(BevJson *json, float8 value);

/*
 * ISO 8601 with six digits of fraction; suffix is "Z" or "".  Infinities and
 * years out of 1..9999 as PostgreSQL's ISO style writes them.
 */
extern void bev_json_timestamp(BevJson *json, Timestamp value, const char *suffix);
extern void bev_json_date(BevJson *json, DateADT value);

/*
 * The text of a scalar that the functions above wrote: a string without its
 * quotes and escapes, anything else as it stands.  dst has room for len bytes;
 * returns the length.
 */
extern Size bev_json_plain(const char *scalar, Size len, char *dst);

static inline void
bev_json_reserve(BevJson *json, Size n)
{
	if (unlikely(json->capacity - json->len < n))
		bev_json_enlarge(json, n);
}

static inline void
bev_json_bytes(BevJson *json, const char *bytes, Size len)
{
	bev_json_reserve(json, len);
	memcpy(json->data + json->len, bytes, len);
	json->len += len;
}

static inline void
bev_json_char(BevJson *json, char c)
{
	bev_json_reserve(json, 1);
	json->data[json->len++] = c;
}

#define bev_json_literal(json, text) bev_json_bytes(json, "" text "", sizeof(text) - 1)

#endif /* BEV_SERVER_ENCODE_JSON_H */
