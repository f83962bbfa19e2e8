/*
 * row_version.h - one row at one place in the stream, as each client sees it.
 *
 *	version   | face | face | face |      the newest first
 *	face        audience, project, bug, payload, and what others than admins get
 *
 * Whom an event reaches is for its audience to say, and so it is with what it leaves: the row is,
 * for somebody, what the newest of the faces shows that are for him; or not there, if that
 * says so, or none is.
 *
 * A version that somebody holds doesn't change.  What versions take is counted in *bytes.
 *
 * Pure C.
 */
#ifndef BEV_GATEWAY_STREAM_ROW_VERSION_H
#define BEV_GATEWAY_STREAM_ROW_VERSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/event/audience.h"
#include "common/event/event.h"

#define BEV_ROW_FACES_MAX 6

typedef struct BevRowFace
{
	uint32_t refs;
	uint8_t flags; /* BEV_SEEN_BY_... */
	bool gone;     /* whom it is for sees the row no more */
	size_t size;
	BevSpan audience;
	const char *project; /* terminated, as key is not: whoever has the row knows it */
	const char *bug;
	BevSpan payload;
	BevSpan open_payload; /* len 0: the same */
} BevRowFace;

typedef struct BevRowVersion
{
	uint32_t refs;
	uint32_t count;
	BevRowFace *face[BEV_ROW_FACES_MAX];
} BevRowVersion;

/* What an event or a record says of a row to whom it is for. */
extern BevRowFace *bev_row_face_create(const BevEvent *event, bool gone, size_t *bytes);
extern void bev_row_face_release(BevRowFace *face, size_t *bytes);

/* An empty one: the row is there for nobody. */
extern BevRowVersion *bev_row_version_create(size_t *bytes);

extern BevRowVersion *bev_row_version_hold(BevRowVersion *version);
extern void bev_row_version_release(BevRowVersion *version, size_t *bytes);

/*
 * Add what an event says of the row, in front of all others, or, with oldest, behind them.
 * *version may become another one.  False: there are too many faces, and it is as it was.
 */
extern bool bev_row_version_add(BevRowVersion **version, const BevEvent *event, bool gone,
                                bool oldest, size_t *bytes);

/* What somebody sees of it; NULL: nothing. */
extern const BevRowFace *bev_row_version_find(const BevRowVersion *version,
                                              const BevPrincipals *principals);

/* Does it say anything to somebody: what the row is, or that it is gone? */
extern bool bev_row_version_is_for(const BevRowVersion *version, const BevPrincipals *principals);

#endif /* BEV_GATEWAY_STREAM_ROW_VERSION_H */
