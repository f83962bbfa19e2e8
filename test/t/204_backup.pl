# A physical backup that is restored is the same stream as far as it can know, and
# gives out the same seqs again: docs/reliability.md says how to make it another one.
use strict;
use warnings;
use BugEvents::Server;
use PostgreSQL::Test::RecursiveCopy;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = BugEvents::Server->start_new('backup');
my $node = $server->node;
my ($data, $copy) = ($node->data_dir, $node->basedir . '/copy');

$node->stop;
PostgreSQL::Test::RecursiveCopy::copypath($data, $copy);
chmod 0700, $copy;
$node->start;
$server->wait_ready;
my $ws = $server->connect('1');
my $stream = $ws->{ready}{payload}{stream};
$server->sql("INSERT INTO projects (name) VALUES ('lost $_')") for 1 .. 3;
my $seq = ($server->events_before_fence($ws))[-1]{seq};
$node->stop;
rename $data, "$data.lost" or die "could not rename $data: $!";
rename $copy, $data or die "could not rename $copy: $!";
$node->start;
$server->wait_ready;

my ($renew) = slurp_file('docs/reliability.md') =~ /^    (UPDATE bugevents\.stream .*;)$/m;
ok($renew, 'what the documentation says');
$server->sql($renew);
$server->sql("INSERT INTO projects (name) VALUES ('new $_')") for 1 .. 20;
cmp_ok($server->sql('SELECT max(last_seq) FROM bugevents.journal'), '>', $seq, 'the same seqs again');
BugEvents::Server::wait_until(sub { (eval { $server->connect('1')->{ready}{payload}{stream} } // $stream) ne $stream }, 'another stream');
my $back = $server->resume('1', $seq, $stream);
is($back->{ready}{payload}{resumed}, JSON::PP::false, '... and a position from before');
is($back->next_json->{payload}{code}, 'resync_required', '... is refused');
done_testing();
