/*
 * hex.h - hexadecimal digits.
 */
#ifndef BEV_COMMON_TEXT_HEX_H
#define BEV_COMMON_TEXT_HEX_H

/* What a digit is worth; -1: it is none. */
static inline int
bev_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

#endif /* BEV_COMMON_TEXT_HEX_H */
