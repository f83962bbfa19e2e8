/*
 * member.c - the settings that a program is sent: members of a JSON object, as a struct.
 *
 * Trust: there are secrets among them, so what is wrong with the text is not quoted, and texts are
 * wiped before they are freed.
 */
#include "common/program/member.h"
#include "common/program/memory.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
set_text(void *into, const BevMember *member, const char *text)
{
	*(char **) ((char *) into + member->offset) = bev_copy_text(text, strlen(text));
}

static void
set_number(void *into, const BevMember *member, json_int_t value)
{
	void *place = (char *) into + member->offset;

	if (value < member->low)
		value = member->low;
	if (value > member->high)
		value = member->high;
	if (member->kind == BEV_MEMBER_NUMBER)
		*(uint32_t *) place = (uint32_t) value;
	else
		*(size_t *) place = (size_t) value;
}

/* False: the member has the wrong type. */
static bool
read_member(void *into, const BevMember *member, const json_t *value)
{
	if (member->kind == BEV_MEMBER_TEXT)
	{
		set_text(into, member, json_is_string(value) ? json_string_value(value) : member->text);
		return value == NULL || json_is_string(value);
	}
	set_number(into, member, json_is_integer(value) ? json_integer_value(value) : member->number);
	return value == NULL || json_is_integer(value);
}

bool
bev_members_read(void *into, const BevMember *members, size_t count, const char *json, size_t len,
                 char *error, size_t error_size)
{
	json_error_t where;
	json_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &where);
	bool good = true;

	if (!json_is_object(root))
	{
		/* where.text quotes the input, secrets and all: it is not passed on. */
		snprintf(error, error_size, "configuration is not a JSON object");
		json_decref(root);
		return false;
	}
	for (size_t i = 0; i < count; i++)
	{
		if (read_member(into, &members[i], json_object_get(root, members[i].name)))
			continue;
		snprintf(error, error_size, "configuration member \"%s\" has the wrong type",
		         members[i].name);
		good = false;
	}
	json_decref(root);
	return good;
}

void
bev_members_clear(void *of, const BevMember *members, size_t count)
{
	for (size_t i = 0; i < count; i++)
	{
		char *text;

		if (members[i].kind != BEV_MEMBER_TEXT)
			continue;
		text = *(char **) ((char *) of + members[i].offset);
		if (text)
			OPENSSL_cleanse(text, strlen(text));
		free(text);
	}
}
