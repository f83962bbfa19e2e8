/*
 * principal.c - bugevents.principal(): one principal, whatever the id holds.
 *
 * It is for expressions of audiences: what comes from a row is an id, and never a second principal
 * (sql/principals.sql).
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "common/event/event.h"
#include "server/attach/id_type.h"
#include "server/base/compat.h"

BEV_FUNCTION_INFO_V1(bugevents_principal);

/* What its name begins with. */
static const char *
prefix_of(const char *kind)
{
	static const char *const prefixes[] = {BEV_PRINCIPAL_USER, BEV_PRINCIPAL_PROJECT,
	                                       BEV_PRINCIPAL_GROUP};

	for (size_t i = 0; i < lengthof(prefixes); i++)
		if (strlen(kind) + 1 == strlen(prefixes[i]) &&
		    strncmp(kind, prefixes[i], strlen(kind)) == 0)
			return prefixes[i];
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
	                errmsg("invalid kind of principal \"%s\"", kind),
	                errhint("Kinds are user, project and group; all and admin need no id.")));
}

static char *
id_of(FunctionCallInfo fcinfo)
{
	Oid type = get_fn_expr_argtype(fcinfo->flinfo, 1);

	if (type == UNKNOWNOID)
		return pstrdup(DatumGetCString(PG_GETARG_DATUM(1)));
	if (!bev_id_type_is_exact(type))
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
		                errmsg("an id can't be of type %s", format_type_be(type)),
		                errhint("Cast it to text.")));
	return bev_id_type_text(PG_GETARG_DATUM(1), type);
}

Datum
bugevents_principal(PG_FUNCTION_ARGS)
{
	const char *prefix = prefix_of(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	char *id = id_of(fcinfo);

	for (const char *p = id; *p; p++)
		if ((unsigned char) *p < ' ')
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			                errmsg("an id can't have control characters")));
	if (*id == '\0')
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("%s%s", prefix, id)));
}
