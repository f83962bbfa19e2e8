/*
 * delivery.c - one send message: what is to be delivered.
 *
 * Model: whatever goes into a header or a command is checked here, once: no control
 * characters, so no line's end that would begin another header.  Bodies may hold anything.
 */
#include "carrier/message/delivery.h"
#include "common/program/memory.h"
#include "common/pipe/carrier_message.h"
#include "common/text/utf8.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The longest text in a header; more is a mistake. */
#define MAX_SUBJECT    2000
#define MAX_REFERENCES 8000
#define MAX_WORD       250 /* a line of a mail has at most 998 characters */
#define MAX_URL        900
#define MAX_TEMPLATE   512 /* its API's limit */
#define MAX_PARAMETERS 100
#define MAX_HEADERS    20
#define MAX_FROM_NAME  200

static const char *
get_text(const BevDelivery *delivery, const char *name)
{
	return json_string_value(json_object_get(delivery->message, name));
}

/* A member that may be missing or null: "" then.  NULL: it is no text. */
static const char *
get_optional(const BevDelivery *delivery, const char *name)
{
	const json_t *value = json_object_get(delivery->message, name);

	return value == NULL || json_is_null(value) ? "" : json_string_value(value);
}

/* <left@right>, which can stand in a header. */
static bool
is_message_id(const char *text, size_t len)
{
	const char *at = memchr(text, '@', len);

	if (len < 5 || len > MAX_WORD || text[0] != '<' || text[len - 1] != '>' || at == NULL ||
	    at == text + 1 || at == text + len - 2)
		return false;
	for (size_t i = 1; i < len - 1; i++)
		if (text[i] <= ' ' || text[i] > '~' || text[i] == '<' || text[i] == '>')
			return false;
	return true;
}

/* Nothing, or message ids with spaces between them. */
static bool
are_message_ids(const char *text, int most)
{
	if (strlen(text) > MAX_REFERENCES)
		return false;
	while (*(text += strspn(text, " ")))
	{
		size_t len = strcspn(text, " ");

		if (most-- == 0 || !is_message_id(text, len))
			return false;
		text += len;
	}
	return true;
}

static bool
is_unsubscribe_url(const char *text)
{
	return text[0] == '\0' ||
	       (bev_utf8_is_token(text, MAX_URL) && strpbrk(text, "<>\"") == NULL &&
	        (strncmp(text, "https://", 8) == 0 || strncmp(text, "mailto:", 7) == 0));
}

/* Labels of letters, digits and hyphens, with dots between them (RFC 2919). */
static bool
is_list_id(const char *text)
{
	bool dot = true; /* none may come now */

	if (*text == '\0')
		return true;
	for (const char *c = text; *c; c++)
	{
		if (*c == '.' && dot)
			return false;
		dot = *c == '.';
		if (!dot && *c != '-' && !isalnum((unsigned char) *c))
			return false;
	}
	return !dot && strlen(text) <= MAX_WORD;
}

static bool
is_header_name(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < len; i++)
		if (!isalpha((unsigned char) name[i]))
			return false;
	return len > 0 && len <= 40;
}

/* Whatever a value says, it can't end its line. */
static bool
are_headers(const json_t *headers)
{
	const char *name;
	const json_t *value;

	if (headers == NULL || json_is_null(headers))
		return true;
	if (!json_is_object(headers) || json_object_size(headers) > MAX_HEADERS)
		return false;
	json_object_foreach ((json_t *) headers, name, value)
	{
		const char *text = json_string_value(value);

		if (text == NULL || !is_header_name(name) || !bev_utf8_is_one_line(text) ||
		    strlen(text) > MAX_SUBJECT)
			return false;
	}
	return true;
}

/* What is wrong with what says which list a mail is of, and from whom; or NULL. */
static const char *
read_origin(BevDelivery *d)
{
	d->list_id = get_optional(d, "list_id");
	d->from_name = get_optional(d, "from_name");
	d->headers = json_object_get(d->message, "headers");
	if (!d->list_id || !is_list_id(d->list_id))
		return "\"list_id\" is not the id of a list";
	if (!d->from_name || !bev_utf8_is_one_line(d->from_name) ||
	    strlen(d->from_name) > MAX_FROM_NAME)
		return "\"from_name\" is not one line of text";
	if (!are_headers(d->headers))
		return "\"headers\" are not lines of text";
	return NULL;
}

/* What is wrong with it, or NULL. */
static const char *
read_email(BevDelivery *d)
{
	const char *to = get_text(d, "to");

	d->subject = get_text(d, "subject");
	d->text = get_text(d, "text");
	d->html = get_optional(d, "html");
	d->message_id = get_optional(d, "message_id");
	d->in_reply_to = get_optional(d, "in_reply_to");
	d->references = get_optional(d, "references");
	d->list_unsubscribe = get_optional(d, "list_unsubscribe");
	if (!to || !bev_mailbox_read(to, &d->mailbox))
		return "\"to\" is not an e-mail address";
	bev_mailbox_to_ascii(&d->mailbox);
	if (!d->subject || !bev_utf8_is_one_line(d->subject) || strlen(d->subject) > MAX_SUBJECT)
		return "\"subject\" is not one line of text";
	if (!d->text || !d->html)
		return "\"text\" or \"html\" is not text";
	if (!d->message_id || !are_message_ids(d->message_id, 1))
		return "\"message_id\" is not a message id";
	if (!d->in_reply_to || !are_message_ids(d->in_reply_to, 1))
		return "\"in_reply_to\" is not a message id";
	if (!d->references || !are_message_ids(d->references, MAX_REFERENCES))
		return "\"references\" is not a list of message ids";
	if (!d->list_unsubscribe || !is_unsubscribe_url(d->list_unsubscribe))
		return "\"list_unsubscribe\" is not a URL of https or mailto";
	return read_origin(d);
}

/* +49 151 ... becomes digits, as many as E.164 allows. */
static bool
read_phone(const char *text, char phone[16])
{
	size_t n = 0;

	if (*text == '+')
		text++;
	for (; *text; text++)
	{
		if (strchr(" -()", *text))
			continue;
		if (*text < '0' || *text > '9' || n == 15)
			return false;
		phone[n++] = *text;
	}
	phone[n] = '\0';
	return n >= 5;
}

static bool
are_texts(const json_t *array)
{
	if (array == NULL || json_is_null(array))
		return true;
	if (!json_is_array(array) || json_array_size(array) > MAX_PARAMETERS)
		return false;
	for (size_t i = 0; i < json_array_size(array); i++)
		if (!json_is_string(json_array_get(array, i)))
			return false;
	return true;
}

static const char *
read_whatsapp(BevDelivery *d)
{
	const char *to = get_text(d, "to");

	d->template_name = get_text(d, "template");
	d->language = get_text(d, "language");
	d->parameters = json_object_get(d->message, "parameters");
	if (!to || !read_phone(to, d->phone))
		return "\"to\" is not a phone number";
	if (!d->template_name || !bev_utf8_is_token(d->template_name, MAX_TEMPLATE))
		return "\"template\" is not the name of a template";
	if (!d->language || !bev_utf8_is_token(d->language, 20))
		return "\"language\" is not the code of a language";
	if (!are_texts(d->parameters))
		return "\"parameters\" is not an array of texts";
	return NULL;
}

static const char *
read_webhook(BevDelivery *d)
{
	const json_t *timestamp = json_object_get(d->message, "timestamp");

	d->body = get_text(d, "body");
	d->msg_id = get_text(d, "msg_id");
	d->timestamp = json_integer_value(timestamp);
	if (!d->body)
		return "\"body\" is not text";
	/* A dot would move what is signed from one part to another. */
	if (!d->msg_id || !bev_utf8_is_token(d->msg_id, MAX_WORD) || strchr(d->msg_id, '.'))
		return "\"msg_id\" is not an id without dots";
	if (!json_is_integer(timestamp) || d->timestamp < 0)
		return "\"timestamp\" is not a Unix time";
	return NULL;
}

static const char *
read_members(BevDelivery *d)
{
	static const char *(*const readers[BEV_MEDIA])(BevDelivery *) = {read_email, read_whatsapp,
	                                                                 read_webhook};
	const char *channel = get_text(d, "channel");

	d->key = get_text(d, "key");
	if (!d->key || !bev_utf8_is_token(d->key, BEV_CARRIER_MAX_KEY))
		return "\"key\" is not an idempotency key";
	for (int i = 0; channel && i < BEV_MEDIA; i++)
	{
		if (strcmp(channel, bev_medium_names[i]) != 0)
			continue;
		d->medium = (BevMedium) i;
		return readers[i](d);
	}
	return "\"channel\" is none of email, whatsapp, webhook";
}

static bool
is_id(const json_t *id)
{
	return json_is_integer(id) ||
	       (json_is_string(id) && json_string_length(id) <= BEV_CARRIER_MAX_KEY);
}

BevDelivery *
bev_delivery_read(json_t *message, size_t size, char *error, size_t error_size)
{
	BevDelivery *delivery = bev_alloc(sizeof(*delivery));
	const char *wrong;

	delivery->message = message;
	delivery->size = size;
	if (!is_id(bev_delivery_id(delivery)))
	{
		bev_delivery_free(delivery);
		return NULL;
	}
	wrong = read_members(delivery);
	snprintf(error, error_size, "%s", wrong ? wrong : "");
	return delivery;
}

const json_t *
bev_delivery_id(const BevDelivery *delivery)
{
	return json_object_get(delivery->message, "id");
}

void
bev_delivery_free(BevDelivery *delivery)
{
	json_decref(delivery->message);
	free(delivery);
}
