/*
 * fact_table.c - the facts of a row of framed events, read once for all who filter.
 *
 * Model: an event's payload and changes are found in its frame.  Of their members those are kept
 * that somebody asks for; when somebody asks for another one all are read anew, when they are
 * looked at next.
 *
 * Memory: of each event the values that are asked for, up to BEV_SCALAR_TEXT_MAX bytes each, and
 * 16 bytes besides; it goes with the events.  Nothing where nobody filters by fields.
 *
 * Cost: two walks over the frame's bytes, and a lookup for each member of the payload.
 */
#include "gateway/stream/fact_table.h"
#include "common/program/memory.h"
#include "gateway/wire/frame.h"

#include <stdlib.h>

void
bev_fact_table_refresh(BevFactTable *table, const BevAskedFields *asked)
{
	if (table->version == asked->version)
		return;
	table->version = asked->version;
	table->facts.len = 0;
	table->count = 0;
}

static void
find_documents(BevSpan json, BevSpan *payload, BevSpan *changes)
{
	BevMember member;

	*payload = *changes = (BevSpan){NULL, 0};
	while (bev_json_next_member(&json, &member))
		if (bev_span_is(member.name, "\"payload\""))
			*payload = member.value;
		else if (bev_span_is(member.name, "\"changes\""))
			*changes = member.value;
}

/* Append what is asked for of one frame; its length. */
static uint32_t
add_facts(BevText *facts, const BevAskedFields *asked, BevSpan frame)
{
	size_t before = facts->len;
	BevSpan payload;
	BevSpan changes;
	BevMember member;

	find_documents(bev_frame_body(frame), &payload, &changes);
	while (bev_json_next_member(&payload, &member))
	{
		char name[BEV_SCALAR_ROOM];
		BevSpan text = {name, bev_fact_name(&member, name)};

		if (text.len > 0 && bev_asked_fields_has(asked, text))
			facts->len +=
				bev_fact_write(text, member.value, changes, bev_text_reserve(facts, BEV_FACT_ROOM));
	}
	return (uint32_t) (facts->len - before);
}

void
bev_fact_table_add(BevFactTable *table, const BevAskedFields *asked, BevSpan frame, BevSpan open)
{
	BevFactEntry *entry;

	if (table->count == table->room)
	{
		table->room = table->room ? table->room * 2 : 16;
		table->entry = bev_realloc(table->entry, table->room * sizeof(BevFactEntry));
	}
	entry = &table->entry[table->count++];
	*entry = (BevFactEntry){.offset = (uint32_t) table->facts.len, .has_open = open.len > 0};
	entry->length = add_facts(&table->facts, asked, frame);
	if (entry->has_open)
		entry->open_length = add_facts(&table->facts, asked, open);
}

BevSpan
bev_fact_table_get(const BevFactTable *table, uint32_t i, bool for_admin)
{
	const BevFactEntry *entry = &table->entry[i];

	if (for_admin || !entry->has_open)
		return (BevSpan){table->facts.data + entry->offset, entry->length};
	return (BevSpan){table->facts.data + entry->offset + entry->length, entry->open_length};
}

void
bev_fact_table_free(BevFactTable *table)
{
	bev_text_free(&table->facts);
	free(table->entry);
	*table = (BevFactTable){0};
}
