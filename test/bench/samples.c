/*
 * samples.c - a growing list of durations, and its percentiles.
 */
#include "samples.h"

#include <stdio.h>
#include <stdlib.h>

void
samples_add(Samples *samples, double value)
{
	if (samples->count == samples->room)
	{
		samples->room = samples->room ? samples->room * 2 : 4096;
		samples->values = realloc(samples->values, samples->room * sizeof(double));
		if (samples->values == NULL)
		{
			perror("load");
			exit(1);
		}
	}
	samples->values[samples->count++] = value;
}

static int
compare(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return (x > y) - (x < y);
}

double
samples_percentile(Samples *samples, double share)
{
	size_t		rank;

	if (samples->count == 0)
		return 0;
	qsort(samples->values, samples->count, sizeof(double), compare);
	rank = (size_t) (share * (double) (samples->count - 1) + 0.5);
	return samples->values[rank];
}

void
samples_clear(Samples *samples)
{
	samples->count = 0;
}
