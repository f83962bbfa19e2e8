# bugevents.database names another database for a while: what was written meanwhile is missing, and nobody misses it unawares.
use strict;
use warnings;
use BugEvents::Server;
use Test::More;

my $server = BugEvents::Server->start_new('database', database => 'tracker', conf => <<~'END');
	bugevents.retention = 1h
	max_prepared_transactions = 5
	END
my ($stream, $seq);

sub here { ($stream, $seq) = @{ $server->connect('1')->{ready}{payload} }{qw(stream seq)}; return; }

# Serve another database, act, and serve ours again.
sub elsewhere
{
	my ($act) = @_;
	my $log = $server->log_size;

	$server->node->append_conf('postgresql.conf', "bugevents.database = 'trakcer'\n");
	$server->node->restart;
	$server->wait_log(qr/database "trakcer" does not exist/, $log);
	$act->();
	$server->node->append_conf('postgresql.conf', "bugevents.database = 'tracker'\n");
	$server->node->restart;
	$server->wait_ready;
	return;
}

here();
elsewhere(sub { $server->sql("BEGIN; INSERT INTO projects (name) VALUES ('never'); SAVEPOINT a; INSERT INTO projects (name) VALUES ('never'); ROLLBACK TO a; ROLLBACK") });
$server->sql("INSERT INTO projects (name) VALUES ('after')");
my $client = $server->resume('1', $seq, $stream);
ok($client->{ready}{payload}{resumed}, 'nothing was written: clients resume');
is($client->next_event->{payload}{name}, 'after', '... and get what came then');

my $log = $server->log_size;
elsewhere(sub {
	$server->sql("BEGIN; SAVEPOINT a; INSERT INTO projects (name) VALUES ('never'); ROLLBACK TO a; INSERT INTO projects (name) VALUES ('missed'); COMMIT");
	$server->sql("INSERT INTO projects (name) VALUES ('missed')") for 1 .. 3;
	is($server->sql('SELECT count(*) FROM bugevents.unserved'), 1, 'what would be missed is noted once');
});
$server->wait_log(qr/LOG:.*begins another stream: database "tracker" was written to while it was not served/, $log);
is($server->sql('SELECT count(*) FROM bugevents.unserved'), 0, '... and the note is taken');
$client = $server->resume('1', $seq, $stream);
is($client->{ready}{payload}{resumed}, JSON::PP::false, 'something was written: clients do not resume');
is($client->next_json->{payload}{code}, 'resync_required', '... and are told');
like(($server->node->psql('tracker', "SELECT count(*) FROM bugevents.events($seq)"))[2], qr/not complete any more/, '... and so is who reads by SQL');
here();
$server->node->restart;
$server->wait_ready;
ok($server->resume('1', $seq, $stream)->{ready}{payload}{resumed}, '... once');

# A transaction that wrote meanwhile, and commits when we are served again.
elsewhere(sub { $server->sql(q{BEGIN; INSERT INTO projects (name) VALUES ('missed'); PREPARE TRANSACTION 'p'}) });
$client = $server->resume('1', $seq, $stream);
ok($client->{ready}{payload}{resumed}, 'a prepared transaction is not there yet');
$server->sql(q{COMMIT PREPARED 'p'});
is($client->wait_close, 1012, '... when it commits, the stream ends');
$server->wait_ready;
is($server->resume('1', $seq, $stream)->{ready}{payload}{resumed}, JSON::PP::false, '... and nobody resumes');

$server->node->stop;
done_testing();
