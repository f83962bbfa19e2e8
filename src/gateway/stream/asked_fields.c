/*
 * asked_fields.c - which fields of payloads some subscription looks at.
 *
 * Model: how many look at each; a field that nobody looks at any more is forgotten.
 */
#include "gateway/stream/asked_fields.h"

#include <string.h>

typedef struct Asked
{
	BevNamed named;
	uint32_t uses;
} Asked;

static BevSpan
span_of(const char *name)
{
	return (BevSpan){name, (uint32_t) strlen(name)};
}

void
bev_asked_fields_add(BevAskedFields *asked, const BevSelection *selection)
{
	const char *field;

	for (uint32_t i = 0; (field = bev_selection_field(selection, i)) != NULL; i++)
	{
		Asked *one = bev_name_table_add(&asked->names, sizeof(Asked), span_of(field));

		asked->version += one->uses++ == 0;
	}
}

void
bev_asked_fields_remove(BevAskedFields *asked, const BevSelection *selection)
{
	const char *field;

	for (uint32_t i = 0; (field = bev_selection_field(selection, i)) != NULL; i++)
	{
		Asked *one = bev_name_table_find(&asked->names, sizeof(Asked), span_of(field));

		if (--one->uses == 0)
			bev_name_table_remove(&asked->names, &one->named);
	}
}

bool
bev_asked_fields_has(const BevAskedFields *asked, BevSpan name)
{
	return bev_name_table_find(&asked->names, sizeof(Asked), name) != NULL;
}

void
bev_asked_fields_free(BevAskedFields *asked)
{
	bev_name_table_free(&asked->names);
}
