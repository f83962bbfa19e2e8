/*
 * base64url.h - base64url without padding, read strictly (RFC 7515, section 2).
 *
 * Pure C.
 */
#ifndef BEV_GATEWAY_IDENTITY_BASE64URL_H
#define BEV_GATEWAY_IDENTITY_BASE64URL_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Is this the one spelling of some bytes?  No padding, no white space, no letters
 * of the other alphabet, and the unused bits of the last character are zero.
 */
extern bool bev_base64url_is_canonical(const char *text, size_t len);

/* Bytes that so many characters stand for. */
#define BEV_BASE64URL_DECODED(len) ((len) / 4 * 3 + (len) % 4 * 3 / 4)

/* Decode canonical text; dst has room for BEV_BASE64URL_DECODED(len) bytes. */
extern size_t bev_base64url_decode(unsigned char *dst, const char *text, size_t len);

#endif /* BEV_GATEWAY_IDENTITY_BASE64URL_H */
