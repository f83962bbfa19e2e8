/*
 * scalar.c - JSON scalars in the form in which they are compared.
 *
 * Model: a number is its digits without zeros at either end, and where its point stands among them;
 * both say all of it, whatever it was written like.  Nothing is rounded: no number is ever made of
 * it.
 */
#include "common/event/scalar.h"

#include <stdio.h>
#include <string.h>

#include "common/text/hex.h"

/* ---- texts ---- */

/* The four digits behind \u; negative: they are none. */
static int32_t
hex_unit(const char *data, const char *end)
{
	int32_t unit = 0;

	if (end - data < 4)
		return -1;
	for (int i = 0; i < 4; i++)
	{
		int digit = bev_hex_digit(data[i]);

		if (digit < 0)
			return -1;
		unit = unit * 16 + digit;
	}
	return unit;
}

/* A character behind \u, of two units perhaps; *data moves past it.  Negative: it is none. */
static int32_t
escaped_character(const char **data, const char *end)
{
	int32_t high = hex_unit(*data, end);
	int32_t low;

	*data += 4;
	if (high < 0 || (high & 0xfc00) != 0xd800)
		return (high & 0xfc00) == 0xdc00 ? -1 : high;
	if (end - *data < 6 || (*data)[0] != '\\' || (*data)[1] != 'u')
		return -1;
	low = hex_unit(*data + 2, end);
	*data += 6;
	return low < 0 || (low & 0xfc00) != 0xdc00 ? -1 :
	                                             0x10000 + ((high & 0x3ff) << 10) + (low & 0x3ff);
}

static uint32_t
write_utf8(int32_t c, char *dst)
{
	if (c < 0x80)
	{
		dst[0] = (char) c;
		return 1;
	}
	if (c < 0x800)
	{
		dst[0] = (char) (0xc0 | c >> 6);
		dst[1] = (char) (0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000)
	{
		dst[0] = (char) (0xe0 | c >> 12);
		dst[1] = (char) (0x80 | (c >> 6 & 0x3f));
		dst[2] = (char) (0x80 | (c & 0x3f));
		return 3;
	}
	dst[0] = (char) (0xf0 | c >> 18);
	dst[1] = (char) (0x80 | (c >> 12 & 0x3f));
	dst[2] = (char) (0x80 | (c >> 6 & 0x3f));
	dst[3] = (char) (0x80 | (c & 0x3f));
	return 4;
}

static bool
is_control(int32_t c)
{
	return c < 0x20 || c == 0x7f;
}

/* What a backslash and what follows it stand for; negative: nothing that has a form. */
static int32_t
unescape(const char **data, const char *end)
{
	char c;

	if (*data == end)
		return -1;
	c = *(*data)++;
	if (c == 'u')
		return escaped_character(data, end);
	return memchr("\"\\/", c, 3) ? c : -1;
}

static uint32_t
read_string(BevSpan json, char *dst)
{
	const char *data = json.data + 1;
	const char *end = json.data + json.len - 1;
	uint32_t len = 1;

	if (json.len < 2 || *end != '"')
		return 0;
	dst[0] = BEV_SCALAR_TEXT;
	while (data < end)
	{
		int32_t c = (unsigned char) *data++;

		if (c == '\\')
		{
			c = unescape(&data, end);
			if (is_control(c) || len + 4 > BEV_SCALAR_ROOM)
				return 0;
			len += write_utf8(c, dst + len);
			continue;
		}
		if (is_control(c) || len == BEV_SCALAR_ROOM)
			return 0;
		dst[len++] = (char) c;
	}
	return len;
}

uint32_t
bev_scalar_of_text(BevSpan text, char dst[BEV_SCALAR_ROOM])
{
	if (text.len > BEV_SCALAR_TEXT_MAX)
		return 0;
	for (uint32_t i = 0; i < text.len; i++)
		if (is_control((unsigned char) text.data[i]))
			return 0;
	dst[0] = BEV_SCALAR_TEXT;
	memcpy(dst + 1, text.data, text.len);
	return text.len + 1;
}

/* ---- numbers ---- */

/* Above this many digits in front of the point, or zeros behind it, a number is written with e. */
#define PLAIN_DIGITS 40
#define PLAIN_ZEROS  6

#define EXPONENT_MAX 1000000

/* 0.DIGITS times ten to the power of point */
typedef struct Number
{
	bool negative;
	char digit[BEV_SCALAR_TEXT_MAX];
	int32_t digits;
	int32_t point;
} Number;

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* False: there are too many. */
static bool
add_digit(Number *number, char digit, bool behind_point)
{
	if (number->digits == 0 && digit == '0')
	{
		number->point -= behind_point;
		return true;
	}
	if (number->digits == BEV_SCALAR_TEXT_MAX)
		return false;
	number->digit[number->digits++] = digit;
	number->point += !behind_point;
	return true;
}

/* Digits, perhaps with a point; *data moves past them.  False: it is no number. */
static bool
read_digits(const char **data, const char *end, Number *number)
{
	bool behind_point = false;
	int32_t seen = 0;

	for (; *data < end; (*data)++)
	{
		if (**data == '.' && !behind_point)
			behind_point = true;
		else if (!is_digit(**data))
			break;
		else if (seen++, !add_digit(number, **data, behind_point))
			return false;
	}
	return seen > 0;
}

static bool
read_exponent(const char *data, const char *end, Number *number)
{
	bool negative = false;
	int32_t exponent = 0;

	if (data == end)
		return true;
	if ((*data++ | 0x20) != 'e')
		return false;
	if (data < end && (*data == '-' || *data == '+'))
		negative = *data++ == '-';
	if (data == end)
		return false;
	for (; data < end; data++)
	{
		if (!is_digit(*data) || exponent > EXPONENT_MAX)
			return false;
		exponent = exponent * 10 + (*data - '0');
	}
	number->point += negative ? -exponent : exponent;
	return true;
}

/* Write n times the zero. */
static void
write_zeros(char **dst, int32_t n)
{
	for (; n > 0; n--)
		*(*dst)++ = '0';
}

static void
write_digits(char **dst, const Number *number, int32_t from, int32_t to)
{
	memcpy(*dst, number->digit + from, to - from);
	*dst += to - from;
}

/* 1200  12.3  0.0012 */
static void
write_plain(char **dst, const Number *number)
{
	int32_t whole = number->point < number->digits ? number->point : number->digits;

	if (number->point <= 0)
		*(*dst)++ = '0';
	else
		write_digits(dst, number, 0, whole);
	write_zeros(dst, number->point - number->digits);
	if (number->point >= number->digits)
		return;
	*(*dst)++ = '.';
	write_zeros(dst, -number->point);
	write_digits(dst, number, whole > 0 ? whole : 0, number->digits);
}

/* 1.2e45 */
static void
write_with_exponent(char **dst, const Number *number)
{
	write_digits(dst, number, 0, 1);
	if (number->digits > 1)
	{
		*(*dst)++ = '.';
		write_digits(dst, number, 1, number->digits);
	}
	*dst += sprintf(*dst, "e%d", number->point - 1);
}

/* Room for a number of so many digits, its sign, point, zeros and exponent. */
#define NUMBER_ROOM (BEV_SCALAR_TEXT_MAX + PLAIN_DIGITS + 32)

static uint32_t
write_number(const Number *number, char *dst)
{
	char text[NUMBER_ROOM];
	char *end = text;

	*end++ = BEV_SCALAR_TEXT;
	if (number->negative && number->digits > 0)
		*end++ = '-';
	if (number->digits == 0)
		*end++ = '0';
	else if (number->point > -PLAIN_ZEROS && number->point <= PLAIN_DIGITS)
		write_plain(&end, number);
	else
		write_with_exponent(&end, number);
	if (end - text > BEV_SCALAR_ROOM)
		return 0;
	memcpy(dst, text, end - text);
	return (uint32_t) (end - text);
}

static uint32_t
read_number(BevSpan json, char *dst)
{
	const char *data = json.data;
	const char *end = data + json.len;
	Number number = {0};

	number.negative = *data == '-';
	data += number.negative;
	if (!read_digits(&data, end, &number) || !read_exponent(data, end, &number))
		return 0;
	while (number.digits > 0 && number.digit[number.digits - 1] == '0')
		number.digits--;
	return write_number(&number, dst);
}

/* ---- any ---- */

static uint32_t
write_sign(char sign, char *dst)
{
	dst[0] = sign;
	return 1;
}

uint32_t
bev_scalar_read(BevSpan json, char dst[BEV_SCALAR_ROOM])
{
	if (json.len == 0)
		return 0;
	if (json.data[0] == '"')
		return read_string(json, dst);
	if (bev_span_is(json, "null"))
		return write_sign(BEV_SCALAR_NULL, dst);
	if (bev_span_is(json, "true"))
		return write_sign(BEV_SCALAR_TRUE, dst);
	if (bev_span_is(json, "false"))
		return write_sign(BEV_SCALAR_FALSE, dst);
	return read_number(json, dst);
}

bool
bev_scalar_is_form(BevSpan form)
{
	char unused[BEV_SCALAR_ROOM];

	if (form.len == 0)
		return false;
	if (form.data[0] == BEV_SCALAR_TEXT)
		return bev_scalar_of_text(bev_scalar_text(form), unused) > 0;
	return form.len == 1 && memchr("+-0", form.data[0], 3) != NULL;
}
