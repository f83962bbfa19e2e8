/*
 * retry_after.c - the value of the header Retry-After.
 */
#include "carrier/message/retry_after.h"
#include "common/pipe/carrier_message.h"

#include <curl/curl.h>
#include <string.h>

#define MOST BEV_CARRIER_MAX_RETRY_AFTER

/* -1: not made of digits alone. */
static long
read_seconds(const char *text)
{
	long seconds = 0;

	for (; *text; text++)
	{
		if (*text < '0' || *text > '9')
			return -1;
		if (seconds < MOST)
			seconds = seconds * 10 + (*text - '0');
	}
	return seconds < MOST ? seconds : MOST;
}

long
bev_retry_after(const char *text, size_t len, time_t now)
{
	char value[64]; /* longer than any date */
	long seconds;
	time_t then;

	while (len > 0 && (*text == ' ' || *text == '\t'))
		text++, len--;
	while (len > 0 && strchr(" \t\r\n", text[len - 1]))
		len--;
	if (len == 0 || len >= sizeof(value) || memchr(text, '\0', len))
		return -1;
	memcpy(value, text, len);
	value[len] = '\0';

	seconds = read_seconds(value);
	if (seconds >= 0)
		return seconds;
	/* A date has letters; what is left of numbers (-5, 1.5) is none. */
	if (!((value[0] | 0x20) >= 'a' && (value[0] | 0x20) <= 'z'))
		return -1;
	then = curl_getdate(value, NULL);
	if (then < 0)
		return -1;
	return then <= now ? 0 : then - now < MOST ? (long) (then - now) : MOST;
}
