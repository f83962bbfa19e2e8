/*
 * text.c - text that grows at its end, and the JSON that is written into it.
 *
 * Memory: doubles as it grows; the owner frees it.
 */
#include "common/program/text.h"
#include "common/program/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
bev_text_free(BevText *text)
{
	free(text->data);
	*text = (BevText){0};
}

char *
bev_text_reserve(BevText *text, size_t more)
{
	if (text->size - text->len < more)
	{
		size_t size = text->size ? text->size : 256;

		while (size - text->len < more)
			size *= 2;
		text->data = bev_realloc(text->data, size);
		text->size = size;
	}
	return text->data + text->len;
}

void
bev_text_add(BevText *text, const char *data, size_t len)
{
	if (len == 0)
		return;
	memcpy(bev_text_reserve(text, len), data, len);
	text->len += len;
}

void
bev_text_add_string(BevText *text, const char *string)
{
	bev_text_add(text, string, strlen(string));
}

void
bev_text_printf(BevText *text, const char *format, ...)
{
	va_list args;
	char *dst = bev_text_reserve(text, 512);
	int n;

	va_start(args, format);
	n = vsnprintf(dst, 512, format, args);
	va_end(args);
	if (n >= 512)
	{
		dst = bev_text_reserve(text, (size_t) n + 1);
		va_start(args, format);
		n = vsnprintf(dst, (size_t) n + 1, format, args);
		va_end(args);
	}
	if (n > 0)
		text->len += (size_t) n;
}

static void
add_escaped(BevText *text, unsigned char c)
{
	static const char names[] = "btn_fr"; /* \b is 8 ... \r is 13 */

	if (c == '"' || c == '\\')
		bev_text_printf(text, "\\%c", c);
	else if (c >= 8 && c <= 13 && c != 11)
		bev_text_printf(text, "\\%c", names[c - 8]);
	else
		bev_text_printf(text, "\\u%04x", c);
}

bool
bev_text_is_line(const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char) data[i] < 0x20 || data[i] == 0x7f)
			return false;
	return true;
}

void
bev_text_add_json(BevText *text, const char *data, size_t len)
{
	size_t plain = 0; /* start of what needs no escape */

	bev_text_add(text, "\"", 1);
	for (size_t i = 0; i < len; i++)
	{
		unsigned char c = (unsigned char) data[i];

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		bev_text_add(text, data + plain, i - plain);
		add_escaped(text, c);
		plain = i + 1;
	}
	bev_text_add(text, data + plain, len - plain);
	bev_text_add(text, "\"", 1);
}

/*
 * Days since 1970 to a civil date, by arithmetic alone: gmtime() has a limit in
 * years and locks a time zone mutex for each event.
 */
static void
civil_from_days(int64_t days, int64_t *year, int *month, int *day)
{
	int64_t z = days + 719468; /* days since 0000-03-01 */
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int doe = (int) (z - era * 146097);
	int yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int mp = (5 * doy + 2) / 153;

	*day = doy - (153 * mp + 2) / 5 + 1;
	*month = mp < 10 ? mp + 3 : mp - 9;
	*year = yoe + era * 400 + (*month <= 2);
}

static char *
put_digits(char *dst, uint32_t value, int digits, char after)
{
	for (int i = digits - 1; i >= 0; i--, value /= 10)
		dst[i] = (char) ('0' + value % 10);
	dst[digits] = after;
	return dst + digits + 1;
}

void
bev_time_format(char dst[BEV_TIME_LEN + 1], int64_t microseconds)
{
	const int64_t day_length = INT64_C(86400000000);
	int64_t days = microseconds / day_length;
	int64_t rest = microseconds % day_length;
	int64_t year;
	int month, day;
	uint32_t seconds;

	if (rest < 0)
	{
		rest += day_length;
		days--;
	}
	civil_from_days(days, &year, &month, &day);
	if (year < 0 || year > 9999) /* no such commit; keep the width */
		year = year < 0 ? 0 : 9999;
	seconds = (uint32_t) (rest / 1000000);

	dst = put_digits(dst, (uint32_t) year, 4, '-');
	dst = put_digits(dst, (uint32_t) month, 2, '-');
	dst = put_digits(dst, (uint32_t) day, 2, 'T');
	dst = put_digits(dst, seconds / 3600, 2, ':');
	dst = put_digits(dst, seconds / 60 % 60, 2, ':');
	dst = put_digits(dst, seconds % 60, 2, '.');
	dst = put_digits(dst, (uint32_t) (rest % 1000000), 6, 'Z');
	*dst = '\0';
}

/* The opposite of civil_from_days(); from March on, so that the leap day is a year's last. */
static int64_t
days_from_civil(int64_t year, int month, int day)
{
	int64_t y = month > 2 ? year : year - 1;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* So many digits, between least and most, and what must follow them; moves *text behind both. */
static bool
read_digits(const char **text, int n, int least, int most, char behind, int *value)
{
	*value = 0;
	for (int i = 0; i < n; i++, (*text)++)
	{
		if (**text < '0' || **text > '9')
			return false;
		*value = *value * 10 + (**text - '0');
	}
	if (*value < least || *value > most || (behind && **text != behind))
		return false;
	*text += behind != '\0';
	return true;
}

/* "Z" or "+02:00", and the end. */
static bool
read_offset(const char *text, int64_t *seconds)
{
	int sign = *text == '-' ? -1 : 1;
	int hours;
	int minutes;

	*seconds = 0;
	if (*text == 'Z')
		return text[1] == '\0';
	if (*text != '+' && *text != '-')
		return false;
	text++;
	if (!read_digits(&text, 2, 0, 15, ':', &hours) || !read_digits(&text, 2, 0, 59, '\0', &minutes))
		return false;
	*seconds = (int64_t) sign * (hours * 3600 + minutes * 60);
	return *text == '\0';
}

bool
bev_time_read(const char *text, int64_t *microseconds)
{
	int year, month, day, hour, minute, second;
	int64_t fraction = 0;
	int64_t offset;

	if (!read_digits(&text, 4, 1, 9999, '-', &year) || !read_digits(&text, 2, 1, 12, '-', &month) ||
	    !read_digits(&text, 2, 1, 31, 'T', &day) || !read_digits(&text, 2, 0, 23, ':', &hour) ||
	    !read_digits(&text, 2, 0, 59, ':', &minute) || !read_digits(&text, 2, 0, 60, '\0', &second))
		return false;
	if (*text == '.')
	{
		int64_t unit = 1000000;

		for (text++; *text >= '0' && *text <= '9' && unit > 1; text++)
			fraction += (*text - '0') * (unit /= 10);
		if (unit == 1000000)
			return false;
	}
	if (!read_offset(text, &offset))
		return false;
	*microseconds =
		(days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset) *
			INT64_C(1000000) +
		fraction;
	return true;
}
