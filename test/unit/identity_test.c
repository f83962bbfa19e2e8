/*
 * identity_test.c - statements about users: written, read, and what comes of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/event/access.h"
#include "gateway/identity/identity.h"
#include "tap.h"

#define MANY	10000

static bool
take(BeIdentity *identity, BeAccessKind kind, const char *source, const char *value)
{
	BeAccess	access = {kind, source, "7", value};

	return be_identity_take(identity, &access);
}

/* The principals as one text, and whether it is an admin. */
static bool
belongs(const BeIdentity *identity, const char *wanted, bool admin)
{
	BePrincipals principals = {0};
	char		text[256] = "";
	bool		good;

	be_identity_principals(identity, "7", &principals);
	for (uint32_t i = 0; i < principals.count; i++)
	{
		strcat(text, i ? " " : "");
		strcat(text, principals.name[i]);
	}
	good = strcmp(text, wanted) == 0 && principals.is_admin == admin;
	be_principals_free(&principals);
	return good;
}

static BeIdentity
identity_of(const char *role, bool admin)
{
	BeIdentity	identity = {0};
	BeClaims	claims = {.role = strdup(role),.is_admin = admin,.projects = 1};

	claims.project = malloc(sizeof(char *));
	claims.project[0] = strdup("1");
	be_identity_token(&identity, &claims);
	return identity;
}

static void
test_users(void)
{
	BeIdentity	it = identity_of("admin", true);

	tap_ok(be_identity_standing(&it) == BE_USER_UNKNOWN && belongs(&it, "project:1 user:7", true),
		   "nothing is known: the token decides");
	tap_ok(take(&it, BE_ACCESS_ACTIVE, "a", "admin") &&
		   be_identity_standing(&it) == BE_USER_ACTIVE && belongs(&it, "project:1 user:7", true),
		   "an admin by both");
	tap_ok(!take(&it, BE_ACCESS_ACTIVE, "a", "admin"), "the same again changes nothing");
	tap_ok(take(&it, BE_ACCESS_ACTIVE, "a", "guest") && belongs(&it, "project:1 user:7", false) &&
		   strcmp(be_identity_role(&it), "guest") == 0, "the lower role wins");
	take(&it, BE_ACCESS_ACTIVE, "a", "admin");
	take(&it, BE_ACCESS_ACTIVE, "b", "user");
	tap_ok(belongs(&it, "project:1 user:7", false), "... of two tables as well");
	tap_ok(take(&it, BE_ACCESS_INACTIVE, "b", "user") &&
		   be_identity_standing(&it) == BE_USER_INACTIVE, "inactive by one table is inactive");
	tap_ok(take(&it, BE_ACCESS_DELETED, "b", "") && be_identity_standing(&it) == BE_USER_ACTIVE &&
		   belongs(&it, "project:1 user:7", true), "deleted from one, the other one counts");
	take(&it, BE_ACCESS_DELETED, "a", "");
	tap_ok(be_identity_standing(&it) == BE_USER_DELETED, "deleted from all");
	take(&it, BE_ACCESS_ACTIVE, "a", "user");
	tap_ok(be_identity_standing(&it) == BE_USER_ACTIVE, "and back");
	be_identity_free(&it);

	it = identity_of("user", false);
	take(&it, BE_ACCESS_ACTIVE, "a", "admin");
	tap_ok(belongs(&it, "project:1 user:7", false) && strcmp(be_identity_role(&it), "user") == 0,
		   "an admin by the table alone is none");
	take(&it, BE_ACCESS_DELETED, "never heard of", "");
	tap_ok(be_identity_standing(&it) == BE_USER_ACTIVE, "a row that was not known goes");
	be_identity_forget_tables(&it);
	take(&it, BE_ACCESS_DELETED, "a", "");
	tap_ok(be_identity_standing(&it) == BE_USER_DELETED, "deleted, and never looked up");
	be_identity_free(&it);
}

static void
test_roles(void)
{
	static const char *const cases[][2] = {
		{"", "user"}, {"a\nb", "user"}, {"\x7f", "user"}, {"ADMIN", "ADMIN"}, {"admin ", "admin "},
		{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xc3\xa9",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		BeIdentity	it = identity_of("admin", true);

		take(&it, BE_ACCESS_ACTIVE, "a", cases[i][0]);
		tap_ok(belongs(&it, "project:1 user:7", false) &&
			   strcmp(be_identity_role(&it), cases[i][1]) == 0, "a role that is not admin");
		be_identity_free(&it);
	}
}

static void
test_members(void)
{
	BeIdentity	it = identity_of("user", false);
	BeClaims	claims = {.role = strdup("user")};

	tap_ok(take(&it, BE_ACCESS_MEMBER, "m:1", "2") && take(&it, BE_ACCESS_MEMBER, "m:2", "2") &&
		   take(&it, BE_ACCESS_MEMBER, "m:3", "1") && belongs(&it, "project:1 project:2 user:7", false),
		   "projects add up, each once");
	tap_ok(!take(&it, BE_ACCESS_MEMBER, "m:1", "2"), "the same again changes nothing");
	take(&it, BE_ACCESS_LEFT, "m:1", "");
	tap_ok(belongs(&it, "project:1 project:2 user:7", false), "the other row still says so");
	take(&it, BE_ACCESS_LEFT, "m:2", "");
	take(&it, BE_ACCESS_LEFT, "m:3", "");
	tap_ok(belongs(&it, "project:1 user:7", false), "what the token says can't be left");
	tap_ok(!take(&it, BE_ACCESS_LEFT, "m:3", ""), "nor what was left already");
	take(&it, BE_ACCESS_MEMBER, "m:1", "2");
	take(&it, BE_ACCESS_MEMBER, "m:1", "3");
	tap_ok(belongs(&it, "project:1 project:3 user:7", false), "a row that moves to another project");
	be_identity_token(&it, &claims);
	tap_ok(belongs(&it, "project:3 user:7", false), "another token, the same tables");
	be_identity_free(&it);
}

/* A great many rows, which come and go in no order. */
static void
test_many_members(void)
{
	BeIdentity	it = identity_of("user", false);
	BePrincipals principals = {0};
	bool		good = true;

	for (uint32_t i = 0; i < MANY; i++)
	{
		char		source[16];
		char		project[16];

		sprintf(source, "m:%u", i * 7919 % MANY);
		sprintf(project, "p%u", i * 7919 % MANY);
		good &= take(&it, BE_ACCESS_MEMBER, source, project);
		good &= !take(&it, BE_ACCESS_MEMBER, source, project);
	}
	be_identity_principals(&it, "7", &principals);
	tap_ok(good && principals.count == MANY + 2, "each of many rows counts once");
	be_principals_free(&principals);
	for (uint32_t i = 0; i < MANY - 1; i++)
	{
		char		source[16];

		sprintf(source, "m:%u", i * 4001 % MANY);
		good &= take(&it, BE_ACCESS_LEFT, source, "");
		good &= !take(&it, BE_ACCESS_LEFT, source, "");
	}
	be_identity_principals(&it, "7", &principals);
	tap_ok(good && principals.count == 3, "... and goes once");
	be_principals_free(&principals);
	be_identity_free(&it);
}

static void
test_bytes(void)
{
	const BeAccess one = {BE_ACCESS_MEMBER, "16402:5", "7", "22"};
	size_t		size = be_access_size(&one);
	char	   *bytes = malloc(2 * size);
	BeSpan		rest = {bytes, (uint32_t) (2 * size)};
	BeAccess	read;
	bool		good = true;
	int			n = 0;

	be_access_write(bytes, &one);
	be_access_write(bytes + size, &one);
	for (; be_access_next(&rest, &read); n++)
		good &= read.kind == one.kind && strcmp(read.source, one.source) == 0 &&
			strcmp(read.user, one.user) == 0 && strcmp(read.value, one.value) == 0;
	tap_ok(good && n == 2 && rest.len == 0, "two statements, and the end");

	good = true;
	for (size_t len = 1; len < size; len++)
	{
		char	   *cut = malloc(len);

		memcpy(cut, bytes, len);
		rest = (BeSpan) {cut, (uint32_t) len};
		good &= !be_access_next(&rest, &read) && rest.len == len;
		free(cut);
	}
	tap_ok(good, "cut at any byte it is none");
	bytes[0] = 'x';
	rest = (BeSpan) {bytes, (uint32_t) size};
	tap_ok(!be_access_next(&rest, &read) && rest.len > 0, "nor is one of a kind that there isn't");
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
