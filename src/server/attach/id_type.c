/*
 * id_type.c - which types ids can have: those whose values have one text.
 *
 * Model: users, projects and groups are told apart by the bytes of a text: in tokens, principals,
 * statements and lookups.  So an id's type needs one text for each value: whole and decimal
 * numbers, uuid, enums, and strings of all kinds, case-insensitive ones too (the bytes count, not
 * the collation).  A timestamp or a float is written as the settings say; what is larger is no id.
 */
#include "server/attach/id_type.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/lsyscache.h"

bool
bev_id_type_is_exact(Oid type)
{
	char category;
	bool preferred;

	type = getBaseType(type);
	switch (type)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case NUMERICOID:
		case OIDOID:
		case UUIDOID:
			return true;
		default:
			get_type_category_preferred(type, &category, &preferred);
			return category == TYPCATEGORY_STRING || category == TYPCATEGORY_ENUM;
	}
}

char *
bev_id_type_text(Datum value, Oid type)
{
	char *text;
	Oid output;
	bool is_varlena;

	type = getBaseType(type);
	getTypeOutputInfo(type, &output, &is_varlena);
	text = OidOutputFunctionCall(output, value);

	/* char(n): the blanks that fill it are no part of it. */
	for (Size len = strlen(text); type == BPCHAROID && len > 0 && text[len - 1] == ' '; len--)
		text[len - 1] = '\0';
	return text;
}
