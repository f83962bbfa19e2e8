/*
 * http_stream.h - events in the answer to a GET: as Server-Sent Events, or as one JSON document.
 *
 *		form   is answered                               and ends
 *		SSE    by its first message, then goes on         with an event "close"
 *		JSON   once, with some events or an error         with that
 *
 * Pure C.
 */
#ifndef BEV_GATEWAY_WIRE_HTTP_STREAM_H
#define BEV_GATEWAY_WIRE_HTTP_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "common/event/event.h"
#include "common/program/text.h"

/* How a client is written to. */
typedef enum BevForm
{
	BEV_FORM_FRAMES, /* of a WebSocket */
	BEV_FORM_SSE,
	BEV_FORM_JSON,
	BEV_FORMS
} BevForm;

typedef struct BevHttpStream
{
	BevForm form;
	char *origin;        /* of the page that may read it; NULL: it comes from none */
	bool began;          /* the head is written */
	bool answered;       /* nothing may follow */
	uint64_t wait;       /* ms; JSON: how long it may take until there is an event */
	uint64_t wait_until; /* the same as a moment, from when it began */
	BevText events;      /* JSON: those for the answer, with a comma behind each */
} BevHttpStream;

/* NULL of origin.data: it comes from no page. */
extern BevHttpStream *bev_http_stream_create(BevForm form, BevSpan origin);
extern void bev_http_stream_free(BevHttpStream *http);

/* An event of the stream, as it is appended to what others get as well. */
extern void bev_http_event_add(BevText *out, BevForm form, const char *stream, uint64_t seq,
                               BevSpan type, BevSpan action, BevSpan json);

/*
 * A message that is for this client alone: "connection.ready", "error" and so on.  stream and seq:
 * the position that it has with it; stream NULL: it has none.  Nobody waits for one in JSON.
 */
extern void bev_http_stream_message(BevHttpStream *http, BevText *out, const char *event,
                                    const char *stream, uint64_t seq, BevSpan json);

/*
 * An error: an event once SSE has begun, before that, and in JSON, the answer, with a status.
 * retry_after: seconds, 0: it doesn't say.
 */
extern void bev_http_stream_error(BevHttpStream *http, BevText *out, const char *code,
                                  double retry_after, BevSpan json);

/* SSE: a sign of life, with the position. */
extern void bev_http_stream_keep_alive(BevText *out, const char *stream, uint64_t seq);

/* JSON: the answer, with the events that there are, up to seq. */
extern void bev_http_stream_answer(BevHttpStream *http, BevText *out, const char *stream,
                                   uint64_t seq);

/* It ends with a close code and a reason, as a WebSocket would. */
extern void bev_http_stream_end(BevHttpStream *http, BevText *out, int code, const char *reason);

#endif /* BEV_GATEWAY_WIRE_HTTP_STREAM_H */
