/*
 * base64.h - base64 with padding, and base64url without (RFC 4648, sections 4 and 5).
 *
 * Reading is strict: bytes have one spelling.  No white space, no letters of the other
 * alphabet, padding in full or none, and the unused bits of the last character are zero.
 *
 * Pure C.
 */
#ifndef BEV_COMMON_PROGRAM_BASE64_H
#define BEV_COMMON_PROGRAM_BASE64_H

#include <stdbool.h>
#include <stddef.h>

/* Characters for so many bytes, without a terminator; and bytes at most of so many characters. */
#define BEV_BASE64_LEN(len)     (((len) + 2) / 3 * 4)
#define BEV_BASE64_DECODED(len) ((len) / 4 * 3 + (len) % 4 * 3 / 4)

/* Encode with a terminator; dst has room for BEV_BASE64_LEN(len) + 1. */
extern void bev_base64_encode(char *dst, const void *data, size_t len);

/*
 * Decode what stands for one byte or more.  Returns their number, or -1: it is not the
 * spelling of any; dst has room for BEV_BASE64_DECODED(len) bytes.
 */
extern long bev_base64_decode(unsigned char *dst, const char *text, size_t len);
extern long bev_base64url_decode(unsigned char *dst, const char *text, size_t len);

/* Would bev_base64url_decode take it? */
extern bool bev_base64url_is_canonical(const char *text, size_t len);

#endif /* BEV_COMMON_PROGRAM_BASE64_H */
