/*
 * memory_limit.c - a limit on the memory of what runs for somebody, and one on its temporary files.
 *
 * Model: the process's limit for private memory (RLIMIT_DATA) is set to what it has now and the
 * limit.  So malloc() fails, for a large piece as for many small ones, and what runs fails with
 * "out of memory", like anything else that finds none (sql/expressions.sql).  Who compiles ahead
 * of time may end the process when there is none, so nothing is compiled meanwhile.
 *
 * What doesn't fit into work_mem goes to files.  temp_file_limit is about all that the process has,
 * but only who writes them while it is lower fails (sql/expressions.sql).
 *
 * Failure: where /proc doesn't say what the process has, or the limit can't be set, there is none.
 *
 * Cost: two system calls to set it, one to take it back.
 */
#include "server/base/memory_limit.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "jit/jit.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/guc.h"

#define MEMORY_LIMIT (256L * 1024 * 1024)
#define WORK_MEM     (16 * 1024) /* kB; at the most */
#define TEMP_FILES   (64 * 1024) /* kB; likewise */

/* What holds without it. */
typedef struct Usual
{
	struct rlimit data;
	int work_mem;
	bool jit;
} Usual;

static Usual usual;
static bool set = false;

/* What the kernel counts for the limit, and the stack; 0: not known. */
static rlim_t
data_size(void)
{
	static int fd = -1;
	char text[200];
	ssize_t length;
	long pages = 0;

	if (fd < 0 && AcquireExternalFD())
		fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? 0 : pread(fd, text, sizeof(text) - 1, 0);
	text[Max(length, 0)] = '\0';
	return sscanf(text, "%*d %*d %*d %*d %*d %ld", &pages) == 1 ?
	           (rlim_t) pages * sysconf(_SC_PAGESIZE) :
	           0;
}

bool
bev_memory_limit_begin(void)
{
	struct rlimit less;

	if (set)
		return false;
	usual = (Usual){.work_mem = work_mem, .jit = jit_enabled};
	if (getrlimit(RLIMIT_DATA, &usual.data) != 0)
		return false;
	set = true;
	work_mem = Min(work_mem, WORK_MEM);
	jit_enabled = false;
	less = usual.data;
	less.rlim_cur = data_size();
	if (less.rlim_cur > 0)
	{
		less.rlim_cur = Min(less.rlim_cur + MEMORY_LIMIT, usual.data.rlim_cur);
		(void) setrlimit(RLIMIT_DATA, &less);
	}
	return true;
}

void
bev_memory_limit_end(void)
{
	set = false;
	work_mem = usual.work_mem;
	jit_enabled = usual.jit;
	(void) setrlimit(RLIMIT_DATA, &usual.data);
}

int
bev_temp_file_limit_begin(void)
{
	int before = temp_file_limit;

	temp_file_limit = before < 0 ? TEMP_FILES : Min(before, TEMP_FILES);
	return before;
}

void
bev_temp_file_limit_end(int before)
{
	temp_file_limit = before;
}
