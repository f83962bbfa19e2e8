/*
 * base64.h - base64 with padding (RFC 4648, section 4).
 *
 * Pure C.
 */
#ifndef BEV_COMMON_PROGRAM_BASE64_H
#define BEV_COMMON_PROGRAM_BASE64_H

#include <stddef.h>

/* Characters for so many bytes, without a terminator. */
#define BEV_BASE64_LEN(len) (((len) + 2) / 3 * 4)

/* Encode with a terminator; dst has room for BEV_BASE64_LEN(len) + 1. */
extern void bev_base64_encode(char *dst, const void *data, size_t len);

/*
 * Decode the one spelling of some bytes: padded, without white space.  Returns their
 * number, or -1; dst has room for len bytes.
 */
extern long bev_base64_decode(unsigned char *dst, const char *text, size_t len);

#endif /* BEV_COMMON_PROGRAM_BASE64_H */
