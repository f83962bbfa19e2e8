# pg_upgrade: the stream goes along, and clients resume as if nothing had been.
use strict;
use warnings;
use BugEvents::Server;
use PostgreSQL::Test::Utils;
use Test::More;

my $old = BugEvents::Server->start_new('old');
my $ws = $old->connect('1');
my ($stream, $seq) = @{ $ws->{ready}{payload} }{qw(stream seq)};

$old->sql("INSERT INTO projects (name) VALUES ('before 1'), ('before 2')");
$old->sql("SET bugevents.spill_size = 64; INSERT INTO projects (name) SELECT 'many' FROM generate_series(1, 5000)");
$old->node->stop;

my $new = BugEvents::Server->new('new');
my $bin = $old->node->config_data('--bindir');
chdir PostgreSQL::Test::Utils::tempdir() or die $!;
command_ok([
		'pg_upgrade', '--no-sync', '-d', $old->node->data_dir, '-D', $new->node->data_dir, '-b', $bin, '-B', $bin,
		'-s', $new->node->host, '-p', $old->node->port, '-P', $new->node->port ],
	'pg_upgrade');
$new->node->start;
$new->wait_ready;
is($new->sql('SELECT id FROM bugevents.stream'), $stream, 'it is the same stream');
$new->sql("INSERT INTO projects (name) VALUES ('after')");
my $late = $new->resume('1', $seq, $stream);
ok($late->{ready}{payload}{resumed}, 'a client resumes');
my @events = grep { $_->{type} eq 'project' } $new->events_before_fence($late);
is(scalar @events, 5003, '... and gets what it missed');
is($events[-1]{payload}{name}, 'after', '... and what came then');
is(scalar(grep { $events[$_]{seq} <= $events[ $_ - 1 ]{seq} } 1 .. $#events), 0, '... in the order of seqs that never repeat');
done_testing();
