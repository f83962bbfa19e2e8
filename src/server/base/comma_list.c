/*
 * comma_list.c - a list with commas, as settings have it.
 */
#include "server/base/comma_list.h"

char *
bev_comma_list_next(char **rest)
{
	char *item = strsep(rest, ",");

	if (item == NULL)
		return NULL;
	item += strspn(item, " ");
	for (char *end = item + strlen(item); end > item && end[-1] == ' ';)
		*--end = '\0';
	return item;
}
