# A race: writers write, and a user is deactivated, demoted or deleted in the middle.
# The user's connections get every event of before, and none of later, wherever they are.
use strict;
use warnings;
use BugEvents::Server;
use IPC::Run qw(start finish);
use PostgreSQL::Test::Utils;
use Test::More;

use constant { ROUNDS => 9, WRITERS => 3, CLIENTS => 4 };

my $scripts = PostgreSQL::Test::Utils::tempdir();
append_to_file("$scripts/write.sql", <<~'END');
	BEGIN;
	INSERT INTO projects (name) VALUES ('a'), ('b');
	SELECT bugevents.send('note', 'written', '{}', 'admin');
	INSERT INTO projects (name) VALUES ('c');
	END;
	END
append_to_file("$scripts/flip.sql", <<~'END');
	UPDATE users SET status = CASE status WHEN 'active' THEN 'inactive' ELSE 'active' END WHERE id = 7;
	END

# What parts before from later, and whether connections end by it.
my @changes = (
	[ "UPDATE users SET status = 'inactive' WHERE id = %d", 1 ],
	[ 'DELETE FROM users WHERE id = %d', 1 ],
	[ "UPDATE users SET role = 'user' WHERE id = %d", 0 ],
);

my ($server, $out, $err);

sub write_on
{
	my ($script, $clients, $transactions) = @_;
	local %ENV = $server->node->_get_env;

	return start [ 'pgbench', '-n', '-c', $clients, '-t', $transactions, '-f', "$scripts/$script.sql", 'postgres' ],
		'>', \$out, '2>', \$err;
}

# Compare what a client got with what it was due: (too late, missing).
sub judge
{
	my ($ws, $seen, $at, $ends, $audience) = @_;
	my %got = map { $_->{seq} => 1 } grep { $_->{type} =~ /^(project|note)$/ } @$seen;
	my @due = grep { $_ > $ws->{ready}{payload}{seq} && ($_ < $at || (!$ends && $audience->{$_} eq 'all')) } keys %$audience;
	my @late = grep { $_ > $at && ($ends || $audience->{$_} eq 'admin') } keys %got;

	return (scalar @late, scalar grep { !$got{$_} } @due);
}

for my $gateways (1, 2)
{
	my ($late, $missing, $unlike, $middle) = (0) x 4;

	$server = BugEvents::Server->start_new("race$gateways", conf => "bugevents.gateways = $gateways\nsynchronous_commit = off\n");
	BugEvents::Server::wait_until(sub { $server->gateway_pids == $gateways }, 'the gateways');
	for my $round (1 .. ROUNDS)
	{
		my ($sql, $ends) = @{ $changes[ $round % @changes ] };
		my $user = 100 + $round;

		$server->sql("INSERT INTO users (id, username, role) VALUES ($user, 'u$user', 'admin')");
		my @clients = map { $server->connect($user, role => 'admin') } 1 .. CLIENTS;
		my $writer = write_on('write', WRITERS, 300);
		my @first = map { $clients[0]->next_event } 1 .. 30 + 20 * rand;

		$server->sql(sprintf $sql, $user);
		finish $writer;
		my $mark = $server->fence;
		my $since = $clients[0]{ready}{payload}{seq};
		my $at = $server->sql("SELECT min(seq) FROM bugevents.events($since, 1000000) WHERE type = 'user' AND payload ->> 'id' = '$user'");
		my %audience = map { split /\|/ } split /\n/,
			$server->sql("SELECT seq, audience FROM bugevents.events($since, 1000000) WHERE type IN ('project', 'note')");

		$middle++ if grep { $_ > $at } keys %audience;
		for my $ws (@clients)
		{
			my @seen = $ws == $clients[0] ? @first : ();

			if ($ends)
			{
				$ws->wait_close(undef, \@seen);
				$unlike++ if ($ws->close_code // 0) != 1008 || ($ws->close_reason // '') ne 'user_inactive';
			}
			else { push @seen, $server->events_before_fence($ws, $mark); }
			my ($l, $m) = judge($ws, \@seen, $at, $ends, \%audience);

			$late += $l;
			$missing += $m;
			$ws->drop;
		}
	}
	is($middle, ROUNDS, "gateways: $gateways; it happened in the middle each time");
	is($late, 0, '... nothing of a later transaction arrived');
	is($missing, 0, '... all of earlier ones did');
	is($unlike, 0, '... with the reason');

	# Connecting while the status flips: whoever is let in is closed at the end.
	$server->sql("INSERT INTO users (id, username) VALUES (7, 'flip')");
	my $flipper = write_on('flip', 1, 4000);
	my (@in, $refused);

	for (1 .. 150)
	{
		my $ws = $server->connect('7', raw => 1);
		my $first = $ws->next_json;

		if ($first && $first->{type} eq 'connection') { push @in, $ws; }
		else { $refused++; }
	}
	finish $flipper;
	$server->sql("UPDATE users SET status = 'inactive' WHERE id = 7");
	$server->sql("UPDATE users SET username = 'flop' WHERE id = 7");
	ok(@in && $refused, 'while it flips, some are let in and some refused') or diag @in . " in, " . ($refused // 0) . " refused";
	is(scalar(grep { ($_->wait_close // 0) != 1008 } @in), 0, '... and in the end nobody stays');
	BugEvents::Server::wait_until(sub { $server->sql("SELECT count(*) FROM bugevents.connections WHERE user_id = '7'") eq '0' },
		'the view to show nobody');
	$server->node->stop;
}
done_testing();
