/*
 * encode.c - a value of any type as JSON.
 *
 * Model: a type has a kind, found once.  The kinds of a bug tracker's usual
 * columns are written from their internal form.  All other types go through
 * their output function, whose text becomes a string; settings that output
 * functions obey are pinned meanwhile, so that an event looks the same whoever
 * wrote the row.
 *
 * Memory: detoasted copies and output texts are palloc'd in the caller's
 * context, which a trigger's is emptied after each row.  Of a large value
 * only the beginning is fetched when no more is wanted.
 *
 * Failure: values are cut before they could exceed what PostgreSQL can
 * allocate.  An output function that throws does so for SELECT as well.
 */
#include "server/encode/encode.h"

#include "access/detoast.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "common/text/utf8.h"
#include "server/encode/database_text.h"

/*
 * Stored values beyond these sizes are not turned into text, which could pass
 * the 1 GB of an allocation: six bytes for one in jsonb's escapes; an output
 * function may double every byte more than once.
 */
#define JSONB_MAX_SIZE  (160 * 1024 * 1024)
#define OUTPUT_MAX_SIZE (64 * 1024 * 1024)

/* No jsonb is more than this many times larger than its text. */
#define JSONB_BYTES_PER_CHAR 16

static BevKind
kind_of(Oid type)
{
	switch (type)
	{
		case BOOLOID:
			return BEV_KIND_BOOL;
		case INT2OID:
			return BEV_KIND_INT2;
		case INT4OID:
			return BEV_KIND_INT4;
		case INT8OID:
			return BEV_KIND_INT8;
		case FLOAT4OID:
			return BEV_KIND_FLOAT4;
		case FLOAT8OID:
			return BEV_KIND_FLOAT8;
		case NUMERICOID:
			return BEV_KIND_NUMERIC;
		case TIMESTAMPTZOID:
			return BEV_KIND_TIMESTAMPTZ;
		case TIMESTAMPOID:
			return BEV_KIND_TIMESTAMP;
		case DATEOID:
			return BEV_KIND_DATE;
		case UUIDOID:
			return BEV_KIND_UUID;
		case BYTEAOID:
			return BEV_KIND_BYTEA;
		case TEXTOID:
		case VARCHAROID:
			return BEV_KIND_TEXT;
		case BPCHAROID:
			return BEV_KIND_BPCHAR;
		case JSONOID:
			return BEV_KIND_JSON;
		case JSONBOID:
			return BEV_KIND_JSONB;
		default:
			return BEV_KIND_OUTPUT;
	}
}

void
bev_encoder_init(BevEncoder *encoder, Oid type, MemoryContext context)
{
	Oid base = getBaseType(type);

	memset(encoder, 0, sizeof(*encoder));
	encoder->kind = kind_of(base);
	get_typlenbyval(base, &encoder->typlen, &encoder->typbyval);
	if (encoder->kind == BEV_KIND_OUTPUT)
	{
		Oid function;
		bool is_varlena;

		getTypeOutputInfo(base, &function, &is_varlena);
		fmgr_info_cxt(function, &encoder->output, context);
	}
	encoder->type = type;
}

/* Text in UTF-8, cut to limit; whole tells that the source had no more. */
static bool
put_string(BevJson *json, const char *text, Size len, Size limit, bool whole)
{
	const char *utf8;
	Size utf8_len = len;
	Size clipped;

	utf8 = bev_database_text_to_utf8(text, &utf8_len);
	clipped = bev_utf8_clip(utf8, utf8_len, limit);
	bev_json_string(json, utf8, clipped);
	return whole && clipped == utf8_len;
}

/* The first limit bytes of a varlena, without fetching more than needed. */
static struct varlena *
fetch_prefix(Datum value, Size limit, bool *whole)
{
	*whole = toast_raw_datum_size(value) - VARHDRSZ <= limit;
	if (*whole)
		return PG_DETOAST_DATUM_PACKED(value);
	return PG_DETOAST_DATUM_SLICE(value, 0, (int32) limit);
}

/* As a cast to text has it, and as ids of it are compared. */
static bool
put_bpchar(BevJson *json, Datum value, Size limit)
{
	struct varlena *text = PG_DETOAST_DATUM_PACKED(value);
	Size len = bpchartruelen(VARDATA_ANY(text), (int) VARSIZE_ANY_EXHDR(text));

	return put_string(json, VARDATA_ANY(text), len, limit, true);
}

static bool
put_text(BevJson *json, Datum value, Size limit)
{
	bool whole;
	struct varlena *text = fetch_prefix(value, limit, &whole);
	Size len = VARSIZE_ANY_EXHDR(text);

	/* A cut may have split a character; its bytes aren't damage to report. */
	if (!whole)
		len = bev_database_text_clip(VARDATA_ANY(text), len);
	return put_string(json, VARDATA_ANY(text), len, limit, whole);
}

static bool
put_bytea(BevJson *json, Datum value, Size limit)
{
	bool whole;
	struct varlena *bytes = fetch_prefix(value, limit > 2 ? (limit - 2) / 2 : 0, &whole);

	bev_json_hex(json, (unsigned char *) VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
	return whole;
}

/* Is this \uXXXX; and which code unit? */
static bool
read_unicode_escape(const char *p, const char *end, uint32 *unit)
{
	if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return false;
	*unit = 0;
	for (int i = 2; i < 6; i++)
	{
		char c = p[i] | 0x20;

		*unit = *unit * 16 + (c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return true;
}

/*
 * The type json keeps the text that it was given, with escapes that many readers
 * refuse, jsonb among them: \u0000 and halves of surrogate pairs.  They become
 * \ufffd.  The text is changed in place.
 */
static void
mend_unicode_escapes(char *text, Size len)
{
	char *end = text + len;
	uint32 unit;
	uint32 low;

	for (char *p = text; (p = memchr(p, '\\', end - p)) != NULL;)
	{
		if (!read_unicode_escape(p, end, &unit))
		{
			p += 2;
			continue;
		}
		if (unit >= 0xD800 && unit <= 0xDBFF && read_unicode_escape(p + 6, end, &low) &&
		    low >= 0xDC00 && low <= 0xDFFF)
		{
			p += 12;
			continue;
		}
		if (unit == 0 || (unit >= 0xD800 && unit <= 0xDFFF))
			memcpy(p + 2, "fffd", 4);
		p += 6;
	}
}

static bool
put_null(BevJson *json)
{
	bev_json_literal(json, "null");
	return false;
}

static bool
put_json_text(BevJson *json, const char *text, Size len, Size limit)
{
	const char *utf8 = bev_database_text_to_utf8(text, &len);

	if (len > limit)
		return put_null(json);
	bev_json_bytes(json, utf8, len);
	return true;
}

static bool
put_json(BevJson *json, Datum value, Size limit)
{
	Size start = json->len;
	struct varlena *text;

	if (toast_raw_datum_size(value) - VARHDRSZ > limit)
		return put_null(json);
	text = PG_DETOAST_DATUM_PACKED(value);
	if (!put_json_text(json, VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text), limit))
		return false;
	mend_unicode_escapes(json->data + start, json->len - start);
	return true;
}

static bool
put_jsonb(BevJson *json, Datum value, Size limit)
{
	Jsonb *jsonb;
	char *text;

	if (toast_raw_datum_size(value) > Min(JSONB_MAX_SIZE, limit * JSONB_BYTES_PER_CHAR + 64))
		return put_null(json);
	jsonb = DatumGetJsonbP(value);
	text = JsonbToCString(NULL, &jsonb->root, VARSIZE(jsonb));
	return put_json_text(json, text, strlen(text), limit);
}

static bool
put_numeric(BevJson *json, Datum value)
{
	char *text = DatumGetCString(DirectFunctionCall1(numeric_out, value));
	Size len = strlen(text);

	/* NaN, Infinity, -Infinity */
	if (text[len - 1] >= 'A')
		bev_json_string(json, text, len);
	else
		bev_json_bytes(json, text, len);
	pfree(text);
	return true;
}

static bool
put_output(BevJson *json, BevEncoder *encoder, Datum value, Size limit)
{
	char *text;

	if (encoder->typlen == -1)
	{
		if (toast_raw_datum_size(value) > OUTPUT_MAX_SIZE)
		{
			bev_json_literal(json, "\"\"");
			return false;
		}
		value = PointerGetDatum(PG_DETOAST_DATUM(value));
	}
	text = OutputFunctionCall(&encoder->output, value);
	return put_string(json, text, strlen(text), limit, true);
}

bool
bev_encode(BevJson *json, BevEncoder *encoder, Datum value, Size limit)
{
	switch (encoder->kind)
	{
		case BEV_KIND_BOOL:
			if (DatumGetBool(value))
				bev_json_literal(json, "true");
			else
				bev_json_literal(json, "false");
			return true;
		case BEV_KIND_INT2:
			bev_json_int(json, DatumGetInt16(value));
			return true;
		case BEV_KIND_INT4:
			bev_json_int(json, DatumGetInt32(value));
			return true;
		case BEV_KIND_INT8:
			bev_json_int(json, DatumGetInt64(value));
			return true;
		case BEV_KIND_FLOAT4:
			bev_json_float4(json, DatumGetFloat4(value));
			return true;
		case BEV_KIND_FLOAT8:
			bev_json_float8(json, DatumGetFloat8(value));
			return true;
		case BEV_KIND_NUMERIC:
			return put_numeric(json, value);
		case BEV_KIND_TIMESTAMPTZ:
			bev_json_timestamp(json, DatumGetTimestampTz(value), "Z");
			return true;
		case BEV_KIND_TIMESTAMP:
			bev_json_timestamp(json, DatumGetTimestamp(value), "");
			return true;
		case BEV_KIND_DATE:
			bev_json_date(json, DatumGetDateADT(value));
			return true;
		case BEV_KIND_UUID:
			bev_json_uuid(json, DatumGetUUIDP(value)->data);
			return true;
		case BEV_KIND_BYTEA:
			return put_bytea(json, value, limit);
		case BEV_KIND_ID:
			bev_json_id(json, bev_database_text_to_cstring(TextDatumGetCString(value)));
			return true;
		case BEV_KIND_TEXT:
			return put_text(json, value, limit);
		case BEV_KIND_BPCHAR:
			return put_bpchar(json, value, limit);
		case BEV_KIND_JSON:
			return put_json(json, value, limit);
		case BEV_KIND_JSONB:
			return put_jsonb(json, value, limit);
		case BEV_KIND_OUTPUT:
			return put_output(json, encoder, value, limit);
	}
	pg_unreachable();
}

static void
pin(const char *name, const char *value)
{
	if (strcmp(GetConfigOption(name, false, false), value) != 0)
		(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
		                         false);
}

int
bev_output_settings_begin(void)
{
	int level = NewGUCNestLevel();

	pin("DateStyle", "ISO, MDY");
	pin("IntervalStyle", "postgres");
	pin("TimeZone", "UTC");
	pin("extra_float_digits", "1");
	pin("bytea_output", "hex");
	return level;
}

void
bev_output_settings_end(int level)
{
	AtEOXact_GUC(true, level);
}
