/*
 * audience_explain.c - whom an event is for, in words, and whether somebody is among them.
 *
 * Model: a gateway decides by what a connection's token says and by what tables of users
 * and memberships say.  Of a connection that exists the dispatcher is told the role that
 * counts; the projects that its token names it isn't told.  So the answer has three
 * values.
 */
#include "server/explain/audience_explain.h"

#include "common/event/access.h"
#include "server/explain/findings.h"
#include "server/base/subtransaction.h"

#define ROLE_ADMIN "admin"

/* ---- who somebody is ---- */

static void
collect(void *arg)
{
	BevUserLookupEntry *entry = arg;

	if (!bev_user_lookup_collect(entry, 1))
		entry->user = NULL;
}

static void
take_statement(BevSomebody *somebody, const BevAccess *access)
{
	if (access->kind == BEV_ACCESS_MEMBER)
	{
		somebody->projects = lappend(somebody->projects, pstrdup(access->value));
		return;
	}
	if (access->kind == BEV_ACCESS_INACTIVE)
		somebody->active = false;
	if (!somebody->has_row || strcmp(access->value, ROLE_ADMIN) != 0)
		somebody->role = pstrdup(access->value);
	somebody->has_row = true;
}

void
bev_audience_explain_look_up(BevSomebody *somebody, const char *user)
{
	BevUserLookupEntry entry = {.user = user};
	BevSpan rest;
	BevAccess access;

	*somebody = (BevSomebody){.user = user, .active = true};
	initStringInfo(&entry.access);
	somebody->error = bev_subtransaction_error(collect, &entry);
	if (somebody->error)
		return;
	somebody->has_tables = entry.user != NULL;
	rest = (BevSpan){entry.access.data, entry.access.len};
	while (bev_access_next(&rest, &access))
		take_statement(somebody, &access);
}

/* ---- an audience ---- */

/* What a principal begins with, for those that name something; NULL: it doesn't. */
static const char *
named_by(BevSpan principal, const char *prefix)
{
	size_t len = strlen(prefix);

	return principal.len > len && memcmp(principal.data, prefix, len) == 0 ? principal.data + len :
	                                                                         NULL;
}

static BevSpan
behind(BevSpan principal, const char *name)
{
	return (BevSpan){name, (uint32_t) (principal.data + principal.len - name)};
}

static char *
principal_words(BevSpan principal)
{
	const char *name;

	if (bev_span_is(principal, BEV_PRINCIPAL_ALL))
		return pstrdup("everyone");
	if (bev_span_is(principal, BEV_PRINCIPAL_ADMIN))
		return pstrdup("admins");
	if ((name = named_by(principal, BEV_PRINCIPAL_USER)) != NULL)
		return psprintf("user %s", bev_findings_text(behind(principal, name)));
	if ((name = named_by(principal, BEV_PRINCIPAL_PROJECT)) != NULL)
		return psprintf("members of project %s", bev_findings_text(behind(principal, name)));
	return bev_findings_text(principal);
}

/* The sign of a line, or 0, and the principal behind it. */
static char
split_line(BevSpan line, BevSpan *principal)
{
	bool has_sign =
		line.len > 0 && (line.data[0] == BEV_AUDIENCE_EXCEPT || line.data[0] == BEV_AUDIENCE_ONLY);

	*principal = (BevSpan){line.data + has_sign, line.len - has_sign};
	return has_sign ? line.data[0] : '\0';
}

/* Append the lines of one sign. */
static void
append_words(StringInfo out, BevSpan audience, char sign, const char *ahead)
{
	bool first = true;
	BevSpan line;
	BevSpan principal;

	while (bev_audience_next(&audience, &line))
	{
		if (line.len == 0 || split_line(line, &principal) != sign)
			continue;
		appendStringInfo(out, "%s%s", first ? ahead : ", ", principal_words(principal));
		first = false;
	}
}

char *
bev_audience_explain_words(BevSpan audience)
{
	StringInfoData out;

	initStringInfo(&out);
	append_words(&out, audience, '\0', "");
	append_words(&out, audience, BEV_AUDIENCE_ONLY, "; of them those who are also: ");
	append_words(&out, audience, BEV_AUDIENCE_EXCEPT, "; except: ");
	return out.data;
}

static bool
is_member(const BevSomebody *somebody, BevSpan project)
{
	ListCell *cell;

	foreach (cell, somebody->projects)
	{
		if (bev_span_is(project, lfirst(cell)))
			return true;
	}
	return false;
}

/* Tables can deny the role; that a token says it is known of connections only. */
static BevLikely
is_admin(const BevSomebody *somebody, const char *role)
{
	if (role)
		return strcmp(role, ROLE_ADMIN) == 0 ? BEV_YES : BEV_NO;
	return somebody->role && strcmp(somebody->role, ROLE_ADMIN) != 0 ? BEV_NO : BEV_PERHAPS;
}

static BevLikely
belongs(BevSpan principal, const BevSomebody *somebody, const char *role)
{
	const char *name;

	if (bev_span_is(principal, BEV_PRINCIPAL_ALL))
		return BEV_YES;
	if (bev_span_is(principal, BEV_PRINCIPAL_ADMIN))
		return is_admin(somebody, role);
	if ((name = named_by(principal, BEV_PRINCIPAL_USER)) != NULL)
		return bev_span_is(behind(principal, name), somebody->user) ? BEV_YES : BEV_NO;
	if ((name = named_by(principal, BEV_PRINCIPAL_PROJECT)) != NULL)
		return is_member(somebody, behind(principal, name)) ? BEV_YES : BEV_PERHAPS;
	return BEV_NO;
}

BevLikely
bev_audience_explain_includes(BevSpan audience, const BevSomebody *somebody, const char *role)
{
	BevLikely named = BEV_NO;
	BevLikely except = BEV_NO;
	BevLikely among = BEV_NO;
	bool restricted = false;
	BevSpan line;
	BevSpan principal;

	while (bev_audience_next(&audience, &line))
	{
		char sign = split_line(line, &principal);
		BevLikely here = belongs(principal, somebody, role);

		if (sign == BEV_AUDIENCE_EXCEPT)
			except = Max(except, here);
		else if (sign == BEV_AUDIENCE_ONLY)
		{
			restricted = true;
			among = Max(among, here);
		}
		else
			named = Max(named, here);
	}
	if (restricted)
		named = Min(named, among);
	return Min(named, BEV_YES - except);
}
