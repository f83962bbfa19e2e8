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

#define ROLE_ADMIN	"admin"

/* ---- who somebody is ---- */

static void
collect(void *arg)
{
	BeRosterEntry *entry = arg;

	if (!be_roster_collect(entry, 1))
		entry->user = NULL;
}

static void
take_statement(BeSomebody *somebody, const BeAccess *access)
{
	if (access->kind == BE_ACCESS_MEMBER)
	{
		somebody->projects = lappend(somebody->projects, pstrdup(access->value));
		return;
	}
	if (access->kind == BE_ACCESS_INACTIVE)
		somebody->active = false;
	if (!somebody->has_row || strcmp(access->value, ROLE_ADMIN) != 0)
		somebody->role = pstrdup(access->value);
	somebody->has_row = true;
}

void
be_whom_look_up(BeSomebody *somebody, const char *user)
{
	BeRosterEntry entry = {.user = user};
	BeSpan		rest;
	BeAccess	access;

	*somebody = (BeSomebody) {.user = user,.active = true};
	initStringInfo(&entry.access);
	somebody->error = be_attempt_error(collect, &entry);
	if (somebody->error)
		return;
	somebody->has_tables = entry.user != NULL;
	rest = (BeSpan) {entry.access.data, entry.access.len};
	while (be_access_next(&rest, &access))
		take_statement(somebody, &access);
}

/* ---- an audience ---- */

/* What a principal begins with, for those that name something; NULL: it doesn't. */
static const char *
named_by(BeSpan principal, const char *prefix)
{
	size_t		len = strlen(prefix);

	return principal.len > len && memcmp(principal.data, prefix, len) == 0
		? principal.data + len : NULL;
}

static BeSpan
behind(BeSpan principal, const char *name)
{
	return (BeSpan) {name, (uint32_t) (principal.data + principal.len - name)};
}

static char *
principal_words(BeSpan principal)
{
	const char *name;

	if (be_span_is(principal, BE_PRINCIPAL_ALL))
		return pstrdup("everyone");
	if (be_span_is(principal, BE_PRINCIPAL_ADMIN))
		return pstrdup("admins");
	if ((name = named_by(principal, BE_PRINCIPAL_USER)) != NULL)
		return psprintf("user %s", be_findings_text(behind(principal, name)));
	if ((name = named_by(principal, BE_PRINCIPAL_PROJECT)) != NULL)
		return psprintf("members of project %s", be_findings_text(behind(principal, name)));
	return be_findings_text(principal);
}

/* The sign of a line, or 0, and the principal behind it. */
static char
split_line(BeSpan line, BeSpan *principal)
{
	bool		has_sign = line.len > 0 && (line.data[0] == BE_AUDIENCE_EXCEPT ||
											line.data[0] == BE_AUDIENCE_ONLY);

	*principal = (BeSpan) {line.data + has_sign, line.len - has_sign};
	return has_sign ? line.data[0] : '\0';
}

/* Append the lines of one sign. */
static void
append_words(StringInfo out, BeSpan audience, char sign, const char *ahead)
{
	bool		first = true;
	BeSpan		line;
	BeSpan		principal;

	while (be_audience_next(&audience, &line))
	{
		if (line.len == 0 || split_line(line, &principal) != sign)
			continue;
		appendStringInfo(out, "%s%s", first ? ahead : ", ", principal_words(principal));
		first = false;
	}
}

char *
be_whom_words(BeSpan audience)
{
	StringInfoData out;

	initStringInfo(&out);
	append_words(&out, audience, '\0', "");
	append_words(&out, audience, BE_AUDIENCE_ONLY, "; of them those who are also: ");
	append_words(&out, audience, BE_AUDIENCE_EXCEPT, "; except: ");
	return out.data;
}

static bool
is_member(const BeSomebody *somebody, BeSpan project)
{
	ListCell   *cell;

	foreach(cell, somebody->projects)
	{
		if (be_span_is(project, lfirst(cell)))
			return true;
	}
	return false;
}

/* Tables can deny the role; that a token says it is known of connections only. */
static BeLikely
is_admin(const BeSomebody *somebody, const char *role)
{
	if (role)
		return strcmp(role, ROLE_ADMIN) == 0 ? BE_YES : BE_NO;
	return somebody->role && strcmp(somebody->role, ROLE_ADMIN) != 0 ? BE_NO : BE_PERHAPS;
}

static BeLikely
belongs(BeSpan principal, const BeSomebody *somebody, const char *role)
{
	const char *name;

	if (be_span_is(principal, BE_PRINCIPAL_ALL))
		return BE_YES;
	if (be_span_is(principal, BE_PRINCIPAL_ADMIN))
		return is_admin(somebody, role);
	if ((name = named_by(principal, BE_PRINCIPAL_USER)) != NULL)
		return be_span_is(behind(principal, name), somebody->user) ? BE_YES : BE_NO;
	if ((name = named_by(principal, BE_PRINCIPAL_PROJECT)) != NULL)
		return is_member(somebody, behind(principal, name)) ? BE_YES : BE_PERHAPS;
	return BE_NO;
}

BeLikely
be_whom_includes(BeSpan audience, const BeSomebody *somebody, const char *role)
{
	BeLikely	named = BE_NO;
	BeLikely	except = BE_NO;
	BeLikely	among = BE_NO;
	bool		restricted = false;
	BeSpan		line;
	BeSpan		principal;

	while (be_audience_next(&audience, &line))
	{
		char		sign = split_line(line, &principal);
		BeLikely	here = belongs(principal, somebody, role);

		if (sign == BE_AUDIENCE_EXCEPT)
			except = Max(except, here);
		else if (sign == BE_AUDIENCE_ONLY)
		{
			restricted = true;
			among = Max(among, here);
		}
		else
			named = Max(named, here);
	}
	if (restricted)
		named = Min(named, among);
	return Min(named, BE_YES - except);
}
