/*
 * utf8.h - text, character by character.
 *
 * Pure C.
 */
#ifndef BEV_COMMON_TEXT_UTF8_H
#define BEV_COMMON_TEXT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Go on with a check over a run of bytes; state starts as 0, is 0 at the end of complete
 * text and BEV_UTF8_BAD for good once a byte is wrong.
 */
#define BEV_UTF8_BAD UINT32_MAX
extern uint32_t bev_utf8_check(uint32_t state, const char *data, size_t len);

/* Bytes of the character at text, len of which are there; 0: it is none. */
extern size_t bev_utf8_char(const char *text, size_t len);

/* The greatest length up to limit at which valid text may be cut. */
extern size_t bev_utf8_clip(const char *text, size_t len, size_t limit);

/* No control character in it: nothing that could begin a new line. */
extern bool bev_utf8_is_one_line(const char *text);

/* Printable ASCII without spaces, at least one and at most max characters. */
extern bool bev_utf8_is_token(const char *text, size_t max);

/*
 * Make a stranger's bytes fit to be shown: one line of valid UTF-8, with ? for what is none,
 * cut at a character.  dst has room for size bytes, the terminator included.
 */
extern void bev_utf8_clean(char *dst, size_t size, const char *text, size_t len);

#endif /* BEV_COMMON_TEXT_UTF8_H */
