# What can't be read is passed by, and nothing else: JSON that jsonb refuses.
use strict;
use warnings;
use BugEvents::Projector qw(caught_up);
use BugEvents::Server;
use Test::More;

# In LATIN1, a character that UTF-8 has can be refused, too.
my $server = BugEvents::Server->start_new('poison', conf => 'bugevents.retention = 1h', tracker => 0,
	database => 'tracker', createdb => "ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
$server->sql(<<~'END');
	SELECT bugevents.create_tracker();
	ALTER TABLE bug_reports ADD COLUMN extra json;
	SELECT bugevents.detach('bug_reports');
	SELECT bugevents.attach('bug_reports', 'bug_report', extra => '{extra}');
	END
my $begin = $server->connect('1')->{ready}{payload}{seq};

# Values are as they might have got into the journal: put there in place of others of their length.
$server->sql(q{INSERT INTO bug_reports (title, assignee_id, extra) VALUES ('before', NULL, '{}')});
$server->sql(q{INSERT INTO users (username) SELECT 'user ' || i FROM generate_series(1, 3) i});
$server->sql(qq{INSERT INTO bug_reports (title, assignee_id, extra) VALUES ('$_->[0]', 1, '{"x": $_->[1]}')})
  for [ 'number', '1234567890' ], [ 'character', '"abcdef"' ];
$server->sql(q{INSERT INTO bug_reports (title, assignee_id, extra) VALUES ('after', 2, '{"x": 1}')});
for ([ '1234567890', '1e20000000' ], [ 'abcdef', '\u20ac' ])
{
	my ($harmless, $poison) = map { unpack 'H*', $_ } @$_;

	$server->sql("UPDATE bugevents.$_ SET events = decode(replace(encode(events, 'hex'), '$harmless', '$poison'), 'hex')"
		. " WHERE position('$harmless' IN encode(events, 'hex')) > 0") for qw(journal_0 journal_1 journal_2);
}

my ($status, $out, $error) = $server->node->psql('tracker',
	"SELECT string_agg(type || ' ' || coalesce(payload ->> 'title', payload ->> 'username', '?'), ', ' ORDER BY seq) FROM bugevents.events($begin)");
is($out, 'bug_report before, user user 1, user user 2, user user 3, bug_report ?, bug_report ?, bug_report after', 'events() leaves out what jsonb refuses');
like($error, qr/WARNING: +left out 2 values that jsonb cannot hold.*The first one is of event \d+: value overflows numeric format/s, '... and says so');

my $log = $server->log_size;
$server->set('bugevents.projector' => 'on');
BugEvents::Server::wait_until(sub { $server->sql("SELECT count(*) FROM bugevents.notifications WHERE title = 'after'") }, 'the last event to be looked at');
is($server->sql(q{SELECT string_agg(type || ' ' || action || ' ' || sqlstate, ', ' ORDER BY seq) FROM bugevents.projector_errors}),
	'bug_report created 22003, bug_report created 22P05', 'the projector sets them aside');
is($server->sql(q{SELECT count(*) FROM bugevents.notifications WHERE type = 'welcome'}), 3, '... and nothing else');
caught_up($server);

# It need not be able to read them again for that.
is(scalar(() = $server->log_since($log) =~ /tries again/g), 0, '... at once');
$server->node->stop;
done_testing();
