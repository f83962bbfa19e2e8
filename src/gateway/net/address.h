/*
 * address.h - the addresses that clients come from, and what each may do in a minute.
 *
 * Pure C; the time is given (ms), so that tests can move it.
 */
#ifndef BEV_GATEWAY_NET_ADDRESS_H
#define BEV_GATEWAY_NET_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/event/event.h"
#include "common/pipe/message.h"

#define BEV_ADDRESS_LEN 48 /* as text, with the terminator */

/* Does list ("10.0.0.1, 192.168.0.0/16, fd00::/8") contain the address? */
extern bool bev_address_listed(const char *address, const char *list);

extern bool bev_address_is_loopback(const char *address);

/* X-Forwarded-For: its lines are one list, in their order. */
#define BEV_FORWARDED_MAX 16

typedef struct BevForwarded
{
	BevSpan line[BEV_FORWARDED_MAX];
	uint32_t lines;
} BevForwarded;

/*
 * Who a request is from, when it comes from peer: the last address in forwarded that is not of a
 * trusted proxy, if peer is one; else peer.  False: an entry on the way is no address, as
 * "unknown" is none, and dst is the proxy that passed it on.
 */
extern bool bev_address_origin(const char *peer, const BevForwarded *forwarded, const char *trusted,
                               char dst[BEV_ADDRESS_LEN]);

/* What counts as one: an IPv4 address, or the first 64 bits of an IPv6 one. */
typedef struct BevNetwork
{
	uint8_t byte[16]; /* IPv4 is mapped (RFC 4291 2.5.5.2) */
} BevNetwork;

/* The network of an address; all zero: it is no address. */
extern BevNetwork bev_address_network(const char *address);

typedef struct BevAddresses BevAddresses;

/*
 * spent is told what an address had of its rates, in portions (message.h), for the sake of other
 * gateways; NULL: nobody is.
 */
extern BevAddresses *bev_addresses_create(void (*spent)(void *owner, const BevSpentMessage *spent),
                                          void *owner);
extern void bev_addresses_free(BevAddresses *addresses);

/*
 * Another one of this kind: 0, or in how many seconds there may be one again.  It is taken from
 * the bucket of so many a minute; 0 is no limit, and loopback addresses have none.
 */
extern double bev_addresses_take(BevAddresses *addresses, const char *address, BevSpentKind kind,
                                 uint32_t per_minute, uint64_t now);

/* Seconds until another one may be taken; 0: now. */
extern double bev_addresses_blocked(BevAddresses *addresses, const char *address, BevSpentKind kind,
                                    uint32_t per_minute, uint64_t now);

/* So many were taken at other gateways. */
extern void bev_addresses_spend(BevAddresses *addresses, const BevSpentMessage *spent,
                                uint32_t per_minute, uint64_t now);

#endif /* BEV_GATEWAY_NET_ADDRESS_H */
