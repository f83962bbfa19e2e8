/*
 * unread.c - how many notifications users have not read, for those who connect.
 *
 * Model: one query for all who are looked up together, over an index that has unread ones
 * only.
 */
#include "server/admission/unread.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "server/base/subtransaction.h"
#include "server/base/table_lock.h"
#include "mb/pg_wchar.h"
#include "storage/bufmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

typedef struct Counting
{
	const char *const *users;
	int n;
	int *counts;
} Counting;

static Datum
make_array(const Counting *counting)
{
	Datum *items = palloc(sizeof(Datum) * counting->n);

	for (int i = 0; i < counting->n; i++)
	{
		const char *user = counting->users[i] ? counting->users[i] : "";

		items[i] = CStringGetTextDatum(pg_any_to_server(user, strlen(user), PG_UTF8));
	}
	return PointerGetDatum(construct_array(items, counting->n, TEXTOID, -1, false, TYPALIGN_INT));
}

static void
query(const Counting *counting)
{
	Oid type = TEXTARRAYOID;
	Datum users = make_array(counting);
	bool isnull;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args(
			"SELECT (SELECT count(*) FROM (SELECT FROM bugevents.notifications AS n"
			" WHERE n.user_id = u.id AND NOT n.read AND NOT n.hidden"
			" LIMIT " CppAsString2(
				BEV_UNREAD_MAX) ") AS counted)"
								" FROM unnest($1) WITH ORDINALITY AS u (id, place) ORDER BY u.place",
			1, &type, &users, NULL, true, 0) != SPI_OK_SELECT ||
	    SPI_processed != (uint64) counting->n)
		elog(ERROR, "could not count notifications");
	for (int i = 0; i < counting->n; i++)
		counting->counts[i] =
			DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
}

static void
count_step(void *arg)
{
	const Counting *counting = arg;
	Oid schema = get_namespace_oid("bugevents", true);
	Oid relid = OidIsValid(schema) ? get_relname_relid("notifications", schema) : InvalidOid;
	Relation rel;

	if (!OidIsValid(relid) || !bev_table_lock_try(relid))
		return;
	rel = try_table_open(relid, NoLock);
	if (rel == NULL)
		return; /* dropped a moment ago */
	if (RelationGetNumberOfBlocks(rel) > 0)
		query(counting);
	else
		memset(counting->counts, 0, sizeof(int) * counting->n);
	table_close(rel, NoLock);
}

void
bev_unread_count(const char *const *users, int n, int *counts)
{
	Counting counting = {users, n, counts};

	for (int i = 0; i < n; i++)
		counts[i] = -1;
	if (bev_subtransaction_run(count_step, &counting, true))
		return;
	for (int i = 0; i < n; i++)
		counts[i] = -1;
}
