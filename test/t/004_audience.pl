# Who receives what: everyone, admins, the user concerned.
use strict;
use warnings;
use BugEvents::Server;
use Test::More;

my $server = BugEvents::Server->start_new('audience');
$server->sql(<<~'END');
	INSERT INTO users (username, email, role, status) VALUES
		('ada', 'ada@example.org', 'admin', 'active'),
		('bob', 'bob@example.org', 'user', 'active'),
		('eve', 'eve@example.org', 'user', 'active');
	END
my %ws = (
	admin => $server->connect('1', role => 'admin'),
	bob => $server->connect('2'),
	eve => $server->connect('3'),
	stranger => $server->connect('no such user'));

sub received_is
{
	my ($what, $sql, %expected) = @_;

	$server->sql($sql);
	my $mark = $server->fence;

	for my $who (sort keys %ws)
	{
		is_deeply(
			[ map { "$_->{type} $_->{action}" } $server->events_before_fence($ws{$who}, $mark) ],
			$expected{$who} // $expected{all} // [], "$what: $who");
	}
	return;
}

received_is('a project is for everyone', "INSERT INTO projects (name) VALUES ('p')", all => ['project created']);
received_is('a bug is for everyone', "INSERT INTO bug_reports (title, project_id, creator_id) VALUES ('b', 1, 2)",
	all => ['bug_report created']);
received_is('a comment is for everyone', "INSERT INTO comments (bug_report_id, user_id, content) VALUES (1, 2, 'c')",
	all => ['comment created']);
received_is('a new user is for admins', "INSERT INTO users (username, email) VALUES ('mallory', 'm\@example.org')",
	admin => ['user created']);
received_is('a changed user is for admins and that user', "UPDATE users SET email = 'bob\@example.com' WHERE id = 2",
	admin => ['user updated'], bob => ['user updated']);
received_is('a changed status: only admins see status_changed',
	"INSERT INTO users (id, username, status) VALUES (90, 'x', 'inactive'); UPDATE users SET status = 'active' WHERE id = 90",
	admin => [ 'user created', 'user updated', 'user status_changed' ]);
received_is('one\'s own row', "UPDATE users SET phone = '3' WHERE id = 3", admin => ['user updated'], eve => ['user updated']);
received_is('a deleted user is for admins', "DELETE FROM users WHERE username = 'mallory'",
	admin => ['user deleted']);
received_is('a mixed transaction',
	"BEGIN; UPDATE users SET phone = '1' WHERE id = 1; INSERT INTO projects (name) VALUES ('q'); COMMIT",
	admin => [ 'user updated', 'project created' ], all => ['project created']);

# send() to one, to a role, to all.
received_is('send to a user', q{SELECT bugevents.send('note', 'written', '{}', 'user:2')}, bob => ['note written']);
received_is('send to admins', q{SELECT bugevents.send('note', 'written', '{}', 'admin')}, admin => ['note written']);
received_is('send to all', q{SELECT bugevents.send('note', 'written', '{}')}, all => ['note written']);
received_is('send to a user whose id begins alike', q{SELECT bugevents.send('note', 'written', '{}', 'user:22')});
received_is('send to a user with blanks in the id', q{SELECT bugevents.send('note', 'written', '{}', '"user:no such user"')},
	stranger => ['note written']);

# What one may not see does not come through resuming or subscribing either.
my $start = $ws{eve}{ready}{payload};
my $again = $server->resume('3', $start->{seq}, $start->{stream});
my @seen = map { "$_->{type} $_->{action}" } $server->events_before_fence($again);
ok(!grep({ /^user (created|deleted|status_changed)/ } @seen), 'resume shows no more than the live stream');
ok(scalar(grep { /^project created/ } @seen), '... but what is for everyone');
is(scalar(grep { /^user updated/ } @seen), 1, '... and one\'s own');

$ws{eve}->send_json({ type => 'subscribe', id => 1, payload => { types => ['user'] } });
$ws{eve}->wait_for(sub { $_[0]{type} eq 'reply' });
$server->sql("UPDATE users SET email = 'ada\@example.com' WHERE id = 1");
my $mark = $server->fence;
$server->events_before_fence($ws{bob}, $mark);
my @more;
$ws{eve}->send_json({ type => 'ping', id => 2 });
$ws{eve}->wait_for(sub { ($_[0]{id} // 0) eq '2' }, undef, \@more);
is_deeply(\@more, [], 'subscribing to users shows no users');

# A role in the token is not a user id and the other way round.
my $tricky = $server->connect('admin');
$server->sql("UPDATE users SET email = 'ada\@example.net' WHERE id = 1");
is_deeply([ map { $_->{type} } $server->events_before_fence($tricky) ], [], 'a user called admin is no admin');
my $newline = $server->connect("x\nall\nadmin", raw => 1);
is($newline->next_json->{payload}{code}, 'invalid_token', 'a user id with newlines is refused');
done_testing();
