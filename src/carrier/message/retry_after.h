/*
 * retry_after.h - the value of the header Retry-After (RFC 9110, section 10.2.3).
 *
 * Pure C.
 */
#ifndef BEV_CARRIER_MESSAGE_RETRY_AFTER_H
#define BEV_CARRIER_MESSAGE_RETRY_AFTER_H

#include <stddef.h>
#include <time.h>

/*
 * Seconds from now, of either form: a number, or a date.  0 for what has passed, at most
 * BEV_CARRIER_MAX_RETRY_AFTER; -1: it is neither.
 */
extern long bev_retry_after(const char *text, size_t len, time_t now);

#endif /* BEV_CARRIER_MESSAGE_RETRY_AFTER_H */
