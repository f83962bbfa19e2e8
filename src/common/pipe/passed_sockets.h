/*
 * passed_sockets.h - listening sockets, from the dispatcher that opens them to a gateway.
 *
 * They go by a socketpair of their own (SOCK_SEQPACKET), a set at a time, so that nothing else
 * that is read can bring descriptors.
 *
 * Pure C: shared by the server's half and the gateway.
 */
#ifndef BEV_COMMON_PIPE_PASSED_SOCKETS_H
#define BEV_COMMON_PIPE_PASSED_SOCKETS_H

#include <stdbool.h>

/* In a set. */
#define BEV_PASSED_SOCKETS_MAX 32

/*
 * Pass this set on, at least one; the sender's own stay open and are the sender's to close.  False,
 * with errno set: no room for now, or the receiver is gone.
 */
extern bool bev_passed_sockets_send(int by, const int *fd, int count);

/*
 * Receive a set.  > 0: so many, which are closed by exec; 0: none has come; -1: the sender is gone.
 */
extern int bev_passed_sockets_receive(int by, int fd[BEV_PASSED_SOCKETS_MAX]);

#endif /* BEV_COMMON_PIPE_PASSED_SOCKETS_H */
