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
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "attempt.h"
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
make_folder(void)
{
	return mkdir("/tmp/bugevents-sandbox-test", 0700);
}
static long
change_rights(void)
{
	return chmod(private_file, 0777);
}
static long
unix_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0);
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
start_program(void)
{
	return execl("/bin/true", "true", NULL);
}
static long
start_process(void)
{
	return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}
static long
attach_parent(void)
{
	return syscall(SYS_ptrace, PTRACE_ATTACH, getppid(), 0, 0);
}
static long
signal_parent(void)
{
	return kill(getppid(), 0);
}
static long
signal_thread(void)
{
	return syscall(SYS_tgkill, getppid(), getppid(), 0);
}
static long
shared_memory(void)
{
	return shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
}
static long
attach_memory(void)
{
	return (long) shmat(1, NULL, 0);
}
static long
become_other(void)
{
	return setuid(getuid());
}
static long
own_signals(void)
{
	return fcntl(0, F_SETOWN, getppid());
}
static long
change_process(void)
{
	return prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
}

static long
executable_memory(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
	               MAP_FAILED ?
	           -1 :
	           0;
}

static long
made_executable(void)
{
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(memory, 4096, PROT_READ | PROT_EXEC);
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
	static const struct
	{
		const char *name;
		long (*what)(void);
	} refused[] = {
		{"write a file", write_file},
		{"create a file", create_file},
		{"truncate a file", truncate_file},
		{"a temporary file", temporary_file},
		{"a file of memory", memory_file},
		{"remove a file", remove_file},
		{"make a folder", make_folder},
		{"change rights", change_rights},
		{"a Unix socket", unix_socket},
		{"a packet socket", packet_socket},
		{"a raw socket", raw_socket},
		{"a pair of datagram sockets", pair_of_datagrams},
		{"listen", listen_here},
		{"start a program", start_program},
		{"start a process", start_process},
		{"attach to the parent", attach_parent},
		{"signal the parent", signal_parent},
		{"signal the parent's thread", signal_thread},
		{"make shared memory", shared_memory},
		{"attach shared memory", attach_memory},
		{"become another", become_other},
		{"signals for another", own_signals},
		{"prctl", change_process},
		{"memory to run", executable_memory},
		{"memory made to run", made_executable},
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
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
	{
		int found = attempt(bev_carrier_sandbox_enter, refused[i].what);

		if (!tap_ok(found == EPERM, refused[i].name))
			printf("# %d (%s)\n", found, strerror(found));
	}
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
