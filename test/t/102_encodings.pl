# Whatever the encoding of the database, clients get valid UTF-8.
use strict;
use warnings;
use utf8;
use BugEvents::Server;
use Encode qw(encode_utf8);
use Test::More;

# LATIN1: the server converts.
{
	my $server = BugEvents::Server->start_new('latin1', database => 'tracker',
		createdb => q{ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0});
	my $ws = $server->connect('1');

	is($server->sql('SHOW server_encoding'), 'LATIN1', 'a LATIN1 database');
	for my $code (1 .. 255)
	{
		$server->{script} .= sprintf(
			"INSERT INTO projects (name) VALUES (convert_from('\\x61%02x62', 'LATIN1'));\n", $code);
	}
	$server->sql($server->{script});
	is_deeply([ grep { $ws->next_event->{payload}{name} ne 'a' . chr($_) . 'b' } 1 .. 255 ], [],
		'every character of LATIN1 arrives as itself');

	$server->sql(encode_utf8(q{SET client_encoding = 'UTF8'; INSERT INTO projects (name, description) VALUES ('Müller', 'naïve café £')}));
	my $event = $ws->next_event;
	is($event->{payload}{name}, 'Müller', 'from a UTF-8 client');
	is($event->{payload}{description}, 'naïve café £', '... all of it');
	$server->sql(encode_utf8(q{SET client_encoding = 'UTF8'; UPDATE projects SET name = 'Möller' WHERE name = 'Müller'}));
	is_deeply($ws->next_event->{changes}{name}, [ 'Müller', 'Möller' ], '... in changes');
	$server->sql(encode_utf8(q{SET client_encoding = 'UTF8'; SELECT bugevents.send('cafe', 'ouvert', '{"où": "là"}')}));
	$event = $ws->next_event;
	is("$event->{type} $event->{payload}{'où'}", 'cafe là', '... in send()');
	$server->sql("INSERT INTO projects (name, description) VALUES ('big', repeat(convert_from('\\xe9', 'LATIN1'), 700000))");
	$event = $ws->next_event;
	is(ord $event->{payload}{description}, 0xe9, 'a value that grows beyond the limit by conversion');
	is($server->sql(q{SELECT payload->>'name' FROM bugevents.events(0, 100000) WHERE payload->>'name' = 'big'}), 'big',
		'events() works in LATIN1');

	# What clients choose need not be among the characters of the database.
	my $odd = $server->connect('2', role => "\x{20ac}");
	$odd->send_json({ type => 'subscribe', id => 1, payload => { types => ["\xe9\x{1F600}"] } });
	BugEvents::Server::wait_until(sub {
			$server->sql(q{SELECT count(*) FROM bugevents.connections WHERE role = '?' AND subscription -> 'types' ->> 0 = convert_from('\xe93f', 'LATIN1')}) == 1;
		}, 'the odd subscription in the view');
	pass('a subscription and a role in other characters do not spoil bugevents.connections');
	$server->node->stop;
}

# SQL_ASCII: the server knows nothing of the bytes, so any may be there.
{
	my $server = BugEvents::Server->start_new('sql_ascii', database => 'tracker',
		createdb => q{ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0});
	my $ws = $server->connect('1');

	is($server->sql('SHOW server_encoding'), 'SQL_ASCII', 'a SQL_ASCII database');
	my @bytes = (
		[ 'plain', 'plain' ],
		[ 'valid UTF-8', encode_utf8('ein schöner Tag 😀') ],
		[ 'LATIN1', "caf\xe9" ],
		map({ [ sprintf('byte %02x', $_), chr $_ ] } 0x80 .. 0xff),
		[ 'overlong', "\xc0\xaf" ], [ 'surrogate', "\xed\xa0\x80" ], [ 'above U+10FFFF', "\xf4\x90\x80\x80" ],
		[ 'cut sequence', "x\xe2\x82" ], [ 'cut and on', "\xe2\x82x" ], [ 'lone continuation', "a\x80b" ],
		[ 'mixed', "ok \xff \xc3\xa9 \xfe" ], [ 'a quote behind a lead byte', "\xe2\"\xc3\\" ]);

	$server->sql(join "\n", map {
			my $hex = unpack 'H*', $_->[1];
			"INSERT INTO projects (name) VALUES (convert_from('\\x$hex', 'SQL_ASCII'));"
		} @bytes);
	is($server->sql('SELECT count(*) FROM projects'), scalar @bytes, 'every row was written');
	for my $case (@bytes)
	{
		my ($what, $bytes) = @$case;

		# The client dies on a message that is not valid UTF-8.
		my $name = $ws->next_event->{payload}{name};
		my $valid = eval { Encode::decode('UTF-8', my $copy = $bytes, Encode::FB_CROAK) };

		if (defined $valid) { is($name, $valid, "$what: arrives as it is"); }
		else { ok(defined $name && length $name, "$what: arrives as valid UTF-8"); }
	}
	$server->sql("UPDATE projects SET name = convert_from('\\xfffe22', 'SQL_ASCII') WHERE id = 1");
	my $event = $ws->next_event;
	is($event->{changes}{name}[0], 'plain', 'changes of such a row');
	like($event->{changes}{name}[1], qr/"$/, '... end as they should');
	cmp_ok($server->sql('SELECT count(*) FROM bugevents.events(0, 100000)'), '>=', @bytes + 1, 'events() works in SQL_ASCII');
}
done_testing();
