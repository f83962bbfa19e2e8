/*
 * principals.c - gathers what a client belongs to.
 */
#include "gateway/identity/principals.h"
#include "common/program/memory.h"

#include <stdlib.h>
#include <string.h>

void
bev_principals_add(BevPrincipals *principals, const char *prefix, const char *id)
{
	size_t prefix_len = strlen(prefix);
	size_t id_len = strlen(id);
	char *name = bev_alloc(prefix_len + id_len + 1);

	memcpy(name, prefix, prefix_len);
	memcpy(name + prefix_len, id, id_len);
	principals->name = bev_realloc(principals->name, sizeof(char *) * (principals->count + 1));
	principals->name[principals->count++] = name;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

void
bev_principals_seal(BevPrincipals *principals)
{
	uint32_t kept = 0;

	if (principals->count == 0)
		return;
	qsort(principals->name, principals->count, sizeof(char *), compare_names);
	for (uint32_t i = 0; i < principals->count; i++)
	{
		if (kept > 0 && strcmp(principals->name[kept - 1], principals->name[i]) == 0)
			free(principals->name[i]);
		else
			principals->name[kept++] = principals->name[i];
	}
	principals->count = kept;
}

void
bev_principals_free(BevPrincipals *principals)
{
	for (uint32_t i = 0; i < principals->count; i++)
		free(principals->name[i]);
	free(principals->name);
	*principals = (BevPrincipals){0};
}
