/*
 * stream.c - which positions are of the stream.
 *
 * Model: the dispatcher says which eras there were, and how far they are of this history
 * (server/journal/era.c).
 */
#include "gateway/stream/stream.h"

#include <string.h>

bool
bev_stream_knows(const BevStream *stream, const char *era, uint64_t seq, uint64_t tip)
{
	if (strcmp(era, stream->id) == 0)
		return seq <= tip;
	for (size_t i = 0; i < stream->past_count; i++)
		if (strcmp(era, stream->past[i].id) == 0)
			return seq <= stream->past[i].upto;
	return false;
}
