/*
 * request_fuzz.c - clients' messages, one per line of the input; each gets one answer,
 * which is JSON, or is a question to the database.  What they lead to is told to the dispatcher after each.
 */
#include <stdlib.h>
#include <string.h>

#include "common/text/utf8.h"
#include "stage.h"

extern int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	Stage *stage;
	BevClient *client;
	BevSession *session;

	stage = stage_open(true);
	client = stage_client("1", false, true);
	session = &client->session;
	session->admitted = true;
	while (size > 0)
	{
		const uint8_t *end = memchr(input, '\n', size);
		size_t n = end ? (size_t) (end - input) : size;
		char *message = malloc(n ? n : 1);

		memcpy(message, input, n);
		/* The reader lets nothing else through. */
		if (bev_utf8_check(0, message, n) == 0)
		{
			uint32_t asked = session->questions;

			bev_client_message_answer(&stage->messages, client, message, n);
			if (session->out.len == 0 && session->questions == asked)
				stage_fail("each message is answered, or passed on");
			bev_session_flush(session);
			bev_registration_report(&stage->registrations, &stage->sessions);
		}
		free(message);
		n += end != NULL;
		input += n;
		size -= n;
	}
	stage_close();
	return 0;
}
