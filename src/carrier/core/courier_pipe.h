/*
 * courier_pipe.h - our end of the pipe to the courier: lines in, lines out
 * (common/pipe/carrier_message.h).
 *
 * One thread reads; any thread may write.
 */
#ifndef BEV_CARRIER_CORE_COURIER_PIPE_H
#define BEV_CARRIER_CORE_COURIER_PIPE_H

#include <jansson.h>
#include <stddef.h>

#include "carrier/message/delivery.h"
#include "carrier/core/outcome.h"

typedef enum BevHeard
{
	BEV_HEARD_MESSAGE, /* a JSON object */
	BEV_HEARD_END,     /* the courier has nothing more to say */
	BEV_HEARD_NOISE    /* a line that is no message */
} BevHeard;

/* fd becomes ours. */
extern void bev_courier_pipe_open(int fd);

/* Wait for the next message, which becomes the caller's; size is that of its line. */
extern BevHeard bev_courier_pipe_hear(json_t **message, size_t *size);

/*
 * Write a message, which is freed; blocks while the courier doesn't read.  If it is gone
 * nobody hears it.
 */
extern void bev_courier_pipe_tell(json_t *message);

/* Tell the result of a delivery, which is freed. */
extern void bev_courier_pipe_report(BevDelivery *delivery, const BevOutcome *outcome);

extern void bev_courier_pipe_close(void);

#endif /* BEV_CARRIER_CORE_COURIER_PIPE_H */
