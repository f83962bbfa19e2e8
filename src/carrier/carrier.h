/*
 * carrier.h - the carrier: messages of the courier in, deliveries out.
 */
#ifndef BE_CARRIER_RUN_H
#define BE_CARRIER_RUN_H

/* Work for the courier at the other end of fd until it leaves; the exit status. */
extern int	be_carrier_run(int fd);

#endif							/* BE_CARRIER_RUN_H */
