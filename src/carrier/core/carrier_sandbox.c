/*
 * carrier_sandbox.c - what the process may ask of the kernel.
 *
 * Model: a seccomp filter (common/program/filter.h) with the list of what libcurl, the C library's
 * resolver and OpenSSL need.  seccomp can't tell one file from another, so Landlock does, where
 * the kernel has it (5.13).
 *
 * Files: the C library looks at /etc anew for each lookup, and editors and network managers
 * replace files there, so rules for single files would not last.  The data directory is in
 * none of the folders that are listed.
 *
 * Sockets: no Unix sockets but pairs, which libcurl wakes itself with.  So the server's own
 * socket, behind which "peer" needs no password, is out of reach.  TCP to the server is not:
 * neither seccomp nor Landlock can tell one address from another.
 *
 * Sanitizers need far more than this; builds for them define BEV_WITHOUT_SANDBOX.
 */
#define _GNU_SOURCE /* O_PATH */
#include "carrier/core/carrier_sandbox.h"

#ifdef BEV_WITHOUT_SANDBOX

bool
bev_carrier_sandbox_enter(char *error __attribute__((unused)),
                          size_t error_size __attribute__((unused)))
{
	return true;
}

#else

#include "common/program/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* With any arguments, beside those of filter.c. */
static const int allowed[] = {
	/* Descriptors that are open */
	SCMP_SYS(pread64),
	SCMP_SYS(lseek),
	SCMP_SYS(fstat),
	SCMP_SYS(getdents64),
	SCMP_SYS(bind),
	SCMP_SYS(connect),
	SCMP_SYS(shutdown),
	SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),
	SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt),
	SCMP_SYS(sendto),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sendmmsg),
	SCMP_SYS(recvmsg),
	SCMP_SYS(ppoll),
	SCMP_SYS(select),
	SCMP_SYS(pselect6),
	SCMP_SYS(pipe2),
	SCMP_SYS(eventfd2),
	/* Files, without opening them */
	SCMP_SYS(stat),
	SCMP_SYS(lstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(statx),
	SCMP_SYS(access),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(getcwd),
	/* Threads */
	SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq),
	SCMP_SYS(sched_yield),
	SCMP_SYS(sched_getaffinity),
	/* Time, chance, itself */
	SCMP_SYS(nanosleep),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(uname),
	SCMP_SYS(sysinfo),
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getegid),
	SCMP_SYS(sigaltstack),
};

/* Memory to be run is a library's, from a file that nobody here can have written. */
static int
allow_memory(scmp_filter_ctx filter)
{
	return BEV_FILTER_ALLOW(mmap, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) ||
	       BEV_FILTER_ALLOW(mmap, 2, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_WRITE, 0),
	                        SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, 0)) ||
	       BEV_FILTER_ALLOW(mprotect, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

/* TCP, UDP for names, and the list of our own addresses, by which the resolver sorts. */
static int
allow_sockets(scmp_filter_ctx filter)
{
	static const unsigned families[] = {AF_INET, AF_INET6};
	static const unsigned types[] = {SOCK_STREAM, SOCK_DGRAM};
	int failure = BEV_FILTER_ALLOW(socket, 2, SCMP_A0(SCMP_CMP_EQ, AF_NETLINK, 0),
	                               SCMP_A2(SCMP_CMP_EQ, 0, 0)) ||
	              BEV_FILTER_ALLOW(socketpair, 2, SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0),
	                               SCMP_A1(SCMP_CMP_MASKED_EQ, 0xff, SOCK_STREAM)) ||
	              BEV_FILTER_ALLOW(ioctl, 1, SCMP_A1(SCMP_CMP_EQ, FIONREAD, 0));

	for (int f = 0; f < 2; f++)
		for (int t = 0; t < 2; t++)
			failure = failure || BEV_FILTER_ALLOW(socket, 2, SCMP_A0(SCMP_CMP_EQ, families[f], 0),
			                                      SCMP_A1(SCMP_CMP_MASKED_EQ, 0xff, types[t]));
	return failure;
}

/* To be read only. */
static int
allow_files(scmp_filter_ctx filter)
{
	const unsigned writing = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND;

	return BEV_FILTER_ALLOW(openat, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, writing, O_RDONLY)) ||
	       BEV_FILTER_ALLOW(open, 1, SCMP_A1(SCMP_CMP_MASKED_EQ, writing, O_RDONLY));
}

/* Threads but no processes; the C library tries clone3(), whose flags can't be looked at. */
static int
allow_threads(scmp_filter_ctx filter)
{
	return BEV_FILTER_ALLOW(clone, 1, SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD)) ||
	       seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

/* What is not there needs no rule. */
static bool
allow_reading(int rules, const char *path)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE,
	                                          .parent_fd = open(path, O_PATH | O_CLOEXEC)};
	int result;

	if (rule.parent_fd < 0)
		return true;
	result = (int) syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	close(rule.parent_fd);
	return result == 0;
}

static bool
restrict_files(char *error, size_t error_size)
{
	/* Settings of the resolver and of TLS, and whom TLS trusts; the resolver's modules. */
	static const char *const readable[] = {"/etc",
	                                       "/lib",
	                                       "/lib64",
	                                       "/usr/lib",
	                                       "/usr/lib64",
	                                       "/usr/share",
	                                       "/usr/local/share/ca-certificates",
	                                       "/run/systemd/resolve",
	                                       "/run/NetworkManager",
	                                       "/run/resolvconf",
	                                       "/dev/null",
	                                       "/dev/urandom"};
	struct landlock_ruleset_attr all = {.handled_access_fs =
	                                        (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1};
	int rules = (int) syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);
	bool good = true;

	if (rules < 0)
		return true; /* an older kernel, or one where it is turned off */
	for (size_t i = 0; i < sizeof(readable) / sizeof(readable[0]) && good; i++)
		good = allow_reading(rules, readable[i]);
	good = good && syscall(SYS_landlock_restrict_self, rules, 0) == 0;
	if (!good)
		snprintf(error, error_size, "could not restrict files: %s", strerror(errno));
	close(rules);
	return good;
}

bool
bev_carrier_sandbox_enter(char *error, size_t error_size)
{
	static const BevFilterRules rules[] = {allow_memory, allow_sockets, allow_files, allow_threads,
	                                       NULL};

	return restrict_files(error, error_size) &&
	       bev_filter_load(allowed, sizeof(allowed) / sizeof(allowed[0]), rules, error, error_size);
}

#endif /* BEV_WITHOUT_SANDBOX */
