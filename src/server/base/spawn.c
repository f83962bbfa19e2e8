/*
 * spawn.c - starting a program of ours, and seeing it end.
 *
 * Model: fork, then exec.  exec is what contains the program: it has neither PostgreSQL's
 * shared memory nor any of its files and sockets, but what it is given.  Nor has it the
 * server's environment, which may hold what archive_command and its like log in with.
 *
 * One that is bound dies with us, whatever state either is in: the kernel sends it
 * SIGKILL.  One that isn't has a session of its own, so that no signal to us reaches it.
 *
 * Trust: the server's log is written by whoever has its standard error, so one that is bound has a
 * pipe in its place, which we read (dispatcher/program_log.c).
 */
#include "server/base/spawn.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpq/pqsignal.h"
#include "miscadmin.h"

/* Everything from this one on belongs to PostgreSQL. */
static void
close_other_files(int first)
{
	if (close_range(first, ~0U, 0) != 0)
	{
		long max = sysconf(_SC_OPEN_MAX);

		for (int fd = first; fd < max; fd++)
			close(fd);
	}
}

static void
default_signals(void)
{
	sigset_t none;

	for (int signal_number = 1; signal_number < NSIG; signal_number++)
		signal(signal_number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Make fd this number, whatever had it; not closed by exec. */
static void
place(int fd, int number)
{
	if (fd == number)
		fcntl(fd, F_SETFD, 0);
	else if (dup2(fd, number) < 0)
		_exit(1);
}

/* What the loader and the C library want to know. */
static const char *const kept[] = {"LD_LIBRARY_PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ"};

static bool
is_kept(const char *variable)
{
	for (size_t i = 0; i < lengthof(kept); i++)
	{
		size_t len = strlen(kept[i]);

		if (strncmp(variable, kept[i], len) == 0 && variable[len] == '=')
			return true;
	}
	return false;
}

/* Of our environment what it may have; room for all of kept. */
static void
choose_environment(char **environment)
{
	int n = 0;

	for (char **variable = environ; *variable && n < (int) lengthof(kept); variable++)
		if (is_kept(*variable))
			environment[n++] = *variable;
	environment[n] = NULL;
}

/* What the child becomes; its ends of the pipes. */
typedef struct Plan
{
	const char *program;
	char *const *argv;
	char *const *environment;
	int pipe;
	int words; /* -1: the server's standard error */
	int file;  /* -1: none */
	bool bound;
	pid_t parent;
} Plan;

/* Standard input, output and error. */
static bool
place_standard(const Plan *plan)
{
	int null = open("/dev/null", O_RDWR);
	int words = plan->words >= 0 ? plan->words : STDERR_FILENO;

	return null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(words, STDOUT_FILENO) >= 0 &&
	       dup2(words, STDERR_FILENO) >= 0;
}

/*
 * Between fork and exec: nothing but system calls.  We share PostgreSQL's memory
 * here and must not run any of its code, exit handlers included.
 */
static void
become(const Plan *plan)
{
	int file = plan->file;

	if ((plan->bound && prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) || getppid() != plan->parent)
		_exit(1);
	/* The postmaster signals our whole process group. */
	if (!plan->bound && setsid() < 0)
		_exit(1);
	if (!place_standard(plan))
		_exit(1);

	/* Neither may overwrite the other before it has its place. */
	if (file >= 0 && (file = fcntl(file, F_DUPFD, BEV_SPAWN_FILE + 1)) < 0)
		_exit(1);
	place(plan->pipe, BEV_SPAWN_PIPE);
	if (file >= 0)
		place(file, BEV_SPAWN_FILE);
	close_other_files(file >= 0 ? BEV_SPAWN_FILE + 1 : BEV_SPAWN_PIPE + 1);
	default_signals();
	execve(plan->program, plan->argv, plan->environment);
	_exit(127);
}

/*
 * Programs are where this library is, which needn't be pkglibdir (dynamic_library_path), or else
 * there.
 */
static void
find_program(const char *name, char *program, Size size)
{
	Dl_info library;

	if (dladdr((void *) bev_spawn, &library) && library.dli_fname)
	{
		strlcpy(program, library.dli_fname, size);
		get_parent_directory(program);
		if (snprintf(program + strlen(program), size - strlen(program), "/%s", name) > 0 &&
		    access(program, X_OK) == 0)
			return;
	}
	snprintf(program, size, "%s/%s", pkglib_path, name);
}

/* The child's end blocks, so that it loses nothing; ours doesn't. */
static bool
open_words(int ends[2])
{
	return pipe2(ends, O_CLOEXEC) == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0;
}

static void
close_ends(const int ends[2])
{
	for (int i = 0; i < 2; i++)
		if (ends[i] >= 0)
			close(ends[i]);
}

static pid_t
fork_into(const Plan *plan)
{
	pid_t pid;

	/* No handler of ours may run in the child before it is another program. */
	sigprocmask(SIG_SETMASK, &BlockSig, NULL);
	pid = fork();
	if (pid == 0)
		become(plan);
	sigprocmask(SIG_SETMASK, &UnBlockSig, NULL);
	return pid;
}

/* The ends of the pipes, ours and the child's; false: errno says why. */
static bool
open_pipes(bool bound, int pair[2], int words[2])
{
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0 &&
	       (!bound || open_words(words));
}

pid_t
bev_spawn(char *const argv[], int file, bool bound, BevSpawnEnds *ends)
{
	char program[MAXPGPATH];
	char *environment[lengthof(kept) + 1];
	int pair[2] = {-1, -1};
	int words[2] = {-1, -1};
	pid_t pid = -1;

	find_program(argv[0], program, sizeof(program));
	choose_environment(environment);
	if (open_pipes(bound, pair, words))
		pid = fork_into(
			&(Plan){program, argv, environment, pair[1], words[1], file, bound, getpid()});
	if (pid < 0)
	{
		int failure = errno;

		close_ends(pair);
		close_ends(words);
		errno = failure;
		return -1;
	}
	close(pair[1]);
	if (words[1] >= 0)
		close(words[1]);
	*ends = (BevSpawnEnds){.pipe = pair[0], .words = words[0]};
	return pid;
}

bool
bev_spawn_ended(pid_t pid, int *status)
{
	return waitpid(pid, status, WNOHANG) == pid;
}
