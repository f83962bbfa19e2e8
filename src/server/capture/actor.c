/*
 * actor.c - who acts: the user of the application on whose behalf a session writes.
 *
 * Model: a setting says it, so it is as trustworthy as whoever holds the session.
 * Claims are a document that was checked where the token was; here only its "sub" is looked
 * for, and not again as long as the text stays the same.
 *
 * Memory: the name is in a buffer of the process; parsing in a context that is
 * deleted at once.
 */
#include "server/capture/actor.h"

#include "common/text/utf8.h"
#include "server/encode/database_text.h"
#include "common/jsonapi.h"
#include "server/base/compat.h"
#include "server/base/settings.h"
#include "mb/pg_wchar.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#define CLAIMS "request.jwt.claims"

static char actor[BEV_ACTOR_MAX + 1];

typedef struct Search
{
	JsonLexContext *lex;
	bool is_subject; /* the member that comes now */
	bool found;
} Search;

static const char *
set_actor(const char *name)
{
	const char *utf8 = bev_database_text_to_cstring(name);
	Size len = bev_utf8_clip(utf8, strlen(utf8), BEV_ACTOR_MAX);

	memcpy(actor, utf8, len);
	actor[len] = '\0';
	if (utf8 != name)
		pfree(unconstify(char *, utf8));
	return actor;
}

static BevJsonAction
begin_member(void *arg, char *name, bool isnull pg_attribute_unused())
{
	Search *search = arg;

	search->is_subject = search->lex->lex_level == 1 && strcmp(name, "sub") == 0;
	BEV_JSON_ACTION_DONE;
}

static BevJsonAction
take_scalar(void *arg, char *token, JsonTokenType type)
{
	Search *search = arg;

	if (search->is_subject && search->lex->lex_level == 1 &&
	    (type == JSON_TOKEN_STRING || type == JSON_TOKEN_NUMBER))
	{
		set_actor(token);
		search->found = true;
	}
	BEV_JSON_ACTION_DONE;
}

static void
read_claims(const char *claims)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "bugevents claims", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	Search search = {.lex = bev_json_lexer(claims)};
	JsonSemAction action = {
		.semstate = &search, .object_field_start = begin_member, .scalar = take_scalar};

	if (pg_parse_json(search.lex, &action) != JSON_SUCCESS || !search.found)
		*actor = '\0';
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}

/* Is it the text that was read last? */
static bool
is_known(const char *claims)
{
	static char *last = NULL;

	if (last && strcmp(last, claims) == 0)
		return true;
	if (last)
		pfree(last);
	last = NULL; /* should there be no memory */
	last = MemoryContextStrdup(TopMemoryContext, claims);
	return false;
}

/*
 * NULL or empty: there are none.  Looking for a setting that isn't there was a tenth of what the
 * trigger costs; it is there only once somebody has set it, and then there is one more.
 */
static const char *
find_claims(void)
{
	static int settings = -1;
	static bool absent = false;
	const char *claims;

	if (bev_settings_are_as_many(&settings) && absent)
		return NULL;
	claims = GetConfigOption(CLAIMS, true, false);
	absent = claims == NULL;
	return claims;
}

const char *
bev_actor(void)
{
	static bool from_claims = false; /* actor is what is_known() compares with */
	const char *claims;

	if (*bev_actor_setting)
	{
		from_claims = false;
		return set_actor(bev_actor_setting);
	}
	claims = find_claims();
	if (claims == NULL || *claims == '\0')
		return "";
	if (is_known(claims) && from_claims)
		return actor;
	from_claims = false;
	read_claims(claims);
	from_claims = true;
	return actor;
}
