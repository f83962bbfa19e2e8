/*
 * courier_pipe.h - our end of the pipe to the courier: lines in, lines out (common/pipe/carrier_message.h).
 *
 * One thread reads; any thread may write.
 */
#ifndef BE_CARRIER_CORE_COURIER_PIPE_H
#define BE_CARRIER_CORE_COURIER_PIPE_H

#include <jansson.h>
#include <stddef.h>

#include "carrier/message/delivery.h"
#include "carrier/core/outcome.h"

typedef enum BeHeard
{
	BE_HEARD_MESSAGE,			/* a JSON object */
	BE_HEARD_END,				/* the courier has nothing more to say */
	BE_HEARD_NOISE				/* a line that is no message */
} BeHeard;

/* fd becomes ours. */
extern void be_courier_open(int fd);

/* Wait for the next message, which becomes the caller's; size is that of its line. */
extern BeHeard be_courier_hear(json_t **message, size_t *size);

/*
 * Write a message, which is freed; blocks while the courier doesn't read.  If it is gone
 * nobody hears it.
 */
extern void be_courier_tell(json_t *message);

/* Tell the result of a delivery, which is freed. */
extern void be_courier_report(BeDelivery *delivery, const BeOutcome *outcome);

extern void be_courier_close(void);

#endif							/* BE_CARRIER_CORE_COURIER_PIPE_H */
