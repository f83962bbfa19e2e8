/*
 * audience_test.c - who may see what, and who belongs to what.
 */
#define _GNU_SOURCE
#include <stdlib.h>

#include "gateway/identity/principals.h"
#include "gateway/stream/directory.h"
#include "tap.h"

static BevSpan
span(const char *text)
{
	return (BevSpan){text, (uint32_t) strlen(text)};
}

static void
test_allows(void)
{
	static const struct
	{
		const char *audience;
		bool user;  /* user 7, member of projects 1 and 22 */
		bool admin; /* user 8 */
	} cases[] = {
		{"all", true, true},
		{"", false, false},
		{"admin", false, true},
		{"user:7", true, false},
		{"user:8", false, true},
		{"user:", false, false},
		{"user:77", false, false},
		{"user", false, false},
		{"user:70\nuser:7", true, false},
		{"project:1", true, false},
		{"project:2", false, false},
		{"project:22", true, false},
		{"project:222", false, false},
		{"admin\nuser:7", true, true},
		{"ALL", false, false},
		{"all ", false, false},
		{"\nall", true, true},
		{"nobody\nall", true, true},
		{"user:7 ", false, false},
		{"all\n!admin", true, false},
		{"all\n!user:7", false, true},
		{"!user:7\nall", false, true},
		{"all\n!project:2", true, true},
		{"project:1\n!project:22", false, false},
		{"!user:8", false, false},
		{"&user:7", false, false},
		{"all\n!all", false, false},
		{"all\n&user:7", true, false},
		{"admin\nuser:7\n&admin", false, true},
		{"all\n&user:8\n&project:22", true, true},
		{"all\n&project:1\n!user:7", false, false},
		{"project:1\n&all", true, false},
		{"all\n!", true, true},
		{"all\n&", false, false},
		{"all\n&user:77", false, false},
		{"user:8\n&admin\n!project:1", false, true},
	};
	BevPrincipals user = {0};
	BevPrincipals admin = {.is_admin = true};

	bev_principals_add(&user, "user:", "7");
	bev_principals_add(&user, "project:", "22");
	bev_principals_add(&user, "project:", "1");
	bev_principals_add(&user, "project:", "22");
	bev_principals_seal(&user);
	tap_ok(user.count == 3, "doubles count once");
	bev_principals_add(&admin, "user:", "8");
	bev_principals_seal(&admin);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		BevSpan audience = span(cases[i].audience);
		uint8_t flags = bev_audience_flags(audience);

		tap_ok(bev_audience_matches(audience, flags, &user) == cases[i].user &&
		           bev_audience_matches(audience, flags, &admin) == cases[i].admin,
		       cases[i].audience);
	}
	bev_principals_free(&user);
	bev_principals_free(&admin);
}

/* ---- against a second reading of the rule ---- */

/* The rule as event.h says it, by plain comparisons: no flags, no order of names. */
static bool
naively_belongs(const char *principal, const BevPrincipals *principals)
{
	if (strcmp(principal, "all") == 0)
		return true;
	if (strcmp(principal, "admin") == 0)
		return principals->is_admin;
	for (uint32_t i = 0; i < principals->count; i++)
		if (strcmp(principal, principals->name[i]) == 0)
			return true;
	return false;
}

static bool
naively_allows(const char *audience, const BevPrincipals *principals)
{
	char copy[256];
	char *rest = copy;
	char *line;
	int members = 0;
	int excepted = 0;
	int narrowing = 0;
	int narrowed = 0;

	snprintf(copy, sizeof(copy), "%s", audience);
	while ((line = strsep(&rest, "\n")) != NULL)
	{
		bool is_one = naively_belongs(*line == '!' || *line == '&' ? line + 1 : line, principals);

		excepted += *line == '!' && is_one;
		narrowing += *line == '&';
		narrowed += *line == '&' && is_one;
		members += *line != '!' && *line != '&' && is_one;
	}
	return members > 0 && excepted == 0 && (narrowing == 0 || narrowed > 0);
}

/* Names that are alike: the begin of another one, the same with a letter more, none at all. */
static const char *const names[] = {"all",        "admin",     "user:1",     "user:11",   "user:2",
                                    "user:",      "project:1", "project:11", "project:2", "project",
                                    "project:2 ", "nobody",    "al",         ""};

#define NAMES (sizeof(names) / sizeof(names[0]))

static void
make_audience(char *audience, size_t size)
{
	static const char *const signs[] = {"", "", "", "!", "&"};
	int lines = rand() % 6;

	audience[0] = '\0';
	for (int i = 0; i < lines; i++)
	{
		size_t len = strlen(audience);

		snprintf(audience + len, size - len, "%s%s%s", i > 0 ? "\n" : "", signs[rand() % 5],
		         names[rand() % NAMES]);
	}
}

static void
make_principals(BevPrincipals *principals)
{
	static const char *const projects[] = {"1", "11", "2", "3"};

	*principals = (BevPrincipals){.is_admin = rand() % 2};
	bev_principals_add(principals, "user:", rand() % 2 ? "1" : "2");
	for (int i = rand() % 4; i > 0; i--)
		bev_principals_add(principals, "project:", projects[rand() % 4]);
	bev_principals_seal(principals);
}

static void
test_rule(void)
{
	char audience[256];
	int allowed = 0;
	int same = 0;
	int n = 0;

	srand(20261130);
	for (; n < 50000 && same == n; n++)
	{
		BevPrincipals principals;
		bool allows;

		make_principals(&principals);
		make_audience(audience, sizeof(audience));
		allows =
			bev_audience_matches(span(audience), bev_audience_flags(span(audience)), &principals);
		allowed += allows;
		same += allows == naively_allows(audience, &principals);
		bev_principals_free(&principals);
	}
	if (!tap_ok(same == n, "50000 audiences, against a second reading of the rule"))
		tap_ok(false, audience);
	tap_ok(allowed > n / 10 && allowed < n - n / 10, "and both answers are common");
}

/* ---- large ones, whose lines are sorted ---- */

static int
compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/* Some lines, and others that nobody belongs to, sorted; returns how many bytes. */
static size_t
make_large(char *audience, size_t size)
{
	static const char *const signs[] = {"", "", "", "!", "&"};
	char *line[120];
	size_t len = 0;

	for (int i = 0; i < 120; i++)
		if (asprintf(&line[i], i < 4 ? "%s%s" : "%suser:3%s%d", signs[rand() % (i < 4 ? 5 : 4)],
		             i < 4 ? names[rand() % (NAMES - 1)] : "", rand()) < 0)
			abort();
	qsort(line, 120, sizeof(line[0]), compare_strings);
	for (int i = 0; i < 120; i++)
	{
		len += (size_t) snprintf(audience + len, size - len, "%s%s", i > 0 ? "\n" : "", line[i]);
		free(line[i]);
	}
	return len;
}

static void
test_large(void)
{
	static char audience[8192];
	int sorted = 0;
	int allowed = 0;
	int same = 0;
	int n = 0;

	for (; n < 20000 && same == n; n++)
	{
		BevSpan bytes = {audience, (uint32_t) make_large(audience, sizeof(audience))};
		uint8_t flags = bev_audience_flags(bytes);
		BevPrincipals principals;
		bool allows;

		make_principals(&principals);
		allows = bev_audience_matches(bytes, flags, &principals);
		sorted += (flags & BEV_SEEN_SORTED) != 0;
		allowed += allows;
		same += allows ==
		        bev_audience_matches(bytes, (uint8_t) (flags & ~BEV_SEEN_SORTED), &principals);
		bev_principals_free(&principals);
	}
	tap_ok(sorted == n, "a large audience in order is known as such");
	if (!tap_ok(same == n, "20000 large audiences, searched and read line by line"))
		tap_ok(false, audience);
	tap_ok(allowed > n / 10 && allowed < n - n / 10, "and both answers are common");
}

static void
test_directory(void)
{
	BevDirectory directory = {0};
	BevMembership *membership = calloc(3000, sizeof(BevMembership));
	char name[32];
	bool good = true;

	tap_ok(bev_directory_find(&directory, span("x")) == NULL, "an empty directory");
	for (int i = 0; i < 3000; i++)
	{
		snprintf(name, sizeof(name), "user:%d", i / 3);
		bev_directory_join(&directory, name, &membership[i], &membership[i],
		                   i % 3 == 1 ? BEV_SOUGHT : BEV_WALKED);
	}
	for (int i = 0; i < 1000; i++)
	{
		BevGroup *group;

		snprintf(name, sizeof(name), "user:%d", i);
		group = bev_directory_find(&directory, span(name));
		good &= group && group->count == 3;
	}
	tap_ok(good && directory.groups.count == 1000, "3000 members in 1000 groups");
	for (int i = 0; i < 3000; i++)
		if (i % 3 != 1)
			bev_directory_leave(&directory, &membership[i]);
	good = true;
	for (int i = 0; i < 1000; i++)
	{
		BevGroup *group;

		snprintf(name, sizeof(name), "user:%d", i);
		group = bev_directory_find(&directory, span(name));
		good &= group && group->count == 1 &&
		        LIST_FIRST(&group->members[BEV_SOUGHT])->member == &membership[i * 3 + 1];
	}
	tap_ok(good, "who leaves is gone, who stays is found");
	for (int i = 0; i < 3000; i++)
		if (i % 3 == 1)
			bev_directory_leave(&directory, &membership[i]);
	tap_ok(directory.groups.count == 0 && bev_directory_find(&directory, span("user:1")) == NULL,
	       "an empty group is no group");
	bev_directory_free(&directory);
	free(membership);
}

int
main(void)
{
	test_allows();
	test_rule();
	test_large();
	test_directory();
	return tap_done();
}
