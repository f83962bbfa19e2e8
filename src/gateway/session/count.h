/*
 * count.h - counting, and telling the dispatcher.
 */
#ifndef BE_GATEWAY_SESSION_COUNT_H
#define BE_GATEWAY_SESSION_COUNT_H

#include "gateway/main/gateway.h"
#include "common/pipe/counter.h"

static inline void
be_count(BeGateway *gateway, BeCounter counter, uint64_t n)
{
	gateway->counter[counter] += n;
}

/* An error message of this code. */
extern void be_count_error(BeGateway *gateway, const char *code);

/* A connection that was let in ended with this close code. */
extern void be_count_close(BeGateway *gateway, int code);

/*
 * An event that was committed at this moment (us since 1970) is part of the batch; and
 * the batch is written.
 */
extern void be_count_committed(BeGateway *gateway, uint64_t seq, int64_t at);
extern void be_count_written(BeGateway *gateway);

/* Send the counters, if they changed, and what was slow. */
extern void be_count_tell(BeGateway *gateway);

#endif							/* BE_GATEWAY_SESSION_COUNT_H */
