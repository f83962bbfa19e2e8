/*
 * user_facts_test.c - what tables and a token make of somebody: every combination, beside the rule in
 * other words.
 */
#include <string.h>

#include "common/event/user_facts.h"
#include "tap.h"

static const char *const roles[] = {"admin", "user", "", "Admin"};

#define ROLES ((int) (sizeof(roles) / sizeof(roles[0])))

/* The token, up to two rows of four roles and two states each: the rule said the other way round. */
static bool
fits(const char *token, const char *const row[], const bool active[], int rows)
{
	BevUserFacts facts = {.token = token};
	bool all_active = rows > 0;
	bool all_admin = rows > 0;
	bool wanted;

	for (int i = 0; i < rows; i++)
	{
		bev_user_facts_add_row(&facts, active[i], row[i]);
		all_active &= active[i];
		all_admin &= strcmp(row[i], "admin") == 0;
	}
	wanted =
		token ? strcmp(token, "admin") == 0 && (rows == 0 || all_admin) : all_admin && all_active;
	return bev_user_facts_is_admin(&facts) == wanted &&
	       bev_user_facts_standing(&facts) == (rows == 0  ? BEV_USER_UNTOLD :
	                                           all_active ? BEV_USER_ACTIVE :
	                                                        BEV_USER_INACTIVE);
}

static void
test_combinations(void)
{
	static const char *const tokens[] = {NULL, "admin", "user"};
	int bad = 0;
	int all = 0;

	for (int t = 0; t < 3; t++)
		for (int rows = 0; rows <= 2; rows++)
			for (int i = 0; i < ROLES * ROLES * 4; i++)
			{
				const char *row[] = {roles[i % ROLES], roles[i / ROLES % ROLES]};
				bool active[] = {i / ROLES / ROLES % 2, i / ROLES / ROLES / 2};

				bad += !fits(tokens[t], row, active, rows);
				all++;
			}
	tap_ok(bad == 0 && all == 576, "the lowest of the tables, bounded by the token");
}

static void
test_words(void)
{
	BevUserFacts facts = {.token = NULL};

	tap_ok(bev_user_facts_role(&facts) == NULL, "nothing is known: no role");
	facts.deleted = true;
	tap_ok(bev_user_facts_standing(&facts) == BEV_USER_DELETED, "a table had it: deleted");
	bev_user_facts_add_row(&facts, true, "admin");
	tap_ok(strcmp(bev_user_facts_role(&facts), "admin") == 0, "the role by a table");
	bev_user_facts_add_row(&facts, true, "guest");
	bev_user_facts_add_row(&facts, true, "user");
	tap_ok(strcmp(bev_user_facts_role(&facts), "guest") == 0, "of several, the first lower one");
	facts.token = "admin";
	tap_ok(strcmp(bev_user_facts_role(&facts), "guest") == 0, "a token doesn't raise it");
	facts.token = "robot";
	tap_ok(strcmp(bev_user_facts_role(&facts), "robot") == 0, "... and a lower one is shown");
}

int
main(void)
{
	test_combinations();
	test_words();
	return tap_done();
}
