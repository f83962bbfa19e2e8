/*
 * layout.h - the columns of the journal's tables, as the install script creates
 * them.
 */
#ifndef BE_JOURNAL_LAYOUT_H
#define BE_JOURNAL_LAYOUT_H

enum
{
	JOURNAL_LAST_SEQ = 1,
	JOURNAL_N,
	JOURNAL_LOW,
	JOURNAL_XID,
	JOURNAL_AT,
	JOURNAL_EVENTS,
	JOURNAL_COLUMNS = JOURNAL_EVENTS
};

enum
{
	PART_XID = 1,
	PART_ORDINAL,
	PART_N,
	PART_EVENTS,
	PART_COLUMNS = PART_EVENTS
};

enum
{
	PARTED_XID = 1,
	PARTED_LAST_SEQ,
	PARTED_COLUMNS = PARTED_LAST_SEQ
};

enum
{
	STREAM_ID = 1,
	STREAM_DROPPED
};

#endif							/* BE_JOURNAL_LAYOUT_H */
