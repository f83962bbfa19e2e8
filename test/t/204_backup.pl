# A physical backup that is restored goes on from a past that clients are ahead of: each position is
# judged by the era in which it was given out.
use strict;
use warnings;
use BugEvents::Server;
use PostgreSQL::Test::RecursiveCopy;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = BugEvents::Server->start_new('backup', conf => "max_prepared_transactions = 5\n");
my $node = $server->node;
my ($data, $copy) = ($node->data_dir, $node->basedir . '/copy');

sub insert { return $server->sql("INSERT INTO projects (name) VALUES ('$_[0]')"); }

sub begin_life {
	$node->start;
	$server->wait_ready;
	my $ws = $server->connect('1');
	return ($ws, $ws->{ready}{payload}{stream});
}

# What a client gets that comes back.
sub resumed {
	my ($seq, $stream, $what) = @_;
	my $ws = $server->resume('1', $seq, $stream);
	ok($ws->{ready}{payload}{resumed}, $what);
	return [ map { $_->{payload}{name} } grep { $_->{type} eq 'project' } $server->events_before_fence($ws) ];
}

sub refused {
	my ($seq, $stream, $what) = @_;
	my $ws = $server->resume('1', $seq, $stream);
	ok(!$ws->{ready}{payload}{resumed}, $what);
	is($ws->next_json->{payload}{code}, 'resync_required', '... and the client is told');
	return;
}

# The copy has a transaction that is not decided below one that is.
my $first = $server->connect('1');
my $first_era = $first->{ready}{payload}{stream};
insert('both 1');
my $both = ($server->events_before_fence($first))[-1]{seq};
$server->sql("BEGIN; INSERT INTO projects (name) VALUES ('prepared'); PREPARE TRANSACTION 'p'");
$node->stop;
PostgreSQL::Test::RecursiveCopy::copypath($data, $copy);
chmod 0700, $copy;
chmod 0600, "$copy/jwt_secret";

# The original goes on, by itself.
my ($ws, $lost_era) = begin_life();
isnt($lost_era, $first_era, 'a server that starts begins an era');
$server->sql("COMMIT PREPARED 'p'");
insert("lost $_") for 1 .. 3;
my @lost = grep { $_->{type} eq 'project' } $server->events_before_fence($ws);
is_deeply(resumed($both, $first_era, 'over a restart, a position of the era before is good'),
	[ 'prepared', map { "lost $_" } 1 .. 3 ], '... and nothing is missing');
$node->stop;

# The copy in its place, without a word to it.
rename $data, "$data.lost" or die "could not rename $data: $!";
rename $copy, $data or die "could not rename $copy: $!";
my ($there, $new_era) = begin_life();
ok($new_era ne $first_era && $new_era ne $lost_era, 'a copy begins an era of its own');
insert("new $_") for 1 .. 20;
$server->sql("COMMIT PREPARED 'p'");
cmp_ok($server->sql('SELECT max(last_seq) FROM bugevents.journal'), '>', $lost[-1]{seq}, 'it gives out seqs that the original gave out');
refused($lost[-1]{seq}, $lost_era, 'a position that only the original knows is refused');
refused($lost[0]{seq}, $lost_era, '... though that transaction was prepared before the copy');
refused($lost[-1]{seq}, $first_era, '... and one behind the end of the era that both have');
is_deeply(resumed($both, $first_era, 'one that both have is good'),
	[ (map { "new $_" } 1 .. 20), 'prepared' ], '... and has all that came here');

# And over a crash, more than once, with a gap at the end.
insert('last');
my $last = ($server->events_before_fence($there))[-1]{seq};
for my $crash (1, 2) {
	$node->stop('immediate');
	begin_life();
	is_deeply(resumed($last, $new_era, "over crash $crash, the last position is good"), [ map { "after crash $_" } 1 .. $crash - 1 ], '... and nothing comes twice');
	insert("after crash $crash");
}
is($server->sql('SELECT count(*) FROM bugevents.eras WHERE ended IS NULL'), 1, 'one era is open');
is($server->sql('SELECT count(*) FROM bugevents.eras WHERE timeline IS NULL'), 0, 'what transactions left is taken up');
done_testing();
