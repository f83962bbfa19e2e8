/*
 * header.h - the headers of a mail (RFC 5322), with text of any language (RFC 2047).
 *
 * Each writes "Name: value" without the line's end to the text, folded where it gets long.
 * Values were checked to have no line's end in them; what they hold otherwise comes out as
 * it went in.
 *
 * Pure C.
 */
#ifndef BEV_CARRIER_MAIL_HEADER_H
#define BEV_CARRIER_MAIL_HEADER_H

#include <time.h>

#include "common/program/text.h"
#include "carrier/message/mailbox.h"

/* A value in plain words, of any length: a subject. */
extern void bev_header_text(BevText *header, const char *name, const char *value);

extern void bev_header_mailbox(BevText *header, const char *name, const BevMailbox *mailbox);

/* A value of ASCII words, which can only be parted between them: References. */
extern void bev_header_words(BevText *header, const char *name, const char *value);

/* Date, in UTC. */
extern void bev_header_date(BevText *header, time_t now);

#endif /* BEV_CARRIER_MAIL_HEADER_H */
