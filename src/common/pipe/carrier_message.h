/*
 * carrier_message.h - what the courier and the carrier say to each other.
 *
 * The courier (in the server) keeps the deliveries; bugevents-carrier (a child
 * process) makes the outgoing connections.  Between them is a stream socketpair, which
 * the carrier is given as --fd=N.  Each message is a JSON object (UTF-8) on a line of
 * its own, ended by \n, with a member "type".
 *
 *	courier -> carrier                          carrier -> courier
 *	config      where to, with which secrets    hello     I run, this version
 *	send        one delivery, one attempt       status    what became of a config
 *	                                            result    what became of a send
 *
 * config: any of the members "email", "whatsapp", "webhook"; one that is missing or
 * null turns the channel off.  May come again at any time; deliveries under way end with
 * what they began with.  Members of a channel (text unless said otherwise):
 *
 *	email       url        smtp://host:587 (STARTTLS) or smtps://host:465; a path is the
 *	                       name to say in EHLO
 *	            from       address, or "Name <address>"
 *	            user, password      without them there is no authentication
 *	            tls        "required" (default), or "none", which excludes a password
 *	whatsapp    url        of the messages: https://graph.facebook.com/v21.0/NUMBER/messages
 *	            token
 *	webhook     url        https://, or http:// for whoever wants it so
 *	            secret     whsec_..., or several with white space between: signed with each
 *	all         ca         certificates (PEM) to trust instead of the system's
 *	            connect_timeout     ms, 10000
 *	            timeout             ms for the whole attempt, 60000
 *	            stall_timeout       ms with next to no bytes either way, 30000
 *	            concurrency         deliveries at a time, 4
 *	            queue               deliveries that wait, 1000
 *
 * status: for each channel its name as a member: null if it is off, "" if it is as
 * configured, else why that can't be; what was in force before stays in force then.
 *
 * send: "id" (text or integer, echoed), "channel", "key" (the idempotency key, printable
 * ASCII, the same at each attempt), and
 *
 *	email       to (address, or "Name <address>"), subject, text; html, message_id,
 *	            in_reply_to, references, list_unsubscribe (an URL), list_id (letters, digits,
 *	            hyphens and dots), from_name (in place of the name in "from"), headers (an object of
 *	            texts: each becomes X-BugEvents-NAME) if wanted
 *	whatsapp    to (a phone number), template, language; parameters (array of texts)
 *	webhook     body (JSON as text), msg_id, timestamp (integer, Unix time of the attempt)
 *
 * result: "id", "result", "code" (SMTP or HTTP status, 0: there was none), "error" (text,
 * "" if sent; never a secret), and if they apply "retry_after" (seconds that the other
 * end asked for, at most a day) and "uncertain" (true: the other end may have accepted the
 * delivery; no answer came).  The results:
 *
 *	sent        the other end has accepted it
 *	refused     the other end won't accept it, or it makes no sense
 *	retry       anything else: the other end's trouble, the network's, the configuration's
 *
 * Exactly one result comes for each send, in any order, unless the carrier ends before.
 * One send makes at most one attempt (test/carrier/channels.py): no request is repeated
 * behind the courier's back.  A key that is under way is answered with retry; one of the
 * BEV_CARRIER_LEDGER last ones that were sent is answered with sent, and nothing happens.
 *
 * The ledger: with --ledger=N the carrier writes to that descriptor, before and after each
 * attempt, "began KEY", then "sent KEY" or "failed KEY"; neither of them if that is uncertain.  So
 * what became of a send is known even if the courier isn't there to hear it.
 *
 * The end: a courier that shuts down its side for writing gets retry for what waits, the results of
 * what is under way for BEV_CARRIER_LINGER ms, and then the end of file.  What got no result until
 * then may or may not have arrived.  If it was killed, nobody hears results, but the rest is the
 * same.
 *
 * Trust: the carrier believes the courier but checks what it says; a line that is no
 * message ends it (status 65).  The courier must read while it writes: a carrier whose
 * results nobody reads reads nothing either.
 *
 * Pure C: shared by the server's half and the carrier.
 */
#ifndef BEV_COMMON_PIPE_CARRIER_MESSAGE_H
#define BEV_COMMON_PIPE_CARRIER_MESSAGE_H

#define BEV_CARRIER_VERSION 1

/* The longest line in each direction, with its end. */
#define BEV_CARRIER_MAX_DOWN (4u * 1024 * 1024)
#define BEV_CARRIER_MAX_UP   (8u * 1024)

/* The longest "error", in bytes. */
#define BEV_CARRIER_MAX_ERROR 500

/* The longest key, and the longest id that is text, in bytes. */
#define BEV_CARRIER_MAX_KEY 255

/* The longest retry_after, in seconds. */
#define BEV_CARRIER_MAX_RETRY_AFTER 86400

/* Keys that were sent and are remembered. */
#define BEV_CARRIER_LEDGER 4096

/* Time for what is under way when the courier leaves, in ms. */
#define BEV_CARRIER_LINGER 5000

/* Bytes of the deliveries that wait in one channel. */
#define BEV_CARRIER_MAX_WAITING (64u * 1024 * 1024)

#endif /* BEV_COMMON_PIPE_CARRIER_MESSAGE_H */
