/*
 * clock.c - a clock that a test can set: preloaded into a server, it adds the seconds in the file
 * BUGEVENTS_TEST_CLOCK to the time of day.
 *
 * Whoever waits for most of a minute waits for a second.  Whoever would wait for longer than a minute waits
 * until something wakes him: who is to look at the clock each minute, and doesn't, is found out.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

static long
offset(void)
{
	const char *path = getenv("BUGEVENTS_TEST_CLOCK");
	char		text[32] = "";
	int			fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	return atol(text);
}

int
gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	int			result = (int) syscall(SYS_gettimeofday, now, zone);

	now->tv_sec += offset();
	return result;
}

int
epoll_wait(int epoll, struct epoll_event *events, int max, int timeout)
{
	if (timeout > 60000)
		timeout = -1;
	else if (timeout > 30000)
		timeout /= 60;
	return (int) syscall(SYS_epoll_pwait, epoll, events, max, timeout, NULL, 0);
}
