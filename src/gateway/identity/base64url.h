/*
 * base64url.h - base64url without padding, read strictly (RFC 7515, section 2).
 *
 * Pure C.
 */
#ifndef BE_GATEWAY_IDENTITY_BASE64URL_H
#define BE_GATEWAY_IDENTITY_BASE64URL_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Is this the one spelling of some bytes?  No padding, no white space, no letters
 * of the other alphabet, and the unused bits of the last character are zero.
 */
extern bool be_base64url_is_canonical(const char *text, size_t len);

/* Bytes that so many characters stand for. */
#define BE_BASE64URL_DECODED(len)	((len) / 4 * 3 + (len) % 4 * 3 / 4)

/* Decode canonical text; dst has room for BE_BASE64URL_DECODED(len) bytes. */
extern size_t be_base64url_decode(unsigned char *dst, const char *text, size_t len);

#endif							/* BE_GATEWAY_IDENTITY_BASE64URL_H */
