/*
 * audience_explain.c - whom an event is for, in words, and whether somebody is among them.
 *
 * Model: a gateway decides by what a connection's token says and by what tables of users
 * and memberships say.  Of a connection that exists the dispatcher is told the role that
 * counts; the projects that its token names it isn't told.  So the answer has three
 * values: the gateways' rule (common/event/audience.c) is asked with the best and with the worst
 * that the token may say.
 */
#include "server/explain/audience_explain.h"

#include "common/event/audience.h"
#include "server/explain/findings.h"
#include "server/base/settings.h"
#include "server/base/subtransaction.h"

/* ---- who somebody is ---- */

static void
collect(void *arg)
{
	BevUserLookupEntry *entry = arg;

	if (!bev_user_lookup_collect(entry, 1))
		entry->user = NULL;
}

void
bev_audience_explain_look_up(BevSomebody *somebody, const char *user)
{
	BevUserLookupEntry entry = {.user = user};

	*somebody = (BevSomebody){
		.user = user,
	};
	initStringInfo(&entry.access);
	somebody->error = bev_subtransaction_error(collect, &entry);
	if (somebody->error)
		return;
	somebody->has_tables = entry.user != NULL;
	somebody->rights =
		bev_user_rights_of((BevSpan){entry.access.data, (uint32_t) entry.access.len});
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
	if ((name = named_by(principal, BEV_PRINCIPAL_GROUP)) != NULL)
		return psprintf("members of group %s", bev_findings_text(behind(principal, name)));
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

/* ---- whether somebody is in it ---- */

/* The projects in lines that have this sign, or haven't. */
static List *
projects_in(BevSpan audience, char sign, bool has_it)
{
	List *projects = NIL;
	BevSpan line;
	BevSpan principal;

	while (bev_audience_next(&audience, &line))
	{
		bool has = split_line(line, &principal) == sign;

		if (named_by(principal, BEV_PRINCIPAL_PROJECT) && has == has_it)
			projects = lappend(projects, pnstrdup(principal.data, principal.len));
	}
	return projects;
}

/* Without those that are among others. */
static List *
difference(List *projects, List *others)
{
	List *left = NIL;
	ListCell *cell;
	ListCell *other;

	foreach (cell, projects)
	{
		bool found = false;

		foreach (other, others)
		{
			found |= strcmp(lfirst(cell), lfirst(other)) == 0;
		}
		if (!found)
			left = lappend(left, lfirst(cell));
	}
	return left;
}

static bool
matches(BevSpan audience, const BevSomebody *somebody, List *more, bool is_admin)
{
	List *others = list_concat_copy(somebody->rights.principals, more);
	BevPrincipals principals = bev_user_rights_principals(somebody->user, others, is_admin);

	return bev_audience_matches(audience, bev_audience_flags(audience), &principals);
}

/* Tables can deny the role; that a token says it is known of connections only. */
static BevLikely
is_admin(const BevSomebody *somebody, const char *role)
{
	if (role)
		return strcmp(role, BEV_ROLE_ADMIN) == 0 ? BEV_YES : BEV_NO;
	return somebody->rights.facts.lower ? BEV_NO : BEV_PERHAPS;
}

static bool
is_let_in(const BevSomebody *somebody)
{
	BevUserStanding standing = bev_user_facts_standing(&somebody->rights.facts);

	return standing != BEV_USER_INACTIVE && (standing != BEV_USER_UNKNOWN || !bev_require_user);
}

BevLikely
bev_audience_explain_includes(BevSpan audience, const BevSomebody *somebody, const char *role)
{
	BevLikely admin = is_admin(somebody, role);
	List *against = projects_in(audience, BEV_AUDIENCE_EXCEPT, true);
	List *in_favour = difference(projects_in(audience, BEV_AUDIENCE_EXCEPT, false), against);
	bool may = false;
	bool must = true;

	if (role == NULL && !is_let_in(somebody))
		return BEV_NO;
	/* The best and the worst that a token may say. */
	for (int as_admin = admin == BEV_YES; as_admin <= (admin != BEV_NO); as_admin++)
	{
		may |= matches(audience, somebody, in_favour, as_admin);
		must &= matches(audience, somebody, against, as_admin);
	}
	return must ? BEV_YES : may ? BEV_PERHAPS : BEV_NO;
}
