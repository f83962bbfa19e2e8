/*
 * counter.h - what gateways count.
 *
 * Each counter is one number of a metric, named as Prometheus names them.  A gateway
 * counts from its start on and tells all its counters about once a second, when any
 * has changed (COUNTERS); the dispatcher adds what they have grown by to counters
 * in shared memory, which live as long as the server.
 *
 * The list is all there is to a counter: add a line, and count.
 *
 * Pure C: shared by the server's half and the gateway.
 */
#ifndef BE_COMMON_PIPE_COUNTER_H
#define BE_COMMON_PIPE_COUNTER_H

#include <stdint.h>

/* COUNTER(name, metric, label, label's value) */
#define BE_COUNTERS(COUNTER) \
	COUNTER(CONNECTIONS, "bugevents_connections_total", "", "") \
	COUNTER(DELIVERED, "bugevents_events_delivered_total", "", "") \
	COUNTER(BYTES_SENT, "bugevents_bytes_sent_total", "", "") \
	COUNTER(RECEIVED, "bugevents_messages_received_total", "", "") \
	COUNTER(RESUMED, "bugevents_resumes_total", "result", "resumed") \
	COUNTER(RESYNC_REQUIRED, "bugevents_resumes_total", "result", "resync_required") \
	BE_ERROR_COUNTERS(COUNTER) \
	BE_CLOSE_COUNTERS(COUNTER) \
	BE_SUSPICION_COUNTERS(COUNTER) \
	BE_DELAY_COUNTERS(COUNTER) \
	COUNTER(DELAY_SUM, "bugevents_delivery_seconds_sum", "", "") \
	COUNTER(RESTARTS, "bugevents_gateway_restarts_total", "", "")	/* counted by the dispatcher */

/* Error messages, by code. */
#define BE_ERROR_COUNTER(COUNTER, code) \
	COUNTER(ERROR_##code, "bugevents_errors_total", "code", #code)
#define BE_ERROR_COUNTERS(COUNTER) \
	BE_ERROR_COUNTER(COUNTER, missing_token) \
	BE_ERROR_COUNTER(COUNTER, invalid_token) \
	BE_ERROR_COUNTER(COUNTER, token_expired) \
	BE_ERROR_COUNTER(COUNTER, user_inactive) \
	BE_ERROR_COUNTER(COUNTER, forbidden) \
	BE_ERROR_COUNTER(COUNTER, origin_not_allowed) \
	BE_ERROR_COUNTER(COUNTER, too_many_connections) \
	BE_ERROR_COUNTER(COUNTER, server_full) \
	BE_ERROR_COUNTER(COUNTER, connection_timeout) \
	BE_ERROR_COUNTER(COUNTER, rate_limited) \
	BE_ERROR_COUNTER(COUNTER, invalid_message) \
	BE_ERROR_COUNTER(COUNTER, unknown_type) \
	BE_ERROR_COUNTER(COUNTER, missing_field) \
	BE_ERROR_COUNTER(COUNTER, invalid_field) \
	BE_ERROR_COUNTER(COUNTER, message_too_big) \
	BE_ERROR_COUNTER(COUNTER, not_found) \
	BE_ERROR_COUNTER(COUNTER, resync_required) \
	BE_ERROR_COUNTER(COUNTER, read_only) \
	BE_ERROR_COUNTER(COUNTER, too_far_behind) \
	BE_ERROR_COUNTER(COUNTER, access_changed) \
	BE_ERROR_COUNTER(COUNTER, shutting_down) \
	BE_ERROR_COUNTER(COUNTER, internal_error)

/* Connections that were let in and ended, by close code; 1006: without a close frame of ours. */
#define BE_CLOSE_COUNTER(COUNTER, code) \
	COUNTER(CLOSE_##code, "bugevents_disconnects_total", "code", #code)
#define BE_CLOSE_COUNTERS(COUNTER) \
	BE_CLOSE_COUNTER(COUNTER, 1000) \
	BE_CLOSE_COUNTER(COUNTER, 1001) \
	BE_CLOSE_COUNTER(COUNTER, 1002) \
	BE_CLOSE_COUNTER(COUNTER, 1003) \
	BE_CLOSE_COUNTER(COUNTER, 1006) \
	BE_CLOSE_COUNTER(COUNTER, 1007) \
	BE_CLOSE_COUNTER(COUNTER, 1008) \
	BE_CLOSE_COUNTER(COUNTER, 1009) \
	BE_CLOSE_COUNTER(COUNTER, 1011) \
	BE_CLOSE_COUNTER(COUNTER, 1012) \
	BE_CLOSE_COUNTER(COUNTER, 1013) \
	BE_CLOSE_COUNTER(COUNTER, other)

/* What looks like an attack, or like somebody's mistake. */
#define BE_SUSPICION_COUNTER(COUNTER, kind) \
	COUNTER(SUSPICION_##kind, "bugevents_security_events_total", "kind", #kind)
#define BE_SUSPICION_COUNTERS(COUNTER) \
	BE_SUSPICION_COUNTER(COUNTER, missing_token) \
	BE_SUSPICION_COUNTER(COUNTER, invalid_token) \
	BE_SUSPICION_COUNTER(COUNTER, expired_token) \
	BE_SUSPICION_COUNTER(COUNTER, other_user) \
	BE_SUSPICION_COUNTER(COUNTER, inactive_user) \
	BE_SUSPICION_COUNTER(COUNTER, wrong_origin) \
	BE_SUSPICION_COUNTER(COUNTER, too_many_handshakes) \
	BE_SUSPICION_COUNTER(COUNTER, too_many_failures) \
	BE_SUSPICION_COUNTER(COUNTER, too_many_connections) \
	BE_SUSPICION_COUNTER(COUNTER, too_many_messages) \
	BE_SUSPICION_COUNTER(COUNTER, message_too_big) \
	BE_SUSPICION_COUNTER(COUNTER, malformed_message) \
	BE_SUSPICION_COUNTER(COUNTER, malformed_frame) \
	BE_SUSPICION_COUNTER(COUNTER, malformed_request) \
	BE_SUSPICION_COUNTER(COUNTER, slow_request) \
	BE_SUSPICION_COUNTER(COUNTER, unknown_path) \
	BE_SUSPICION_COUNTER(COUNTER, metrics_refused)

/* From a commit to its being written to the sockets of all who keep up: seconds, not cumulated. */
#define BE_DELAY_COUNTER(COUNTER, name, bound) \
	COUNTER(DELAY_##name, "bugevents_delivery_seconds_bucket", "le", bound)
#define BE_DELAY_COUNTERS(COUNTER) \
	BE_DELAY_COUNTER(COUNTER, 1MS, "0.001") \
	BE_DELAY_COUNTER(COUNTER, 2MS, "0.0025") \
	BE_DELAY_COUNTER(COUNTER, 5MS, "0.005") \
	BE_DELAY_COUNTER(COUNTER, 10MS, "0.01") \
	BE_DELAY_COUNTER(COUNTER, 25MS, "0.025") \
	BE_DELAY_COUNTER(COUNTER, 50MS, "0.05") \
	BE_DELAY_COUNTER(COUNTER, 100MS, "0.1") \
	BE_DELAY_COUNTER(COUNTER, 250MS, "0.25") \
	BE_DELAY_COUNTER(COUNTER, 500MS, "0.5") \
	BE_DELAY_COUNTER(COUNTER, 1S, "1") \
	BE_DELAY_COUNTER(COUNTER, 5S, "5") \
	BE_DELAY_COUNTER(COUNTER, 30S, "30") \
	BE_DELAY_COUNTER(COUNTER, MORE, "+Inf")

typedef enum BeCounter
{
#define COUNTER(name, metric, label, value) BE_COUNT_##name,
	BE_COUNTERS(COUNTER)
#undef COUNTER
	BE_COUNTER_KINDS
} BeCounter;

#define BE_SUSPICIONS	(BE_COUNT_SUSPICION_metrics_refused - BE_COUNT_SUSPICION_missing_token + 1)

typedef struct BeCounterName
{
	const char *metric;
	const char *label;			/* empty: none */
	const char *value;
} BeCounterName;

extern const BeCounterName be_counter_names[BE_COUNTER_KINDS];

/* The counter among first .. last whose label has this value, or -1. */
extern int	be_counter_find(BeCounter first, BeCounter last, const char *value);

#endif							/* BE_COMMON_PIPE_COUNTER_H */
