/*
 * identity_test.c - statements about users: written, read, and what comes of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/event/access.h"
#include "gateway/identity/identity.h"
#include "tap.h"

#define MANY 10000

static bool
take(BevIdentity *identity, BevAccessKind kind, const char *source, const char *value)
{
	BevAccess access = {kind, source, "7", value};

	return bev_identity_take(identity, &access);
}

/* The principals as one text, and whether it is an admin. */
static bool
belongs(const BevIdentity *identity, const char *wanted, bool admin)
{
	BevPrincipals principals = {0};
	char text[256] = "";
	bool good;

	bev_identity_principals(identity, "7", &principals);
	for (uint32_t i = 0; i < principals.count; i++)
	{
		strcat(text, i ? " " : "");
		strcat(text, principals.name[i]);
	}
	good = strcmp(text, wanted) == 0 && principals.is_admin == admin;
	bev_principals_free(&principals);
	return good;
}

static BevIdentity
identity_of(const char *role)
{
	BevIdentity identity = {0};

	bev_identity_token(&identity, role, (BevSpan){"1", 2});
	return identity;
}

static void
test_users(void)
{
	BevIdentity it = identity_of("admin");

	tap_ok(bev_identity_standing(&it) == BEV_USER_UNTOLD && belongs(&it, "project:1 user:7", true),
	       "nothing is known: the token decides");
	tap_ok(take(&it, BEV_ACCESS_UNKNOWN, "", "") && bev_identity_standing(&it) == BEV_USER_UNKNOWN,
	       "no table of users has it");
	tap_ok(take(&it, BEV_ACCESS_ACTIVE, "a", "admin") &&
	           bev_identity_standing(&it) == BEV_USER_ACTIVE &&
	           belongs(&it, "project:1 user:7", true),
	       "an admin by both");
	tap_ok(!take(&it, BEV_ACCESS_ACTIVE, "a", "admin"), "the same again changes nothing");
	tap_ok(take(&it, BEV_ACCESS_ACTIVE, "a", "guest") && belongs(&it, "project:1 user:7", false) &&
	           strcmp(bev_identity_role(&it), "guest") == 0,
	       "the lower role wins");
	take(&it, BEV_ACCESS_ACTIVE, "a", "admin");
	take(&it, BEV_ACCESS_ACTIVE, "b", "user");
	tap_ok(belongs(&it, "project:1 user:7", false), "... of two tables as well");
	tap_ok(take(&it, BEV_ACCESS_INACTIVE, "b", "user") &&
	           bev_identity_standing(&it) == BEV_USER_INACTIVE,
	       "inactive by one table is inactive");
	tap_ok(take(&it, BEV_ACCESS_DELETED, "b", "") &&
	           bev_identity_standing(&it) == BEV_USER_ACTIVE &&
	           belongs(&it, "project:1 user:7", true),
	       "deleted from one, the other one counts");
	take(&it, BEV_ACCESS_DELETED, "a", "");
	tap_ok(bev_identity_standing(&it) == BEV_USER_DELETED, "deleted from all");
	take(&it, BEV_ACCESS_ACTIVE, "a", "user");
	tap_ok(bev_identity_standing(&it) == BEV_USER_ACTIVE, "and back");
	bev_identity_free(&it);

	it = identity_of("user");
	take(&it, BEV_ACCESS_ACTIVE, "a", "admin");
	tap_ok(belongs(&it, "project:1 user:7", false) && strcmp(bev_identity_role(&it), "user") == 0,
	       "an admin by the table alone is none");
	take(&it, BEV_ACCESS_DELETED, "never heard of", "");
	tap_ok(bev_identity_standing(&it) == BEV_USER_ACTIVE, "a row that was not known goes");
	bev_identity_forget_tables(&it);
	take(&it, BEV_ACCESS_DELETED, "a", "");
	tap_ok(bev_identity_standing(&it) == BEV_USER_DELETED, "deleted, and never looked up");
	bev_identity_free(&it);
}

static void
test_roles(void)
{
	static const char *const cases[][2] = {
		{"", "user"},
		{"a\nb", "user"},
		{"\x7f", "user"},
		{"ADMIN", "ADMIN"},
		{"admin ", "admin "},
		{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xc3\xa9",
	     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		BevIdentity it = identity_of("admin");

		take(&it, BEV_ACCESS_ACTIVE, "a", cases[i][0]);
		tap_ok(belongs(&it, "project:1 user:7", false) &&
		           strcmp(bev_identity_role(&it), cases[i][1]) == 0,
		       "a role that is not admin");
		bev_identity_free(&it);
	}
}

static void
test_members(void)
{
	BevIdentity it = identity_of("user");

	tap_ok(take(&it, BEV_ACCESS_MEMBER, "m:1", "2") && take(&it, BEV_ACCESS_MEMBER, "m:2", "2") &&
	           take(&it, BEV_ACCESS_MEMBER, "m:3", "1") &&
	           belongs(&it, "project:1 project:2 user:7", false),
	       "projects add up, each once");
	tap_ok(take(&it, BEV_ACCESS_BELONGS, "m:4", "group:qa") &&
	           !take(&it, BEV_ACCESS_BELONGS, "m:4", "group:qa") &&
	           belongs(&it, "group:qa project:1 project:2 user:7", false),
	       "a group, too");
	tap_ok(take(&it, BEV_ACCESS_BELONGS, "m:4", "project:2") &&
	           take(&it, BEV_ACCESS_LEFT, "m:4", "") &&
	           belongs(&it, "project:1 project:2 user:7", false),
	       "what a row says last counts, and what it is of stays while another row says so");
	tap_ok(!take(&it, BEV_ACCESS_MEMBER, "m:1", "2"), "the same again changes nothing");
	take(&it, BEV_ACCESS_LEFT, "m:1", "");
	tap_ok(belongs(&it, "project:1 project:2 user:7", false), "the other row still says so");
	take(&it, BEV_ACCESS_LEFT, "m:2", "");
	take(&it, BEV_ACCESS_LEFT, "m:3", "");
	tap_ok(belongs(&it, "project:1 user:7", false), "what the token says can't be left");
	tap_ok(!take(&it, BEV_ACCESS_LEFT, "m:3", ""), "nor what was left already");
	take(&it, BEV_ACCESS_MEMBER, "m:1", "2");
	take(&it, BEV_ACCESS_MEMBER, "m:1", "3");
	tap_ok(belongs(&it, "project:1 project:3 user:7", false),
	       "a row that moves to another project");
	bev_identity_token(&it, "user", (BevSpan){NULL, 0});
	tap_ok(belongs(&it, "project:3 user:7", false), "another token, the same tables");
	bev_identity_free(&it);
}

/* A great many rows, which come and go in no order. */
static void
test_many_members(void)
{
	BevIdentity it = identity_of("user");
	BevPrincipals principals = {0};
	bool good = true;

	for (uint32_t i = 0; i < MANY; i++)
	{
		char source[16];
		char project[16];

		sprintf(source, "m:%u", i * 7919 % MANY);
		sprintf(project, "p%u", i * 7919 % MANY);
		good &= take(&it, BEV_ACCESS_MEMBER, source, project);
		good &= !take(&it, BEV_ACCESS_MEMBER, source, project);
	}
	bev_identity_principals(&it, "7", &principals);
	tap_ok(good && principals.count == MANY + 2, "each of many rows counts once");
	bev_principals_free(&principals);
	for (uint32_t i = 0; i < MANY - 1; i++)
	{
		char source[16];

		sprintf(source, "m:%u", i * 4001 % MANY);
		good &= take(&it, BEV_ACCESS_LEFT, source, "");
		good &= !take(&it, BEV_ACCESS_LEFT, source, "");
	}
	bev_identity_principals(&it, "7", &principals);
	tap_ok(good && principals.count == 3, "... and goes once");
	bev_principals_free(&principals);
	bev_identity_free(&it);
}

static void
test_bytes(void)
{
	const BevAccess one = {BEV_ACCESS_MEMBER, "16402:5", "7", "22"};
	size_t size = bev_access_size(&one);
	char *bytes = malloc(2 * size);
	BevSpan rest = {bytes, (uint32_t) (2 * size)};
	BevAccess read;
	bool good = true;
	int n = 0;

	bev_access_write(bytes, &one);
	bev_access_write(bytes + size, &one);
	for (; bev_access_next(&rest, &read); n++)
		good &= read.kind == one.kind && strcmp(read.source, one.source) == 0 &&
		        strcmp(read.user, one.user) == 0 && strcmp(read.value, one.value) == 0;
	tap_ok(good && n == 2 && rest.len == 0, "two statements, and the end");

	good = true;
	for (size_t len = 1; len < size; len++)
	{
		char *cut = malloc(len);

		memcpy(cut, bytes, len);
		rest = (BevSpan){cut, (uint32_t) len};
		good &= !bev_access_next(&rest, &read) && rest.len == len;
		free(cut);
	}
	tap_ok(good, "cut at any byte it is none");
	bytes[0] = 'x';
	rest = (BevSpan){bytes, (uint32_t) size};
	tap_ok(!bev_access_next(&rest, &read) && rest.len > 0, "nor is one of a kind that there isn't");
	free(bytes);
}

int
main(void)
{
	test_users();
	test_roles();
	test_members();
	test_many_members();
	test_bytes();
	return tap_done();
}
