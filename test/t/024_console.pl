# The console in a headless Chromium.
use strict;
use warnings;
use BugEvents::Program;
use BugEvents::Server;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = BugEvents::Server->start_new('console', projector => 1, conf => <<~'END');
	bugevents.alert_window = 10s
	bugevents.retention_size = 100MB
	bugevents.alert_journal_size = 1
	END
my $node = $server->node;

# What is served, and how.
my ($status, $page, $headers) = $server->http('/');
is($status, 200, 'GET /');
like($headers->{'content-type'}, qr{^text/html}, '... is a page');
my $policy = $headers->{'content-security-policy'} // '';
like($policy, qr/default-src 'none'/, '... that may load nothing but what it names');
unlike($policy, qr/unsafe|\*/, '... strictly');
unlike($page, qr/<script(?![^>]*src=)|\son[a-z]+=|style=/, 'no script or style in the page itself');
my @files = map { s{^clients}{}r } glob('clients/console/*.{js,css}');
ok(@files > 10, 'it has files');
push(@files, '/bugevents.js', '/collection.js', '/filter.js', '/shared.js', '/shared-worker.js');
for my $file (@files)
{
	my ($found, $text) = $server->http($file);

	is($found, 200, $file);
	unlike($text, qr{https?://(?!www\.w3\.org)}, '... with nothing from elsewhere');
}
is(($server->http('/../README.md'))[0], 404, 'no other file');

my $pictures = $ENV{SCREENSHOTS};
$server->sql("INSERT INTO users (username, role) VALUES ('ada', 'admin'), ('bob', 'user'); INSERT INTO projects (name) VALUES ('one')");
{
	my $browser = BugEvents::Program->start([ 'node', 'test/browser/console.mjs', 'http://127.0.0.1:' . $server->port . '/', $server->token('2'),
			$server->token('1', role => 'admin') ],
		env => { $node->_get_env, HOME => PostgreSQL::Test::Utils::tempdir(), PGDATABASE => 'postgres', ($pictures ? (SCREENSHOTS => $pictures) : ()) });

	while (defined(my $line = $browser->line))
	{
		if ($line eq 'restart')
		{
			$node->restart;
			$server->wait_ready;
			$browser->tell("done\n");
		}
		elsif ($line =~ /^(not )?ok (.*)/) { ok(!$1, $2); }
	}
	$browser->finish;
	is($browser->err, '', 'the browser ran');
}
done_testing();
