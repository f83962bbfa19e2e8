/*
 * encode.h - a value of any type as JSON.
 */
#ifndef BEV_SERVER_ENCODE_ENCODE_H
#define BEV_SERVER_ENCODE_ENCODE_H

#include "postgres.h"

#include "fmgr.h"

#include "server/encode/json.h"

typedef enum BevKind
{
	BEV_KIND_BOOL,
	BEV_KIND_INT2,
	BEV_KIND_INT4,
	BEV_KIND_INT8,
	BEV_KIND_FLOAT4,
	BEV_KIND_FLOAT8,
	BEV_KIND_NUMERIC,
	BEV_KIND_TIMESTAMPTZ,
	BEV_KIND_TIMESTAMP,
	BEV_KIND_DATE,
	BEV_KIND_UUID,
	BEV_KIND_BYTEA,
	BEV_KIND_ID,     /* text that is an id of another table: a number where it looks like one */
	BEV_KIND_TEXT,   /* text and its like: the bytes are the text */
	BEV_KIND_BPCHAR, /* char(n): without the blanks that fill it */
	BEV_KIND_JSON,
	BEV_KIND_JSONB,
	BEV_KIND_OUTPUT /* a string made by the output function */
} BevKind;

/* How the values of one type are written; made once, used for every row. */
typedef struct BevEncoder
{
	Oid type; /* as asked for, before domains are looked through */
	BevKind kind;
	int16 typlen;
	bool typbyval;
	FmgrInfo output; /* of BEV_KIND_OUTPUT */
} BevEncoder;

/* Looks the type up; what it allocates lives in context. */
extern void bev_encoder_init(BevEncoder *encoder, Oid type, MemoryContext context);

/*
 * Append a value.  A string over limit bytes is cut at a character, json over it
 * becomes null; true means that the value is whole.
 *
 * Values of BEV_KIND_OUTPUT need bev_output_settings_begin() around the calls.
 */
extern bool bev_encode(BevJson *json, BevEncoder *encoder, Datum value, Size limit);

/*
 * Fix the settings that output functions look at, for a time.  The level that
 * begin returns goes to end; an error in between undoes them as well.
 */
extern int bev_output_settings_begin(void);
extern void bev_output_settings_end(int level);

#endif /* BEV_SERVER_ENCODE_ENCODE_H */
