/*
 * count.h - counting, and telling the dispatcher.
 */
#ifndef BEV_GATEWAY_SESSION_COUNT_H
#define BEV_GATEWAY_SESSION_COUNT_H

#include "gateway/main/gateway.h"
#include "common/pipe/counter.h"

static inline void
bev_count(BevGateway *gateway, BevCounter counter, uint64_t n)
{
	gateway->counter[counter] += n;
}

/* An error message of this code. */
extern void bev_count_error(BevGateway *gateway, const char *code);

/* A connection that was let in ended with this close code. */
extern void bev_count_close(BevGateway *gateway, int code);

/*
 * An event that was committed at this moment (us since 1970) is part of the batch; and
 * the batch is written.
 */
extern void bev_count_committed(BevGateway *gateway, uint64_t seq, int64_t at);
extern void bev_count_written(BevGateway *gateway);

/* Send the counters, if they changed, and what was slow. */
extern void bev_count_tell(BevGateway *gateway);

#endif /* BEV_GATEWAY_SESSION_COUNT_H */
