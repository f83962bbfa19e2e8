/*
 * delivery_channel.c - the channels that lead outside, as the settings have them.
 */
#include "server/base/delivery_channel.h"

#include "server/base/secret.h"
#include "server/base/settings.h"
#include "mb/pg_wchar.h"
#include "utils/json.h"
#include "utils/varlena.h"

typedef struct Kind
{
	const char *name;
	char **url;
	const char *secret_name; /* of the member in the message */
	const char *secret_setting;
	char **secret_file;
} Kind;

static const Kind kinds[BEV_CHANNELS] = {
	[BEV_CHANNEL_EMAIL] = {"email", &bev_smtp_url, "password", "bugevents.smtp_password_file",
                           &bev_smtp_password_file},
	[BEV_CHANNEL_WHATSAPP] = {"whatsapp", &bev_whatsapp_url, "token",
                              "bugevents.whatsapp_token_file", &bev_whatsapp_token_file},
	[BEV_CHANNEL_WEBHOOK] = {"webhook", &bev_webhook_url, "secret", "bugevents.webhook_secret_file",
                             &bev_webhook_secret_file},
};

const char *
bev_delivery_channel_name(BevDeliveryChannel kind)
{
	return kinds[kind].name;
}

BevDeliveryChannel
bev_delivery_channel_find(const char *name)
{
	int kind = 0;

	while (kind < BEV_CHANNELS && strcmp(kinds[kind].name, name) != 0)
		kind++;
	return (BevDeliveryChannel) kind;
}

bool
bev_delivery_channel_is_on(BevDeliveryChannel kind)
{
	return **kinds[kind].url != '\0';
}

bool
bev_delivery_channel_is_any_on(void)
{
	for (int kind = 0; kind < BEV_CHANNELS; kind++)
		if (bev_delivery_channel_is_on((BevDeliveryChannel) kind))
			return true;
	return false;
}

bool
bev_delivery_channel_is_default(BevDeliveryChannel kind)
{
	List *names;
	ListCell *cell;
	char *copy = pstrdup(bev_default_channels);

	/* It tells another program, not the user. */
	if (kind == BEV_CHANNEL_WEBHOOK)
		return true;
	if (!SplitGUCList(copy, ',', &names))
		return false;
	foreach (cell, names)
	{
		if (strcmp(lfirst(cell), kinds[kind].name) == 0)
			return true;
	}
	return false;
}

/* ---- the message ---- */

static void
put_text(StringInfo line, const char *name, const char *value)
{
	appendStringInfo(line, ",\"%s\":", name);
	escape_json(line, pg_server_to_any(value, strlen(value), PG_UTF8));
}

static void
put_number(StringInfo line, const char *name, int value)
{
	appendStringInfo(line, ",\"%s\":%d", name, value);
}

/* False: there is a file, and it can't be read, or is no text. */
static bool
put_secret(StringInfo line, const Kind *kind)
{
	Size len;
	char *secret;
	bool good;

	if (**kind->secret_file == '\0')
		return true;
	secret = bev_secret_read(kind->secret_setting, *kind->secret_file, &len, WARNING);
	if (secret == NULL)
		return false;
	good = strlen(secret) == len && pg_verify_mbstr(PG_UTF8, secret, len, true);
	if (good)
	{
		appendStringInfo(line, ",\"%s\":", kind->secret_name);
		escape_json(line, secret);
	}
	else
		ereport(WARNING, (errmsg("the file of %s is no text in UTF-8", kind->secret_setting)));
	explicit_bzero(secret, len);
	pfree(secret);
	return good;
}

static void
put_channel(StringInfo line, BevDeliveryChannel number)
{
	const Kind *kind = &kinds[number];
	int start = line->len;

	appendStringInfo(line, ",\"%s\":{\"concurrency\":%d", kind->name, bev_delivery_concurrency);
	put_text(line, "url", *kind->url);
	if (number == BEV_CHANNEL_EMAIL)
	{
		put_text(line, "from", bev_smtp_from);
		put_text(line, "tls", bev_smtp_tls ? "required" : "none");
		if (*bev_smtp_user)
			put_text(line, "user", bev_smtp_user);
	}
	if (*bev_delivery_ca_file)
	{
		Size len;
		char *ca = bev_secret_read_public("bugevents.delivery_ca_file", bev_delivery_ca_file, &len,
		                                  WARNING);

		if (ca)
			put_text(line, "ca", ca);
	}
	put_number(line, "timeout", bev_delivery_timeout);
	put_number(line, "connect_timeout", Min(bev_delivery_timeout, 10000));
	put_number(line, "stall_timeout", Min(bev_delivery_timeout, 30000));
	if (put_secret(line, kind))
		appendStringInfoChar(line, '}');
	else
	{
		line->len = start;
		appendStringInfo(line, ",\"%s\":null", kind->name);
	}
}

void
bev_delivery_channel_write_config(StringInfo line)
{
	appendStringInfoString(line, "{\"type\":\"config\"");
	for (int kind = 0; kind < BEV_CHANNELS; kind++)
		if (bev_delivery_channel_is_on((BevDeliveryChannel) kind))
			put_channel(line, (BevDeliveryChannel) kind);
	appendStringInfoString(line, "}\n");
}
