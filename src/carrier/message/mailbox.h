/*
 * mailbox.h - an e-mail address, perhaps with a name.
 *
 * Pure C.
 */
#ifndef BEV_CARRIER_MESSAGE_MAILBOX_H
#define BEV_CARRIER_MESSAGE_MAILBOX_H

#include <stdbool.h>

typedef struct BevMailbox
{
	char name[256]; /* UTF-8; empty: none */
	char address[256];
} BevMailbox;

/*
 * Read "address", "Name <address>" or "\"Name\" <address>".  An address may have letters of any
 * language (RFC 6531); one that would need quotes is refused.
 */
extern bool bev_mailbox_read(const char *text, BevMailbox *mailbox);

/* Its domain in ASCII (xn--), where the rest is, too: so every server takes it. */
extern void bev_mailbox_to_ascii(BevMailbox *mailbox);

#endif /* BEV_CARRIER_MESSAGE_MAILBOX_H */
