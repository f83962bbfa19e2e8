/*
 * exposition.c - the metrics as text, as Prometheus reads them.
 */
#include "server/responder/exposition.h"

#include "common/shortest_dec.h"
#include "server/monitor/metrics.h"
#include "server/users/visibility.h"

typedef struct Exposition
{
	StringInfo text;
	const char *family; /* the last one */
} Exposition;

static const char *const type_names[] = {
	[BEV_METRIC_GAUGE] = "gauge",
	[BEV_METRIC_COUNTER] = "counter",
	[BEV_METRIC_HISTOGRAM] = "histogram",
};

static void
write_metric(void *arg, const BevMetric *metric)
{
	Exposition *exposition = arg;
	StringInfo text = exposition->text;
	char number[DOUBLE_SHORTEST_DECIMAL_LEN];

	if (metric->family != exposition->family)
		appendStringInfo(text, "# HELP %s %s\n# TYPE %s %s\n", metric->family, metric->help,
		                 metric->family, type_names[metric->type]);
	exposition->family = metric->family;
	double_to_shortest_decimal_buf(metric->value, number);
	appendStringInfo(text, *metric->labels ? "%s{%s} %s\n" : "%s%s %s\n", metric->name,
	                 metric->labels, number);
}

void
bev_exposition_write(const BevQuestionHead *head pg_attribute_unused(), const char *payload,
                     BevAnswer *answer)
{
	Exposition exposition = {.text = &answer->rest};
	Jsonb *json = bev_request_read(payload, answer);
	char *user;

	if (json == NULL)
		return;
	if (!bev_request_text(json, "user_id", &user) || (user && !bev_visibility_is_admin(user)))
	{
		bev_answer_error(answer, "forbidden", "", "this is for admins");
		return;
	}
	answer->message.kind = BEV_ANSWER_TEXT;
	bev_metrics_list(write_metric, &exposition);
}
