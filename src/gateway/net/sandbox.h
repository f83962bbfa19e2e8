/*
 * sandbox.h - what the process may ask of the kernel.
 */
#ifndef BEV_GATEWAY_NET_SANDBOX_H
#define BEV_GATEWAY_NET_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The descriptor that listening sockets come by. */
#define BEV_SANDBOX_SOCKETS 4

/*
 * From now on there is no io_uring: to be called before the loop is made, which would have a ring
 * that it can't use later (sandbox.c).  Where the kernel doesn't offer it, bev_sandbox_enter()
 * says so.
 */
extern void bev_sandbox_hide_rings(void);

/*
 * From now on, and for good: sockets that exist and those that the dispatcher passes, memory,
 * time, and nothing else.  No file can be opened, nobody connected to, nothing
 * started; whoever tries reads EPERM (sandbox_test.c).  To be called once everything that needs
 * files is done: libraries loaded, tables of descriptors made.
 *
 * False, with the reason in error: the kernel doesn't offer it.
 */
extern bool bev_sandbox_enter(char *error, size_t error_size);

/*
 * From now on memory of at most so many bytes, all that is mapped counted; may be called
 * again.  It stops what runs away, not somebody who took the process over: that one can
 * ask for more as well as we can.
 */
extern void bev_sandbox_limit_memory(uint64_t bytes);

#endif /* BEV_GATEWAY_NET_SANDBOX_H */
