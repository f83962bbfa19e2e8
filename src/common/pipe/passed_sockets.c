/*
 * passed_sockets.c - listening sockets, from the dispatcher that opens them to a gateway.
 *
 * Model: SCM_RIGHTS with a byte, since a message of nothing is the end.
 */
#include "common/pipe/passed_sockets.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

typedef union Control
{
	struct cmsghdr header; /* for its alignment */
	char bytes[CMSG_SPACE(BEV_PASSED_SOCKETS_MAX * sizeof(int))];
} Control;

bool
bev_passed_sockets_send(int by, const int *fd, int count)
{
	Control control = {.header = {0}};
	char byte = 0;
	struct iovec part = {&byte, 1};
	size_t size = (size_t) count * sizeof(int);
	struct msghdr message = {.msg_iov = &part,
	                         .msg_iovlen = 1,
	                         .msg_control = control.bytes,
	                         .msg_controllen = CMSG_SPACE(size)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(header), fd, size);
	return sendmsg(by, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

int
bev_passed_sockets_receive(int by, int fd[BEV_PASSED_SOCKETS_MAX])
{
	Control control;
	char byte;
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part,
	                         .msg_iovlen = 1,
	                         .msg_control = control.bytes,
	                         .msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *header;
	ssize_t n = recvmsg(by, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	size_t size;

	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return 0;
	header = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
		return -1;
	size = header->cmsg_len - CMSG_LEN(0);
	memcpy(fd, CMSG_DATA(header), size);
	return (int) (size / sizeof(int));
}
