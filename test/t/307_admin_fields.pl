# What is for admins only is not told in a notification, which others read, in a table,
# on the page and by mail.
use strict;
use warnings;
use BugEvents::Projector qw(caught_up);
use BugEvents::Server;
use Test::More;

my $server = BugEvents::Server->start_new('admin_fields', projector => 1);
my @hidden = qw(hidden-title hidden-priority hidden-content);

# Titles and priority of bugs, contents of comments: for admins, or for everybody.
sub attach
{
	my ($admin) = @_;

	$server->sql(<<~"END");
		SELECT bugevents.attach('bug_reports', 'bug_report', columns => '{"title": {"admin": $admin}, "priority": {"admin": $admin}}');
		SELECT bugevents.attach('comments', 'comment', columns => '{"content": {"admin": $admin}}');
		END
	return;
}

# Everything that can be told of a bug.
sub all_about
{
	my ($bug) = @_;

	$server->sql(<<~"END");
		SET bugevents.actor = '1';
		INSERT INTO bug_reports (id, title, creator_id, assignee_id) OVERRIDING SYSTEM VALUE VALUES ($bug, 'hidden-title', 2, 2);
		UPDATE bug_reports SET priority = 'hidden-priority' WHERE id = $bug;
		UPDATE bug_reports SET status = 'closed', title = 'another hidden-title' WHERE id = $bug;
		INSERT INTO comments (bug_report_id, user_id, content) VALUES ($bug, 1, 'hidden-content');
		END
	caught_up($server);
	return $server->sql("SELECT string_agg(n::text, E'\\n' ORDER BY id) FROM bugevents.notifications n WHERE bug_report_id = '$bug'");
}

sub shown { my ($text) = @_; return join ' ', grep { index($text, $_) >= 0 } @hidden; }
sub types { my ($bug) = @_; return $server->sql("SELECT string_agg(type, ' ' ORDER BY id) FROM bugevents.notifications WHERE bug_report_id = '$bug'"); }

$server->sql("INSERT INTO users (username, role) VALUES ('ada', 'admin'), ('bob', 'user')");
caught_up($server);
my $bob = $server->connect('2');

attach('true');
is(shown(all_about(101)), '', 'fields for admins only: nothing of them is in the table');
is(types(101), 'bug_assigned status_changed comment_added', '... of what may be known, one is told');
my @seen = $server->events_before_fence($bob);
is(scalar(grep { $_->{type} eq 'notification' } @seen), 3, '... on the page, too');
is(shown(JSON::PP->new->encode(\@seen)), '', '... where nothing of them is, either');
is($server->sql("SELECT count(*) FROM bugevents.bugs b WHERE b::text LIKE '%hidden%'"), 0, '... nor is any kept for later');

# Reminders read the row as it is.
$server->sql("SELECT bugevents.remind('101', now(), '2')");
BugEvents::Server::wait_until(sub { types(101) =~ /reminder_sent/ }, 'the reminder');
is(shown($server->sql("SELECT string_agg(n::text, ' ') FROM bugevents.notifications n WHERE bug_report_id = '101'")), '', 'nor in a reminder');

attach('false');
is(shown(all_about(102)), join(' ', @hidden), 'when they are for everybody, all of them are');
is(types(102), 'bug_assigned priority_changed status_changed comment_added', '... and all is told');
$server->node->stop;
done_testing();
