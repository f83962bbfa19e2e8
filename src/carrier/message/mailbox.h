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
 * Read "address", "Name <address>" or "\"Name\" <address>".  The address is ASCII, a domain
 * of other letters in its xn-- form; an address that would need quotes is refused.
 */
extern bool bev_mailbox_read(const char *text, BevMailbox *mailbox);

#endif /* BEV_CARRIER_MESSAGE_MAILBOX_H */
