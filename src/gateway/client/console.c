/*
 * console.c - the files of the live console, and the API's description: parts of the program.
 *
 * Model: the assembler puts them in as they are, so they need no place in the file system,
 * which a gateway can't read, and always fit its version.  BEV_CLIENTS is the folder
 * clients/ at the time of the build.
 */
#include "gateway/client/console.h"

#define EMBED(name, file) \
	__asm__(".pushsection .rodata\n" \
	        "bev_console_" #name ":\n" \
	        ".incbin \"" BEV_CLIENTS "/" file "\"\n" \
	        "bev_console_" #name "_end:\n" \
	        ".byte 0\n" \
	        ".popsection\n"); \
	extern const char bev_console_##name[] __attribute__((visibility("hidden"))); \
	extern const char bev_console_##name##_end[] __attribute__((visibility("hidden")))

EMBED(page, "console/index.html");
EMBED(style, "console/console.css");
EMBED(script, "console/console.js");
EMBED(client, "js/bugevents.js");
EMBED(collection, "js/collection.js");
EMBED(filter, "js/filter.js");
EMBED(description_text, "../docs/asyncapi.yaml");
EMBED(shared, "js/shared.js");
EMBED(shared_worker, "js/shared-worker.js");

#define JAVASCRIPT "text/javascript; charset=utf-8"

static const BevConsoleFile files[] = {
	{"/", "text/html; charset=utf-8", bev_console_page, bev_console_page_end},
	{"/console.css", "text/css; charset=utf-8", bev_console_style, bev_console_style_end},
	{"/console.js", JAVASCRIPT, bev_console_script, bev_console_script_end},
	{"/bugevents.js", JAVASCRIPT, bev_console_client, bev_console_client_end},
	{"/collection.js", JAVASCRIPT, bev_console_collection, bev_console_collection_end},
	{"/filter.js", JAVASCRIPT, bev_console_filter, bev_console_filter_end},
	{"/shared.js", JAVASCRIPT, bev_console_shared, bev_console_shared_end},
	{"/shared-worker.js", JAVASCRIPT, bev_console_shared_worker, bev_console_shared_worker_end},
};

BevSpan
bev_console_description(void)
{
	return (BevSpan){bev_console_description_text,
	                 (uint32_t) (bev_console_description_text_end - bev_console_description_text)};
}

const BevConsoleFile *
bev_console_find(BevSpan path)
{
	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (bev_span_is(path, files[i].path))
			return &files[i];
	return NULL;
}
