/*
 * carrier_message.h - the carrier: messages of the courier in, deliveries out.
 */
#ifndef BE_CARRIER_CORE_CARRIER_H
#define BE_CARRIER_CORE_CARRIER_H

/* Work for the courier at the other end of fd until it leaves; the exit status. */
extern int	be_carrier_run(int fd);

#endif							/* BE_CARRIER_CORE_CARRIER_H */
