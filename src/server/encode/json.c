/*
 * json.c - writing JSON text into a growing buffer.
 *
 * Model: every function appends.  Numbers, dates and timestamps are written
 * digit by digit, without the types' output functions: they allocate, and their
 * text depends on the session's settings.
 *
 * Memory: one allocation per buffer, doubled when full.  Larger than 1 GB is
 * allowed (a cut value may grow sixfold while it is escaped); the callers bound
 * what goes in.
 *
 * Not here: what a column's type becomes (encode.c), and encodings (database_text.c).
 */
#include "server/encode/json.h"

#include <math.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "server/encode/integer.h"
#include "common/shortest_dec.h"
#include "port/pg_bitutils.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define JSON_FIRST_CAPACITY 8192

/* A buffer that grew beyond this is given back after the row. */
#define JSON_KEPT_CAPACITY (1024 * 1024)

/*
 * What stands after the backslash for a byte that a string can't hold: 0 for
 * "needs no escape", 'u' for the \u00XX form.
 */
static const char json_escape[256] = {
	'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'b',         't',           'n', 'u',
	'f', 'r', 'u', 'u', 'u', 'u', 'u', 'u', 'u',         'u',           'u', 'u',
	'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', ['"'] = '"', ['\\'] = '\\',
};

static const char hex_digit[] = "0123456789abcdef";

void
bev_json_init(BevJson *json, MemoryContext context)
{
	memset(json, 0, sizeof(*json));
	json->context = context;
}

void
bev_json_reset(BevJson *json)
{
	json->len = 0;
	if (json->capacity > JSON_KEPT_CAPACITY)
	{
		pfree(json->data);
		json->data = NULL;
		json->capacity = 0;
	}
}

void
bev_json_enlarge(BevJson *json, Size n)
{
	Size capacity = Max(json->capacity * 2, JSON_FIRST_CAPACITY);

	while (capacity - json->len < n)
		capacity *= 2;
	if (json->data == NULL)
		json->data = MemoryContextAllocHuge(json->context, capacity);
	else
		json->data = repalloc_huge(json->data, capacity);
	json->capacity = capacity;
}

static inline char *
put_escape(char *dst, unsigned char c)
{
	*dst++ = '\\';
	*dst++ = json_escape[c];
	if (json_escape[c] == 'u')
	{
		*dst++ = '0';
		*dst++ = '0';
		*dst++ = hex_digit[c >> 4];
		*dst++ = hex_digit[c & 15];
	}
	return dst;
}

/*
 * Copy bytes up to the first one that needs an escape or to the end; returns how
 * many.  dst has room for len bytes rounded up to a block.
 */
#define JSON_BLOCK 16

static inline Size
copy_clean(char *dst, const char *src, Size len)
{
	Size i = 0;

#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"');
	const __m128i backslash = _mm_set1_epi8('\\');
	const __m128i last_control = _mm_set1_epi8(0x1f);

	for (; i + JSON_BLOCK <= len; i += JSON_BLOCK)
	{
		__m128i block = _mm_loadu_si128((const __m128i *) (src + i));
		__m128i bad;
		int mask;

		/* min(b, 0x1f) == b: an unsigned comparison, which SSE2 lacks */
		bad = _mm_cmpeq_epi8(_mm_min_epu8(block, last_control), block);
		bad = _mm_or_si128(bad, _mm_cmpeq_epi8(block, quote));
		bad = _mm_or_si128(bad, _mm_cmpeq_epi8(block, backslash));
		_mm_storeu_si128((__m128i *) (dst + i), block);
		mask = _mm_movemask_epi8(bad);
		if (mask != 0)
			return i + pg_rightmost_one_pos32((uint32) mask);
	}
#endif
	for (; i < len; i++)
	{
		if (json_escape[(unsigned char) src[i]])
			break;
		dst[i] = src[i];
	}
	return i;
}

void
bev_json_string(BevJson *json, const char *text, Size len)
{
	bev_json_char(json, '"');
	for (;;)
	{
		Size n;

		/* Room for the rest without escapes, one escape and a block's excess. */
		bev_json_reserve(json, len + 6 + JSON_BLOCK);
		n = copy_clean(json->data + json->len, text, len);
		json->len += n;
		if (n == len)
			break;
		json->len = put_escape(json->data + json->len, (unsigned char) text[n]) - json->data;
		text += n + 1;
		len -= n + 1;
	}
	bev_json_char(json, '"');
}

/* Beyond these, JavaScript's numbers lose something. */
#define SAFE_INTEGER INT64CONST(9007199254740991)

void
bev_json_id(BevJson *json, const char *text)
{
	int64 value;

	if (bev_is_integer(text, &value) && value <= SAFE_INTEGER && value >= -SAFE_INTEGER)
		bev_json_bytes(json, text, strlen(text));
	else
		bev_json_string(json, text, strlen(text));
}

void
bev_json_hex(BevJson *json, const unsigned char *bytes, Size len)
{
	char *dst;

	bev_json_reserve(json, len * 2 + 5);
	dst = json->data + json->len;
	memcpy(dst, "\"\\\\x", 4);
	dst += 4;
	for (Size i = 0; i < len; i++)
	{
		*dst++ = hex_digit[bytes[i] >> 4];
		*dst++ = hex_digit[bytes[i] & 15];
	}
	*dst++ = '"';
	json->len = dst - json->data;
}

void
bev_json_uuid(BevJson *json, const unsigned char *uuid)
{
	char *dst;

	bev_json_reserve(json, 38);
	dst = json->data + json->len;
	*dst++ = '"';
	for (int i = 0; i < 16; i++)
	{
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*dst++ = '-';
		*dst++ = hex_digit[uuid[i] >> 4];
		*dst++ = hex_digit[uuid[i] & 15];
	}
	*dst++ = '"';
	json->len = dst - json->data;
}

void
bev_json_int(BevJson *json, int64 value)
{
	bev_json_reserve(json, MAXINT8LEN + 1);
	json->len += pg_lltoa(value, json->data + json->len);
}

/* True when the value was one of those that JSON has no number for. */
static bool
put_special_float(BevJson *json, float8 value)
{
	if (isnan(value))
		bev_json_literal(json, "\"NaN\"");
	else if (isinf(value) && value > 0)
		bev_json_literal(json, "\"Infinity\"");
	else if (isinf(value))
		bev_json_literal(json, "\"-Infinity\"");
	else
		return false;
	return true;
}

void
bev_json_float4(BevJson *json, float4 value)
{
	if (put_special_float(json, value))
		return;
	bev_json_reserve(json, FLOAT_SHORTEST_DECIMAL_LEN);
	json->len += float_to_shortest_decimal_bufn(value, json->data + json->len);
}

void
bev_json_float8(BevJson *json, float8 value)
{
	if (put_special_float(json, value))
		return;
	bev_json_reserve(json, DOUBLE_SHORTEST_DECIMAL_LEN);
	json->len += double_to_shortest_decimal_bufn(value, json->data + json->len);
}

static inline char *
put_digits(char *dst, uint32 value, int width)
{
	for (int i = width - 1; i >= 0; i--)
	{
		dst[i] = '0' + value % 10;
		value /= 10;
	}
	return dst + width;
}

/* A date, and whether the caller must write " BC" at the end. */
static char *
format_date(char *dst, int julian_day, bool *bc)
{
	int year, month, day;

	j2date(julian_day, &year, &month, &day);
	*bc = year <= 0;
	if (*bc)
		year = 1 - year;
	if (year > 9999)
		dst += pg_ltoa(year, dst);
	else
		dst = put_digits(dst, year, 4);
	*dst++ = '-';
	dst = put_digits(dst, month, 2);
	*dst++ = '-';
	return put_digits(dst, day, 2);
}

/* No date that PostgreSQL has is longer. */
#define DATE_ROOM 16

/* The same, copied if it is the one before: a row's dates are often the same. */
static char *
put_date(char *dst, int julian_day, bool *bc)
{
	static int last_day;
	static char last[DATE_ROOM];
	static Size last_len = 0;
	static bool last_bc;

	if (last_len == 0 || julian_day != last_day)
	{
		last_len = format_date(last, julian_day, &last_bc) - last;
		last_day = julian_day;
	}
	*bc = last_bc;
	memcpy(dst, last, DATE_ROOM);
	return dst + last_len;
}

static inline char *
put_pair(char *dst, uint32 value)
{
	dst[0] = (char) ('0' + value / 10);
	dst[1] = (char) ('0' + value % 10);
	return dst + 2;
}

static char *
put_time(char *dst, int64 usecs)
{
	uint32 seconds = (uint32) (usecs / USECS_PER_SEC);
	uint32 fraction = (uint32) (usecs % USECS_PER_SEC);

	dst = put_pair(dst, seconds / SECS_PER_HOUR);
	*dst++ = ':';
	dst = put_pair(dst, seconds / SECS_PER_MINUTE % MINS_PER_HOUR);
	*dst++ = ':';
	dst = put_pair(dst, seconds % SECS_PER_MINUTE);
	*dst++ = '.';
	dst = put_pair(dst, fraction / 10000);
	dst = put_pair(dst, fraction / 100 % 100);
	return put_pair(dst, fraction % 100);
}

void
bev_json_timestamp(BevJson *json, Timestamp value, const char *suffix)
{
	int64 day = value / USECS_PER_DAY;
	int64 usecs = value % USECS_PER_DAY;
	bool bc;
	char *dst;

	if (TIMESTAMP_IS_NOBEGIN(value))
	{
		bev_json_literal(json, "\"-infinity\"");
		return;
	}
	if (TIMESTAMP_IS_NOEND(value))
	{
		bev_json_literal(json, "\"infinity\"");
		return;
	}
	if (usecs < 0)
	{
		usecs += USECS_PER_DAY;
		day--;
	}

	bev_json_reserve(json, 64);
	dst = json->data + json->len;
	*dst++ = '"';
	dst = put_date(dst, (int) (day + POSTGRES_EPOCH_JDATE), &bc);
	*dst++ = 'T';
	dst = put_time(dst, usecs);
	if (*suffix)
		*dst++ = *suffix;
	if (bc)
	{
		memcpy(dst, " BC", 3);
		dst += 3;
	}
	*dst++ = '"';
	json->len = dst - json->data;
}

void
bev_json_date(BevJson *json, DateADT value)
{
	bool bc;
	char *dst;

	if (DATE_IS_NOBEGIN(value))
	{
		bev_json_literal(json, "\"-infinity\"");
		return;
	}
	if (DATE_IS_NOEND(value))
	{
		bev_json_literal(json, "\"infinity\"");
		return;
	}

	bev_json_reserve(json, 32);
	dst = json->data + json->len;
	*dst++ = '"';
	dst = put_date(dst, value + POSTGRES_EPOCH_JDATE, &bc);
	if (bc)
	{
		memcpy(dst, " BC", 3);
		dst += 3;
	}
	*dst++ = '"';
	json->len = dst - json->data;
}

/* The byte that an escape of put_escape() stands for; advances *src past it. */
static char
read_escape(const char **src)
{
	const char *p = *src;

	*src += 1;
	switch (*p)
	{
		case 'b':
			return '\b';
		case 't':
			return '\t';
		case 'n':
			return '\n';
		case 'f':
			return '\f';
		case 'r':
			return '\r';
		case 'u':
			*src += 4;
			return (char) (((p[3] - '0') << 4) | (p[4] <= '9' ? p[4] - '0' : p[4] - 'a' + 10));
		default:
			return *p;
	}
}

Size
bev_json_plain(const char *scalar, Size len, char *dst)
{
	const char *end = scalar + len - 1;
	char *start = dst;

	if (len < 2 || *scalar != '"')
	{
		memcpy(dst, scalar, len);
		return len;
	}
	for (scalar++; scalar < end;)
	{
		char c = *scalar++;

		*dst++ = c == '\\' ? read_escape(&scalar) : c;
	}
	return dst - start;
}
