# The courier: mail, WhatsApp and webhooks to real servers that fail on purpose.
use strict;
use warnings;
use BugEvents::Outside;
use BugEvents::Projector qw(caught_up);
use BugEvents::Server;
use Digest::SHA qw(hmac_sha256_base64);
use JSON::PP;
use MIME::Base64;
use Test::More;
use Time::HiRes qw(time);

my $outside = BugEvents::Outside->start;
my $secret = $outside->secret;

my $server = BugEvents::Server->start_new('courier', projector => 1, conf => <<~"END");
	@{[ $outside->conf ]}
	bugevents.default_channels = 'email'
	bugevents.unsubscribe_url = 'https://tracker.example.org/off?{{token}}'
	bugevents.retry_delay = 20ms
	bugevents.delivery_rate = 0
	bugevents.fold_interval = 0
	restart_after_crash = on
	END

sub behave { return $outside->behave(@_); }
sub accepted { return $outside->accepted; }
sub json { my ($text) = @_; utf8::encode($text); return decode_json($text); }

sub states { return BugEvents::Outside::states($server); }
sub all_sent { return $outside->all_sent($server); }

# A mail, a webhook; then by WhatsApp for who wants it.
$server->sql("INSERT INTO users (username, email, phone) VALUES ('ada', 'ada\@example.org', '+49 170 1234567'), ('bob', 'bob\@example.org', NULL)");
all_sent();
is(states(), 'email sent 2, webhook sent 2', 'a mail and a webhook for each notification');
my @mails = grep { $_->{channel} eq 'email' } accepted();
is_deeply([ sort map { "@{ $_->{to} }" } @mails ], [ 'ada@example.org', 'bob@example.org' ], 'mails arrive where they should');
ok($mails[0]{tls} && $mails[0]{login}, '... by TLS, with a login');
like($mails[0]{content}, qr/^From: "Bug Tracker" <bugs\@example\.org>\r?$/m, '... from the tracker');
like($mails[0]{content}, qr{^List-Unsubscribe: <https://tracker\.example\.org/off\?[0-9a-f]{64}>\r?$}m, '... with a way out');

$server->sql("INSERT INTO bugevents.preferences VALUES ('1', '*', 'whatsapp', true), ('1', 'comment_added', 'email', false)");
$server->sql("INSERT INTO bug_reports (title, creator_id, assignee_id) VALUES ('Größe <script>', 2, 1)");
$server->sql("SET bugevents.actor = '2'; UPDATE bug_reports SET status = 'closed'");
$server->sql("INSERT INTO comments (bug_report_id, user_id, content) VALUES (1, 2, 'a <b> & more')");
all_sent();
@mails = grep { $_->{channel} eq 'email' && "@{ $_->{to} }" eq 'ada@example.org' } accepted();
is(scalar(@mails), 3, 'a mail for what is wanted, none for what is not');
my @about = grep { $_->{content} =~ /^Subject: =\?/m } @mails;
is(scalar(@about), 2, 'a subject that is no ASCII is encoded');
my @roots = map { $_->{content} =~ /^In-Reply-To: (<bug\.\S+>)\r?$/m } @about;
is($roots[0], $roots[1], 'mails about a bug are one thread') or diag $about[0]{content};
like($about[1]{content}, qr/&lt;script&gt;/, 'HTML in a title is text');
my @ids = map { $_->{head} =~ /^Message-ID: (<[^>]+>)/mi } @mails;
my %ids = map { ($_ => 1) } @ids;
is(scalar(keys %ids), 3, '... each with an id of its own') or diag explain \@ids;

my @wa = grep { $_->{channel} eq 'whatsapp' } accepted();
is(scalar(@wa), 3, 'WhatsApp');
my ($message) = map { json($_->{body}) } grep { $_->{body} =~ /more/ } @wa;
is($message->{to}, '491701234567', '... to the phone');
is_deeply([ $message->{template}{name}, $message->{template}{language}{code}, map { $_->{text} } @{ $message->{template}{components}[0]{parameters} } ],
	[ 'bug_notification', 'en', "Gr\x{f6}\x{df}e <script>", 'a <b> & more' ], '... a template with title and message');
is($wa[0]{headers}{authorization}, 'Bearer wa-token', '... with the token');

my ($hook) = grep { $_->{channel} eq 'webhook' && $_->{body} =~ /comment_added/ } accepted();
my $signed = join '.', $hook->{headers}{'webhook-id'}, $hook->{headers}{'webhook-timestamp'}, $hook->{body};
my $wide = $signed;
utf8::encode($wide);
my $signature = hmac_sha256_base64($wide, decode_base64($secret =~ s/^whsec_//r));
$signature .= '=' while length($signature) % 4;
is($hook->{headers}{'webhook-signature'}, "v1,$signature", 'a webhook is signed as Standard Webhooks says');
my $body = json($hook->{body});
is_deeply([ $body->{type}, $body->{data}{user_id}, $body->{data}{message} ], [ 'notification.comment_added', '1', 'a <b> & more' ], '... and says what happened');

# Templates of one's own.
$server->sql("INSERT INTO bugevents.templates VALUES ('status_changed', 'Now {{status}}: {{title}}', E'Dear {{ username }},\\n{{message}} {{unknown}}{{', '<i>{{title}}</i>')");
$server->sql("UPDATE bug_reports SET title = 'plain {{message}}', status = 'open'");
all_sent();
@mails = grep { ($_->{content} // '') =~ /Now open/ } accepted();
is(scalar(@mails), 2, 'a template');
like($mails[0]{content}, qr/^Subject: Now open: plain \{\{message\}\}\r?$/m, '... whose values are no templates');
like($mails[0]{content}, qr/Dear (ada|bob),\r?\nStatus changed from closed to open \{\{/, '... with what is known of whom');

# Refused, later, requeued.
behave(mail => 'refuse', wa => 'refuse', hook => 'refuse');
my $before = accepted();
$server->sql("SELECT bugevents.test_delivery('email', 'eve\@example.org'), bugevents.test_delivery('whatsapp', '+1 555 0100'), bugevents.test_delivery('webhook')");
all_sent();
is($server->sql("SELECT string_agg(channel || ' ' || state || ' ' || attempts || ' ' || last_code, ', ' ORDER BY channel) FROM bugevents.deliveries WHERE notification_id IS NULL"),
	'email dead 1 550, webhook dead 1 410, whatsapp dead 1 400', 'what is refused for good is not tried again');
my $hook_id = $server->sql("SELECT key FROM bugevents.deliveries WHERE channel = 'webhook' AND state = 'dead'");
behave(wa => 'later');
is($server->sql('SELECT bugevents.requeue()'), 3, 'requeue');
BugEvents::Server::wait_until(sub { $server->sql("SELECT count(*) FROM bugevents.deliveries WHERE channel = 'whatsapp' AND last_code = 429") eq '1' }, 'a Retry-After');
cmp_ok($server->sql("SELECT extract(epoch FROM next_attempt_at - now()) FROM bugevents.deliveries WHERE last_code = 429"), '>', 0.5, 'Retry-After is honoured');
behave();
all_sent();
is($server->sql("SELECT count(*) FROM bugevents.deliveries WHERE notification_id IS NULL AND state = 'sent'"), '3', '... and all of them arrive');
is(scalar(accepted()), $before + 3, '... once');
is(scalar(grep { $_->{channel} eq 'webhook' && $_->{headers}{'webhook-id'} eq $hook_id } accepted()), 1, '... a webhook with the id that it had');

for ([ "'sms', 'x'", 'there is no channel "sms"' ], [ "NULL", 'there is no channel' ])
{
	my $error = '';
	$server->node->psql('postgres', "SELECT bugevents.test_delivery($_->[0])", stderr => \$error);
	like($error, qr/$_->[1]/, "test_delivery($_->[0])");
}

# WhatsApp wants texts of one line, and none that is empty.
$server->sql("INSERT INTO bugevents.notifications (type, user_id, title, message) VALUES ('comment_added', '1', '', E'one\n\n  two\t three ')");
$server->sql("INSERT INTO bugevents.deliveries (notification_id, user_id, channel, address) SELECT max(id), '1', 'whatsapp', '+1 555 0100' FROM bugevents.notifications");
all_sent();
is_deeply([ map { $_->{text} } @{ json((grep { $_->{channel} eq 'whatsapp' } accepted())[-1]{body})->{template}{components}[0]{parameters} } ], [ '-', 'one two three' ], 'WhatsApp gets texts as it wants them');

# What is longer than the carrier takes is given up, and disturbs nothing else.
$server->sql("INSERT INTO bugevents.templates VALUES ('*', 'long', repeat('{{title}}', 10000), NULL)");
$server->sql("INSERT INTO bugevents.notifications (type, user_id, bug_report_id, title, message) VALUES ('priority_changed', '1', '1', repeat('&', 900000), 'x')");
$server->sql("INSERT INTO bugevents.deliveries (notification_id, user_id, channel, address) SELECT max(id), '1', 'email', 'long\@example.org' FROM bugevents.notifications");
all_sent();
my $long = $server->sql("SELECT max(id) FROM bugevents.deliveries WHERE channel = 'email'");
is($server->sql("SELECT state || ' ' || attempts || ' ' || last_error FROM bugevents.deliveries WHERE id = $long"), 'dead 1 it is too long', 'what is too long is given up');
$server->sql("DELETE FROM bugevents.templates WHERE type = '*'; SELECT bugevents.requeue()");
all_sent();
is($server->sql("SELECT state || ' ' || address FROM bugevents.deliveries WHERE id = $long"), 'sent ada@example.org', 'a title of a megabyte is shortened');
$server->sql("INSERT INTO bugevents.templates VALUES ('*', 'Any {{type}}', '', NULL)");
$server->sql("UPDATE bugevents.deliveries SET state = 'dead' WHERE id = $long; SELECT bugevents.requeue()");
all_sent();
is(scalar(grep { ($_->{content} // '') =~ /^Subject: Any priority_changed\r?$/m } accepted()), 1, 'a template * is for all types without one, and may be empty');
$server->sql("DELETE FROM bugevents.templates WHERE type = '*'; DELETE FROM bugevents.notifications WHERE length(title) > 1000");

# Again and again: twice as long each time, half of it by chance, and no more than so often.
is($server->sql("SELECT string_agg(boot_val, ' ' ORDER BY name) FROM pg_settings WHERE name IN ('bugevents.max_attempts', 'bugevents.retry_delay')"), '35 2000', 'by default 35 attempts, the first one again after two seconds');
$server->sql(<<~'END');
	CREATE TABLE waits (attempts int, ms float8);
	CREATE FUNCTION note_wait() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN INSERT INTO public.waits VALUES (NEW.attempts, extract(epoch FROM NEW.next_attempt_at - clock_timestamp()) * 1000); RETURN NULL; END $$;
	CREATE TRIGGER note_wait AFTER UPDATE ON bugevents.deliveries FOR EACH ROW
		WHEN (OLD.state = 'sending' AND NEW.state = 'waiting') EXECUTE FUNCTION note_wait();
	END
$server->set('bugevents.retry_delay' => '200ms', 'bugevents.max_attempts' => 5);
my $outage = length $server->log_since(0);
behave(mail => 'busy');
$server->sql("SELECT bugevents.test_delivery('email', 'often\@example.org') FROM generate_series(1, 8)");
all_sent();
is($server->sql("SELECT string_agg(DISTINCT state || ' ' || attempts || ' ' || last_code, ', ') FROM bugevents.deliveries WHERE address = 'often\@example.org'"), 'dead 5 451', 'after so many attempts it is given up');
is($server->sql("SELECT string_agg(attempts || ':' || n, ' ' ORDER BY attempts) FROM (SELECT attempts, count(*) AS n FROM waits GROUP BY attempts) AS w"), '1:8 2:8 3:8 4:8', '... all of them');
is($server->sql('SELECT count(*) FROM waits WHERE ms > 200 * 2 ^ (attempts - 1) OR ms < 100 * 2 ^ (attempts - 1) - 50'), '0', '... after twice as long each time')
  or diag($server->sql('SELECT string_agg(attempts || $$:$$ || ms::int, $$ $$ ORDER BY attempts) FROM waits'));
cmp_ok($server->sql('SELECT max(ms) - min(ms) FROM waits WHERE attempts = 4'), '>', 100, '... which is not the same for all');
$server->sql("DROP TRIGGER note_wait ON bugevents.deliveries; DELETE FROM bugevents.deliveries WHERE address = 'often\@example.org'");
$server->set('bugevents.retry_delay', '20ms');

# That a channel fails is told when it begins and when it ends, not for each mail.
sub told { return [ $server->log_since($outage) =~ /(WARNING:  bugevents gets nothing out by \w+: [^\n]+|LOG:  bugevents delivers by \w+ again)/g ]; }
sub gauge { return $server->sql("SELECT value FROM bugevents.stats WHERE name = 'bugevents_$_[0]' AND labels = 'channel=\"email\"'"); }
like(join('|', @{ told() }), qr/^WARNING:  bugevents gets nothing out by email: [^|]*451[^|]*$/, 'forty attempts that fail are one line of the log');
cmp_ok(gauge('delivery_outage_seconds'), '>', 0, '... and a metric');
$server->set('bugevents.retry_delay', '10min');
BugEvents::Server::wait_until(sub { $server->sql('SHOW bugevents.retry_delay') eq '10min' }, 'the reload');
$server->sql("SELECT bugevents.test_delivery('email', 'night\@example.org') FROM generate_series(1, 7)");
$server->sql("INSERT INTO bugevents.deliveries (channel, address, state) SELECT 'email', 'gone\@example.org', 'dead' FROM generate_series(1, 3)");
BugEvents::Server::wait_until(sub { gauge('deliveries_waiting') == 7 && gauge('deliveries_dead') == 3 }, 'what waits and what is dead to be counted',
	sub { $server->sql("SELECT name, labels, value FROM bugevents.stats WHERE name LIKE 'bugevents_deliver%'") });
behave();
$server->set('bugevents.retry_delay', '20ms');
$server->sql("UPDATE bugevents.deliveries SET next_attempt_at = now() WHERE address = 'night\@example.org'");
BugEvents::Server::wait_until(sub { $server->sql("SELECT count(*) FROM bugevents.deliveries WHERE address = 'night\@example.org' AND state = 'sent'") == 7 }, 'the mails of the night');
is(told()->[1], 'LOG:  bugevents delivers by email again', '... its end is told');
is(scalar(@{ told() }), 2, '... and that is all');
is(gauge('delivery_outage_seconds'), 0, '... nothing fails');
is($server->sql('SELECT bugevents.requeue()'), 3, 'what was given up is sent again by hand');
all_sent();
is($server->sql("SELECT count(*) FROM bugevents.deliveries WHERE address = 'gone\@example.org' AND state = 'sent'"), 3, '... and arrives');

# A channel that hangs holds up no other.
behave(wa => 'hang');
$server->sql("SELECT bugevents.test_delivery('whatsapp', '+1 555 0100') FROM generate_series(1, 20); SELECT bugevents.test_delivery('email', 'fast\@example.org')");
BugEvents::Server::wait_until(sub { grep { "@{ $_->{to} // [] }" eq 'fast@example.org' } accepted() }, 'the mail');
is($server->sql("SELECT count(*) FROM bugevents.deliveries WHERE channel = 'whatsapp' AND state = 'sending'"), '4', 'a server that hangs has what it may have, and mails go on');
$server->sql("DELETE FROM bugevents.deliveries WHERE channel = 'whatsapp' AND state = 'waiting'");
behave();
$server->set('bugevents.delivery_timeout', '5s');

# An answer that is lost: a mail may have arrived, and isn't sent again; a webhook is, with its id.
behave(mail => 'lose', hook => 'lose');
$server->sql("SELECT bugevents.test_delivery('email', 'lost\@example.org'), bugevents.test_delivery('webhook')");
BugEvents::Server::wait_until(sub { $server->sql("SELECT state FROM bugevents.deliveries WHERE address = 'lost\@example.org'") eq 'uncertain' }, 'the mail to be uncertain');
behave();
BugEvents::Server::wait_until(sub { $server->sql("SELECT state FROM bugevents.deliveries WHERE channel = 'webhook' ORDER BY id DESC LIMIT 1") eq 'sent' }, 'the webhook');
$server->set('bugevents.retry_uncertain', 'on');
BugEvents::Server::wait_until(sub { $server->sql('SHOW bugevents.retry_uncertain') eq 'on' }, 'the reload');
behave(mail => 'lose');
$server->sql("SELECT bugevents.test_delivery('email', 'twice\@example.org')");
BugEvents::Server::wait_until(sub { grep { "@{ $_->{to} // [] }" eq 'twice@example.org' } accepted() }, 'the first');
behave();
all_sent();
cmp_ok(scalar(grep { "@{ $_->{to} // [] }" eq 'twice@example.org' } accepted()), '>=', 2, 'with retry_uncertain it is sent again');
$server->set('bugevents.retry_uncertain', 'off');
is(scalar(grep { "@{ $_->{to} // [] }" eq 'lost@example.org' } accepted()), 1, 'a mail whose answer is lost is not sent again');
my %hooks;
$hooks{ $_->{headers}{'webhook-id'} }++ for grep { $_->{channel} eq 'webhook' } accepted();
cmp_ok((sort { $b <=> $a } values %hooks)[0], '>=', 2, 'a webhook is, with the same id');

# When: quiet hours, digests, in SQL.
is($server->sql(<<~'END'), '07:00 07:00 07:59 21:30 | 12:00 | 07:15', 'quiet hours and digests');
	INSERT INTO bugevents.delivery_options (user_id, time_zone, quiet_from, quiet_until, digest) VALUES
		('q', 'Europe/Berlin', '22:30', '07:00', NULL), ('d', 'UTC', NULL, NULL, '6 hours'), ('b', 'UTC', '06:00', '07:15', '1 hour');
	SELECT string_agg(to_char(bugevents.delivery_time('q', 'email', t::timestamptz) AT TIME ZONE 'Europe/Berlin', 'HH24:MI'), ' ' ORDER BY n)
	    || ' | ' || to_char(bugevents.delivery_time('d', 'email', '2026-01-31 06:10+00') AT TIME ZONE 'UTC', 'HH24:MI')
	    || ' | ' || to_char(bugevents.delivery_time('b', 'email', '2026-01-31 05:10+00') AT TIME ZONE 'UTC', 'HH24:MI')
	  FROM (VALUES (1, '2026-01-31 22:30+01'), (2, '2026-02-01 03:00+01'), (4, '2026-01-31 22:30+02'), (3, '2026-01-31 06:59+00')) AS v (n, t)
	END

# A digest; who has had enough for now; escalation.
$server->sql("INSERT INTO bugevents.delivery_options (user_id, digest) VALUES ('2', '1 hour') ON CONFLICT (user_id) DO UPDATE SET digest = '1 hour'");
$server->sql("SET bugevents.actor = '1'; UPDATE bug_reports SET status = 'd' || n FROM generate_series(1, 1) n; UPDATE bug_reports SET priority = 'high'; UPDATE bug_reports SET status = 'd2'");
caught_up($server);
is($server->sql("SELECT count(*) || ' ' || bool_and(next_attempt_at > now()) FROM bugevents.deliveries WHERE user_id = '2' AND channel = 'email' AND state = 'waiting'"), '3 true', 'mails are collected');
$server->sql("UPDATE bugevents.deliveries SET next_attempt_at = now() WHERE user_id = '2' AND state = 'waiting'; SELECT bugevents.test_delivery('webhook')");
BugEvents::Server::wait_until(sub { $server->sql("SELECT count(*) FROM bugevents.deliveries WHERE user_id = '2' AND state = 'waiting'") eq '0' }, 'the digest');
BugEvents::Server::wait_until(sub { grep { ($_->{content} // '') =~ /^Subject: 3 notifications\r?$/m } accepted() }, 'the digest to arrive');
is(scalar(grep { ($_->{content} // '') =~ /^Subject: 3 notifications\r?$/m } accepted()), 1, '... and are one');

# Quiet hours hold for what is late, too.
$server->sql(<<~'END');
	INSERT INTO bugevents.delivery_options (user_id, quiet_from, quiet_until)
		VALUES ('5', (now() AT TIME ZONE 'UTC' - interval '1 hour')::time, (now() AT TIME ZONE 'UTC' + interval '2 hours')::time);
	INSERT INTO bugevents.deliveries (user_id, channel, address) VALUES ('5', 'email', 'quiet@example.org');
	END
BugEvents::Server::wait_until(sub { $server->sql("SELECT next_attempt_at BETWEEN now() + interval '115 minutes' AND now() + interval '2 hours' FROM bugevents.deliveries WHERE address = 'quiet\@example.org'") eq 't' }, 'it to wait for the morning');
is($server->sql("SELECT state || ' ' || attempts FROM bugevents.deliveries WHERE address = 'quiet\@example.org'"), 'waiting 0', 'nothing is sent in quiet hours');
$server->sql("DELETE FROM bugevents.deliveries WHERE address = 'quiet\@example.org'");

$server->set('bugevents.escalate_after', '1h');
$server->sql("SELECT pg_sleep(0)");
BugEvents::Server::wait_until(sub { $server->sql('SHOW bugevents.escalate_after') eq '1h' }, 'the reload');
caught_up($server);
$server->sql("SET bugevents.actor = '2'; UPDATE bug_reports SET status = 'e1'");
caught_up($server);
is($server->sql("SELECT string_agg(channel || ' ' || if_unread, ', ' ORDER BY channel) FROM bugevents.deliveries WHERE notification_id = (SELECT max(id) FROM bugevents.notifications WHERE user_id = '1')"), 'email false, webhook false, whatsapp true', 'escalation: the next channel only if it is not read');
is($server->sql("SELECT extract(epoch FROM d.next_attempt_at - n.created_at)::int FROM bugevents.deliveries AS d JOIN bugevents.notifications AS n ON n.id = d.notification_id WHERE d.if_unread"), '3600', '... so much later');
my $escalated = grep { $_->{channel} eq 'whatsapp' } accepted();
$server->sql("SET bugevents.actor = '2'; UPDATE bug_reports SET priority = 'e2'");
caught_up($server);
$server->sql("UPDATE bugevents.deliveries AS d SET next_attempt_at = now() FROM bugevents.notifications AS n WHERE n.id = d.notification_id AND n.type = 'priority_changed' AND d.if_unread");
BugEvents::Server::wait_until(sub { $server->sql("SELECT string_agg(state, ' ') FROM bugevents.deliveries AS d JOIN bugevents.notifications AS n ON n.id = d.notification_id WHERE d.if_unread AND n.type = 'priority_changed'") eq 'sent' }, 'the next channel');
is(scalar(grep { $_->{channel} eq 'whatsapp' } accepted()), $escalated + 1, '... it is sent there then');
$server->sql("SELECT bugevents.mark_all_read('1'); UPDATE bugevents.deliveries SET next_attempt_at = now() WHERE if_unread AND state = 'waiting'; SELECT bugevents.test_delivery('webhook')");
BugEvents::Server::wait_until(sub { $server->sql("SELECT count(*) FROM bugevents.deliveries WHERE state = 'skipped'") eq '1' }, 'it to be skipped');
pass('... and then it is not sent');
$server->set('bugevents.escalate_after', '0');

$server->set('bugevents.delivery_rate', '1');
BugEvents::Server::wait_until(sub { $server->sql('SHOW bugevents.delivery_rate') eq '1' }, 'the reload');
caught_up($server);
$server->sql("DELETE FROM bugevents.delivery_options; SET bugevents.actor = '1'; UPDATE bug_reports SET status = 'r1'");
caught_up($server);
BugEvents::Server::wait_until(sub { $server->sql("SELECT count(*) FROM bugevents.deliveries WHERE user_id = '2' AND channel = 'email' AND state = 'waiting' AND attempts = 0 AND next_attempt_at > now() + interval '30 seconds'") eq '1' }, 'a mail to be put off');
pass('who has had enough mails in an hour gets no more for now');
$server->set('bugevents.delivery_rate', '2');
BugEvents::Server::wait_until(sub { $server->sql('SHOW bugevents.delivery_rate') eq '2' }, 'the reload');
$server->sql("INSERT INTO bugevents.deliveries (user_id, channel, address) SELECT '6', 'email', 'enough\@example.org' FROM generate_series(1, 10)");
BugEvents::Server::wait_until(sub { $server->sql("SELECT count(*) FROM bugevents.deliveries WHERE user_id = '6' AND (state = 'sent' OR next_attempt_at > now() + interval '30 seconds')") eq '10' }, 'them to be sent or put off');
is($server->sql("SELECT count(*) FROM bugevents.deliveries WHERE user_id = '6' AND state = 'sent'"), '2', '... even if all come at once');
$server->sql("DELETE FROM bugevents.deliveries WHERE user_id = '6'");
$server->set('bugevents.delivery_rate', '0');
$server->sql("UPDATE bugevents.deliveries SET next_attempt_at = now() WHERE state = 'waiting'; INSERT INTO bugevents.delivery_options (user_id) VALUES ('2') ON CONFLICT DO NOTHING");
$server->sql("INSERT INTO bugevents.deliveries (user_id, channel, address, next_attempt_at) VALUES ('2', 'email', 'later\@example.org', now() + interval '1 hour'), ('2', 'whatsapp', '+1 555 0199', now() + interval '1 hour')");
is($server->sql("SELECT bugevents.unsubscribe((SELECT unsubscribe_token FROM bugevents.delivery_options WHERE user_id = '2'))"), '2', 'unsubscribe');
is($server->sql("SELECT enabled FROM bugevents.preferences WHERE user_id = '2' AND channel = 'email'"), 'f', '... from mails');
is($server->sql("SELECT string_agg(channel || ' ' || state, ', ' ORDER BY id) FROM bugevents.deliveries WHERE user_id = '2' AND next_attempt_at > now() + interval '30 minutes'"), 'email skipped, whatsapp waiting', '... also those that wait');
$server->sql("DELETE FROM bugevents.deliveries WHERE user_id = '2' AND next_attempt_at > now() + interval '30 minutes'");
is($server->sql("SELECT bugevents.unsubscribe('nonsense')"), '', '... not with any token');
$server->sql("DELETE FROM bugevents.preferences; DELETE FROM bugevents.delivery_options");

# Counts, exactly, over failures and kills of projector and courier.
all_sent();
sub process { my ($name) = @_; return eval { $server->sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'bugevents $name'") } // ''; }
my $notifications = $server->sql('SELECT coalesce(max(id), 0) FROM bugevents.notifications');
my $mark = accepted();
behave(fail => 0.3);
$server->sql("INSERT INTO bugevents.preferences VALUES ('1', '*', 'whatsapp', true)");
$server->set('bugevents.max_attempts', '30');
for my $round (1 .. 8)
{
	$server->sql("SET bugevents.actor = '2'; DO \$\$ BEGIN FOR i IN 1 .. 40 LOOP UPDATE bug_reports SET status = 'k$round.' || i; COMMIT; END LOOP; END \$\$");
	my $name = $round % 2 ? 'courier' : 'projector';
	my $pid = BugEvents::Server::wait_until(sub { process($name) }, "the $name");
	kill $round % 4 == 3 || $round % 4 == 0 ? 'KILL' : 'TERM', $pid;
	# The server may still answer when it hasn't noticed.
	BugEvents::Server::wait_until(sub { my $now = process($name); $now ne '' && $now ne $pid }, "another $name");
}
behave();
all_sent();
my $wanted = $server->sql("SELECT count(*) FROM bugevents.notifications WHERE id > $notifications");
is($wanted, 320, 'a notification for each change');
my %times;
for my $one ((accepted())[ $mark .. accepted() - 1 ])
{
	my $id = $one->{channel} eq 'email' ? ($one->{head} =~ /^Message-ID: <([^\@]+)/mi)[0] :
	  $one->{channel} eq 'webhook' ? $one->{headers}{'webhook-id'} : json($one->{body})->{biz_opaque_callback_data};
	$times{ $one->{channel} }{$id}++;
}
is(scalar(keys %{ $times{email} }), $wanted, 'each mail arrives, over failures and kills');
is(scalar(grep { $_ > 1 } values %{ $times{email} }), 0, '... once');
is(scalar(keys %{ $times{webhook} }), $wanted, 'so does each webhook');
is(scalar(grep { $_ > 1 } values %{ $times{webhook} }), 0, '... once');
is($server->sql("SELECT count(*) FROM bugevents.deliveries WHERE notification_id > $notifications AND state <> 'sent' AND channel <> 'whatsapp'"), '0', '... and the table says so');

# WhatsApp can't tell a message that comes again: where the answer is lost, it is not sent again, and the table says which.
my %keys = map { split / / } split /\n/, $server->sql("SELECT key || ' ' || state FROM bugevents.deliveries WHERE notification_id > $notifications AND channel = 'whatsapp'");
is(scalar(keys %keys), $wanted, 'WhatsApp, to whom it is for');
is(scalar(grep { $_ > 1 } values %{ $times{whatsapp} }), 0, '... none twice');
is(scalar(grep { $keys{$_} eq 'sent' && !$times{whatsapp}{$_} } keys %keys), 0, '... what is sent has arrived');
is(scalar(grep { $keys{$_} !~ /^(sent|uncertain)$/ } keys %keys), 0, '... and what is not sent is uncertain');
cmp_ok(scalar(grep { $_ eq 'uncertain' } values %keys), '<', $wanted / 2, '... which is the lesser part');

# The carrier itself is killed: what was under way is settled.
my $carrier = `pgrep -P @{[ process('courier') ]} -f bugevents-carrier`;
like($carrier, qr/^\d+$/, 'there is a carrier');
kill 'KILL', $carrier;
$server->sql("SELECT bugevents.test_delivery('email', 'after\@example.org')");
BugEvents::Server::wait_until(sub { grep { "@{ $_->{to} // [] }" eq 'after@example.org' } accepted() }, 'a mail by another one');
like(($server->http('/metrics'))[1], qr/^bugevents_deliveries_total\{channel="email",result="sent"\} [1-9]/m, 'metrics count');

# A wrong setting is told.
my $log = $server->log_size;
$server->set('bugevents.smtp_password_file', '/nonexistent');
$server->wait_log(qr/could not open file "\/nonexistent"/, $log);
pass('a file that is not there is told');
done_testing();
