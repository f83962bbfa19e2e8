/*
 * peer_answer.c - what the other end said, as far as anybody wants to know it.
 */
#include "carrier/message/peer_answer.h"
#include "carrier/message/retry_after.h"

#include <string.h>
#include <strings.h>

#define GOODBYE 221 /* to QUIT, and to nothing else */

void
bev_peer_answer_begin(BevPeerAnswer *answer, bool asked)
{
	*answer = (BevPeerAnswer){.asked = asked, .retry_after = -1};
}

static bool
count(BevPeerAnswer *answer, size_t len)
{
	answer->bytes += len;
	return answer->bytes <= BEV_ANSWER_MAX;
}

static void
keep(BevPeerAnswer *answer, const char *data, size_t len)
{
	size_t room = BEV_ANSWER_KEPT - answer->len;

	if (len > room)
		len = room;
	memcpy(answer->text + answer->len, data, len);
	answer->len += len;
}

/* Three digits at the beginning; -1: something else. */
static int
read_status(const char *text, size_t len)
{
	int status = 0;

	if (len < 3)
		return -1;
	for (int i = 0; i < 3; i++)
	{
		if (text[i] < '0' || text[i] > '9')
			return -1;
		status = status * 10 + text[i] - '0';
	}
	return status;
}

bool
bev_peer_answer_smtp(BevPeerAnswer *answer, const char *line, size_t len)
{
	bool good = count(answer, len);
	int status = read_status(line, len);

	if ((answer->asked && answer->status >= 400) || status == GOODBYE)
		return good;
	while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == '\n'))
		len--;
	if (!answer->more)
		answer->len = 0;
	if (answer->len > 0)
		keep(answer, " ", 1);
	keep(answer, line, len);
	answer->more = status >= 0 && len > 3 && line[3] == '-';
	if (status >= 0 && !answer->more)
		answer->status = status;
	return good;
}

static bool
is_header(const char *line, size_t len, const char *name)
{
	size_t n = strlen(name);

	return len > n && line[n] == ':' && strncasecmp(line, name, n) == 0;
}

bool
bev_peer_answer_http(BevPeerAnswer *answer, const char *line, size_t len, time_t now)
{
	const char *space;

	if (len > 5 && memcmp(line, "HTTP/", 5) == 0 && (space = memchr(line, ' ', len)))
	{
		int status = read_status(space + 1, len - (size_t) (space + 1 - line));

		answer->status = status >= 200 ? status : 0;
		answer->retry_after = -1;
	}
	else if (is_header(line, len, "Retry-After"))
		answer->retry_after = bev_retry_after(line + 12, len - 12, now);
	return count(answer, len);
}

bool
bev_peer_answer_body(BevPeerAnswer *answer, const char *data, size_t len)
{
	keep(answer, data, len);
	return count(answer, len);
}
