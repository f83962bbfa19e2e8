/*
 * database_text.h - text of the database as valid UTF-8, whatever the encoding.
 */
#ifndef BEV_SERVER_ENCODE_DATABASE_TEXT_H
#define BEV_SERVER_ENCODE_DATABASE_TEXT_H

#include "postgres.h"

/*
 * The text in UTF-8: text itself when it is that already, else a palloc'd copy.
 * *len is the length before and after.  Bytes that mean nothing become U+FFFD,
 * and are no error (test/t/102_encodings.pl).
 */
extern const char *bev_database_text_to_utf8(const char *text, Size *len);

/* The same for a C string; the result is NUL-terminated. */
extern const char *bev_database_text_to_cstring(const char *text);

/*
 * The length without the character at the end that a cut has split, for text
 * that isn't converted yet.
 */
extern Size bev_database_text_clip(const char *text, Size len);

#endif /* BEV_SERVER_ENCODE_DATABASE_TEXT_H */
