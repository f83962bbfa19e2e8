# What mails look like: their headers as mail programs want them, ways out, languages, digests; hostile texts.
# With SCREENSHOTS naming a folder, pictures of ten of them (make mail-pictures).
use strict;
use warnings;
use BugEvents::Outside;
use BugEvents::Program;
use BugEvents::Projector qw(caught_up);
use BugEvents::Server;
use Encode qw(decode);
use IO::Socket::INET;
use PostgreSQL::Test::Utils;
use Test::More;

my $outside = BugEvents::Outside->start;
my $server = BugEvents::Server->start_new('mails', projector => 1, conf => $outside->conf =~ s/^.*(whatsapp|webhook).*\n//mgr . <<~'END');
	bugevents.tracker_url = 'https://tracker.example.org/bugs/{id}'
	bugevents.unsubscribe_url = 'https://events.example.org/unsubscribe?token={{token}}'
	bugevents.default_channels = 'email'
	bugevents.fold_interval = 0
	bugevents.delivery_rate = 0
	bugevents.retry_delay = 20ms
	END
$server->sql(<<~'END');
	INSERT INTO users (username, email) VALUES ('ada', 'ada@example.org'), ('bob', 'bob@example.org'), ('Grace Hopper', 'grace@example.org'),
		('eve" <root@bank.example>' || E'\r\nBcc: x@y' || U&'\202E', 'eve@example.org'), ('jörg', 'jörg@bücher.example');
	INSERT INTO projects (name) VALUES ('Compiler'), (E'<b>"Evil"</b>\r\nBcc: x@y');
	INSERT INTO bugevents.delivery_options (user_id, time_zone, locale) VALUES ('2', 'Europe/Berlin', 'de-AT'), ('3', 'America/New_York', 'fr');
	END
$outside->all_sent($server);

sub mails_to { my ($who) = @_; return $outside->mails_to("$who\@example.org"); }
sub as { my ($user, $sql) = @_; $server->sql("SET bugevents.actor = '$user'; $sql"); $outside->all_sent($server); return; }
sub last_to { my ($who) = @_; return (mails_to($who))[-1]; }

# A header, unfolded and decoded; undef: there is none.
sub header
{
	my ($mail, $name) = @_;
	my @found = $mail->{head} =~ /^\Q$name\E: ?((?:.*\r?\n[ \t])*.*?)\r?$/mgi;

	die "$name comes twice" if @found > 1;
	return @found ? decode('MIME-Header', $found[0] =~ s/\r?\n([ \t])/$1/gr) : undef;
}

my %page;

sub part
{
	my ($mail, $type) = @_;
	my ($boundary) = $mail->{head} =~ /boundary="?([^"\r\n;]+)/i;
	my ($part) = grep { m{^Content-Type: text/$type}mi } split /--\Q$boundary\E/, $mail->{content};

	return $part =~ s/\A.*?\r?\n\r?\n//sr =~ s/\r\n/\n/gr;
}
sub keep { my ($name, $who) = @_; $page{$name} = part(last_to($who), 'html'); return; }

# ---- what each says ----

keep('01-welcome', 'ada');
as(1, "INSERT INTO bug_reports (title, description, creator_id, assignee_id, project_id, priority) VALUES ('The parser crashes on nested comments', 'see \@ada', 1, 2, 1, 'high')");
keep('02-assigned-de', 'bob');
my $mail = last_to('bob');
my $text = part($mail, 'plain');
like($text, qr/^ada hat Ihnen diesen Fehler zugewiesen$/m, 'German for who wants it, in Austria too');
like($text, qr{^https://tracker\.example\.org/bugs/1$}m, '... with a link');
like($text, qr/^Compiler - #1 - open - high$/m, '... with project, status and priority');
like($text, qr/^Sie erhalten diese Mail, weil Ihnen der Fehler zugewiesen ist\.$/m, '... says why');
is(header($mail, 'From'), '"ada (Bug Tracker)" <bugs@example.org>', '... and from whom, at our address');
is(header($mail, 'Subject'), '[#1] The parser crashes on nested comments', '... and of what');

as(2, "UPDATE bug_reports SET status = 'in progress', priority = 'urgent' WHERE id = 1");
keep('03-priority', 'ada');
like(join('', map { part($_, 'plain') } mails_to('ada')), qr/^bob changed the status\n\n    Status: open -> in progress$/m, 'what changed, from what to what');
as(3, "INSERT INTO comments (bug_report_id, user_id, content) VALUES (1, 3, E'It happens with every depth above 64.\n\n    /* /* ... */ */\n\nThe stack of the lexer has a fixed size <64 entries> & nobody checks it.')");
keep('04-comment', 'ada');
like(part(last_to('ada'), 'plain'), qr/^Grace Hopper commented\n\nGrace Hopper wrote \(\d{4}-\d\d-\d\d \d\d:\d\d\):\n> It happens.*\n> \n> {5}\/\*/m, 'a comment is quoted, with its author and time');
as(1, "INSERT INTO comments (bug_report_id, user_id, content) VALUES (1, 1, '\@bob, could you have a look at the lexer?')");
keep('05-mention-de', 'bob');
like(part(last_to('bob'), 'plain'), qr/^ada hat Sie erwähnt$/m, 'who is mentioned is told so');
like(part(last_to('grace'), 'plain'), qr/^ada a commenté$/m, 'French for who wants it');
keep('06-comment-fr', 'grace');
$server->sql("UPDATE bug_reports SET status = 'closed' WHERE id = 1");
$outside->all_sent($server);
like(part(last_to('ada'), 'plain'), qr/^The status changed$/m, 'where nobody is known to have done it, nobody is named');
keep('07-status', 'ada');
$server->sql("SELECT bugevents.remind('1', now(), '1')");
BugEvents::Server::wait_until(sub { $server->sql('SELECT count(*) FROM bugevents.reminders') eq '0' }, 'the reminder');
$outside->all_sent($server);
keep('08-reminder', 'ada');
$server->sql("INSERT INTO bugevents.phrases VALUES ('nl', 'reason.reminder', 'Omdat u eraan herinnerd wilde worden.'), ('en', 'status_changed', '{{actor}} moved it'); UPDATE bugevents.delivery_options SET locale = 'nl' WHERE user_id = '1'; SELECT bugevents.remind('1', now(), '1')");
BugEvents::Server::wait_until(sub { $server->sql('SELECT count(*) FROM bugevents.reminders') eq '0' }, 'the reminder');
$outside->all_sent($server);
like(part(last_to('ada'), 'plain'), qr/You wanted to be reminded.*Omdat u eraan/s, 'a language of your own, with English for what it lacks');
$server->sql("DELETE FROM bugevents.phrases; UPDATE bugevents.delivery_options SET locale = NULL WHERE user_id = '1'");

# ---- threads, lists, ways out: what mail programs go by ----

# Gmail: https://developers.google.com/workspace/gmail/api/guides/threads (References and In-Reply-To as RFC 2822 says, and the same subject).
# Outlook: https://learn.microsoft.com/en-us/openspecs/exchange_server_protocols/ms-oxomsg (References, In-Reply-To; else the subject).
# Thunderbird: https://kb.mozillazine.org/Threading_Tips (References).
my @thread = grep { (header($_, 'Subject') // '') =~ /^\[#1\]/ } mails_to('ada');
cmp_ok(scalar(@thread), '>', 3, 'there is a thread');
my %roots = map { (header($_, 'References') => 1) } @thread;
is(scalar(keys %roots), 1, 'all mails about a bug refer to the same one');
is(scalar(grep { header($_, 'In-Reply-To') ne header($_, 'References') } @thread), 0, '... and answer it');
my %subjects = map { (header($_, 'Subject') => 1) } @thread;
is(scalar(keys %subjects), 1, '... under one subject, which Gmail wants');
my %ids = map { (header($_, 'Message-ID') => 1) } @thread;
is(scalar(keys %ids), scalar(@thread), '... each with an id of its own');
is(scalar(grep { header($_, 'Message-ID') !~ /^<[!-;=?-~]+\@example\.org>$/ } @thread), 0, '... in the form of RFC 5322, of our domain');
my ($bobs) = map { header($_, 'References') } grep { (header($_, 'Subject') // '') =~ /^\[#1\]/ } mails_to('bob');
is($bobs, (keys %roots)[0], '... the same thread for all readers, who may forward mails to each other');

# RFC 8058, and https://support.google.com/a/answer/81126: both headers, https, an opaque URL, one click.
# https://learn.microsoft.com/en-us/defender-office-365/... wants the same of senders; Thunderbird shows List-Unsubscribe by RFC 2369.
for my $one (@thread)
{
	like(header($one, 'List-Unsubscribe'), qr{^<https://events\.example\.org/unsubscribe\?token=[0-9a-f]{64}>$}, 'a way out by https');
	is(header($one, 'List-Unsubscribe-Post'), 'List-Unsubscribe=One-Click', '... with one click');
	is(header($one, 'List-Id'), '<project-1.bugs.example.org>', '... of a list for each project (RFC 2919)');
}
is(header($thread[-1], 'Auto-Submitted'), 'auto-generated', 'no machine answers it (RFC 3834)');
is(header($thread[-1], 'X-Auto-Response-Suppress'), 'All', '... nor Exchange');
my ($status_mail) = grep { (header($_, 'X-BugEvents-Type') // '') eq 'status_changed' } @thread;
is_deeply([ map { header($status_mail, "X-BugEvents-$_") } qw(Reason Bug Project Status Actor) ], [ 'creator', '1', '1', 'in progress', '2' ], 'filters find the reason, the bug, the project, its status, and who did it');

# ---- hostile texts ----

$server->sql(qq{SET bugevents.actor = '4'; INSERT INTO bug_reports (title, creator_id, assignee_id, project_id, status) VALUES (E'<img src=x onerror=alert(1)>\\r\\nBcc: x\@y\\r\\n\\r\\n<script>"', 4, 1, 2, E'"><script>\\r\\nX-Evil: 1')});
$server->sql(qq{INSERT INTO comments (bug_report_id, user_id, content) VALUES (2, 4, E'</blockquote><script>alert(1)</script><style>*{display:none}</style>\\n-- \\nFrom ada')});
$outside->all_sent($server);
my @evil = grep { (header($_, 'X-BugEvents-Bug') // '') eq '2' } mails_to('ada');
is(scalar(@evil), 2, 'hostile titles, names and comments arrive');
for my $one (@evil)
{
	unlike($one->{head}, qr/^(Bcc|X-Evil)/mi, 'no header of their own');
	is("@{ $one->{to} }", 'ada@example.org', '... nor reader');
	like(header($one, 'From'), qr/^"?eve rootbank\.example Bcc xy \(Bug Tracker\)"? <bugs\@example\.org>$/, '... nor another sender');
	my $html = part($one, 'html');
	unlike($html, qr/<(script|img|form|iframe)|<style>\*/i, '... nor HTML');
	unlike($html, qr/\x{202e}|\xe2\x80\xae/, '... nor letters that turn the line');
}
$page{'09-hostile'} = part($evil[1], 'html');
is($server->sql("SELECT bugevents.html_escape(\$\$<a href='x' b=\"y\">&\$\$)"), '&lt;a href=&#39;x&#39; b=&quot;y&quot;&gt;&amp;', 'HTML is text');
is($server->sql("SELECT state FROM bugevents.deliveries WHERE user_id = '5' ORDER BY id LIMIT 1"), 'sent', 'a mail goes to an address of other letters');

# ---- a digest ----

$server->sql("UPDATE bugevents.delivery_options SET digest = '1 hour' WHERE user_id = '2'; INSERT INTO bug_reports (title, creator_id, project_id) VALUES ('Warnings are printed twice', 2, 1)");
$server->sql($_) for "SET bugevents.actor = '1'; UPDATE bug_reports SET status = 'busy' WHERE id = 3", "UPDATE bug_reports SET status = 'open' WHERE id = 1",
	"INSERT INTO comments (bug_report_id, user_id, content) VALUES (3, 1, 'Only with -O2.')";
caught_up($server);
$server->sql("UPDATE bugevents.deliveries SET next_attempt_at = now() WHERE state = 'waiting'; SELECT bugevents.test_delivery('email', 'x\@example.org')");
$outside->all_sent($server);
keep('10-digest-de', 'bob');
$mail = last_to('bob');
$text = part($mail, 'plain');
is(header($mail, 'Subject'), '3 Benachrichtigungen', 'a digest');
my ($first, $second) = split /^-{10}$/m, $text;
like($first, qr/Warnings are printed twice.*bugs\/3.*ada hat den Status geändert.*Only with/s, '... grouped by bug, with its link');
like($second, qr/parser crashes.*bugs\/1/s, '... each');
my $local = $server->sql("SELECT to_char(max(updated_at) AT TIME ZONE 'Europe/Berlin', 'DD.MM.YYYY HH24:MI') FROM bugevents.notifications WHERE user_id = '2'");
like($text, qr/^\Q$local\E  ada/m, '... in the time zone and the form of the reader');
is(header($mail, 'References'), undef, '... of no thread');
is(header($mail, 'X-BugEvents-Type'), 'digest', '... which filters find');

# ---- ways out ----

sub exits { return part($_[0], 'plain') =~ /\?token=(\S+)/g; }
my ($mute, $kind, $all) = exits($status_mail);
is($server->sql("SELECT bugevents.unsubscribe('$mute')"), 1, 'out of a thread');
caught_up($server);
is($server->sql("SELECT bug_report_id || ' ' || user_id FROM bugevents.muted"), '1 1', '... mutes the bug');
is($server->sql("SELECT bugevents.unsubscribe('$kind')"), 1, 'out of a kind');
is($server->sql("SELECT type || ' ' || channel || ' ' || enabled FROM bugevents.preferences WHERE user_id = '1'"), 'status_changed email false', '... is a preference');
is($server->sql("SELECT bugevents.unsubscribe('$all')"), 1, 'out of all');
is($server->sql("SELECT type || ' ' || channel || ' ' || enabled FROM bugevents.preferences WHERE user_id = '1'"), '* email false', '... too');
is($server->sql("SELECT bugevents.unsubscribe('$_')") // '', '', "nonsense: $_") for "$all.x", "$all.bug.zz", "$all.type.page", "x.bug.31", '', '.bug.31';

# The page of the gateway: a link asks first, for programs that look where links lead; one click doesn't.
$server->sql("DELETE FROM bugevents.preferences; DELETE FROM bugevents.muted");
sub post
{
	my ($query, $body) = @_;
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $server->port, Timeout => 60) or die $!;

	print $socket "POST /unsubscribe?$query HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: " . length($body) . "\r\n\r\n$body";
	local $/;
	my $answer = <$socket>;
	return $answer =~ m{^HTTP/1\.1 (\d+).*<h1>(.*?)</h1>}s ? "$1 $2" : $answer =~ m{^HTTP/1\.1 (\d+)}s ? $1 : $answer;
}
my ($status, $asks, $headers) = $server->http("/unsubscribe?token=$all");
is($status, 200, 'a page');
like($asks, qr{<form method="post"><button>}, '... that asks');
like($headers->{'content-security-policy'}, qr/default-src 'none'.*form-action 'self'/, '... and loads nothing');
is($server->sql('SELECT count(*) FROM bugevents.preferences'), 0, '... and does nothing by itself');
is(post("token=$kind", 'List-Unsubscribe=One-Click'), '200 Done', 'one click');
is($server->sql("SELECT type || ' ' || enabled FROM bugevents.preferences WHERE user_id = '1'"), 'status_changed false', '... out of a kind');
is(post("token=$mute", ''), '200 Done', 'a form');
caught_up($server);
is($server->sql("SELECT bug_report_id || ' ' || user_id FROM bugevents.muted"), '1 1', '... out of a thread');
is(post("token=$all", 'List-Unsubscribe=One-Click'), '200 Done', '... out of all');
is($server->sql("SELECT type || ' ' || enabled FROM bugevents.preferences WHERE user_id = '1'"), '* false', '... it is');
is(post('token=' . '0' x 64, ''), '404 Unknown', 'a token of nobody');
is(post("token=$_", ''), '404', 'no token: ' . substr($_, 0, 20)) for '', '%22', "%27--", 'x' x 2000, "$all&token=$all";
is(($server->http("/unsubscribe"))[0], 404, 'nor a page without one');
$server->sql("UPDATE bugevents.delivery_options SET digest = NULL");

# ---- order, and addresses that bounce ----

$server->sql("DELETE FROM bugevents.preferences; UPDATE bugevents.delivery_options SET digest = NULL; DELETE FROM bugevents.muted");
my $before = mails_to('ada');
$outside->behave(mail => 'busy');
$server->sql("SET bugevents.actor = '2'; UPDATE bug_reports SET status = 'o$_' WHERE id = 1") for 1 .. 5;
caught_up($server);
BugEvents::Server::wait_until(sub { $server->sql("SELECT max(attempts) > 2 FROM bugevents.deliveries WHERE state = 'waiting'") eq 't' }, 'attempts');
is($server->sql("SELECT count(*) FROM bugevents.deliveries WHERE user_id = '1' AND state <> 'sent' AND attempts > 0"), 1, 'what fails holds up what comes after it, for its reader');
$outside->behave();
$outside->all_sent($server);
is(join(' ', map { header($_, 'X-BugEvents-Status'), part($_, 'plain') =~ /-> (o\d)/ } (mails_to('ada'))[ $before .. $before + 4 ]) =~ s/o5 (?=o)//gr, 'o1 o2 o3 o4 o5', 'mails arrive in their order');
my $log = $server->log_size;
$outside->behave(mail => 'refuse');
as(2, "UPDATE bug_reports SET status = 'bounce' WHERE id = 1");
$outside->behave();
$server->wait_log(qr/WARNING: .*sends no more mails to "ada\@example\.org": /, $log);
is($server->sql("SELECT address || code FROM bugevents.suspended_addresses WHERE address LIKE 'ada%'"), 'ada@example.org550', 'an address that a server refuses is suspended, and told');
as(2, "UPDATE bug_reports SET status = 'unheard' WHERE id = 1");
is($server->sql("SELECT state || ': ' || last_error FROM bugevents.deliveries WHERE user_id = '1' ORDER BY id DESC LIMIT 1"), 'skipped: the address is suspended, as mails to it came back', '... it gets no more');
is($server->sql("SELECT bugevents.resume_address('ADA\@example.org')"), 't', '... until that is lifted');
as(2, "UPDATE bug_reports SET status = 'heard' WHERE id = 1");
is(header(last_to('ada'), 'X-BugEvents-Status'), 'heard', '... and then it does');
is($server->sql("SELECT bugevents.suspend_address('bob\@example.org', 'the provider says so'), bugevents.suspend_address('Bob\@example.org')"), 't|f', 'by hand, once');

# ---- pictures ----

if ($ENV{SCREENSHOTS})
{
	my $folder = PostgreSQL::Test::Utils::tempdir();
	append_to_file("$folder/$_.html", $page{$_}) for keys %page;
	my $browser = BugEvents::Program->start([ 'node', 'test/browser/mails.mjs', $folder ], env => { HOME => PostgreSQL::Test::Utils::tempdir() });
	while (defined(my $line = $browser->line)) { ok(!$1, $2) if $line =~ /^(not )?ok (.*)/; }
	$browser->finish;
	is($browser->err, '', 'the browser ran');
	system('cp', glob("$folder/*.png"), $ENV{SCREENSHOTS}) == 0 or die;
}
done_testing();
