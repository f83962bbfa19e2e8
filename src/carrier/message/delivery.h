/*
 * delivery.h - one send message: what is to be delivered.
 *
 * A delivery belongs to one thread at a time.
 */
#ifndef BE_CARRIER_MESSAGE_DELIVERY_H
#define BE_CARRIER_MESSAGE_DELIVERY_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "carrier/message/mailbox.h"
#include "carrier/message/medium.h"

typedef struct BeDelivery
{
	struct BeDelivery *next;	/* in a lane */
	json_t	   *message;		/* all texts are in here; its "id" is the courier's */
	size_t		size;			/* of the line */
	BeMedium	medium;
	const char *key;

	/* E-mail; what is optional is "" if it isn't there */
	BeMailbox	mailbox;
	const char *subject;
	const char *text;
	const char *html;
	const char *message_id;
	const char *in_reply_to;
	const char *references;
	const char *list_unsubscribe;

	/* WhatsApp */
	char		phone[16];		/* digits */
	const char *template_name;
	const char *language;
	const json_t *parameters;	/* array of texts, or NULL */

	/* Webhook */
	const char *body;
	const char *msg_id;
	int64_t		timestamp;
} BeDelivery;

/*
 * Read a send message, which becomes the delivery's.  Whether it makes sense: error is
 * empty, else says what is wrong.  NULL: it has no usable id, so nobody could be answered.
 */
extern BeDelivery *be_delivery_read(json_t *message, size_t size, char *error, size_t error_size);

extern const json_t *be_delivery_id(const BeDelivery *delivery);

extern void be_delivery_free(BeDelivery *delivery);

#endif							/* BE_CARRIER_MESSAGE_DELIVERY_H */
