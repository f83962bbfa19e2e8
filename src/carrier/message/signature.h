/*
 * signature.h - signatures of webhooks, as the Standard Webhooks specification 1.0 says.
 *
 * Pure C.
 */
#ifndef BE_CARRIER_MESSAGE_SIGNATURE_H
#define BE_CARRIER_MESSAGE_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/program/text.h"

/* Secrets in use at the same time, while they are being changed. */
#define BE_SIGNER_SECRETS	4

/* Bytes of a secret, by the specification. */
#define BE_SIGNER_SHORTEST	24
#define BE_SIGNER_LONGEST	64

typedef struct BeSigner
{
	size_t		count;
	struct
	{
		unsigned char data[BE_SIGNER_LONGEST];
		size_t		len;
	}			secret[BE_SIGNER_SECRETS];
} BeSigner;

/*
 * Read secrets, "whsec_" and base64, with white space between them.  NULL, or why they
 * can't be used.
 */
extern const char *be_signer_read(BeSigner *signer, const char *text);

extern void be_signer_wipe(BeSigner *signer);

/*
 * Add the value of the header webhook-signature: a signature by each secret, over
 * "msg_id.timestamp.body".  False: OpenSSL would not.
 */
extern bool be_signer_sign(const BeSigner *signer, BeText *value, const char *msg_id,
						   int64_t timestamp, const char *body);

#endif							/* BE_CARRIER_MESSAGE_SIGNATURE_H */
