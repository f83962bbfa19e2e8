/*
 * console.c - the files of the live console, which are part of the program.
 *
 * Model: the assembler puts them in as they are, so they need no place in the file system,
 * which a gateway can't read, and always fit its version.  BE_CLIENTS is the folder
 * clients/ at the time of the build.
 */
#include "gateway/client/console.h"

#define EMBED(name, file) \
	__asm__(".pushsection .rodata\n" \
			"be_console_" #name ":\n" \
			".incbin \"" BE_CLIENTS "/" file "\"\n" \
			"be_console_" #name "_end:\n" \
			".byte 0\n" \
			".popsection\n"); \
	extern const char be_console_##name[] __attribute__((visibility("hidden"))); \
	extern const char be_console_##name##_end[] __attribute__((visibility("hidden")))

EMBED(page, "console/index.html");
EMBED(style, "console/console.css");
EMBED(script, "console/console.js");
EMBED(client, "js/bugevents.js");

#define JAVASCRIPT	"text/javascript; charset=utf-8"

static const BeConsoleFile files[] = {
	{"/", "text/html; charset=utf-8", be_console_page, be_console_page_end},
	{"/console.css", "text/css; charset=utf-8", be_console_style, be_console_style_end},
	{"/console.js", JAVASCRIPT, be_console_script, be_console_script_end},
	{"/bugevents.js", JAVASCRIPT, be_console_client, be_console_client_end},
};

const BeConsoleFile *
be_console_find(BeSpan path)
{
	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (be_span_is(path, files[i].path))
			return &files[i];
	return NULL;
}
