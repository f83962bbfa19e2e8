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
EMBED(address, "console/address.js");
EMBED(alerts, "console/alerts.js");
EMBED(board, "console/board.js");
EMBED(change, "console/change.js");
EMBED(charts, "console/charts.js");
EMBED(connections, "console/connections.js");
EMBED(detail, "console/detail.js");
EMBED(dom, "console/dom.js");
EMBED(explain, "console/explain.js");
EMBED(feed, "console/feed.js");
EMBED(keys, "console/keys.js");
EMBED(main, "console/main.js");
EMBED(names, "console/names.js");
EMBED(notifications, "console/notifications.js");
EMBED(series, "console/series.js");
EMBED(server, "console/server.js");
EMBED(session, "console/session.js");
EMBED(client, "js/bugevents.js");
EMBED(collection, "js/collection.js");
EMBED(filter, "js/filter.js");
EMBED(description_text, "../docs/asyncapi.yaml");
EMBED(shared, "js/shared.js");
EMBED(shared_worker, "js/shared-worker.js");

#define SCRIPT(path, name) \
	{ \
		path, "text/javascript; charset=utf-8", bev_console_##name, bev_console_##name##_end \
	}

static const BevConsoleFile files[] = {
	{"/", "text/html; charset=utf-8", bev_console_page, bev_console_page_end},
	{"/console/console.css", "text/css; charset=utf-8", bev_console_style, bev_console_style_end},
	SCRIPT("/console/address.js", address),
	SCRIPT("/console/alerts.js", alerts),
	SCRIPT("/console/board.js", board),
	SCRIPT("/console/change.js", change),
	SCRIPT("/console/charts.js", charts),
	SCRIPT("/console/connections.js", connections),
	SCRIPT("/console/detail.js", detail),
	SCRIPT("/console/dom.js", dom),
	SCRIPT("/console/explain.js", explain),
	SCRIPT("/console/feed.js", feed),
	SCRIPT("/console/keys.js", keys),
	SCRIPT("/console/main.js", main),
	SCRIPT("/console/names.js", names),
	SCRIPT("/console/notifications.js", notifications),
	SCRIPT("/console/series.js", series),
	SCRIPT("/console/server.js", server),
	SCRIPT("/console/session.js", session),
	SCRIPT("/bugevents.js", client),
	SCRIPT("/collection.js", collection),
	SCRIPT("/filter.js", filter),
	SCRIPT("/shared.js", shared),
	SCRIPT("/shared-worker.js", shared_worker),
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
