/*
 * load.c - the load client: a fleet of WebSocket clients, and the source of what
 * they receive, in one process with one clock.
 *
 *	load URL CLIENTS SOURCE [SECRET-FILE]
 *
 * Model: it obeys commands, one per line on standard input, and answers each with
 * one line of JSON.  Between commands it goes on serving its connections.
 *
 *	connect N               connect clients up to the Nth, all at once
 *	burst SIZE COUNT LIMIT  commit COUNT transactions of SIZE events; each waits until
 *	                        everyone has the one before; LIMIT is in seconds
 *	latency COUNT PAUSE     commit COUNT single events, PAUSE seconds apart on average
 *	drop                    break every connection off
 *	unseen SIZE COUNT       commit COUNT transactions while nobody is connected
 *	resume EVENTS LIMIT     everyone comes back at once, and is owed EVENTS
 *	watch EVENTS LIMIT      wait until everyone has received EVENTS
 *
 * All times are seconds.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fleet.h"
#include "samples.h"
#include "source.h"

/* How long a connection or a delivery may take before the run is given up. */
#define PATIENCE	120.0

typedef struct Load
{
	Fleet		fleet;
	Source		source;
	char		commands[1024];
	size_t		commands_len;
	bool		over;

	/* The latency of the current round. */
	Samples		commits;		/* the INSERT's round trip */
	Samples		deliveries;		/* INSERT sent to event received, each client */
	Samples		lasts;			/* the same, the last client */
} Load;

static void
on_source(void *arg)
{
	source_read(arg);
}

static void
on_command(void *arg)
{
	Load	   *load = arg;
	ssize_t		got = read(STDIN_FILENO, load->commands + load->commands_len,
						   sizeof(load->commands) - 1 - load->commands_len);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0)
		load->over = true;
	else
		load->commands_len += (size_t) got;
}

/* Let things happen for a while. */
static void
rest(Load *load, double seconds)
{
	double		until = fleet_now() + seconds;

	while (!load->over && fleet_now() < until)
		fleet_turn(&load->fleet, until - fleet_now());
}

static bool
wait_ready(Load *load, int count, double limit)
{
	double		until = fleet_now() + limit;

	while (load->fleet.ready < count && load->fleet.lost == 0 && !load->over &&
		   fleet_now() < until)
		fleet_turn(&load->fleet, until - fleet_now());
	return load->fleet.ready >= count;
}

static bool
wait_deliveries(Load *load, uint64_t count, double limit)
{
	double		until = fleet_now() + limit;

	while ((load->fleet.deliveries < count || load->source.busy) && !load->over &&
		   load->fleet.lost == 0 && fleet_now() < until)
		fleet_turn(&load->fleet, until - fleet_now());
	return load->fleet.deliveries >= count && !load->source.busy;
}

/* Clients that didn't receive exactly so much. */
static int
uneven(const Load *load, uint64_t each)
{
	int			count = 0;

	for (int i = 0; i < load->fleet.size; i++)
		if (load->fleet.clients[i].state == CLIENT_READY &&
			load->fleet.clients[i].received != each)
			count++;
	return count;
}

/* The members that every answer ends with: what must be zero. */
static void
finish_answer(const Load *load, uint64_t each)
{
	const Fleet *fleet = &load->fleet;

	printf("\"ready\":%d,\"uneven\":%d,\"disorder\":%llu,\"resyncs\":%llu,\"lost\":%llu}\n",
		   fleet->ready, uneven(load, each), (unsigned long long) fleet->disorder,
		   (unsigned long long) fleet->resyncs, (unsigned long long) fleet->lost);
	fflush(stdout);
}

static void
connect_upto(Load *load, int upto)
{
	double		began = fleet_now();

	fleet_reset(&load->fleet);
	if (upto > load->fleet.size)
		upto = load->fleet.size;
	fleet_connect(&load->fleet, load->fleet.open, upto);
	wait_ready(load, upto, PATIENCE);
	printf("{\"seconds\":%.6f,", fleet_now() - began);
	finish_answer(load, 0);
}

static void
burst(Load *load, int size, int count, double limit)
{
	Fleet	   *fleet = &load->fleet;
	double		began = fleet_now();
	double		spread = 0;		/* between the first and the last delivery of a burst */
	uint64_t	done = 0;
	bool		ok = true;

	fleet_reset(fleet);
	for (int i = 0; i < count && ok && (i == 0 || fleet_now() - began < limit); i++)
	{
		uint64_t	before = fleet->deliveries;

		source_commit(&load->source, size);
		while (fleet->deliveries == before && fleet->lost == 0 && !load->over &&
			   fleet_now() - load->source.sent < PATIENCE)
			fleet_turn(fleet, 1.0);
		fleet->first = fleet->last;
		ok = wait_deliveries(load, before + (uint64_t) size * (uint64_t) fleet->ready, PATIENCE);
		spread += fleet->last - fleet->first;
		done++;
	}
	printf("{\"seconds\":%.6f,\"spread\":%.6f,\"bursts\":%llu,\"deliveries\":%llu,\"bytes\":%llu,\"complete\":%s,",
		   fleet_now() - began, spread, (unsigned long long) done,
		   (unsigned long long) fleet->deliveries, (unsigned long long) fleet->bytes, ok ? "true" : "false");
	finish_answer(load, done * (uint64_t) size);
}

static void
on_delivery(void *arg, double now)
{
	Load	   *load = arg;

	samples_add(&load->deliveries, now - load->source.sent);
}

/* p50 and p99 of samples, in milliseconds, as a member. */
static void
print_samples(const char *name, Samples *samples)
{
	printf("\"%s\":{\"p50\":%.4f,\"p99\":%.4f,\"n\":%zu},", name,
		   1000 * samples_percentile(samples, 0.50),
		   1000 * samples_percentile(samples, 0.99), samples->count);
	samples_clear(samples);
}

static void
latency(Load *load, int count, double pause)
{
	Fleet	   *fleet = &load->fleet;
	bool		ok = true;
	int			i;

	fleet_reset(fleet);
	fleet->on_delivery = on_delivery;
	fleet->on_delivery_arg = load;
	for (i = 0; i < count && ok && !load->over; i++)
	{
		/* Not in step with anybody's clock. */
		rest(load, pause * (0.5 + drand48()));
		source_commit(&load->source, 1);
		ok = wait_deliveries(load, fleet->deliveries + (uint64_t) fleet->ready, PATIENCE);
		samples_add(&load->commits, load->source.answered - load->source.sent);
		samples_add(&load->lasts, fleet->last - load->source.sent);
	}
	fleet->on_delivery = NULL;
	printf("{\"complete\":%s,", ok ? "true" : "false");
	print_samples("commit", &load->commits);
	print_samples("delivery", &load->deliveries);
	print_samples("last", &load->lasts);
	finish_answer(load, (uint64_t) i);
}

static void
drop(Load *load)
{
	load->fleet.since = fleet_seq(&load->fleet);
	fleet_drop(&load->fleet);
	fleet_reset(&load->fleet);
	printf("{\"since\":%llu,", (unsigned long long) load->fleet.since);
	finish_answer(load, 0);
}

static void
unseen(Load *load, int size, int count)
{
	if (load->source.conn == NULL)
		source_commit_unseen(&load->source, size * count);
	for (int i = 0; i < count && load->source.conn != NULL; i++)
	{
		source_commit_unseen(&load->source, size);
		while (load->source.busy && !load->over)
			fleet_turn(&load->fleet, 1.0);
	}
	rest(load, 0.2);
	printf("{");
	finish_answer(load, 0);
}

static void
resume(Load *load, uint64_t each, double limit)
{
	Fleet	   *fleet = &load->fleet;
	double		began = fleet_now();
	double		ready;
	bool		ok;

	fleet_reset(fleet);
	fleet_connect(fleet, 0, fleet->size);
	wait_ready(load, fleet->size, limit);
	ready = fleet_now() - began;
	ok = wait_deliveries(load, each * (uint64_t) fleet->size, limit);
	printf("{\"ready_seconds\":%.6f,\"seconds\":%.6f,\"deliveries\":%llu,\"complete\":%s,", ready,
		   fleet_now() - began, (unsigned long long) fleet->deliveries, ok ? "true" : "false");
	finish_answer(load, each);
}

static void
watch(Load *load, uint64_t each, double limit)
{
	bool		ok = wait_deliveries(load, each * (uint64_t) load->fleet.ready, limit);

	printf("{\"complete\":%s,\"deliveries\":%llu,", ok ? "true" : "false",
		   (unsigned long long) load->fleet.deliveries);
	finish_answer(load, each);
	fleet_reset(&load->fleet);
}

static void
obey(Load *load, const char *line)
{
	int			size;
	int			count;
	double		number;

	if (sscanf(line, "connect %d", &count) == 1)
		connect_upto(load, count);
	else if (sscanf(line, "burst %d %d %lf", &size, &count, &number) == 3)
		burst(load, size, count, number);
	else if (sscanf(line, "latency %d %lf", &count, &number) == 2)
		latency(load, count, number);
	else if (sscanf(line, "unseen %d %d", &size, &count) == 2)
		unseen(load, size, count);
	else if (sscanf(line, "resume %d %lf", &count, &number) == 2)
		resume(load, (uint64_t) count, number);
	else if (sscanf(line, "watch %d %lf", &count, &number) == 2)
		watch(load, (uint64_t) count, number);
	else if (strcmp(line, "drop") == 0)
		drop(load);
	else
	{
		fprintf(stderr, "load: unknown command: %s\n", line);
		exit(2);
	}
}

/* Take the first complete command, if there is one. */
static void
obey_next(Load *load)
{
	char	   *end = memchr(load->commands, '\n', load->commands_len);
	char		line[256];
	size_t		len;

	if (end == NULL)
		return;
	len = (size_t) (end - load->commands);
	snprintf(line, sizeof(line), "%.*s", (int) len, load->commands);
	load->commands_len -= len + 1;
	memmove(load->commands, end + 1, load->commands_len);
	obey(load, line);
}

static char *
read_secret(const char *path, size_t *len)
{
	static char secret[1024];
	FILE	   *file = fopen(path, "r");

	if (file == NULL)
	{
		perror(path);
		exit(1);
	}
	*len = fread(secret, 1, sizeof(secret), file);
	fclose(file);
	while (*len > 0 && (secret[*len - 1] == '\n' || secret[*len - 1] == '\r'))
		(*len)--;
	return secret;
}

int
main(int argc, char **argv)
{
	static Load load;

	if (argc < 4 || argc > 5)
	{
		fprintf(stderr, "usage: load HOST:PORT CLIENTS pg:CONNINFO|floor:SOCKET [SECRET-FILE]\n");
		return 2;
	}
	fleet_init(&load.fleet, argv[1], atoi(argv[2]));
	if (argc == 5)
		load.fleet.secret = read_secret(argv[4], &load.fleet.secret_len);
	source_open(&load.source, argv[3]);
	fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
	fleet_watch(&load.fleet, STDIN_FILENO, on_command, &load);
	fleet_watch(&load.fleet, load.source.fd, on_source, &load.source);
	while (!load.over)
	{
		obey_next(&load);
		if (memchr(load.commands, '\n', load.commands_len) == NULL)
			fleet_turn(&load.fleet, 1.0);
	}
	return 0;
}
