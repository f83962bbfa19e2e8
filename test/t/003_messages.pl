# What a client may say, and what happens when it says something else.
use strict;
use warnings;
use BugEvents::Server;
use Test::More;

my $server = BugEvents::Server->start_new('messages');
my $ws = $server->connect('5');

# Ping, with and without an id.
sub answer
{
	my ($message) = @_;

	ref $message ? $ws->send_json($message) : $ws->send_text($message);
	return $ws->next_json;
}

my $reply = answer({ type => 'ping', id => 'p1' });
is($reply->{type}, 'reply', 'ping is answered');
is($reply->{id}, 'p1', '... with its id');
is(answer({ type => 'ping', id => 17 })->{id}, 17, 'an id that is a number');
is(answer({ type => 'ping' })->{type}, 'reply', 'ping without an id');

$ws->send_ping('are you there?');
ok($ws->wait_pong('are you there?'), 'a WebSocket ping is answered by a pong with its bytes');
$ws->send_ping('');
ok($ws->wait_pong(''), 'an empty one too');
$ws->send_ping('x' x 125);
ok($ws->wait_pong('x' x 125), 'and the longest');
$ws->send_frame(BugEvents::WebSocket::PONG, 'unasked');
is(answer({ type => 'ping', id => 2 })->{id}, 2, 'an unasked pong is ignored');

# Everything that is wrong gets its code, and the connection lives on.
my @wrong = (
	[ 'not JSON', 'hello', 'invalid_message' ],
	[ 'nothing', '', 'invalid_message' ],
	[ 'half a message', '{"type":"ping"', 'invalid_message' ],
	[ 'two messages', '{"type":"ping"}{"type":"ping"}', 'invalid_message' ],
	[ 'an array', '[]', 'invalid_message' ],
	[ 'a number', '7', 'invalid_message' ],
	[ 'a string', '"ping"', 'invalid_message' ],
	[ 'null', 'null', 'invalid_message' ],
	[ 'a NUL inside', "{\"type\":\"pi\0ng\"}", 'invalid_message' ],
	[ 'an escaped NUL in the type', '{"type":"ping\u0000"}', 'unknown_type|invalid_message|invalid_field' ],
	[ 'a lone surrogate', '{"type":"\ud800"}', 'unknown_type|invalid_message|invalid_field' ],
	[ 'deep nesting', ('[' x 30000) . (']' x 30000), 'invalid_message' ],
	[ 'deep objects', '{"type":"ping","payload":' . ('{"a":' x 9000) . '1' . ('}' x 9000) . '}', 'invalid_message' ],
	[ 'no type', '{}', 'missing_field' ],
	[ 'a type that is null', '{"type":null}', 'missing_field|invalid_field' ],
	[ 'a type that is a number', '{"type":5}', 'invalid_field' ],
	[ 'a type that is an object', '{"type":{}}', 'invalid_field' ],
	[ 'an unknown type', '{"type":"launch"}', 'unknown_type' ],
	[ 'the type in capitals', '{"type":"PING"}', 'unknown_type' ],
	[ 'a type of the server', '{"type":"bug_report"}', 'unknown_type' ],
	[ 'a very long type', '{"type":"' . ('x' x 20000) . '"}', 'unknown_type' ],
	[ 'subscribe: payload is a list', '{"type":"subscribe","payload":[]}', 'invalid_field' ],
	[ 'subscribe: types is a string', '{"type":"subscribe","payload":{"types":"bug_report"}}', 'invalid_field' ],
	[ 'subscribe: types of numbers', '{"type":"subscribe","payload":{"types":[1]}}', 'invalid_field' ],
	[ 'subscribe: project_ids of objects', '{"type":"subscribe","payload":{"project_ids":[{}]}}', 'invalid_field' ],
	[ 'subscribe: a filter that does not exist', '{"type":"subscribe","payload":{"colours":["red"]}}', 'invalid_field' ],
);

for my $case (@wrong)
{
	my ($what, $text, $code) = @$case;
	my $error = answer($text);

	is($error->{type}, 'error', "$what: an error");
	like($error->{payload}{code}, qr/^(?:$code)$/, "... $code");
	ok(length($error->{payload}{message} // ''), '... that says what');
}
is(answer({ type => 'ping', id => 'alive' })->{id}, 'alive', 'the connection lives on');
is(answer({ type => 'launch', id => 'x-1' })->{id}, 'x-1', 'an error echoes the id');
my $error = answer({ type => 'ping', id => { not => 'simple' } });
like($error->{payload}{code} // '', qr/^invalid_field$/, 'an id that is an object is refused');

# The refused subscriptions changed nothing: everything still arrives.
$server->sql("INSERT INTO projects (name) VALUES ('p1'), ('p2')");
is(scalar($server->events_before_fence($ws)), 2, 'a fresh connection receives everything');

# Narrowing.
sub subscribed
{
	my ($filter) = @_;
	my $reply = answer({ type => 'subscribe', id => 's', payload => $filter });

	is("$reply->{type} $reply->{id}", 'reply s', 'subscribe is answered');
	return;
}

sub changes
{
	$server->sql(<<~'END');
		WITH p AS (INSERT INTO projects (name) VALUES ('another') RETURNING id)
		SELECT 1 FROM p;
		INSERT INTO bug_reports (title, project_id) VALUES ('in one', 1), ('in two', 2);
		UPDATE bug_reports SET title = title || '!' WHERE id = (SELECT max(id) FROM bug_reports WHERE project_id = 1);
		INSERT INTO comments (bug_report_id, content) SELECT max(id), 'hm' FROM bug_reports WHERE project_id = 1;
		END

	# The fence itself may be filtered out: what comes before the answer to a
	# ping that is sent after another client saw the fence has been sent.
	our $watcher //= $server->connect('watcher');
	my $mark = $server->fence;
	$server->events_before_fence($watcher, $mark);
	my @events;
	$ws->send_json({ type => 'ping', id => 'fence' });
	$ws->wait_for(sub { ($_[0]{id} // '') eq 'fence' }, undef, \@events);
	return [ map { "$_->{type} $_->{action}" } grep { $_->{type} ne 'fence' } @events ];
}

subscribed({ types => ['project'] });
is_deeply(changes(), ['project created'], 'by type');
subscribed({ actions => ['updated'] });
is_deeply(changes(), ['bug_report updated'], 'by action');
subscribed({ types => [ 'bug_report', 'comment' ], project_ids => ['1'] });
is_deeply([ grep { /bug_report/ } @{ changes() } ], [ 'bug_report created', 'bug_report updated' ], 'by project');
subscribed({ types => ['bug_report'], project_ids => [2] });
is_deeply(changes(), ['bug_report created'], 'a project id as a number');
my $bug = $server->sql("INSERT INTO bug_reports (title, project_id) VALUES ('watched', 1) RETURNING id");
subscribed({ bug_report_ids => [$bug + 1] });
is_deeply(changes(), [ 'bug_report created', 'bug_report updated', 'comment created' ], 'by bug report');
subscribed({ types => ['nothing_of_this_kind'] });
is_deeply(changes(), [], 'a type that nobody sends');
subscribed({});
is(scalar @{ changes() }, 5, 'an absent list means any');
$reply = answer({ type => 'unsubscribe', id => 'u' });
is("$reply->{type} $reply->{id}", 'reply u', 'unsubscribe is answered');
is_deeply(changes(), [], 'nothing after unsubscribe');
subscribed({});
is(scalar @{ changes() }, 5, 'subscribe after unsubscribe');

# Fragments, with a ping between them.
$ws->send_frame(BugEvents::WebSocket::TEXT, '{"type":"pi', fin => 0);
$ws->send_ping('between');
$ws->send_frame(BugEvents::WebSocket::CONTINUATION, 'ng","id":"', fin => 0);
$ws->send_frame(BugEvents::WebSocket::CONTINUATION, '', fin => 0);
$ws->send_frame(BugEvents::WebSocket::CONTINUATION, 'frag"}', fin => 1);
is($ws->wait_for(sub { $_[0]{type} eq 'reply' })->{id}, 'frag', 'a message in four fragments');
ok($ws->wait_pong('between'), '... with a ping between them');
{
	my $bytes = BugEvents::WebSocket::frame(BugEvents::WebSocket::TEXT, '{"type":"ping","id":"slow"}');

	$ws->send_raw($_) for split //, $bytes;
	is($ws->next_json->{id}, 'slow', 'a message byte by byte');
}
$ws->send_raw(join '', map { BugEvents::WebSocket::frame(BugEvents::WebSocket::TEXT, qq({"type":"ping","id":$_})) } 1 .. 50);
is_deeply([ map { $ws->next_json->{id} } 1 .. 50 ], [ 1 .. 50 ], 'fifty messages in one write');

# Large messages.
is(answer('{"type":"ping","id":"big","pad":"' . ('x' x 60000) . '"}')->{id}, 'big', 'a message just below the limit');
ok($ws->finish, 'a tidy end');

# What ends the connection, with its code.
sub ends_with
{
	my ($code, $what, $act) = @_;
	my $ws = $server->connect('6');

	$act->($ws);
	my @messages;
	my $close = $ws->wait_close(undef, \@messages);

	is($close, $code, "$what: close $code");
	return ($ws, @messages);
}

my ($closed) = ends_with(1009, 'a message that is too big', sub { $_[0]->send_text('"' . ('x' x 70000) . '"') });
is($closed->close_reason, 'message_too_big', '... and its reason');
ends_with(1009, 'too big in fragments',
	sub { $_[0]->send_fragments(BugEvents::WebSocket::TEXT, ('x' x 20000) x 6) });
ends_with(1009, 'announced too big',
	sub { $_[0]->send_frame(BugEvents::WebSocket::TEXT, 'x' x 200, length => 1 << 40) });
ends_with(1003, 'a binary message', sub { $_[0]->send_binary("\x00\x01") });
ends_with(1007, 'bad UTF-8', sub { $_[0]->send_text("{\"type\":\"\xff\"}") });
ends_with(1007, 'an overlong sequence', sub { $_[0]->send_text("\"\xc0\xaf\"") });
ends_with(1007, 'a surrogate in UTF-8', sub { $_[0]->send_text("\"\xed\xa0\x80\"") });
ends_with(1007, 'bad UTF-8 over two fragments',
	sub { $_[0]->send_fragments(BugEvents::WebSocket::TEXT, "\"\xe2\x82", "\"") });

# What no client may do: the connection ends, whatever the code.
for my $case (
	[ 'an unmasked frame', sub { $_[0]->send_frame(BugEvents::WebSocket::TEXT, '{"type":"ping"}', mask => 0) } ],
	[ 'a reserved bit', sub { $_[0]->send_frame(BugEvents::WebSocket::TEXT, '{"type":"ping"}', rsv => 4) } ],
	[ 'an unknown opcode', sub { $_[0]->send_frame(5, 'x') } ],
	[ 'an unknown control frame', sub { $_[0]->send_frame(12, 'x') } ],
	[ 'a fragmented ping', sub { $_[0]->send_frame(BugEvents::WebSocket::PING, 'x', fin => 0) } ],
	[ 'a long ping', sub { $_[0]->send_frame(BugEvents::WebSocket::PING, 'x' x 126) } ],
	[ 'a continuation of nothing', sub { $_[0]->send_frame(BugEvents::WebSocket::CONTINUATION, 'x') } ],
	[ 'a message inside another',
		sub { $_[0]->send_frame(BugEvents::WebSocket::TEXT, '{', fin => 0); $_[0]->send_text('{"type":"ping"}') } ],
	[ 'plain text', sub { $_[0]->send_raw("GET / HTTP/1.1\r\n\r\n" x 4) } ])
{
	my ($what, $act) = @$case;
	my $ws = $server->connect('6');
	my @messages;

	$act->($ws);
	my $code = $ws->wait_close(undef, \@messages);
	ok(!grep({ $_->{type} eq 'reply' } @messages), "$what: no reply");
	ok(!defined $code || ($code >= 1002 && $code <= 1009), '... and the end');
}

# A close is answered with the same code.
for my $code (1000, 1001, 3000, 4999)
{
	my $ws = $server->connect('6');

	$ws->send_close($code, 'bye');
	is($ws->wait_close, $code, "close $code is answered");
}

is(scalar $server->gateway_pids, 1, 'after all that: one gateway');
unlike($server->log_since(0), qr/gateway.*(ended|exited|terminated|died)/, '... which never fell over');
done_testing();
