/*
 * memory.c - allocation that does not fail.
 */
#include "common/program/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
bev_out_of_memory(void)
{
	/* No allocation here, so not by the pipe: stderr is the server's log. */
	fputs("bugevents: out of memory\n", stderr);
	_Exit(2);
}

void *
bev_alloc(size_t size)
{
	void *memory = calloc(1, size ? size : 1);

	if (memory == NULL)
		bev_out_of_memory();
	return memory;
}

void *
bev_realloc(void *old, size_t size)
{
	void *memory = realloc(old, size ? size : 1);

	if (memory == NULL)
		bev_out_of_memory();
	return memory;
}

char *
bev_copy_text(const char *text, size_t len)
{
	char *copy = bev_alloc(len + 1);

	if (len > 0)
		memcpy(copy, text, len);
	return copy;
}
