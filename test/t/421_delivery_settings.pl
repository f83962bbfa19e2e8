# What each setting of the courier changes, from the next reload on.
use strict;
use warnings;
use BugEvents::Outside;
use BugEvents::Projector qw(caught_up);
use BugEvents::Server;
use JSON::PP;
use Test::More;

my $outside = BugEvents::Outside->start;
my $server = BugEvents::Server->start_new('delivery', projector => 1, conf => <<~"END");
	@{[ $outside->conf ]}
	bugevents.default_channels = 'email'
	bugevents.delivery_rate = 0
	bugevents.fold_interval = 0
	END

# Changed by a reload.  Who begins a session after it finds the new value, and by then projector and
# courier have been told to read theirs before anything else.
sub set
{
	my (%settings) = @_;

	caught_up($server);
	$server->set(map { ("bugevents.$_" => $settings{$_}) } keys %settings);
	for my $name (sort keys %settings)
	{
		BugEvents::Server::wait_until(sub { $server->sql("SELECT current_setting('bugevents.$name')") eq $settings{$name} }, "$name = $settings{$name}");
	}
	return;
}

sub all_sent { return $outside->all_sent($server); }
sub accepted { my ($channel) = @_; return grep { $_->{channel} eq $channel } $outside->accepted; }
sub mails_to { my ($to) = @_; return $outside->mails_to("$to\@example.org"); }
sub wait_sql { my ($query, $wanted) = @_; BugEvents::Server::wait_until(sub { $server->sql($query) eq $wanted }, "$wanted from $query", sub { $server->sql($query) }); return; }
sub deliver { my ($channel, $to, $n) = @_; return $server->sql("SELECT bugevents.test_delivery('$channel', '$to') FROM generate_series(1, @{[ $n // 1 ]})"); }

# What waits is due now.
sub due { return $server->sql("UPDATE bugevents.deliveries SET next_attempt_at = now() WHERE state = 'waiting'"); }

# Bob does something that ada hears of.
my $changes = 0;
sub change { my ($what) = @_; ++$changes; return $server->sql("SET bugevents.actor = '2'; " . ($what // "UPDATE bug_reports SET status = 's$changes' WHERE id = 1")); }

# The channels by which ada was told of the latest.
sub channels
{
	all_sent();
	return $server->sql(<<~'END');
		SELECT string_agg(channel || ' ' || state, ', ' ORDER BY channel) FROM bugevents.deliveries
		 WHERE notification_id = (SELECT max(id) FROM bugevents.notifications WHERE user_id = '1')
		END
}

$server->sql("INSERT INTO users (username, email, phone) VALUES ('ada', 'ada\@example.org', '+49 170 1234567'), ('bob', 'bob\@example.org', NULL)");
$server->sql("SET bugevents.actor = '1'; INSERT INTO bug_reports (title, creator_id, assignee_id) VALUES ('It crashes', 2, 1)");
all_sent();

#
# How often
#
set(retry_delay => '100s', max_attempts => '100');
$outside->behave(hook => 'busy');
my $tests = "FROM bugevents.deliveries WHERE channel = 'webhook' AND notification_id IS NULL";
deliver('webhook', '', 10);
wait_sql("SELECT count(*) $tests AND state = 'waiting' AND attempts = 1", 10);
$server->sql("UPDATE bugevents.deliveries SET attempts = 20, next_attempt_at = now() WHERE state = 'waiting'");
wait_sql("SELECT count(*) $tests AND state = 'waiting' AND attempts = 21 AND next_attempt_at BETWEEN now() + interval '29 minutes' AND now() + interval '1 hour'", 10);
pass('max_attempts is more: no attempt is the last, and none waits for more than an hour');
my ($attempts, $delay) = split / /, $server->sql("SELECT string_agg(boot_val, ' ' ORDER BY name) FROM pg_settings WHERE name IN ('bugevents.max_attempts', 'bugevents.retry_delay')");
my $least = 0;
for (my $i = 0, my $ms = $delay; $i < $attempts - 1; $i++, $ms *= 2) { $least += ($ms < 3600000 ? $ms : 3600000) / 2; }
cmp_ok($least, '>=', 12 * 3600000, '... so that the defaults bridge a night of twelve hours, with the shortest waits that chance allows');
set(max_attempts => '22');
due();
wait_sql("SELECT count(*) $tests AND state = 'dead' AND attempts = 22 AND last_code = 500", 10);
pass('... less: the next one is');
$outside->behave;

# What may have arrived: with retry_uncertain it is at least once, without it at most once.
for my $setting (qw(off on))
{
	my $wanted = $setting eq 'on' ? 'waiting' : 'uncertain';
	set(retry_uncertain => $setting);
	$outside->behave(mail => 'lose');
	deliver('email', "$setting\@example.org");
	wait_sql("SELECT state || ' ' || attempts FROM bugevents.deliveries WHERE address = '$setting\@example.org'", "$wanted 1");
	$outside->behave(wa => 'hold');
	my $held = $outside->held;
	my $phone = "+1 555 010$held";
	deliver('whatsapp', $phone);
	BugEvents::Server::wait_until(sub { $outside->held == $held + 1 }, 'the message to be under way');
	kill 'KILL', $server->carrier_pids;
	wait_sql("SELECT state || ' ' || attempts FROM bugevents.deliveries WHERE address = '$phone'", "$wanted 1");
	$outside->behave;
	due();
	all_sent();
	my @mails = mails_to($setting);
	is(scalar(@mails), $setting eq 'on' ? 2 : 1, "retry_uncertain $setting: a mail whose answer is lost");
	my %ids = map { $_->{head} =~ /^Message-ID: (\S+)/mi ? ($1 => 1) : () } @mails;
	is(scalar(keys %ids), 1, '... has one Message-ID');
}
# What was held arrives after all; and one of them was sent again.
BugEvents::Server::wait_until(sub { accepted('whatsapp') >= 3 }, 'the messages');
is(scalar(accepted('whatsapp')), 3, '... and a message whose carrier was killed');
set(retry_uncertain => 'off');

#
# Who gets what
#
set(default_channels => '');
change();
is(channels(), 'webhook sent', 'no default channel');
set(default_channels => 'whatsapp');
change();
is(channels(), 'webhook sent, whatsapp sent', 'another one');
set(default_channels => 'email, whatsapp');
change();
is(channels(), 'email sent, webhook sent, whatsapp sent', 'two');

# Escalation: what is read by then is not sent, what is not read is.
my $at = $server->sql('SELECT max(id) FROM bugevents.notifications');
my $escalated = "FROM bugevents.deliveries AS d JOIN bugevents.notifications AS n ON n.id = d.notification_id WHERE n.id > $at AND n.user_id = '1' AND channel = 'whatsapp'";
my $messages = accepted('whatsapp');
set(escalate_after => '1h');
change("INSERT INTO bug_reports (title, assignee_id) VALUES ('is read', 1), ('is not read', 1)");
wait_sql("SELECT string_agg(channel || ' ' || state || ' ' || count, ', ' ORDER BY channel) FROM (SELECT channel, state, count(*) FROM bugevents.deliveries WHERE notification_id > $at GROUP BY 1, 2) s",
	'email sent 2, webhook sent 2, whatsapp waiting 2');
is($server->sql("SELECT bugevents.mark_read((SELECT n.id $escalated AND title = 'is read'), '1')"), 't', 'escalation: one of two is read meanwhile');
due();
all_sent();
is($server->sql("SELECT string_agg(title || ' ' || state, ', ' ORDER BY title DESC) $escalated"), 'is read skipped, is not read sent', '... the other one goes to the next channel');
is_deeply([ map { decode_json($_->{body})->{template}{components}[0]{parameters}[0]{text} } (accepted('whatsapp'))[ $messages .. accepted('whatsapp') - 1 ] ],
	['is not read'], '... once, and nothing else does');
set(escalate_after => '0');
change();
is(channels(), 'email sent, webhook sent, whatsapp sent', 'without it, all channels at once');

#
# How
#
sub template { my $body = decode_json((accepted('whatsapp'))[-1]{body}); return "$body->{template}{name} $body->{template}{language}{code}"; }
is(template(), 'bug_notification en', 'the WhatsApp template');
set(whatsapp_template => 'fehler', whatsapp_language => 'de_AT');
change();
all_sent();
is(template(), 'fehler de_AT', '... another, in another language');
set(default_channels => 'email');

# TLS, without which nothing goes out unless it may.
set(smtp_url => 'smtp://localhost:' . $outside->port('plain'), smtp_user => '', smtp_password_file => '');
deliver('email', 'clear@example.org');
wait_sql("SELECT state || ' ' || (last_error ~ 'STARTTLS') FROM bugevents.deliveries WHERE address = 'clear\@example.org'", 'waiting true');
is(scalar(mails_to('clear')), 0, 'a mail server without TLS gets nothing');
set(smtp_tls => 'off');
due();
all_sent();
is_deeply([ map { $_->{tls} } mails_to('clear') ], [ JSON::PP::false ], '... unless smtp_tls is off');
my $offset = $server->log_size;
set(smtp_user => 'tracker', smtp_password_file => $outside->file('password'));
$server->wait_log(qr/WARNING: .*cannot send by email: a password is never sent without TLS/, $offset);
set(smtp_tls => 'on', smtp_url => 'smtp://localhost:' . $outside->port('smtp'));
deliver('email', 'again@example.org');
all_sent();
is_deeply([ map { $_->{tls} } mails_to('again') ], [ JSON::PP::true ], '... and on again, with a password');

# How many at a time: of this channel, as the server there sees it, while another goes on.
my $hooks = accepted('webhook');
my $before = $outside->held;
$outside->behave(hook => 'hold');
set(delivery_concurrency => '2');
deliver('webhook', '', 12);
for my $concurrency (2, 6)
{
	set(delivery_concurrency => $concurrency);
	BugEvents::Server::wait_until(sub { $outside->held - $before >= $concurrency }, "$concurrency at a time", sub { $outside->held - $before });
	deliver('email', "beside$concurrency\@example.org");
	wait_sql("SELECT state FROM bugevents.deliveries WHERE address = 'beside$concurrency\@example.org'", 'sent');
	is($outside->held - $before . ' ' . $server->sql("SELECT count(*) FROM bugevents.deliveries WHERE channel = 'webhook' AND state = 'sending'"),
		"$concurrency $concurrency", "delivery_concurrency $concurrency: so many are under way");
}
$outside->behave;
all_sent();
is(accepted('webhook') - $hooks, 12, '... and all arrive, once');

# How many an hour: each by itself, so that it is known which one is too many.
sub forget { return $server->sql("UPDATE bugevents.deliveries SET ended_at = ended_at - interval '61 minutes' WHERE state = 'sent'"); }
sub one_more { my ($state) = @_; change(); caught_up($server); return told_ada($state); }
sub told_ada
{
	my ($state) = @_;
	wait_sql(<<~'END', $state);
		SELECT CASE WHEN state = 'waiting' AND attempts = 0 AND next_attempt_at > now() THEN 'put off' ELSE state END FROM bugevents.deliveries
		 WHERE channel = 'email' AND notification_id = (SELECT max(id) FROM bugevents.notifications WHERE user_id = '1')
		END
	return;
}

set(delivery_rate => '2');
forget();
one_more($_) for qw(sent sent), 'put off';
pass('delivery_rate 2: the third mail of an hour waits');
$server->sql("SET bugevents.actor = '1'; UPDATE bug_reports SET priority = 'high' WHERE id = 1");
wait_sql("SELECT state FROM bugevents.deliveries AS d JOIN bugevents.notifications AS n ON n.id = notification_id WHERE n.user_id = '2' AND type = 'priority_changed' AND channel = 'email'", 'sent');
wait_sql("SELECT count(*) FROM bugevents.deliveries WHERE channel = 'webhook' AND state <> 'sent' AND notification_id IS NOT NULL", '0');
pass('... those of another user and webhooks do not');
set(delivery_rate => '3');
due();
told_ada('sent');
one_more('put off');
pass('delivery_rate 3: that goes, and the fourth waits');
forget();
due();
told_ada('sent');
pass('... for the hour to pass');
set(delivery_rate => '0');
one_more('sent') for 1 .. 4;
pass('delivery_rate 0: as many as there are');
done_testing();
