/*
 * current_config.c - the configuration that gateways and the verifier are given.
 *
 * Model: it has files in it, and addresses for names, either of which may take its time; so a
 * responder makes it (admission/gateway_config.c), while gateways go on with the one before.
 *
 * Failure: where no responder can be had, it is made here: the stream waits for as long.
 *
 * Trust: there are secrets in it.  It passes through shared memory of the server, whose processes
 * may read the files anyway.
 */
#include "postgres.h"

#include "server/dispatcher/current_config.h"

#include "server/admission/gateway_config.h"
#include "server/dispatcher/questions.h"
#include "server/responder/responder_queue.h"
#include "utils/memutils.h"

static char *config = NULL; /* the bodies and the place, each with its NUL */
static Size config_size = 0;
static bool asked = false;
static bool outdated = false; /* since it was asked for */
static void (*on_change)(void) = NULL;

static void
keep(const char *text, Size len)
{
	if (config)
	{
		explicit_bzero(config, config_size);
		pfree(config);
	}
	config = MemoryContextAlloc(TopMemoryContext, len + 1);
	memcpy(config, text, len);
	config[len] = '\0';
	config_size = len;
	on_change();
}

static void
make_here(void)
{
	StringInfoData json;

	initStringInfo(&json);
	bev_gateway_config_write(&json);
	keep(json.data, json.len);
	explicit_bzero(json.data, json.len);
	pfree(json.data);
}

static void
take(uint64 settled pg_attribute_unused(), const BevAnswerMessage *message, BevSpan rest)
{
	asked = false;
	if (message)
		keep(rest.data, rest.len);
	else
		make_here();
	if (outdated)
		bev_current_config_renew(on_change);
}

void
bev_current_config_renew(void (*changed)(void))
{
	on_change = changed;
	outdated = asked;
	if (asked)
		return;
	asked = bev_questions_add_own(BEV_VERB_CONFIG, "", 0, take);
	if (!asked)
		make_here();
}

const char *
bev_current_config(void)
{
	return config;
}

const char *
bev_current_keys(void)
{
	return config ? config + strlen(config) + 1 : NULL;
}

const char *
bev_current_place(void)
{
	const char *keys = bev_current_keys();

	return keys ? keys + strlen(keys) + 1 : NULL;
}
