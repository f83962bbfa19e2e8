/*
 * delivery.h - one send message: what is to be delivered.
 *
 * A delivery belongs to one thread at a time.
 */
#ifndef BEV_CARRIER_MESSAGE_DELIVERY_H
#define BEV_CARRIER_MESSAGE_DELIVERY_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "carrier/message/mailbox.h"
#include "carrier/message/medium.h"

typedef struct BevDelivery
{
	STAILQ_ENTRY(BevDelivery) next; /* in a queue */
	json_t *message;                /* all texts are in here; its "id" is the courier's */
	size_t size;                    /* of the line */
	BevMedium medium;
	const char *key;

	/* E-mail; what is optional is "" if it isn't there */
	BevMailbox mailbox;
	const char *subject;
	const char *text;
	const char *html;
	const char *message_id;
	const char *in_reply_to;
	const char *references;
	const char *list_unsubscribe;
	const char *list_id;
	const char *from_name;
	const json_t *headers; /* object of texts, or NULL */

	/* WhatsApp */
	char phone[16]; /* digits */
	const char *template_name;
	const char *language;
	const json_t *parameters; /* array of texts, or NULL */

	/* Webhook */
	const char *body;
	const char *msg_id;
	int64_t timestamp;
} BevDelivery;

typedef STAILQ_HEAD(BevDeliveries, BevDelivery) BevDeliveries;

/*
 * Read a send message, which becomes the delivery's.  Whether it makes sense: error is
 * empty, else says what is wrong.  NULL: it has no usable id, so nobody could be answered.
 */
extern BevDelivery *bev_delivery_read(json_t *message, size_t size, char *error, size_t error_size);

extern const json_t *bev_delivery_id(const BevDelivery *delivery);

extern void bev_delivery_free(BevDelivery *delivery);

#endif /* BEV_CARRIER_MESSAGE_DELIVERY_H */
