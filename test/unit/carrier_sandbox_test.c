/*
 * carrier_sandbox_test.c - what the kernel refuses a carrier, and what it doesn't.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "attempt.h"
#include "forbidden.h"
#include "carrier/core/carrier_sandbox.h"
#include "tap.h"

static struct sockaddr_in target = {.sin_family = AF_INET};
static char private_file[] = "/tmp/bugevents-sandbox-XXXXXX";

/* Each returns as a system call does. */
static long
write_file(void)
{
	return syscall(SYS_openat, AT_FDCWD, private_file, O_WRONLY);
}
static long
create_file(void)
{
	return syscall(SYS_openat, AT_FDCWD, "/tmp/bugevents-sandbox-test", O_CREAT | O_RDONLY, 0600);
}
static long
truncate_file(void)
{
	return truncate(private_file, 0);
}
static long
temporary_file(void)
{
	return syscall(SYS_openat, AT_FDCWD, "/tmp", O_TMPFILE | O_RDWR, 0600);
}
static long
memory_file(void)
{
	return syscall(SYS_memfd_create, "x", 0);
}
static long
remove_file(void)
{
	return unlink(private_file);
}
static long
change_rights(void)
{
	return chmod(private_file, 0777);
}
static long
packet_socket(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0);
}
static long
raw_socket(void)
{
	return socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}
static long
pair_of_datagrams(void)
{
	int pair[2];
	return socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
}
static long
listen_here(void)
{
	return listen(socket(AF_INET, SOCK_STREAM, 0), 5);
}
static long
writable_code(void)
{
	int fd = open("/etc/passwd", O_RDONLY);

	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED ?
	           -1 :
	           0;
}

static long
read_file(void)
{
	return open(private_file, O_RDONLY);
}

static long
read_folder(void)
{
	return open("/tmp", O_RDONLY | O_DIRECTORY);
}

static void *
nothing(void *arg)
{
	return arg;
}

/* What a carrier does all day. */
static long
daily_work(void)
{
	struct addrinfo *found;
	pthread_t thread;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int udp = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int pair[2];

	errno = EIO; /* where the calls below have another way to fail */
	if (fd < 0 || udp < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 ||
	    connect(fd, (struct sockaddr *) &target, sizeof(target)) != 0 ||
	    getaddrinfo("localhost", "25", NULL, &found) != 0 ||
	    pthread_create(&thread, NULL, nothing, NULL) != 0 || pthread_join(thread, NULL) != 0 ||
	    open("/etc/resolv.conf", O_RDONLY) < 0 || open("/etc/passwd", O_RDONLY) < 0)
		return -1;
	return 0;
}

int
main(void)
{
	static const Forbidden refused[] = {
		{"write a file", write_file},
		{"create a file", create_file},
		{"truncate a file", truncate_file},
		{"a temporary file", temporary_file},
		{"a file of memory", memory_file},
		{"remove a file", remove_file},
		{"change rights", change_rights},
		{"a packet socket", packet_socket},
		{"a raw socket", raw_socket},
		{"a pair of datagram sockets", pair_of_datagrams},
		{"listen", listen_here},
		{"code that can be written", writable_code},
	};
	socklen_t len = sizeof(target);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int file = mkstemp(private_file);
	int landlock =
		(int) syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (file < 0 || bind(listener, (struct sockaddr *) &target, sizeof(target)) != 0 ||
	    listen(listener, 5) != 0 || getsockname(listener, (struct sockaddr *) &target, &len) != 0)
		return 1;
	tap_ok(attempt(bev_carrier_sandbox_enter, daily_work) == 0,
	       "what a carrier does all day is allowed");
	try_forbidden(bev_carrier_sandbox_enter, refused, sizeof(refused) / sizeof(refused[0]));
	try_forbidden_to_all(bev_carrier_sandbox_enter);
	if (landlock < 1)
		puts("# this kernel has no Landlock");
	else
	{
		tap_ok(attempt(bev_carrier_sandbox_enter, read_file) == EACCES,
		       "read a file of another folder");
		tap_ok(attempt(bev_carrier_sandbox_enter, read_folder) == EACCES, "read another folder");
	}
	unlink(private_file);
	return tap_done();
}
