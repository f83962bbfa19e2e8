/*
 * console.h - the files of the live console, and the API's description: parts of the program.
 */
#ifndef BEV_GATEWAY_CLIENT_CONSOLE_H
#define BEV_GATEWAY_CLIENT_CONSOLE_H

#include <stdbool.h>

#include "common/event/event.h"

typedef struct BevConsoleFile
{
	const char *path;
	const char *type; /* of its content */
	const char *start;
	const char *end;
} BevConsoleFile;

/* The file of this path; NULL: there is none. */
extern const BevConsoleFile *bev_console_find(BevSpan path);

/* docs/asyncapi.yaml. */
extern BevSpan bev_console_description(void);

#endif /* BEV_GATEWAY_CLIENT_CONSOLE_H */
