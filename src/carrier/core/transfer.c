/*
 * transfer.c - one attempt at a time, over connections that are kept.
 *
 * Model: an easy handle of libcurl, and a thread to block in.  Not the multi interface: once
 * a mail's text is sent, libcurl (7.88) waits for the server's reply in a loop of its own
 * (smtp_done), and everything else on the same multi handle waits with it.
 *
 * Failure: whatever takes too long is ended by libcurl's timeouts, name lookup included
 * (QUICK_EXIT: a resolver that hangs is left behind in its thread).
 *
 * libcurl repeats a request by itself when a connection that was kept turns out to be dead.
 * The server may have acted on the first one, so that is not allowed here: the second
 * request is stopped before it begins, and the courier decides.  (A mail of which the server
 * has not seen a word may begin anew.)
 */
#include "carrier/core/transfer.h"
#include "carrier/mail/email.h"
#include "common/program/memory.h"
#include "carrier/http/webhook.h"
#include "carrier/http/whatsapp.h"

#include <stdio.h>
#include <string.h>

/* Below so many bytes a second a transfer stalls. */
#define STALLED 64L

/* A connection that was idle for longer (s) is not used again: servers close them. */
#define MAX_IDLE 60L

#define SET(option, value) curl_easy_setopt(easy, CURLOPT_##option, value)

/*
 * A line of a head, or an SMTP reply.  Less than size stops the transfer.
 */
static size_t
on_head(char *data, size_t one, size_t size, void *arg)
{
	BevTransfer *transfer = arg;
	bool good = transfer->medium == BEV_EMAIL ?
	                bev_peer_answer_smtp(&transfer->answer, data, one * size) :
	                bev_peer_answer_http(&transfer->answer, data, one * size, time(NULL));

	return good ? one * size : 0;
}

static size_t
on_body(char *data, size_t one, size_t size, void *arg)
{
	BevTransfer *transfer = arg;

	return bev_peer_answer_body(&transfer->answer, data, one * size) ? one * size : 0;
}

/* Connected, TLS and login are done: the request is about to go out. */
static int
on_request(void *arg, char *their_ip __attribute__((unused)), char *our_ip __attribute__((unused)),
           int their_port __attribute__((unused)), int our_port __attribute__((unused)))
{
	BevTransfer *transfer = arg;
	bool unheard = transfer->medium == BEV_EMAIL && transfer->answer.status == 0;

	if (transfer->answer.asked && !unheard)
		return CURL_PREREQFUNC_ABORT;
	bev_peer_answer_begin(&transfer->answer, true);
	return CURL_PREREQFUNC_OK;
}

/* libcurl counts these in seconds. */
static long
seconds(uint32_t ms)
{
	return (ms + 999L) / 1000;
}

static void
set_patience(CURL *easy, const BevRoute *route)
{
	SET(CONNECTTIMEOUT_MS, (long) route->connect_timeout);
	SET(TIMEOUT_MS, (long) route->timeout);
	SET(SERVER_RESPONSE_TIMEOUT, seconds(route->timeout));
	SET(LOW_SPEED_LIMIT, STALLED);
	SET(LOW_SPEED_TIME, seconds(route->stall_timeout));
	SET(MAXAGE_CONN, MAX_IDLE);
	SET(QUICK_EXIT, 1L);
	SET(NOSIGNAL, 1L);
}

static void
set_trust(CURL *easy, const BevRoute *route)
{
	struct curl_blob ca = {.data = route->ca, .len = strlen(route->ca), .flags = CURL_BLOB_COPY};

	SET(SSL_VERIFYPEER, 1L);
	SET(SSL_VERIFYHOST, 2L);
	SET(SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	if (ca.len > 0)
	{
		SET(CAINFO_BLOB, &ca);
		SET(CAPATH, NULL); /* where the system's are, which would count as well */
	}
	/* Where to is the operator's decision, not that of the environment, or of a server. */
	SET(PROXY, "");
	SET(NETRC, (long) CURL_NETRC_IGNORED);
	SET(FOLLOWLOCATION, 0L);
}

static void
set_callbacks(BevTransfer *transfer)
{
	CURL *easy = transfer->easy;

	SET(ERRORBUFFER, transfer->trouble);
	SET(HEADERFUNCTION, on_head);
	SET(HEADERDATA, transfer);
	SET(WRITEFUNCTION, on_body);
	SET(WRITEDATA, transfer);
	SET(PREREQFUNCTION, on_request);
	SET(PREREQDATA, transfer);
}

static void
set_mail(BevTransfer *transfer, const BevRoute *route, const BevDelivery *delivery)
{
	CURL *easy = transfer->easy;

	bev_email_write(&transfer->request, easy, route, delivery, time(NULL));
	SET(PROTOCOLS_STR, "smtp,smtps");
	SET(USE_SSL, route->tls ? (long) CURLUSESSL_ALL : (long) CURLUSESSL_NONE);
	if (route->user[0])
	{
		SET(USERNAME, route->user);
		SET(PASSWORD, route->password);
		/* Under TLS nothing is gained by the others, which are old or belong to a domain. */
		SET(LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN");
	}
	SET(MAIL_FROM, route->from.address);
	SET(MAIL_RCPT, transfer->request.recipients);
	SET(MIMEPOST, transfer->request.mime);
}

static bool
set_post(BevTransfer *transfer, const BevRoute *route, const BevDelivery *delivery)
{
	CURL *easy = transfer->easy;
	BevCurlRequest *request = &transfer->request;
	bool good = true;

	if (route->medium == BEV_WHATSAPP)
		bev_whatsapp_write(request, route, delivery);
	else
		good = bev_webhook_write(request, route, delivery);
	bev_curl_request_add(&request->headers, "Accept: application/json");
	/* No question beforehand whether a large body is welcome. */
	bev_curl_request_add(&request->headers, "Expect:");
	SET(PROTOCOLS_STR, "https,http"); /* the route has checked which */
	SET(HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
	SET(USERAGENT, "bugevents/" BUGEVENTS_VERSION);
	SET(POSTFIELDSIZE_LARGE, (curl_off_t) request->body.len);
	SET(POSTFIELDS, request->body.data ? request->body.data : "");
	return good;
}

static bool
set_up(BevTransfer *transfer, const BevRoute *route, const BevDelivery *delivery)
{
	CURL *easy = transfer->easy;
	bool good = true;

	curl_easy_reset(easy); /* but for its connections */
	transfer->medium = route->medium;
	transfer->trouble[0] = '\0';
	bev_peer_answer_begin(&transfer->answer, false);
	set_callbacks(transfer);
	set_patience(easy, route);
	set_trust(easy, route);
	if (route->medium == BEV_EMAIL)
		set_mail(transfer, route, delivery);
	else
		good = set_post(transfer, route, delivery);
	SET(HTTPHEADER, transfer->request.headers);
	return good && SET(URL, route->url) == CURLE_OK;
}

void
bev_transfer_open(BevTransfer *transfer)
{
	*transfer = (BevTransfer){.easy = curl_easy_init()};
	if (transfer->easy == NULL)
		bev_out_of_memory();
}

void
bev_transfer_run(BevTransfer *transfer, const BevRoute *route, const BevDelivery *delivery,
                 BevOutcome *outcome)
{
	BevAttempt attempt = {.medium = route->medium, .trouble = transfer->trouble};
	CURLcode code;

	if (set_up(transfer, route, delivery))
	{
		code = curl_easy_perform(transfer->easy);
		attempt.done = code == CURLE_OK;
		if (code == CURLE_ABORTED_BY_CALLBACK)
			attempt.trouble = "the connection was lost before there was an answer";
		else if (transfer->trouble[0] == '\0')
			attempt.trouble = curl_easy_strerror(code);
		bev_outcome_judge(outcome, &attempt, &transfer->answer, &route->mask);
	}
	else
		bev_outcome_set(outcome, BEV_RETRY, "the request could not be made");
	/* The handle refers to what is freed now. */
	curl_easy_reset(transfer->easy);
	bev_curl_request_free(&transfer->request);
}

void
bev_transfer_close(BevTransfer *transfer)
{
	curl_easy_cleanup(transfer->easy);
}
