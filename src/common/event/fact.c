/*
 * fact.c - what filters may ask of an event: the values of fields, new and old, ready to be
 * compared.
 */
#include "common/event/fact.h"

#include <string.h>

uint32_t
bev_fact_name(const BevMember *member, char dst[BEV_SCALAR_ROOM])
{
	uint32_t len = bev_scalar_read(member->name, dst);

	if (len < 2 || len - 1 > BEV_FACT_NAME_MAX)
		return 0;
	memmove(dst, dst + 1, len - 1);
	return len - 1;
}

/* The old value that changes have under a name that is JSON; false: they don't have it. */
static bool
read_old(BevSpan changes, BevSpan name, char *dst, uint32_t *len)
{
	char text[BEV_SCALAR_ROOM];
	BevMember member;

	while (bev_json_next_member(&changes, &member))
	{
		uint32_t text_len = bev_fact_name(&member, text);

		if (text_len == name.len && memcmp(text, name.data, name.len) == 0)
		{
			*len = bev_scalar_read(bev_json_first_element(member.value), dst);
			return true;
		}
	}
	return false;
}

typedef struct Head
{
	uint8_t name;
	uint8_t changed;
	uint16_t value;
	uint16_t old;
} Head;

_Static_assert(sizeof(Head) == 6, "it is what BEV_FACT_ROOM counts");

uint32_t
bev_fact_write(BevSpan name, BevSpan value, BevSpan changes, char dst[BEV_FACT_ROOM])
{
	char *p = dst + sizeof(Head) + name.len;
	uint32_t old = 0;
	uint32_t len = bev_scalar_read(value, p);
	bool changed = read_old(changes, name, p + len, &old);
	Head head = {(uint8_t) name.len, changed, (uint16_t) len, (uint16_t) old};

	memcpy(dst, &head, sizeof(head));
	memcpy(dst + sizeof(head), name.data, name.len);
	return (uint32_t) sizeof(head) + name.len + len + old;
}

bool
bev_fact_next(BevSpan *rest, BevFact *fact)
{
	const char *p = rest->data;
	Head head;

	if (rest->len == 0)
		return false;
	memcpy(&head, p, sizeof(head));
	p += sizeof(head);
	fact->name = (BevSpan){p, head.name};
	fact->value = (BevSpan){p + head.name, head.value};
	fact->changed = head.changed;
	fact->old = fact->changed ? (BevSpan){p + head.name + head.value, head.old} : fact->value;
	p += head.name + head.value + head.old;
	rest->len -= (uint32_t) (p - rest->data);
	rest->data = p;
	return true;
}

bool
bev_fact_find(BevSpan facts, const char *name, BevFact *fact)
{
	size_t len = strlen(name);

	while (bev_fact_next(&facts, fact))
		if (fact->name.len == len && memcmp(fact->name.data, name, len) == 0)
			return true;
	return false;
}
