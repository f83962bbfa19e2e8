/*
 * config_test.c - the configuration as the dispatcher sends it.
 */
#include <stdlib.h>

#include "gateway/config/config.h"
#include "tap.h"

static BevConfig *
read_config(const char *json)
{
	char error[256] = "";
	BevConfig *config = bev_config_read(json, strlen(json), error, sizeof(error));

	if (config == NULL)
		printf("# %s\n", error);
	return config;
}

int
main(void)
{
	static const char *const wrong[] = {
		"",
		"[]",
		"null",
		"{",
		"{\"tls\":\"1\"}",
		"{\"tls\":0.5}",
		"{\"place_key\":1}",
		"{\"tls\":1,\"tls\":0}",
		"{\"tls_cert\":null}",
	};
	BevConfig *a = read_config("{}");
	BevConfig *b = read_config("{\"tls\":1,\"allowed_origins\":\"*\",\"later\":[1],"
	                           "\"window_size\":2097152,\"message_rate\":0,"
	                           "\"ping_interval\":1500,\"log_slow_delivery\":0}");
	BevConfig *c =
		read_config("{\"tls_min_version\":70000,\"window_size\":1,\"max_connections\":0}");

	tap_ok(a && a->allowed_origins[0] == '\0' && a->window_size == 64 << 20 &&
	           a->max_connections == 10000 && a->max_connections_per_user == 3 &&
	           a->message_rate == 60 && a->max_message_size == 65536 && a->ping_interval == 30000 &&
	           a->connection_timeout == 60000 && a->log_slow_delivery == BEV_NEVER &&
	           a->place_key[0] == '\0',
	       "what is missing takes its default");
	tap_ok(b && b->tls == 1 && b->window_size == 2 << 20 && b->message_rate == 0 &&
	           b->ping_interval == 1500 && b->log_slow_delivery == 0 &&
	           strcmp(b->allowed_origins, "*") == 0,
	       "what is there counts, what is not known is ignored");
	tap_ok(c && c->tls_min_version == 13 && c->window_size == 1 << 20 && c->max_connections == 1,
	       "values are brought into their range");
	tap_ok(a && !a->tls && a->tls_min_version == 12, "TLS is off");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		tap_ok(read_config(wrong[i]) == NULL, wrong[i]);
	bev_config_free(a);
	bev_config_free(b);
	bev_config_free(c);
	bev_config_free(NULL);
	return tap_done();
}
