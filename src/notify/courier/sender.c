/*
 * sender.c - whether deliveries are to be sent from here, or this is a copy of where they are.
 *
 * Model: bugevents.sender has one row, for who sends: a number that CREATE EXTENSION drew
 * (stream.instance), and where the server runs (bugevents.server_place()).  Whoever sends first
 * writes it.  A dump has the row, but not the number, so in what was restored from it there is a
 * row of another database.  In a copy of the data directory the row is that of another place.  In
 * both nothing is sent until take_over_deliveries() says that it is to be sent from here.
 *
 * A standby that was promoted is a copy like any other: nobody but who promoted it knows whether
 * the old primary has ended, or goes on sending.
 *
 * Concurrency: a restore commits its tables one by one, in any order; a delivery has the number of
 * the database that made it (deliveries.origin), so those that come before the row don't go out
 * either (test/t/430_copies.pl).
 */
#include "notify/courier/sender.h"

#include "server/base/statement.h"
#include "server/base/transaction.h"
#include "server/shared/delivery_counters.h"

static void
note_first(void)
{
	static BevStatement statement = {
		.sql = "INSERT INTO bugevents.sender (instance, place)"
			   " SELECT s.instance, bugevents.server_place() FROM bugevents.stream AS s"
			   " WHERE NOT EXISTS (SELECT FROM bugevents.sender)"};

	bev_statement_run(&statement, 0, NULL);
}

/* What speaks against it; NULL: nothing. */
static char *
find_difference(void)
{
	static BevStatement statement = {
		.sql =
			"SELECT CASE WHEN n.instance <> s.instance THEN 'It was restored from a dump of another database.'"
			" ELSE (SELECT 'What was ' || string_agg(format('%s %s is %s', key, value, coalesce(here.place ->> key, '-')), ', ' ORDER BY key)"
			" || ' here.' FROM jsonb_each_text(n.place) WHERE here.place ->> key IS DISTINCT FROM value) END"
			" FROM bugevents.sender AS n, bugevents.stream AS s, (SELECT bugevents.server_place() AS place) AS here"
			" WHERE n.instance <> s.instance OR n.place <> here.place ORDER BY n.instance = s.instance LIMIT 1"};
	char *difference = bev_statement_run(&statement, 0, NULL) > 0 ? bev_statement_text(0, 1) : NULL;

	bev_statement_done();
	return difference;
}

static char *
count_waiting(void)
{
	static BevStatement statement = {
		.sql = "SELECT count(*) FROM bugevents.deliveries WHERE state = 'waiting'"};
	char *count;

	bev_statement_run(&statement, 0, NULL);
	count = bev_statement_text(0, 1);
	bev_statement_done();
	return count;
}

static void
tell(const char *difference, const char *waiting)
{
	ereport(
		WARNING,
		(errmsg("bugevents sends no mails, messages and webhooks: this database is a copy of "
	            "the one that does"),
	     errdetail("%s %s deliveries wait.", difference, waiting),
	     errhint("If they are to be sent from here: SELECT bugevents.take_over_deliveries().")));
}

bool
bev_sender_may_send(void)
{
	static bool told = false;
	MemoryContext context = CurrentMemoryContext;
	char *difference;

	bev_transaction_begin();
	note_first();
	difference = find_difference();
	if (difference && !told)
		tell(difference, count_waiting());
	told = difference != NULL;
	bev_delivery_counters_set_copied(told);
	bev_transaction_commit(context);
	return !told;
}
