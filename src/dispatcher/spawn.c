/*
 * spawn.c - starting the gateway program, and seeing it end.
 *
 * Model: fork, then exec.  exec is what contains the gateway: the new program has
 * neither PostgreSQL's shared memory nor any of its files and sockets, only its
 * end of a socketpair as descriptor 3, and the server's standard error.
 *
 * The gateway dies with the dispatcher, whatever state either is in: the kernel
 * sends it SIGKILL.  A dispatcher that ends in good order says SHUTDOWN first.
 */
#include "dispatcher/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpq/pqsignal.h"
#include "miscadmin.h"

#define GATEWAY_PROGRAM	"bugevents-gateway"
#define PIPE_FD			3

/* Everything above the pipe belongs to PostgreSQL. */
static void
close_other_files(void)
{
	if (close_range(PIPE_FD + 1, ~0U, 0) != 0)
	{
		long		max = sysconf(_SC_OPEN_MAX);

		for (int fd = PIPE_FD + 1; fd < max; fd++)
			close(fd);
	}
}

static void
default_signals(void)
{
	sigset_t	none;

	for (int signal_number = 1; signal_number < NSIG; signal_number++)
		signal(signal_number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/*
 * Between fork and exec: nothing but system calls.  We share PostgreSQL's memory
 * here and must not run any of its code, exit handlers included.
 */
static void
become_gateway(const char *program, char *const argv[], int pipe_fd, pid_t parent)
{
	int			null = open("/dev/null", O_RDWR);

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
		_exit(1);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 ||
		dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		_exit(1);
	if (pipe_fd == PIPE_FD)
		fcntl(pipe_fd, F_SETFD, 0);
	else if (dup2(pipe_fd, PIPE_FD) < 0)
		_exit(1);
	close_other_files();
	default_signals();
	execv(program, argv);
	_exit(127);
}

pid_t
be_spawn_gateway(int number, int *fd)
{
	char		program[MAXPGPATH];
	char		text[12];
	char	   *argv[] = {GATEWAY_PROGRAM, text, NULL};
	pid_t		parent = getpid();
	int			pair[2];
	pid_t		pid;

	snprintf(program, sizeof(program), "%s/%s", pkglib_path, GATEWAY_PROGRAM);
	snprintf(text, sizeof(text), "%d", number);

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
		return -1;

	/* No handler of ours may run in the child before it is another program. */
	PG_SETMASK(&BlockSig);
	pid = fork();
	if (pid == 0)
		become_gateway(program, argv, pair[1], parent);
	PG_SETMASK(&UnBlockSig);

	close(pair[1]);
	if (pid < 0)
		close(pair[0]);
	*fd = pair[0];
	return pid;
}

bool
be_spawn_ended(pid_t pid, int *status)
{
	return waitpid(pid, status, WNOHANG) == pid;
}
