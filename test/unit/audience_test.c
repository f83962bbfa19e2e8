/*
 * audience_test.c - who may see what, and who belongs to what.
 */
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
		bev_directory_join(&directory, name, &membership[i], &membership[i]);
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
		good &= group && group->count == 1 && group->first->member == &membership[i * 3 + 1];
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
	test_directory();
	return tap_done();
}
