/*
 * database_text.h - text of the database as valid UTF-8, whatever the encoding.
 */
#ifndef BE_SERVER_ENCODE_DATABASE_TEXT_H
#define BE_SERVER_ENCODE_DATABASE_TEXT_H

#include "postgres.h"

/*
 * The text in UTF-8: text itself when it is that already, else a palloc'd copy.
 * *len is the length before and after.  Bytes that mean nothing become U+FFFD;
 * never throws because of them.
 */
extern const char *be_utf8(const char *text, Size *len);

/* The same for a C string; the result is NUL-terminated. */
extern const char *be_utf8_cstring(const char *text);

/* The greatest length up to limit at which valid UTF-8 may be cut. */
extern Size be_utf8_clip(const char *text, Size len, Size limit);

/*
 * The length without the character at the end that a cut has split, for text
 * that isn't converted yet.
 */
extern Size be_server_clip(const char *text, Size len);

#endif							/* BE_SERVER_ENCODE_DATABASE_TEXT_H */
