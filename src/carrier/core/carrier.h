/*
 * carrier.h - the carrier: messages of the courier in, deliveries out.
 */
#ifndef BEV_CARRIER_CORE_CARRIER_H
#define BEV_CARRIER_CORE_CARRIER_H

/* Work for the courier at the other end of fd until it leaves; the exit status. */
extern int bev_carrier_run(int fd);

#endif /* BEV_CARRIER_CORE_CARRIER_H */
