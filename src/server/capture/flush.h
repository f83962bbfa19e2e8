/*
 * flush.h - when events are formed of what a transaction changed.
 */
#ifndef BEV_SERVER_CAPTURE_FLUSH_H
#define BEV_SERVER_CAPTURE_FLUSH_H

/*
 * Register the hooks and callbacks; once, while preloading, and behind those of the commit: what is
 * registered last is called first.
 */
extern void bev_flush_register(void);

#endif /* BEV_SERVER_CAPTURE_FLUSH_H */
