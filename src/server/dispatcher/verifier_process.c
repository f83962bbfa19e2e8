/*
 * verifier_process.c - the process that checks tokens, as the dispatcher sees it.
 *
 * Model: one child process with a pipe.  It is told its keys when it starts and when they change,
 * and asked about tokens; it answers in the order in which it was asked.  How many answers are
 * still to come is counted, and when the last one came: who owes one and has said nothing for
 * HANGS_AFTER is killed, and another one is started (test/t/333_verifier.pl).
 *
 * Memory: of what it has not read PIPE_FULL bytes; beyond that nothing is asked.
 *
 * Trust: it reads what anybody on the network sends, so its bytes are checked as a gateway's are
 * (common/pipe/body.c), and one that breaks the rules is replaced.
 *
 * Failure: while there is none, who wants in waits (token_checks.c), and who is in goes on.
 */
#include "server/dispatcher/verifier_process.h"

#include "common/pipe/body.h"
#include "common/pipe/channel.h"
#include "server/base/child.h"
#include "server/base/clock.h"
#include "server/dispatcher/program_log.h"
#include "server/shared/counters.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define PIPE_FULL   (1024 * 1024)
#define RESTART_MAX 5000 /* ms */
#define HANGS_AFTER 3000 /* ms */

static BevChild process = {.longest = RESTART_MAX};
static BevChannel channel = {.fd = -1};
static const BevVerifierEvents *events = NULL;
static BevProgramLog log_of_it = BEV_PROGRAM_LOG_NONE;
static bool greeted = false;
static bool has_keys = true;  /* until it says otherwise */
static char *keys = NULL;     /* NULL: not known yet */
static uint64 owed = 0;       /* answers */
static TimestampTz heard = 0; /* of it, or since when it owes one */

void
bev_verifier_process_begin(const BevVerifierEvents *to)
{
	events = to;
}

/* It can't go on; look_after will find it dead. */
static void
end_process(const char *why)
{
	if (why)
		ereport(LOG, (errmsg("ending bugevents verifier (PID %d): %s", (int) process.pid, why)));
	bev_channel_close(&channel);
	bev_child_kill(&process);
}

/* ---- What it is told ---- */

/* Something that it answers. */
static void
ask(BevMessageKind kind, const struct iovec *part, int n)
{
	if (owed++ == 0)
		heard = GetCurrentTimestamp();
	if (!bev_channel_send(&channel, kind, part, n))
		end_process("out of memory for its pipe");
}

static void
tell_keys(void)
{
	struct iovec part = {.iov_base = keys, .iov_len = strlen(keys)};

	if (channel.fd >= 0)
		ask(BEV_MSG_KEYS, &part, 1);
}

void
bev_verifier_process_configure(const char *with)
{
	if (keys)
	{
		explicit_bzero(keys, strlen(keys));
		pfree(keys);
	}
	keys = MemoryContextStrdup(TopMemoryContext, with);
	tell_keys();
}

bool
bev_verifier_process_check(uint64 ticket, BevSpan token)
{
	BevCheckMessage check = {.ticket = ticket};
	struct iovec part[2] = {{&check, sizeof(check)}, {unconstify(char *, token.data), token.len}};

	if (channel.fd < 0 || !greeted || bev_channel_pending(&channel) >= PIPE_FULL)
		return false;
	ask(BEV_MSG_CHECK, part, 2);
	return channel.fd >= 0;
}

/* ---- What it says ---- */

static bool
take_hello(const BevMessage *message)
{
	static bool misfit_told = false;
	BevHelloMessage hello;

	if (greeted || !bev_body_read(message, &hello, sizeof(hello), NULL))
		return false;
	greeted = hello.version == BEV_PIPE_VERSION;
	if (!greeted && !misfit_told)
		bev_program_log_misfit("bugevents-verifier", hello.version);
	misfit_told = !greeted;
	if (greeted)
		events->began();
	else
		end_process(NULL);
	return true;
}

static bool
take_answer(void)
{
	if (owed == 0)
		return false;
	owed--;
	heard = GetCurrentTimestamp();
	return true;
}

static bool
take_keyring(const BevMessage *message)
{
	BevKeyringMessage keyring;
	BevSpan text;
	bool had = has_keys;

	if (!bev_body_read(message, &keyring, sizeof(keyring), &text) || !take_answer())
		return false;
	bev_program_log_trouble(&log_of_it, text.data, text.len,
	                        "Tokens are checked by the keys from before, if there were any. "
	                        "Correct the setting or the file, and reload.");
	has_keys = keyring.keys != 0;
	if (has_keys != had)
		events->keys_changed();
	return true;
}

static bool
take_checked(const BevMessage *message)
{
	BevCheckedMessage checked;
	BevSpan rest;

	return bev_body_read(message, &checked, sizeof(checked), &rest) && take_answer() &&
	       events->checked(&checked, rest);
}

static bool
take_message(const BevMessage *message)
{
	if (message->kind == BEV_MSG_HELLO)
		return take_hello(message);
	if (!greeted)
		return false;
	switch (message->kind)
	{
		case BEV_MSG_KEYRING:
			return take_keyring(message);
		case BEV_MSG_CHECKED:
			return take_checked(message);
		default:
			return false;
	}
}

void
bev_verifier_process_receive(void)
{
	BevMessage message;
	long received;
	int found = 0;

	if (channel.fd < 0)
		return;
	received = bev_channel_receive(&channel, BEV_MESSAGE_MAX_UP);
	while (channel.fd >= 0 && (found = bev_channel_next(&channel, &message)) > 0)
		if (!take_message(&message))
		{
			found = -1;
			break;
		}
	if (channel.fd >= 0 && found < 0)
		end_process("it broke the protocol of the pipe");
	else if (channel.fd >= 0 && received < 0)
		end_process(NULL);
}

bool
bev_verifier_process_has_keys(void)
{
	return has_keys;
}

/* The end shows on the reading side too. */
void
bev_verifier_process_flush(void)
{
	if (channel.fd >= 0)
		(void) bev_channel_flush(&channel);
}

int
bev_verifier_process_fd(void)
{
	return channel.fd;
}

int
bev_verifier_process_words(void)
{
	return log_of_it.words;
}

void
bev_verifier_process_hear(void)
{
	bev_program_log_hear(&log_of_it);
}

bool
bev_verifier_process_pending(void)
{
	return channel.fd >= 0 && bev_channel_pending(&channel) > 0;
}

bool
bev_verifier_process_is_ending(void)
{
	return process.pid > 0 && channel.fd < 0;
}

/* ---- Its life ---- */

static void
start(void)
{
	char *argv[] = {"bugevents-verifier", NULL};
	BevSpawnEnds ends;

	if (!bev_child_start(&process, "verifier", argv, -1, true, &ends))
		return;
	bev_channel_open(&channel, ends.pipe, BEV_MESSAGE_MAX_UP);
	bev_program_log_begin(&log_of_it, "verifier", ends.words);
	greeted = false;
	owed = 0;
	tell_keys();
}

static void
reap(bool wanted)
{
	pid_t pid = process.pid;
	int status;
	char *how;

	if (!bev_child_ended(&process, &status))
		return;
	bev_channel_close(&channel);
	bev_program_log_end(&log_of_it);
	if (!wanted)
		return;
	bev_counters_add(BEV_COUNT_RESTARTS, 1);
	how = wait_result_to_str(status);
	ereport(LOG, (errmsg("bugevents verifier (PID %d) ended: %s", (int) pid, how),
	              errdetail("It will be started again in %d ms.", process.delay)));
	pfree(how);
}

static bool
hangs(void)
{
	return owed > 0 && channel.fd >= 0 &&
	       bev_clock_has_come(TimestampTzPlusMilliseconds(heard, HANGS_AFTER), HANGS_AFTER);
}

TimestampTz
bev_verifier_process_look_after(bool wanted)
{
	if (!wanted)
		bev_channel_close(&channel); /* which ends it */
	else if (hangs())
		end_process("it does not answer");
	reap(wanted);
	if (wanted && keys && bev_child_is_due(&process))
		start();
	return wanted && process.pid == 0 ? process.not_before : DT_NOEND;
}
