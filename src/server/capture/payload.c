/*
 * payload.c - the JSON documents of an event: payload and changes.
 *
 *	payload		{"id":7,"title":"...",...,"truncated":["description"]}
 *	changes		{"title":["old","new"]}
 *
 * Model: written field by field in the mapping's order.  New values in the
 * changes are copied from the payload, not encoded again.  "truncated" stands
 * there only if a value, of either document, isn't whole.
 *
 * Memory: two buffers of the session, which nothing that runs in between uses:
 * expressions were evaluated before.
 *
 * Failure: each document has a budget, so that a record fits
 * (BEV_EVENT_MAX_SIZE; sql/types.sql); what comes after it was used up is left empty, and named.
 */
#include "server/capture/payload.h"

#include "utils/memutils.h"

#include "common/text/utf8.h"
#include "server/encode/database_text.h"
#include "server/base/settings.h"

/* Of each document; four of them, with their keys and labels, are less than a record's limit. */
#define DOCUMENT_BUDGET (31 * 1024 * 1024)

StaticAssertDecl(4 * DOCUMENT_BUDGET < BEV_EVENT_MAX_SIZE - 1024 * 1024, "a record takes four");

/* A key longer than this identifies nothing anyone would look for. */
#define KEY_MAX_SIZE 1024

static BevJson payload_json;
static BevJson changes_json;
static BevJson open_payload_json; /* parts of these two */
static BevJson open_changes_json;

static void
reset_buffers(void)
{
	if (payload_json.context == NULL)
	{
		MemoryContext context =
			AllocSetContextCreate(TopMemoryContext, "bugevents payload", ALLOCSET_DEFAULT_SIZES);

		bev_json_init(&changes_json, context);
		bev_json_init(&payload_json, context);
		bev_json_init(&open_payload_json, context);
		bev_json_init(&open_changes_json, context);
	}
	bev_json_reset(&payload_json);
	bev_json_reset(&changes_json);
	bev_json_reset(&open_payload_json);
	bev_json_reset(&open_changes_json);
}

static BevEncoder *
encoder_of(BevMapping *mapping, BevRow *row, int i)
{
	BevField *field = &mapping->fields[i];

	/* An expression's type is known when it has been evaluated. */
	if (field->result >= 0 && field->encoder.type != row->results.types[field->result])
		bev_encoder_init(&field->encoder, row->results.types[field->result], mapping->context);
	return &field->encoder;
}

static void
put_nothing(BevJson *json, BevKind kind)
{
	if (kind == BEV_KIND_TEXT || kind == BEV_KIND_BPCHAR || kind == BEV_KIND_BYTEA ||
	    kind == BEV_KIND_OUTPUT)
		bev_json_literal(json, "\"\"");
	else
		bev_json_literal(json, "null");
}

/* Append the value of field i; false when it isn't whole. */
static bool
put_value(BevJson *json, BevMapping *mapping, BevRow *row, int i)
{
	Size start = json->len;
	BevEncoder *encoder;
	bool whole;

	if (row->nulls[i])
	{
		bev_json_literal(json, "null");
		return true;
	}

	encoder = encoder_of(mapping, row, i);
	if (start < DOCUMENT_BUDGET)
	{
		whole = bev_encode(json, encoder, row->values[i], Min(bev_max_value_size, DOCUMENT_BUDGET));
		if (json->len <= DOCUMENT_BUDGET)
			return whole;
	}
	json->len = start;
	put_nothing(json, encoder->kind);
	return false;
}

/*
 * The buffers move while they grow, so spans are kept as offsets from NULL until
 * both documents are finished.
 */
static inline BevSpan
make_span(BevJson *json, Size start)
{
	BevSpan span = {(const char *) start, (uint32_t) (json->len - start)};

	return span;
}

static void
settle_spans(BevSpan *spans, int n, BevJson *json)
{
	for (int i = 0; i < n; i++)
		spans[i].data = json->data + (Size) spans[i].data;
}

static void
put_payload(BevPayload *document, BevMapping *mapping, BevRow *row, bool *cut)
{
	BevJson *json = &payload_json;

	bev_json_char(json, '{');
	for (int i = 0; i < mapping->nfields; i++)
	{
		BevField *field = &mapping->fields[i];
		Size start;

		if (i > 0)
			bev_json_char(json, ',');
		bev_json_bytes(json, field->label, field->label_len);
		start = json->len;
		if (!put_value(json, mapping, row, i))
			cut[i] = true;
		document->values[i] = make_span(json, start);
	}
}

static void
put_change(BevPayload *document, BevMapping *mapping, BevRow *old, int i, bool *cut)
{
	BevJson *json = &changes_json;
	BevSpan new_value = document->values[i];
	Size start = json->len;

	bev_json_bytes(json, mapping->fields[i].label, mapping->fields[i].label_len);
	bev_json_char(json, '[');
	if (!put_value(json, mapping, old, i))
		cut[i] = true;
	bev_json_char(json, ',');
	if (json->len + new_value.len <= DOCUMENT_BUDGET)
		bev_json_bytes(json, payload_json.data + (Size) new_value.data, new_value.len);
	else
	{
		put_nothing(json, mapping->fields[i].encoder.kind);
		cut[i] = true;
	}
	bev_json_char(json, ']');
	document->members[i] = make_span(json, start);
}

static void
put_changes(BevPayload *document, BevMapping *mapping, BevRow *old, const bool *changed, bool *cut)
{
	bev_json_char(&changes_json, '{');
	for (int i = 0; i < mapping->nfields; i++)
	{
		if (!changed[i])
			continue;
		if (changes_json.len > 1)
			bev_json_char(&changes_json, ',');
		put_change(document, mapping, old, i, cut);
	}
	bev_json_char(&changes_json, '}');
}

/* Name the fields that aren't whole, those for admins only if these are to read it. */
static void
put_truncated(BevJson *json, BevMapping *mapping, const bool *cut, bool for_admins)
{
	bool first = true;

	for (int i = 0; i < mapping->nfields; i++)
	{
		if (!cut[i] || (mapping->fields[i].admin && !for_admins))
			continue;
		if (first)
			bev_json_literal(json, ",\"truncated\":[");
		else
			bev_json_char(json, ',');
		first = false;

		/* the label without its colon */
		bev_json_bytes(json, mapping->fields[i].label, mapping->fields[i].label_len - 1);
	}
	if (!first)
		bev_json_char(json, ']');
}

/* Copy the parts that are not for admins only; true if there are any. */
static bool
put_open(BevJson *json, BevMapping *mapping, const BevSpan *parts, bool labels)
{
	bool any = false;

	bev_json_char(json, '{');
	for (int i = 0; i < mapping->nfields; i++)
	{
		if (mapping->fields[i].admin || parts[i].len == 0)
			continue;
		if (any)
			bev_json_char(json, ',');
		any = true;
		if (labels)
			bev_json_bytes(json, mapping->fields[i].label, mapping->fields[i].label_len);
		bev_json_bytes(json, parts[i].data, parts[i].len);
	}
	return any;
}

static inline BevSpan
span_of(const BevJson *json)
{
	return (BevSpan){json->data, (uint32_t) json->len};
}

/* The documents without what is for admins, from those that have it. */
static void
put_open_documents(BevPayload *document, BevMapping *mapping, const bool *cut)
{
	put_open(&open_payload_json, mapping, document->values, true);
	put_truncated(&open_payload_json, mapping, cut, false);
	bev_json_char(&open_payload_json, '}');
	document->open_payload = span_of(&open_payload_json);

	if (put_open(&open_changes_json, mapping, document->members, false))
	{
		bev_json_char(&open_changes_json, '}');
		document->open_changes = span_of(&open_changes_json);
	}
}

void
bev_payload_write(BevPayload *document, BevMapping *mapping, BevRow *row, BevRow *old,
                  const bool *changed)
{
	int n = mapping->nfields;
	bool *cut;
	int level = mapping->needs_settings ? bev_output_settings_begin() : 0;

	/* One piece; the values are all written. */
	document->values = palloc((sizeof(BevSpan) * 2 + sizeof(bool)) * n);
	document->members = document->values + n;
	cut = (bool *) (document->members + n);
	memset(document->members, 0, (sizeof(BevSpan) + sizeof(bool)) * n);

	reset_buffers();
	put_payload(document, mapping, row, cut);
	if (old)
		put_changes(document, mapping, old, changed, cut);
	put_truncated(&payload_json, mapping, cut, true);
	bev_json_char(&payload_json, '}');

	if (mapping->needs_settings)
		bev_output_settings_end(level);

	settle_spans(document->values, n, &payload_json);
	document->payload = span_of(&payload_json);
	document->changes = span_of(&changes_json);
	document->open_payload = document->open_changes = (BevSpan){NULL, 0};
	if (old)
		settle_spans(document->members, n, &changes_json);
	if (mapping->has_admin_fields)
		put_open_documents(document, mapping, cut);
}

static char *
plain_text(BevSpan value)
{
	char *text;
	Size len;

	if (bev_span_is(value, "null"))
		return pstrdup("");
	text = palloc(value.len + 1);
	len = bev_utf8_clip(text, bev_json_plain(value.data, value.len, text), KEY_MAX_SIZE);
	text[len] = '\0';
	return text;
}

const char *
bev_payload_text(const BevPayload *document, int field)
{
	return field < 0 ? "" : plain_text(document->values[field]);
}

/* Append a value whole, whatever max_value_size says: it identifies something. */
static void
put_whole(BevJson *json, BevMapping *mapping, BevRow *row, int i)
{
	int level;

	if (row->nulls[i])
	{
		bev_json_literal(json, "null");
		return;
	}
	level = mapping->needs_settings ? bev_output_settings_begin() : 0;
	(void) bev_encode(json, encoder_of(mapping, row, i), row->values[i], DOCUMENT_BUDGET);
	if (mapping->needs_settings)
		bev_output_settings_end(level);
}

char *
bev_payload_row_text(BevMapping *mapping, BevRow *row, int field)
{
	BevJson json;

	if (field < 0)
		return pstrdup("");
	bev_json_init(&json, CurrentMemoryContext);
	put_whole(&json, mapping, row, field);
	return plain_text(span_of(&json));
}

BevSpan
bev_payload_identity(BevMapping *mapping, BevRow *row)
{
	int fields[] = {mapping->key, mapping->person, mapping->belongs};
	int n = mapping->key >= 0 ? 1 : lengthof(fields);
	BevJson json;

	bev_json_init(&json, CurrentMemoryContext);
	bev_json_char(&json, '{');
	for (int i = 0; i < n; i++)
	{
		if (fields[i] < 0)
			continue;
		if (json.len > 1)
			bev_json_char(&json, ',');
		bev_json_bytes(&json, mapping->fields[fields[i]].label,
		               mapping->fields[fields[i]].label_len);
		put_whole(&json, mapping, row, fields[i]);
	}
	bev_json_char(&json, '}');
	return span_of(&json);
}

BevSpan
bev_payload_change(const BevPayload *document, int field)
{
	BevSpan member = document->members[field];
	char *text = palloc(member.len + 2);
	BevSpan changes = {text, member.len + 2};

	text[0] = '{';
	memcpy(text + 1, member.data, member.len);
	text[member.len + 1] = '}';
	return changes;
}
