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
#ifndef BEV_COMMON_PIPE_COUNTER_H
#define BEV_COMMON_PIPE_COUNTER_H

#include <stdint.h>

/* COUNTER(name, metric, label, label's value) */
#define BEV_COUNTERS(COUNTER) \
	COUNTER(CONNECTIONS, "bugevents_connections_total", "", "") \
	COUNTER(DELIVERED, "bugevents_events_delivered_total", "", "") \
	COUNTER(BYTES_SENT, "bugevents_bytes_sent_total", "", "") \
	COUNTER(RECEIVED, "bugevents_messages_received_total", "", "") \
	COUNTER(RESUMED, "bugevents_resumes_total", "result", "resumed") \
	COUNTER(RESYNC_REQUIRED, "bugevents_resumes_total", "result", "resync_required") \
	COUNTER(ROWS_CACHED, "bugevents_row_cache_total", "result", "hit") \
	COUNTER(ROWS_READ, "bugevents_row_cache_total", "result", "miss") \
	COUNTER(ROWS_SPOOLED, "bugevents_row_cache_total", "result", "disk") \
	BEV_ERROR_COUNTERS(COUNTER) \
	BEV_CLOSE_COUNTERS(COUNTER) \
	BEV_ABUSE_COUNTERS(COUNTER) \
	BEV_DELAY_COUNTERS(COUNTER) \
	COUNTER(DELAY_SUM, "bugevents_delivery_seconds_sum", "", "") \
	COUNTER(RESTARTS, "bugevents_gateway_restarts_total", "", "") /* counted by the dispatcher */

/* Error messages, by code. */
#define BEV_ERROR_COUNTER(COUNTER, code) \
	COUNTER(ERROR_##code, "bugevents_errors_total", "code", #code)
#define BEV_ERROR_COUNTERS(COUNTER) \
	BEV_ERROR_COUNTER(COUNTER, missing_token) \
	BEV_ERROR_COUNTER(COUNTER, invalid_token) \
	BEV_ERROR_COUNTER(COUNTER, token_expired) \
	BEV_ERROR_COUNTER(COUNTER, user_inactive) \
	BEV_ERROR_COUNTER(COUNTER, forbidden) \
	BEV_ERROR_COUNTER(COUNTER, origin_not_allowed) \
	BEV_ERROR_COUNTER(COUNTER, too_many_connections) \
	BEV_ERROR_COUNTER(COUNTER, server_full) \
	BEV_ERROR_COUNTER(COUNTER, connection_timeout) \
	BEV_ERROR_COUNTER(COUNTER, rate_limited) \
	BEV_ERROR_COUNTER(COUNTER, invalid_message) \
	BEV_ERROR_COUNTER(COUNTER, unknown_type) \
	BEV_ERROR_COUNTER(COUNTER, missing_field) \
	BEV_ERROR_COUNTER(COUNTER, invalid_field) \
	BEV_ERROR_COUNTER(COUNTER, message_too_big) \
	BEV_ERROR_COUNTER(COUNTER, not_found) \
	BEV_ERROR_COUNTER(COUNTER, resync_required) \
	BEV_ERROR_COUNTER(COUNTER, state_too_big) \
	BEV_ERROR_COUNTER(COUNTER, state_interrupted) \
	BEV_ERROR_COUNTER(COUNTER, read_only) \
	BEV_ERROR_COUNTER(COUNTER, too_far_behind) \
	BEV_ERROR_COUNTER(COUNTER, behind) \
	BEV_ERROR_COUNTER(COUNTER, access_changed) \
	BEV_ERROR_COUNTER(COUNTER, shutting_down) \
	BEV_ERROR_COUNTER(COUNTER, internal_error)

/* Connections that were let in and ended, by close code; 1006: without a close frame of ours. */
#define BEV_CLOSE_COUNTER(COUNTER, code) \
	COUNTER(CLOSE_##code, "bugevents_disconnects_total", "code", #code)
#define BEV_CLOSE_COUNTERS(COUNTER) \
	BEV_CLOSE_COUNTER(COUNTER, 1000) \
	BEV_CLOSE_COUNTER(COUNTER, 1001) \
	BEV_CLOSE_COUNTER(COUNTER, 1002) \
	BEV_CLOSE_COUNTER(COUNTER, 1003) \
	BEV_CLOSE_COUNTER(COUNTER, 1006) \
	BEV_CLOSE_COUNTER(COUNTER, 1007) \
	BEV_CLOSE_COUNTER(COUNTER, 1008) \
	BEV_CLOSE_COUNTER(COUNTER, 1009) \
	BEV_CLOSE_COUNTER(COUNTER, 1011) \
	BEV_CLOSE_COUNTER(COUNTER, 1012) \
	BEV_CLOSE_COUNTER(COUNTER, 1013) \
	BEV_CLOSE_COUNTER(COUNTER, other)

/* What looks like an attack, or like somebody's mistake. */
#define BEV_ABUSE_COUNTER(COUNTER, kind) \
	COUNTER(ABUSE_##kind, "bugevents_security_events_total", "kind", #kind)
#define BEV_ABUSE_COUNTERS(COUNTER) \
	BEV_ABUSE_COUNTER(COUNTER, missing_token) \
	BEV_ABUSE_COUNTER(COUNTER, invalid_token) \
	BEV_ABUSE_COUNTER(COUNTER, expired_token) \
	BEV_ABUSE_COUNTER(COUNTER, other_user) \
	BEV_ABUSE_COUNTER(COUNTER, inactive_user) \
	BEV_ABUSE_COUNTER(COUNTER, wrong_origin) \
	BEV_ABUSE_COUNTER(COUNTER, too_many_unauthenticated) \
	BEV_ABUSE_COUNTER(COUNTER, too_many_handshakes) \
	BEV_ABUSE_COUNTER(COUNTER, too_many_failures) \
	BEV_ABUSE_COUNTER(COUNTER, too_many_connections) \
	BEV_ABUSE_COUNTER(COUNTER, too_many_messages) \
	BEV_ABUSE_COUNTER(COUNTER, message_too_big) \
	BEV_ABUSE_COUNTER(COUNTER, malformed_message) \
	BEV_ABUSE_COUNTER(COUNTER, malformed_frame) \
	BEV_ABUSE_COUNTER(COUNTER, malformed_request) \
	BEV_ABUSE_COUNTER(COUNTER, slow_request) \
	BEV_ABUSE_COUNTER(COUNTER, unknown_path) \
	BEV_ABUSE_COUNTER(COUNTER, metrics_refused)

/* From a commit to its being written to the sockets of all who keep up: seconds, not cumulated. */
#define BEV_DELAY_COUNTER(COUNTER, name, bound) \
	COUNTER(DELAY_##name, "bugevents_delivery_seconds_bucket", "le", bound)
#define BEV_DELAY_COUNTERS(COUNTER) \
	BEV_DELAY_COUNTER(COUNTER, 1MS, "0.001") \
	BEV_DELAY_COUNTER(COUNTER, 2MS, "0.0025") \
	BEV_DELAY_COUNTER(COUNTER, 5MS, "0.005") \
	BEV_DELAY_COUNTER(COUNTER, 10MS, "0.01") \
	BEV_DELAY_COUNTER(COUNTER, 25MS, "0.025") \
	BEV_DELAY_COUNTER(COUNTER, 50MS, "0.05") \
	BEV_DELAY_COUNTER(COUNTER, 100MS, "0.1") \
	BEV_DELAY_COUNTER(COUNTER, 250MS, "0.25") \
	BEV_DELAY_COUNTER(COUNTER, 500MS, "0.5") \
	BEV_DELAY_COUNTER(COUNTER, 1S, "1") \
	BEV_DELAY_COUNTER(COUNTER, 5S, "5") \
	BEV_DELAY_COUNTER(COUNTER, 30S, "30") \
	BEV_DELAY_COUNTER(COUNTER, MORE, "+Inf")

typedef enum BevCounter
{
#define COUNTER(name, metric, label, value) BEV_COUNT_##name,
	BEV_COUNTERS(COUNTER)
#undef COUNTER
	BEV_COUNTER_KINDS
} BevCounter;

#define BEV_ABUSE_KINDS (BEV_COUNT_ABUSE_metrics_refused - BEV_COUNT_ABUSE_missing_token + 1)

typedef struct BevCounterName
{
	const char *metric;
	const char *label; /* empty: none */
	const char *value;
} BevCounterName;

extern const BevCounterName bev_counter_names[BEV_COUNTER_KINDS];

/* The counter among first .. last whose label has this value, or -1. */
extern int bev_counter_find(BevCounter first, BevCounter last, const char *value);

#endif /* BEV_COMMON_PIPE_COUNTER_H */
