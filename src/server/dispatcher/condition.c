/*
 * condition.c - what an operator has to do something about, as GET /ready says it.
 *
 * Trust: anybody may ask /ready, so no name, number or version of this installation is in it; the
 * log has them.
 */
#include "server/dispatcher/condition.h"

#include "lib/stringinfo.h"
#include "server/base/extension.h"
#include "server/base/settings.h"
#include "server/base/worker.h"
#include "server/dispatcher/standby.h"
#include "server/shared/delivery_counters.h"

static const char *misfit_cure = NULL; /* NULL: the extension fits */
static char line[256] = "";
static bool behind = false;

bool
bev_condition_extension_fits(void)
{
	const char *cure = NULL;
	char *version = bev_extension_misfit(&cure);

	if (version && misfit_cure != cure)
		ereport(WARNING,
		        (errmsg("bugevents %s is loaded, but database \"%s\" has version %s of the "
		                "extension: nothing is served",
		                BUGEVENTS_VERSION, bev_database, version),
		         errhint("%s", cure)));
	misfit_cure = cure;
	return version == NULL;
}

static void
list_outages(StringInfo text)
{
	if (bev_delivery_counters_copied())
		appendStringInfo(text, "%snothing is sent from this copy", text->len ? "; " : "");
	for (BevDeliveryChannel kind = 0; kind < BEV_CHANNELS; kind++)
		if (bev_delivery_counters_outage(kind) > 0)
			appendStringInfo(text, "%snothing gets out by %s", text->len ? "; " : "",
			                 bev_delivery_channel_name(kind));
}

bool
bev_condition_changed(void)
{
	StringInfoData now;
	bool changed;

	initStringInfo(&now);
	if (misfit_cure)
		appendStringInfo(&now, "the extension and the library are of different versions: %s",
		                 misfit_cure);
	else
	{
		if (bev_standby_is_behind())
			appendStringInfoString(&now, "this standby is too far behind its primary");
		bev_worker_list_missing(&now);
		list_outages(&now);
	}
	changed = strncmp(line, now.data, sizeof(line) - 1) != 0 || behind != bev_standby_is_behind();
	behind = bev_standby_is_behind();
	strlcpy(line, now.data, sizeof(line));
	pfree(now.data);
	return changed;
}

bool
bev_condition_is_behind(void)
{
	return behind;
}

const char *
bev_condition_line(void)
{
	return line;
}
