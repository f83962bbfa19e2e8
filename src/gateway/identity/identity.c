/*
 * identity.c - who a client is and may: what its token says and what tables say.
 *
 * Model: each table's row is kept by its source, so that what comes twice counts once,
 * and what one table takes back another one may still say.
 *
 * Failure: doubt narrows.  A role that is no decent text is none.
 */
#include "gateway/identity/identity.h"
#include "common/program/memory.h"
#include "common/program/text.h"
#include "common/text/utf8.h"

#include <stdlib.h>
#include <string.h>

#define ROLE_USER "user"

/* Roles are shown; a longer one is cut. */
#define ROLE_MAX 63

static void
free_list(char **list, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		free(list[i]);
	free(list);
}

static uint32_t
count_texts(BevSpan texts)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < texts.len; i++)
		count += texts.data[i] == '\0';
	return count;
}

void
bev_identity_token(BevIdentity *identity, const char *role, BevSpan projects)
{
	uint32_t count = count_texts(projects);

	free(identity->role);
	free_list(identity->project, identity->projects);
	identity->role = bev_copy_text(role, strlen(role));
	identity->project = bev_alloc(sizeof(char *) * (count + 1));
	for (identity->projects = 0; identity->projects < count; identity->projects++)
	{
		size_t len = strlen(projects.data);

		identity->project[identity->projects] = bev_copy_text(projects.data, len);
		projects.data += len + 1;
	}
}

/* ---- Rows of users ---- */

/* A role as it can be shown. */
static char *
copy_role(const char *role)
{
	size_t len = strlen(role);

	if (len == 0 || !bev_text_is_line(role, len))
		return bev_copy_text(ROLE_USER, strlen(ROLE_USER));
	return bev_copy_text(role, bev_utf8_clip(role, len, ROLE_MAX));
}

static void
free_row(BevUserRow *row)
{
	free(row->source);
	free(row->role);
}

static uint32_t
find_row(const BevIdentity *identity, const char *source)
{
	uint32_t i = 0;

	while (i < identity->rows && strcmp(identity->row[i].source, source) != 0)
		i++;
	return i;
}

static bool
take_row(BevIdentity *identity, const BevAccess *access)
{
	uint32_t i = find_row(identity, access->source);
	BevUserRow new = {
		.source = bev_copy_text(access->source, strlen(access->source)),
		.role = copy_role(access->value),
		.active = access->kind == BEV_ACCESS_ACTIVE,
	};
	BevUserRow *old;

	identity->deleted = false;
	if (i == identity->rows)
	{
		identity->row = bev_realloc(identity->row, sizeof(BevUserRow) * (i + 1));
		identity->row[identity->rows++] = new;
		return true;
	}
	old = &identity->row[i];
	if (old->active == new.active && strcmp(old->role, new.role) == 0)
	{
		free_row(&new);
		return false;
	}
	free_row(old);
	*old = new;
	return true;
}

static bool
drop_row(BevIdentity *identity, const char *source)
{
	uint32_t i = find_row(identity, source);

	if (i < identity->rows)
	{
		free_row(&identity->row[i]);
		identity->row[i] = identity->row[--identity->rows];
	}
	identity->deleted = identity->rows == 0;
	return true;
}

/* ---- Rows of memberships ---- */

static void
free_member(BevMemberRow *member)
{
	free(member->source);
	free(member->principal);
}

/*
 * Where the member of this source stands, or would: they are sorted, since somebody may
 * belong to a great many projects, and everybody waits while that is taken in.
 */
static uint32_t
find_member(const BevIdentity *identity, const char *source, bool *found)
{
	uint32_t low = 0;
	uint32_t high = identity->members;

	*found = false;
	while (low < high)
	{
		uint32_t middle = (low + high) / 2;
		int order = strcmp(source, identity->member[middle].source);

		*found |= order == 0;
		if (order <= 0)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static bool
drop_member(BevIdentity *identity, const char *source)
{
	bool found;
	uint32_t i = find_member(identity, source, &found);

	if (!found)
		return false;
	free_member(&identity->member[i]);
	memmove(&identity->member[i], &identity->member[i + 1],
	        sizeof(BevMemberRow) * (--identity->members - i));
	return true;
}

/* Room for twice as many, now and then. */
static void
make_room(BevIdentity *identity)
{
	if (identity->members < identity->room)
		return;
	identity->room = identity->room ? 2 * identity->room : 4;
	identity->member = bev_realloc(identity->member, sizeof(BevMemberRow) * identity->room);
}

/* What the statement makes the user belong to. */
static char *
principal_of(const BevAccess *access)
{
	const char *prefix = access->kind == BEV_ACCESS_MEMBER ? BEV_PRINCIPAL_PROJECT : "";
	BevText name = {0};

	bev_text_add_string(&name, prefix);
	bev_text_add(&name, access->value, strlen(access->value) + 1);
	return name.data;
}

static bool
take_member(BevIdentity *identity, const BevAccess *access)
{
	bool found;
	uint32_t i = find_member(identity, access->source, &found);
	BevMemberRow new = {
		.source = bev_copy_text(access->source, strlen(access->source)),
		.principal = principal_of(access),
	};

	if (found && strcmp(identity->member[i].principal, new.principal) == 0)
	{
		free_member(&new);
		return false;
	}
	if (found)
		free_member(&identity->member[i]);
	else
	{
		make_room(identity);
		memmove(&identity->member[i + 1], &identity->member[i],
		        sizeof(BevMemberRow) * (identity->members++ - i));
	}
	identity->member[i] = new;
	return true;
}

bool
bev_identity_take(BevIdentity *identity, const BevAccess *access)
{
	switch (access->kind)
	{
		case BEV_ACCESS_ACTIVE:
		case BEV_ACCESS_INACTIVE:
			return take_row(identity, access);
		case BEV_ACCESS_DELETED:
			return drop_row(identity, access->source);
		case BEV_ACCESS_UNKNOWN:
			identity->unknown = true;
			return true;
		case BEV_ACCESS_MEMBER:
		case BEV_ACCESS_BELONGS:
			return take_member(identity, access);
		case BEV_ACCESS_LEFT:
			return drop_member(identity, access->source);
		default:
			return false; /* about nobody in particular */
	}
}

/* ---- What comes of it ---- */

static BevUserFacts
facts_of(const BevIdentity *identity)
{
	BevUserFacts facts = {
		.deleted = identity->deleted, .unknown = identity->unknown, .token = identity->role};

	for (uint32_t i = 0; i < identity->rows; i++)
		bev_user_facts_add_row(&facts, identity->row[i].active, identity->row[i].role);
	return facts;
}

BevUserStanding
bev_identity_standing(const BevIdentity *identity)
{
	BevUserFacts facts = facts_of(identity);

	return bev_user_facts_standing(&facts);
}

const char *
bev_identity_role(const BevIdentity *identity)
{
	BevUserFacts facts = facts_of(identity);

	return bev_user_facts_role(&facts);
}

void
bev_identity_principals(const BevIdentity *identity, const char *user_id, BevPrincipals *principals)
{
	BevUserFacts facts = facts_of(identity);

	principals->is_admin = bev_user_facts_is_admin(&facts);
	bev_principals_add(principals, BEV_PRINCIPAL_USER, user_id);
	for (uint32_t i = 0; i < identity->projects; i++)
		bev_principals_add(principals, BEV_PRINCIPAL_PROJECT, identity->project[i]);
	for (uint32_t i = 0; i < identity->members; i++)
		bev_principals_add(principals, "", identity->member[i].principal);
	bev_principals_seal(principals);
}

void
bev_identity_forget_tables(BevIdentity *identity)
{
	for (uint32_t i = 0; i < identity->rows; i++)
		free_row(&identity->row[i]);
	for (uint32_t i = 0; i < identity->members; i++)
		free_member(&identity->member[i]);
	free(identity->row);
	free(identity->member);
	identity->row = NULL;
	identity->member = NULL;
	identity->rows = identity->members = identity->room = 0;
	identity->as_of = 0;
	identity->deleted = identity->unknown = false;
}

void
bev_identity_free(BevIdentity *identity)
{
	bev_identity_forget_tables(identity);
	free(identity->role);
	free_list(identity->project, identity->projects);
	*identity = (BevIdentity){0};
}
