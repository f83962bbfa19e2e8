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

static char
category_of(Oid type)
{
	char category;
	bool preferred;

	get_type_category_preferred(type, &category, &preferred);
	return category;
}

bool
bev_id_type_is_exact(Oid type)
{
	type = getBaseType(type);
	return bev_id_type_search(type) != BEV_ID_OTHER || type == NUMERICOID || type == OIDOID ||
	       category_of(type) == TYPCATEGORY_ENUM;
}

BevIdSearch
bev_id_type_search(Oid type)
{
	switch (type)
	{
		case InvalidOid:
			return BEV_ID_OTHER;
		case INT2OID:
		case INT4OID:
		case INT8OID:
			return BEV_ID_INTEGER;
		case UUIDOID:
			return BEV_ID_UUID;
		default:
			return category_of(type) == TYPCATEGORY_STRING ? BEV_ID_STRING : BEV_ID_OTHER;
	}
}

bool
bev_id_type_is_uuid(const char *text)
{
	for (int i = 0; i < 36; i++)
	{
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text[i] != '-' : text[i] == '\0' || strchr("0123456789abcdef", text[i]) == NULL)
			return false;
	}
	return text[36] == '\0';
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
