/*
 * peer_answer.h - what the other end said, as far as anybody wants to know it.
 *
 * Takes the bytes as they come; keeps little and counts all.  Knows nothing of libcurl.
 *
 * Pure C.
 */
#ifndef BEV_CARRIER_MESSAGE_PEER_ANSWER_H
#define BEV_CARRIER_MESSAGE_PEER_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/* An answer may have so many bytes, headers included; what is more ends the connection. */
#define BEV_ANSWER_MAX (256 * 1024)

/* And so many of its text are kept. */
#define BEV_ANSWER_KEPT 2048

typedef struct BevPeerAnswer
{
	bool asked;       /* the request has begun; before, it is about us */
	int status;       /* of SMTP's last reply, or HTTP's last response; 0: none */
	long retry_after; /* seconds; -1: not said */
	size_t bytes;
	bool more; /* SMTP: lines of this reply are to come */
	size_t len;
	char text[BEV_ANSWER_KEPT + 1]; /* SMTP: the reply; HTTP: the body's beginning */
} BevPeerAnswer;

/* Forget what was said; asked: what comes now is about the request. */
extern void bev_peer_answer_begin(BevPeerAnswer *answer, bool asked);

/* All say false once there were more than BEV_ANSWER_MAX bytes. */

/*
 * A line of an SMTP server.  Once it has refused the request, what it says to our goodbye
 * is of no interest.
 */
extern bool bev_peer_answer_smtp(BevPeerAnswer *answer, const char *line, size_t len);

/* A line of an HTTP response's head.  Responses of 1xx announce another one. */
extern bool bev_peer_answer_http(BevPeerAnswer *answer, const char *line, size_t len, time_t now);

/* A part of its body. */
extern bool bev_peer_answer_body(BevPeerAnswer *answer, const char *data, size_t len);

#endif /* BEV_CARRIER_MESSAGE_PEER_ANSWER_H */
