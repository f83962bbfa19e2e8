/*
 * text.h - text that grows at its end, and the JSON that is written into it.
 */
#ifndef BE_COMMON_PROGRAM_TEXT_H
#define BE_COMMON_PROGRAM_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct BeText
{
	char	   *data;			/* NULL while empty; not terminated */
	size_t		len;
	size_t		size;
} BeText;

extern void be_text_free(BeText *text);

/* Make room for more bytes behind the end; returns where they go. */
extern char *be_text_reserve(BeText *text, size_t more);

extern void be_text_add(BeText *text, const char *data, size_t len);
extern void be_text_add_string(BeText *text, const char *string);
extern void be_text_printf(BeText *text, const char *format,...)
			__attribute__((format(printf, 2, 3)));

/*
 * Is it without control characters?  What the dispatcher is told and shows must be: it
 * ends a gateway that says anything else.
 */
extern bool be_text_is_line(const char *data, size_t len);

/* A JSON string with its quotes; data is valid UTF-8. */
extern void be_text_add_json(BeText *text, const char *data, size_t len);

/* 2026-01-31T12:00:00.123456Z */
#define BE_TIME_LEN		27
extern void be_time_format(char dst[BE_TIME_LEN + 1], int64_t microseconds);

#endif							/* BE_COMMON_PROGRAM_TEXT_H */
