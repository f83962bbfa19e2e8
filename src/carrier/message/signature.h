/*
 * signature.h - signatures of webhooks, as the Standard Webhooks specification 1.0 says.
 *
 * Pure C.
 */
#ifndef BEV_CARRIER_MESSAGE_SIGNATURE_H
#define BEV_CARRIER_MESSAGE_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/program/text.h"

/* Secrets in use at the same time, while they are being changed. */
#define BEV_SIGNER_SECRETS 4

/* Bytes of a secret, by the specification. */
#define BEV_SIGNER_SHORTEST 24
#define BEV_SIGNER_LONGEST  64

typedef struct BevSigner
{
	size_t count;
	struct
	{
		unsigned char data[BEV_SIGNER_LONGEST];
		size_t len;
	} secret[BEV_SIGNER_SECRETS];
} BevSigner;

/*
 * Read secrets, "whsec_" and base64, with white space between them.  NULL, or why they
 * can't be used.
 */
extern const char *bev_signer_read(BevSigner *signer, const char *text);

extern void bev_signer_wipe(BevSigner *signer);

/*
 * Add the value of the header webhook-signature: a signature by each secret, over
 * "msg_id.timestamp.body".  False: OpenSSL would not.
 */
extern bool bev_signer_sign(const BevSigner *signer, BevText *value, const char *msg_id,
                            int64_t timestamp, const char *body);

#endif /* BEV_CARRIER_MESSAGE_SIGNATURE_H */
