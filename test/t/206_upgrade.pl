# pg_upgrade: the stream goes along, and clients resume as if nothing had been.
use strict;
use warnings;
use BugEvents::Server;
use PostgreSQL::Test::Utils;
use Test::More;

# From an older PostgreSQL, if there is one (test/run, OLD_PG_CONFIG), else from the same.
my $old = BugEvents::Server->start_new('old', install_path => $ENV{BUGEVENTS_OLD});
diag('from ' . $old->sql('SHOW server_version'));
my $ws = $old->connect('1');
my ($stream, $seq) = @{ $ws->{ready}{payload} }{qw(stream seq)};

$old->sql("INSERT INTO projects (name) VALUES ('before 1'), ('before 2')");
$old->sql("SET bugevents.spill_size = 64; INSERT INTO projects (name) SELECT 'many' FROM generate_series(1, 5000)");
$old->sql("INSERT INTO bugevents.preferences (user_id, type, channel, enabled) VALUES ('1', '*', 'email', false)");
$old->sql("INSERT INTO bugevents.watchers (bug_report_id, user_id) VALUES ('1', '1')");

# What an operator would miss.
sub kept
{
	return $_[0]->sql(q{SELECT jsonb_pretty(jsonb_build_object(
		'attachments', (SELECT jsonb_agg(j ORDER BY j::text)
			FROM (SELECT to_jsonb(a) - '{evaluated,evaluation_ms,slowest_ms,timeouts,suspended}'::text[] FROM bugevents.attachments AS a) AS x (j)),
		'preferences', (SELECT jsonb_agg(to_jsonb(p) ORDER BY p::text) FROM bugevents.preferences p),
		'watchers', (SELECT jsonb_agg(to_jsonb(w) ORDER BY w::text) FROM bugevents.watchers w),
		'events', (SELECT count(*) || ' ' || md5(string_agg(to_jsonb(e)::text, ',' ORDER BY seq)) FROM bugevents.events(0, 100000) e)))});
}
my $kept = kept($old);
$old->node->stop;

my $new = BugEvents::Server->new('new');
my ($old_bin, $new_bin) = map { $_->node->config_data('--bindir') } $old, $new;
chdir PostgreSQL::Test::Utils::tempdir() or die $!;
command_ok([
		'pg_upgrade', '--no-sync', '-d', $old->node->data_dir, '-D', $new->node->data_dir, '-b', $old_bin, '-B', $new_bin,
		'-s', $new->node->host, '-p', $old->node->port, '-P', $new->node->port ],
	'pg_upgrade');
$new->node->start;
$new->wait_ready;
is($new->sql("SELECT ended FROM bugevents.eras WHERE era = '$stream'"), 't', 'the era of the old server ended');
is(kept($new), $kept, '... with the same journal, attachments, preferences and watchers');
$new->sql("INSERT INTO projects (name) VALUES ('after')");
my $late = $new->resume('1', $seq, $stream);
ok($late->{ready}{payload}{resumed}, 'a client resumes');
my @events = grep { $_->{type} eq 'project' } $new->events_before_fence($late);
is(scalar @events, 5003, '... and gets what it missed');
is($events[-1]{payload}{name}, 'after', '... and what came then');
is(scalar(grep { $events[$_]{seq} <= $events[ $_ - 1 ]{seq} } 1 .. $#events), 0, '... in the order of seqs that never repeat');
done_testing();
