/*
 * encode.h - a value of any type as JSON.
 */
#ifndef BE_SERVER_ENCODE_ENCODE_H
#define BE_SERVER_ENCODE_ENCODE_H

#include "postgres.h"

#include "fmgr.h"

#include "server/encode/json.h"

typedef enum BeKind
{
	BE_KIND_BOOL,
	BE_KIND_INT2,
	BE_KIND_INT4,
	BE_KIND_INT8,
	BE_KIND_FLOAT4,
	BE_KIND_FLOAT8,
	BE_KIND_NUMERIC,
	BE_KIND_TIMESTAMPTZ,
	BE_KIND_TIMESTAMP,
	BE_KIND_DATE,
	BE_KIND_UUID,
	BE_KIND_BYTEA,
	BE_KIND_TEXT,				/* text and its like: the bytes are the text */
	BE_KIND_JSON,
	BE_KIND_JSONB,
	BE_KIND_OUTPUT				/* a string made by the output function */
} BeKind;

/* How the values of one type are written; made once, used for every row. */
typedef struct BeEncoder
{
	Oid			type;			/* as asked for, before domains are looked through */
	BeKind		kind;
	int16		typlen;
	bool		typbyval;
	FmgrInfo	output;			/* of BE_KIND_OUTPUT */
} BeEncoder;

/* Looks the type up; what it allocates lives in context. */
extern void be_encoder_init(BeEncoder *encoder, Oid type, MemoryContext context);

/*
 * Append a value.  A string over limit bytes is cut at a character, json over it
 * becomes null; true means that the value is whole.
 *
 * Values of BE_KIND_OUTPUT need be_output_settings_begin() around the calls.
 */
extern bool be_encode(BeJson *json, BeEncoder *encoder, Datum value, Size limit);

/*
 * Fix the settings that output functions look at, for a time.  The level that
 * begin returns goes to end; an error in between undoes them as well.
 */
extern int	be_output_settings_begin(void);
extern void be_output_settings_end(int level);

#endif							/* BE_SERVER_ENCODE_ENCODE_H */
