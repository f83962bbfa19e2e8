/*
 * console.h - the files of the live console, which are part of the program.
 */
#ifndef BE_GATEWAY_CLIENT_CONSOLE_H
#define BE_GATEWAY_CLIENT_CONSOLE_H

#include <stdbool.h>

#include "common/event/event.h"

typedef struct BeConsoleFile
{
	const char *path;
	const char *type;			/* of its content */
	const char *start;
	const char *end;
} BeConsoleFile;

/* The file of this path; NULL: there is none. */
extern const BeConsoleFile *be_console_find(BeSpan path);

#endif							/* BE_GATEWAY_CLIENT_CONSOLE_H */
