/*
 * attempt.h - what a process in the sandbox may do: each attempt is made by a child, whose exit
 * code is what became of it.
 */
#ifndef BEV_TEST_UNIT_ATTEMPT_H
#define BEV_TEST_UNIT_ATTEMPT_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The errno of an attempt, 0 if it went well, 255 if there was no sandbox. */
static inline int
attempt(bool (*enter)(char *error, size_t error_size), long (*what)(void))
{
	pid_t child = fork();
	int status = 0;

	if (child == 0)
	{
		char error[256];

		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (!enter(error, sizeof(error)))
		{
			dprintf(2, "# %s\n", error);
			syscall(SYS_exit_group, 255);
		}
		/* Not _exit(), in which a sanitizer has something to do. */
		syscall(SYS_exit_group, what() < 0 ? errno : 0);
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

#endif /* BEV_TEST_UNIT_ATTEMPT_H */
