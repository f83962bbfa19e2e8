# since=SEQ gives every later event once, or says resync_required.
use strict;
use warnings;
use BugEvents::Server;
use JSON::PP;
use Test::More;

my $server = BugEvents::Server->start_new('resume');
my $first = $server->connect('1');
my ($stream, $begin) = @{ $first->{ready}{payload} }{qw(stream seq)};

sub insert
{
	$server->sql(join ';', map { "INSERT INTO projects (name) VALUES ('$_')" } @_);
	return;
}

sub names { return [ map { $_->{payload}{name} } @_ ]; }

# From the window: what was missed, then live, each once.
insert(qw(a b c));
my @seen = $server->events_before_fence($first);
is_deeply(names(@seen), [qw(a b c)], 'seen live');
my $since = $seen[1]{seq};
$first->drop;
insert(qw(d e));
my $second = $server->resume('1', $since, $stream);
insert('f');
is_deeply([ grep { defined } @{ names($server->events_before_fence($second)) } ], [qw(c d e f)],
	'resume in the window');

# At the tip there is nothing to repeat.
my $tip = $server->connect('1')->{ready}{payload}{seq};
my $third = $server->resume('1', $tip, $stream);
insert('g');
is_deeply(names($server->events_before_fence($third)), ['g'], 'resume at the tip');

# In the middle of a transaction.
$server->sql("INSERT INTO projects (name) SELECT 't' || g FROM generate_series(1, 4) g");
my @tx = $server->events_before_fence($third);
my $fourth = $server->resume('1', $tx[1]{seq}, $stream);
my @rest = $server->events_before_fence($fourth);
is_deeply([ map { $_->{payload}{name} // 'fence' } @rest ], [qw(t3 t4 fence)], 'resume inside a transaction');
is_deeply([ map { "$_->{tx}{n}/$_->{tx}{of}" } @rest[ 0, 1 ] ], [ '3/4', '4/4' ], '... numbered as before');
is_deeply($rest[0], $tx[2], '... the same message as the live one');

# Everything from the beginning of the journal.
sub all_from
{
	my ($seq) = @_;
	my $ws = $server->resume('1', $seq, $stream);
	my @events = $server->events_before_fence($ws);

	$ws->finish;
	return @events;
}

sub journal_is
{
	my ($what, $from, @events) = @_;
	my $expected = $server->sql(
		"SELECT string_agg(seq::text, ',' ORDER BY seq) FROM bugevents.events($from, 1000000)"
		  . " WHERE audience = 'all' AND seq <= $events[-1]{seq}");

	is(join(',', map { $_->{seq} } @events), $expected, $what);
	return;
}
journal_is('since 0 is the whole journal', 0, all_from(0));

# A gateway that starts anew has an empty window: the journal fills it.
my ($old) = $server->gateway_pids;
kill 'KILL', $old;
$server->wait_new_gateway($old);
journal_is('resume after a new gateway', $begin, all_from($begin));
journal_is('... from the middle', $since, all_from($since));

# Over a restart of the server, and a crash.
my $before = $server->connect('1');
insert('before the restart');
my $last = ($server->events_before_fence($before))[-1]{seq};
$server->node->restart;
$server->wait_ready;
isnt($server->sql('SELECT id FROM bugevents.stream'), $stream, 'a restart begins another era of the stream');
insert('after the restart');
journal_is('resume after a restart', $last, all_from($last));
my @after = all_from($last);
ok($after[0]{seq} > $last, '... with greater seqs');

$server->node->stop('immediate');
$server->node->start;
$server->wait_ready;
insert('after the crash');
journal_is('resume after a crash', $last, all_from($last));
journal_is('... from the beginning', 0, all_from(0));

# Many clients at different places at once.
$server->sql("INSERT INTO projects (name) SELECT 'many' || g FROM generate_series(1, 2000) g");
my $whole = $server->resume('1', $begin, $stream);
my $mark = $server->fence;

# The seqs up to the mark, from the messages' text: to decode them all takes longer than to send them.
sub seqs
{
	my ($ws) = @_;
	my @seqs;

	while (my $text = $ws->next_text)
	{
		last if $text =~ /"$mark"/;
		push @seqs, $text =~ /"seq":(\d+)/;
	}
	return @seqs;
}
my @all = seqs($whole);
my %at = map { $_ => $all[ int(rand(@all)) ] } 1 .. 10;
my $era = $whole->{ready}{payload}{stream};
my %client = map { $_ => $server->resume("user $_", $at{$_}, $at{$_} > $last ? $era : $stream) } keys %at;
for my $i (sort { $a <=> $b } keys %at)
{
	is(join(',', seqs($client{$i})), join(',', grep { $_ > $at{$i} } @all), "client $i of ten, from $at{$i}");
}
insert('live for all');
is_deeply(names($client{$_}->next_event), ['live for all'], "client $_ goes on live") for sort keys %client;

# What can't be exact is said so, and live follows.  What is asked for, by seq and stream: all at once.
sub must_resync
{
	my (%asked) = @_;
	my %ws = map { $_ => $server->resume('1', @{ $asked{$_} }, raw => 1) } keys %asked;

	for my $what (sort keys %ws)
	{
		is($ws{$what}->next_json->{action}, 'ready', "$what: ready");
		my $error = $ws{$what}->next_json;

		is($error->{type}, 'error', '... an error');
		is($error->{payload}{code}, 'resync_required', '... resync_required');
		ok((grep { defined && /^\d+$/ } @{ $error->{payload} }{qw(oldest oldest_seq seq)}),
			'... with the oldest seq still held');
	}
	insert('live again');
	my $passed = $server->fence;

	for my $what (sort keys %ws)
	{
		is_deeply(names($server->events_before_fence($ws{$what}, $passed)), ['live again'], "$what: then live");
		$ws{$what}->finish;
	}
	return;
}

# Who is ahead is held for a while first, as the stream may get there.
must_resync(
	'another stream' => [ $last, '00000000-0000-0000-0000-000000000000' ],
	'a seq of the future' => [ '9000000000000000000', $era ],
	'one behind the end of an era' => [ $all[-1], $stream ],
	'a seq a little ahead' => [ $server->connect('1')->{ready}{payload}{seq} + 1000, $era ]);

# Nonsense does no harm.
for my $nonsense ('abc', '-1', '', '1.5', '99999999999999999999', '0x10', '1 2', "1\0")
{
	my $ws = $server->connect('1', raw => 1, query => { since => $nonsense, stream => $era });
	my @messages;
	my $shown = $nonsense =~ s/\0/\\0/r;

	push @messages, $ws->next_json;
	if ($messages[0] && $messages[0]{type} eq 'connection') { push @messages, $ws->next_json; }
	like($messages[-1]{payload}{code} // '', qr/^(?:invalid_field|invalid_message|resync_required)$/,
		"since=$shown is refused");
}
is(scalar $server->gateway_pids, 1, 'the gateway lives');

# From a moment: everything that was committed then or later.
{
	my $tip = $server->connect('1')->{ready}{payload}{seq};
	insert(qw(m1 m2 m3 m4));
	my %at = map { split /\|/ } split /\n/, $server->sql("SELECT payload ->> 'name', to_char(committed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') FROM bugevents.events($tip)");
	my $mark = $server->fence;

	for my $from (1 .. 4)
	{
		my $ws = $server->connect('1', query => { since_time => $at{"m$from"} });
		is_deeply(names($server->events_before_fence($ws, $mark)), [ map { "m$_" } $from .. 4 ], "from m$from on");
		is($ws->{ready}{payload}{resumed} ? 1 : 0, 1, '... as one that resumes');
	}
	my (undef, $body) = $server->http("/events?since_time=$at{m3}&types=project", headers => [ 'Authorization: Bearer ' . $server->token('1') ]);
	is_deeply(names(@{ decode_json($body)->{events} }), [qw(m3 m4)], '... over HTTP');
	my $all = $server->connect('1', query => { since_time => '1999-12-31T00:00:00Z' });
	is($all->{ready}{payload}{seq}, 0, 'before all that there is: from the beginning') or diag $all->describe;
	my $future = $server->connect('1', query => { since_time => '2999-12-31T00:00:00Z' });
	insert('m5');
	is_deeply(names($server->events_before_fence($future)), ['m5'], 'a moment to come: from now on');
	my $bad = $server->connect('1', raw => 1, query => { since_time => 'yesterday' });
	is($bad->next_json->{payload}{code}, 'invalid_field', 'what is no moment');
}

# "My write is in": by its seq, and by its transaction.
{
	my $ws = $server->connect('1');
	my ($xid, $last) = split /\n/, $server->sql("BEGIN; INSERT INTO projects (name) VALUES ('mine'); SELECT pg_current_xact_id(); COMMIT; SELECT bugevents.last_seq()");
	$ws->send_json({ type => 'wait', id => 'mine', payload => { seq => 0 + $last } });
	my @seen = ($ws->next_json, $ws->next_json);
	is_deeply([ $seen[0]{payload}{name}, $seen[0]{tx}{id}, $seen[1]{id}, $seen[1]{payload}{reached} ? 1 : 0 ], [ 'mine', $xid, 'mine', 1 ],
		'wait for last_seq() is answered behind the write, whose transaction tx.id names') or diag $ws->describe;
	$server->sql("BEGIN; INSERT INTO projects (name) VALUES ('not'); ROLLBACK");
	$ws->send_json({ type => 'wait', id => 'none', payload => { seq => '' . $server->sql('SELECT bugevents.last_seq()') } });
	is($ws->next_json->{id}, 'none', '... also where nothing came of it');
}

# An extension that is created anew is another stream.
my $live = $server->connect('1');
$server->sql('DROP EXTENSION bugevents CASCADE; DROP TABLE comments, bug_reports, users, projects');
$server->sql('CREATE EXTENSION bugevents');
$server->sql('SELECT bugevents.create_tracker()');
my $new_stream = $server->sql('SELECT id FROM bugevents.stream');
isnt($new_stream, $stream, 'a new extension is a new stream');
BugEvents::Server::wait_until(sub {
		my $ws = eval { $server->connect('1') };
		return $ws && $ws->{ready}{payload}{stream} eq $new_stream;
	}, 'the new stream to be served');
must_resync('the old stream' => [ $last, $stream ]);
done_testing();
