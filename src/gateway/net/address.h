/*
 * address.h - the addresses that clients come from, and what each may do in a minute.
 *
 * Pure C; the time is given (ms), so that tests can move it.
 */
#ifndef BE_GATEWAY_NET_ADDRESS_H
#define BE_GATEWAY_NET_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/event/event.h"

#define BE_ADDRESS_LEN		48		/* as text, with the terminator */

/* Does list ("10.0.0.1, 192.168.0.0/16, fd00::/8") contain the address? */
extern bool be_address_listed(const char *address, const char *list);

extern bool be_address_is_loopback(const char *address);

/*
 * Who a request is from, when it comes from peer: the last address in forwarded
 * (X-Forwarded-For) that is not of a trusted proxy, if peer is one; else peer.
 */
extern void be_address_origin(const char *peer, BeSpan forwarded, const char *trusted,
							  char dst[BE_ADDRESS_LEN]);

typedef struct BeAddresses BeAddresses;

extern BeAddresses *be_addresses_create(void);
extern void be_addresses_free(BeAddresses *addresses);

/*
 * Another handshake, another token that was no good: 0, or in how many seconds there may
 * be one again.  Each takes one from its bucket of so many a minute; 0 is no limit, and
 * loopback addresses have none.
 */
extern double be_addresses_handshake(BeAddresses *addresses, const char *address,
									 uint32_t per_minute, uint64_t now);
extern double be_addresses_failure(BeAddresses *addresses, const char *address,
								   uint32_t per_minute, uint64_t now);

/* Seconds until another token would be looked at; 0: now. */
extern double be_addresses_blocked(BeAddresses *addresses, const char *address,
								   uint32_t per_minute, uint64_t now);

#endif							/* BE_GATEWAY_NET_ADDRESS_H */
