/*
 * text.h - text that grows at its end, and the JSON that is written into it.
 */
#ifndef BEV_COMMON_PROGRAM_TEXT_H
#define BEV_COMMON_PROGRAM_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct BevText
{
	char *data; /* NULL while empty; not terminated */
	size_t len;
	size_t size;
} BevText;

extern void bev_text_free(BevText *text);

/* Make room for more bytes behind the end; returns where they go. */
extern char *bev_text_reserve(BevText *text, size_t more);

extern void bev_text_add(BevText *text, const char *data, size_t len);
extern void bev_text_add_string(BevText *text, const char *string);
extern void bev_text_printf(BevText *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Is it without control characters?  What the dispatcher is told and shows must be: it
 * ends a gateway that says anything else.
 */
extern bool bev_text_is_line(const char *data, size_t len);

/* A JSON string with its quotes; data is valid UTF-8. */
extern void bev_text_add_json(BevText *text, const char *data, size_t len);

/* 2026-01-31T12:00:00.123456Z */
#define BEV_TIME_LEN 27
extern void bev_time_format(char dst[BEV_TIME_LEN + 1], int64_t microseconds);

/*
 * Such a moment, with up to six digits behind the second or none, and Z or an offset such as
 * +02:00.  False: it is none.
 */
extern bool bev_time_read(const char *text, int64_t *microseconds);

#endif /* BEV_COMMON_PROGRAM_TEXT_H */
