# The dispatcher trusts no gateway: whatever one says, only that one is ended.
#
# The program that the dispatcher starts is put aside in this private installation,
# and a stand-in takes its place: gateway 1 is the real one, the others say what a case
# here tells them, once, and behave from then on.
use strict;
use warnings;
use BugEvents::Pipe;
use BugEvents::Server;
use PostgreSQL::Test::Utils;
use Test::More;

use constant { HELLO => 101, LISTEN => 102, LOG => 103, FETCH => 104, STATUS => 105, OPEN => 106, CLOSED => 107, CLIENTS => 108, ROLE => 109, SUBSCRIPTION => 113, SPENT => 115, TOKEN => 116, AGAIN => 117 };

my ($libdir) = run_command([ 'pg_config', '--pkglibdir' ]);
my $program = "$libdir/bugevents-gateway";
plan skip_all => "$libdir can't be written to" if !-w $libdir;

my $server = BugEvents::Server->new('untrusted');

#
# What is said
#

sub message { return pack('LL', length $_[1], $_[0]) . $_[1]; }
my ($version) = slurp_file('src/common/pipe/message.h') =~ /^#define BEV_PIPE_VERSION (\d+)/m;
sub hello { return message(HELLO, pack('LL', $_[0] // $version, $$)); }
sub fetch { return message(FETCH, pack('LLQQ', @_)); }

sub opened
{
	my ($client, %o) = @_;

	return message(OPEN, pack('Qa40a64', $client, $o{id} // "id$client", $o{address} // '127.0.0.1')
		  . ($o{token} // $server->token($o{user} // 'fake')));
}

sub closed { return message(CLOSED, pack('QQa64', $_[0], 1000, '')); }

my $reports = pack('QQQQQQ', 1, (2**63) x 4, 0);

# Name, bytes, what the log says unless it's the usual: each ends its gateway.
my @broken = (
	[ 'nothing but zeros', "\0" x 64 ],
	[ 'nothing but ones', "\xff" x 64 ],
	[ 'text', "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" ],
	[ 'a message before HELLO', message(LISTEN, pack('L', 1)) . hello() ],
	[ 'HELLO of another version', hello($version + 1), qr/WARNING:  bugevents-gateway is of another version than the library.*HINT:  Restart the server/s ],
	[ 'HELLO too short', message(HELLO, 'xxxx') ],
	[ 'HELLO too long', message(HELLO, pack('LLL', $version, 1, 1)) ],
	[ 'HELLO twice', hello() . hello() ],
	[ 'a kind that there isn\'t', hello() . message(100, '') ],
	[ 'the largest kind', hello() . message(0xffffffff, '') ],
	[ 'a kind of the other direction', hello() . message(3, 'x' x 40) ],
	[ 'a body above the limit', hello() . pack('LL', 65537, LOG) ],
	[ 'a body of 4 GB', hello() . pack('LL', 0xffffffff, LOG) ],
	[ 'LOG without a level', hello() . message(LOG, 'xx') ],
	[ 'LOG with a level that there isn\'t', hello() . message(LOG, pack('L', 3) . 'x') ],
	[ 'FETCH number 0', hello() . fetch(0, 1000, 0, 0) ],
	[ 'FETCH backwards', hello() . fetch(1, 1000, 2, 1) ],
	[ 'FETCH beyond the stream', hello() . fetch(1, 1000, 0, 2**62) ],
	[ 'FETCH too short', hello() . message(FETCH, 'x') ],
	[ 'more FETCHes than may be', hello() . fetch(1, 1000, 0, 0) x 100 ],
	[ 'SPENT of a kind that there isn\'t', hello() . message(SPENT, pack('LLa64', 3, 1, '192.0.2.1')) ],
	[ 'SPENT not once', hello() . message(SPENT, pack('LLa64', 0, 0, '192.0.2.1')) ],
	[ 'SPENT, the address without an end', hello() . message(SPENT, pack('LLa64', 0, 1, 'x' x 64)) ],
	[ 'SPENT with a line feed', hello() . message(SPENT, pack('LLa64', 0, 1, "192.0.2.1\n")) ],
	[ 'SPENT and a half', hello() . message(SPENT, pack('LLa64', 0, 1, '192.0.2.1') . 'x') ],
	[ 'OPEN too short', hello() . message(OPEN, 'x' x 100) ],
	[ 'OPEN of nothing', hello() . message(OPEN, '') ],
	[ 'OPEN, the id without an end', hello() . opened(1, id => 'x' x 40) ],
	[ 'OPEN with a token longer than any', hello() . opened(1, token => 'x' x 8194) ],
	[ 'OPEN with a token with a NUL', hello() . opened(1, token => "a\0b") ],
	[ 'more OPENs than may wait', hello() . join('', map { opened($_, token => 'x') } 1 .. 300) ],
	[ 'TOKEN of nobody', hello() . message(TOKEN, pack('QLL', 7, 1, 0) . 'x') ],
	[ 'TOKEN for a use that there isn\'t', hello() . message(TOKEN, pack('QLL', 0, 1, 2) . 'x') ],
	[ 'more TOKENs than may wait', hello() . message(TOKEN, pack('QLL', 0, 1, 1) . 'x') x 300 ],
	[ 'AGAIN for nobody', hello() . message(AGAIN, pack('Q', 7)) ],
	[ 'what the verifier says', hello() . message(204, pack('QLL', 1, 0, 0) . 'x' x 344) ],
	[ 'OPEN, the address without an end', hello() . opened(1, address => 'x' x 64) ],
	[ 'OPEN with an address that is not UTF-8', hello() . opened(1, address => "\xff\xfe") ],
	[ 'OPEN with an id cut within a character', hello() . opened(1, id => "a\xe2\x82") ],
	[ 'OPEN with a line feed', hello() . opened(1, id => "a\nb") ],
	[ 'OPEN twice', hello() . opened(1) . opened(1) ],
	[ 'OPEN twice under other names', hello() . opened(1, user => 'a') . opened(1, user => 'b') . closed(1) ],
	[ 'CLOSED of nobody', hello() . closed(7) ],
	[ 'CLOSED twice', hello() . opened(1) . closed(1) x 2 ],
	[ 'CLOSED too short', hello() . message(CLOSED, 'x') ],
	[ 'a report on nobody', hello() . message(CLIENTS, $reports) ],
	[ 'half a report', hello() . opened(1) . message(CLIENTS, substr($reports, 0, -1)) ],
	[ 'a report and a half', hello() . opened(1) . message(CLIENTS, $reports . 'x') ],
	[ 'a report ahead of ADMIT', hello() . opened(1) . message(CLIENTS, $reports) ],
	[ 'CLOSED ahead of ADMIT', hello() . opened(1) . closed(1) ],
	[ 'a role of nobody', hello() . message(ROLE, pack('Qa64', 7, 'user')) ],
	[ 'a role without an end', hello() . message(ROLE, pack('Qa64', 1, 'x' x 64)) ],
	[ 'ROLE too short', hello() . message(ROLE, 'x') ],
	[ 'a subscription of nobody', hello() . message(SUBSCRIPTION, pack('Q', 7) . "tx\0") ],
	[ 'a subscription that is none', hello() . message(SUBSCRIPTION, pack('Q', 1) . "tx") ],
	[ 'SUBSCRIPTION too long', hello() . message(SUBSCRIPTION, pack('Q', 1) . "tx\0" x 100) ],
	[ 'many clients, then nonsense', hello() . join('', map { opened($_, user => "u$_") } 1 .. 50) . message(0, '') ],
);

# Odd, but within the rules: these are not ended.
my @odd = (
	[ 'silence', '' ],
	[ 'half a header', substr(hello(), 0, 5) ],
	[ 'half a message', hello() . substr(opened(1), 0, 100) ],
	[ 'everything that may be said', hello() . message(LISTEN, pack('L', 1)) x 3 . message(STATUS, "can't\nserve \xff") . message(STATUS, '')
		  . message(LOG, pack('L', 2) . "a line\nFATAL: forged \xff") . message(LOG, pack('L', 0)) . fetch(1, 0, 0, 0)
		  . opened(1, token => $server->token('1', claims => { sub => "\x{20ac}" })) . message(CLIENTS, '')
		  . opened(2**64 - 1, user => 'nameless', id => '') . opened(2, token => 'no token') . message(TOKEN, pack('QLL', 0, 1, 1) . 'x') ],
	[ 'a flood of lines', hello() . join('', map { (message(LOG, pack('L', 1) . "flood $_"), message(STATUS, "flood $_")) } 1 .. 1000) ],
);
my $flood = scalar(@broken) + @odd + 2;		# number of the gateway that asks without reading

#
# The stand-in
#

my $dir = $server->node->data_dir;

mkdir "$dir/says" or die $!;
my $number = 1;
for my $case (@broken, @odd)
{
	open(my $file, '>', "$dir/says/" . ++$number) or die $!;
	binmode $file;
	print $file $case->[1];
	close $file;
}
my ($talker, $flooding) = ($number - 1, $number);

# What they write besides, to standard output and error.
append_to_file("$dir/says/$talker.words", "2026-01-01 00:00:00.000 UTC [1] FATAL:  forged by words\n\e[2J\xff\0" . 'long ' x 200);
append_to_file("$dir/says/$flooding.words", join '', map { "words flood $_\n" } 1 .. 20_000);

# It runs in the data directory; elsewhere it is the real one.  A gateway that is
# started again finds nothing to say any more, greets and waits for the end.
my $stand_in = <<'END' =~ s/VERSION/$version/r;
#!/usr/bin/perl
use strict;
use warnings;

my ($number) = @ARGV;
exec "$0.real", @ARGV if $number == 1 || !-d 'says';
open(my $pipe, '+<&=', 3) or die $!;
binmode $pipe;
$pipe->blocking(1);
$SIG{PIPE} = 'DEFAULT';

sub say_all
{
	my ($bytes) = @_;

	while (length $bytes)
	{
		my $n = syswrite($pipe, $bytes) // exit 1;
		substr($bytes, 0, $n, '');
	}
}

sub put
{
	my ($name, $text) = @_;

	open(my $file, '>', "says/$name.new") or die $!;
	print $file $text;
	close $file;
	rename "says/$name.new", "says/$name";
}

if (open(my $words, '<', "says/$number.words"))
{
	local $/;
	my $text = <$words>;

	syswrite STDOUT, substr($text, 0, 10);
	syswrite STDERR, substr($text, 10);
	put("$number.wrote", $$);
}
my $hello = pack('LLLL', 8, 101, VERSION, $$);
if (rename "says/$number", "says/$number.said")
{
	local (@ARGV, $/) = ("says/$number.said");
	say_all(scalar <>);
}
elsif (unlink "says/$number.flood")
{
	put('flooding', $$);
	say_all($hello);
	for my $written (1 .. 3000)
	{
		say_all(pack('LLQLLa2', 18, 110, 0, 1, 2, '{}') x 50);
		put('written', $written);
	}
	sleep 1000;
}
else
{
	say_all($hello);
}
1 while sysread($pipe, my $ignored, 65536);
END

BugEvents::Pipe::lock_programs($libdir);
rename $program, "$program.real" or die "$program: $!" if !-e "$program.real";
END { rename "$program.real", $program if defined $program && -e "$program.real"; }
open(my $file, '>', $program) or die "$program: $!";
print $file $stand_in;
close $file;
chmod 0755, $program;

#
# What becomes of it
#

my $gateways = $flood;
cmp_ok($gateways, '<=', 64, 'as many gateways as there may be');
$server->node->append_conf('postgresql.conf', "bugevents.gateways = 1\nbugevents.max_connections = 1000\n");
$server->node->start;
$server->create;
my $dispatcher = $server->dispatcher_pid;
my $client = $server->connect('1');
my $log = $server->log_size;

$server->set('bugevents.gateways' => $gateways - 1);
for my $i (0 .. $#broken)
{
	my $n = $i + 2;
	my $says = $broken[$i][2] // qr/ending bugevents gateway $n \(PID \d+\): it broke the protocol/;
	my $ended = eval { $server->wait_log($says, $log); 1 };

	ok($ended, "ended: $broken[$i][0]") or diag $@;
}
for my $i (0 .. $#odd)
{
	my $n = $i + 2 + @broken;

	BugEvents::Server::wait_until(sub { -e "$dir/says/$n.said" }, 'the gateway to speak');
}
$server->wait_log(qr/bugevents gateway \d+: a line\?FATAL: forged \?$/m, $log);
pass('a line of a gateway stays one line, of plain ASCII');
$server->wait_log(qr/^\S+ \S+ .* LOG:  bugevents gateway $talker wrote: 2026-01-01 00:00:00\.000 UTC \[1\] FATAL:  forged by words$/m, $log);
$server->wait_log(qr/gateway $talker wrote: \?\[2J\?\?(?:long ){90}/, $log);
is(() = $server->log_since($log) =~ /^2026-01-01/mg, 0, 'what it writes to standard output and error is a line under its name');
# They are gone from it when the ended process was reaped, a moment after the log says so.
my $view = q{SELECT string_agg(user_id, ',' ORDER BY user_id COLLATE "C") FROM bugevents.connections};
my $expected = "1,nameless,\xe2\x82\xac";
eval { BugEvents::Server::wait_until(sub { $server->sql($view) eq $expected }, 'the view'); };
is($server->sql($view), $expected, 'the view shows who there is, and nobody of the gateways that were ended');
is($server->dispatcher_pid, $dispatcher, 'the dispatcher is the same');
$server->sql("INSERT INTO projects (name) VALUES ('still here')");
is($client->next_event->{payload}{name}, 'still here', 'and goes on serving the real gateway');
$server->node->reload;
ok($server->connect('2'), '... new clients included');

#
# One that asks and never reads
#

sub written { return -e "$dir/says/written" ? slurp_file("$dir/says/written") : 0; }

open($file, '>', "$dir/says/$flood.flood") or die $!;
close $file;
$server->set('bugevents.gateways' => $gateways);
BugEvents::Server::wait_until(sub { written() >= 40 }, 'the flood to begin');
my ($before, $still) = (0, 0);
for my $n (1 .. 10000)
{
	# Each round trip is a turn of the dispatcher or more.
	$server->sql("INSERT INTO projects (name) VALUES ('round $n')");
	$client->next_event;
	$still = written() == $before ? $still + 1 : 0;
	last if $still == 20;
	$before = written();
}
cmp_ok($before, '<', 2000, 'a gateway that does not read its answers is not read from');
is($server->dispatcher_pid, $dispatcher, '... the dispatcher lives');
my $flooder = slurp_file("$dir/says/flooding");
kill 'KILL', $flooder;
$server->wait_log(qr/bugevents gateway $flood \(PID $flooder\) ended/, $log);
pass('... and notices its end');
$server->sql("INSERT INTO projects (name) VALUES ('after the flood')");
is($client->next_event->{payload}{name}, 'after the flood', '... and serves the others');
$server->wait_log(qr/gateway $flooding wrote: words flood/, $log);
my $wrote = slurp_file("$dir/says/$flooding.wrote");
kill 'KILL', $wrote;
BugEvents::Server::wait_until(sub { slurp_file("$dir/says/$flooding.wrote") != $wrote }, 'the flood of one that is started again');
my $lines = () = $server->log_since($log) =~ / flood \d+$/mg;
cmp_ok($lines, '<=', 105, 'a gateway that floods the log is cut short, whichever way it writes');
cmp_ok($lines, '>=', 90, '... after its share');
unlike($server->log_since($log), qr/ending bugevents gateway (?:@{[ join '|', map { $_ + @broken + 2 } 0 .. $#odd ]}) /,
	'what is odd but allowed ends nobody');
unlike($server->log_since(0), qr/PANIC|TRAP|terminated by signal 11|terminating any other active server processes/, 'nothing crashed');
is($server->dispatcher_pid, $dispatcher, 'the dispatcher is the same to the end');
$server->node->stop;
done_testing();
