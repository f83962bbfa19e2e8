/*
 * samples.h - a growing list of durations, and its percentiles.
 */
#ifndef BENCH_SAMPLES_H
#define BENCH_SAMPLES_H

#include <stddef.h>

typedef struct Samples
{
	double	   *values;
	size_t		count;
	size_t		room;
} Samples;

extern void samples_add(Samples *samples, double value);

/* The value below which this share (0 to 1) of the samples lies; sorts them. */
extern double samples_percentile(Samples *samples, double share);

extern void samples_clear(Samples *samples);

#endif							/* BENCH_SAMPLES_H */
