/*
 * row_audience.h - who may see an event: a list of principals (event.h).
 *
 * An audience is UTF-8 and has one principal per line.
 */
#ifndef BEV_SERVER_ATTACH_ROW_AUDIENCE_H
#define BEV_SERVER_ATTACH_ROW_AUDIENCE_H

#include "postgres.h"

#include "server/attach/entity.h"

/*
 * The audience that a text lists, between blanks or commas, or in double quotes
 * where they are part of a principal; palloc'd, empty when
 * no valid principal remains.  *bad, unless bad is NULL, becomes the first
 * invalid one or NULL.
 */
extern char *bev_row_audience_from_list(const char *list, Size len, char **bad);

/* Is it a principal that users can be made to belong to: not all or admin, which a role decides? */
extern bool bev_row_audience_has_members(const char *principal);

/* Can the value of an audience expression have this type? */
extern bool bev_row_audience_takes_type(Oid type);

/*
 * The audience that an expression gave: a text that is one principal, or a text[] with one each
 * (nulls are none).  Admins only, with a warning, when one is invalid or all is too large; without,
 * when there is none.
 */
extern char *bev_row_audience_from_value(Datum value, bool isnull, Oid type);

/*
 * What an event has when attach() was not told otherwise; person is the id of the
 * user whom the row is about, if it is about one.
 */
extern const char *bev_row_audience_default(const BevEntity *entity, const char *action,
                                            const char *person);

/* What becomes of who sees a row when its audience changes; NULL: nobody. */
typedef struct BevMove
{
	char *lost;       /* they see it no more */
	char *gained;     /* they didn't see it before */
	const char *kept; /* they did, and do */
} BevMove;

extern BevMove bev_row_audience_move(const char *old, const char *new);

#endif /* BEV_SERVER_ATTACH_ROW_AUDIENCE_H */
