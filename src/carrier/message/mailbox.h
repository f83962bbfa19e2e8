/*
 * mailbox.h - an e-mail address, perhaps with a name.
 *
 * Pure C.
 */
#ifndef BE_CARRIER_MESSAGE_MAILBOX_H
#define BE_CARRIER_MESSAGE_MAILBOX_H

#include <stdbool.h>

typedef struct BeMailbox
{
	char		name[256];		/* UTF-8; empty: none */
	char		address[256];
} BeMailbox;

/*
 * Read "address", "Name <address>" or "\"Name\" <address>".  The address is ASCII, a domain
 * of other letters in its xn-- form; an address that would need quotes is refused.
 */
extern bool be_mailbox_read(const char *text, BeMailbox *mailbox);

#endif							/* BE_CARRIER_MESSAGE_MAILBOX_H */
