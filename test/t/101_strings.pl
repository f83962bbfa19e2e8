# What SELECT returns is what arrives, byte for byte, whatever the row holds.
use strict;
use warnings;
use utf8;
use BugEvents::Server;
use Encode qw(encode_utf8);
use Test::More;

my $server = BugEvents::Server->start_new('strings');

# [what it is, characters]
my @strings;
push @strings, [ sprintf('control U+%04X', $_), 'a' . chr($_) . 'b' ] for 1 .. 31, 127 .. 159;
push @strings, [ sprintf('only U+%04X', $_), chr $_ ] for 1 .. 31, 127;
push @strings, [ sprintf('ASCII U+%04X', $_), chr $_ ] for 32 .. 126;
push @strings, [ sprintf('doubled %s', chr $_), chr($_) x 2 ] for 33 .. 47, 58 .. 64, 91 .. 96, 123 .. 126;
push @strings, [ sprintf('escape-like \\%s', chr $_), "\\" . chr $_ ] for 32 .. 126;
push @strings, [ "text $_", $_ ] for (
	'', ' ', '  ', "\n", "\r\n", "\t", 'null', 'NULL', 'true', '0', '-0', '1e400', 'NaN', 'Infinity', '{}', '[]', '""',
	'"', "'", "''", '\\', '\\\\', '\\"', "\\'", '"\\""', '\\u0000', '\\u0041', '\\ud800', '\\udc00', '\\ud83d\\ude00', '\\x00',
	'\\0', '\\n', '\\N', '\\.', '%s', '%n', '%00', '%', '$1', '$$', '$x$', ':name', '{"a":1}', '["a"]', '</script>', '<!--',
	']]>', '&amp;', '&#0;', "O'Brien", "'; DROP TABLE users; --", '/* */', '--', '# x', '`id`', '$(id)', '${x}', '../..',
	"tab\there", "line\nbreak", "cr\rhere", "bell\x07", "esc\e[31mred\e[0m", "\x{feff}bom", "bom at end\x{feff}", ',', ';', '{', '}', '[', ']');
push @strings, [ sprintf('U+%04X', $_), chr $_ ] for (
	0x80, 0xa0, 0xad, 0xff, 0x100, 0x130, 0x131, 0x17f, 0x1c4, 0x300, 0x345, 0x378, 0x5d0, 0x600, 0x627, 0x6dd, 0x7ff, 0x800,
	0x0fff, 0x1680, 0x180e, 0x1e9e, 0x2000, 0x200b .. 0x200f, 0x2028 .. 0x202e, 0x2060 .. 0x2064, 0x2066 .. 0x2069, 0x20ac, 0x20e3,
	0x2126, 0x2603, 0x3000, 0x3042, 0x4e2d, 0xac00, 0xd7ff, 0xe000, 0xf8ff, 0xfb01, 0xfdd0, 0xfdef, 0xfe0f, 0xfeff, 0xfff9 .. 0xffff,
	0x10000, 0x1039f, 0x1d11e, 0x1f1e9, 0x1f468, 0x1f600, 0x1fffe, 0x1ffff, 0x20000, 0x2fffe, 0xe0001, 0xe0067, 0xf0000, 0xffffd,
	0xffffe, 0xfffff, 0x100000, 0x10fffd, 0x10fffe, 0x10ffff);
push @strings, map { [ "text $_->[0]", $_->[1] ] } (
	[ 'a combined e', "e\x{301}" ], [ 'a family', "\x{1f468}\x{200d}\x{1f469}\x{200d}\x{1f467}" ],
	[ 'a flag', "\x{1f1e9}\x{1f1ea}" ], [ 'a skin tone', "\x{1f44d}\x{1f3fd}" ], [ 'many marks', 'Z' . join('', map { chr } 0x300 .. 0x36f) ],
	[ 'Arabic and Latin', "abc \x{645}\x{631}\x{62d}\x{628}\x{627} def" ], [ 'Hebrew', "\x{5e9}\x{5dc}\x{5d5}\x{5dd}" ],
	[ 'an override', "\x{202e}gnp.exe" ], [ 'Chinese', "\x{7f3a}\x{9677}\x{62a5}\x{544a}" ], [ 'Thai', "\x{e1b}\x{e23}\x{e30}\x{e40}\x{e17}\x{e28}" ],
	[ 'Devanagari', "\x{939}\x{93f}\x{928}\x{94d}\x{926}\x{940}" ], [ 'all planes', join '', map { chr($_ * 0x10000 + 0x61) } 0 .. 16 ],
	[ 'every ASCII character', join '', map { chr } 1 .. 127 ], [ 'every Latin-1 character', join '', map { chr } 1 .. 255 ],
	[ 'JSON in JSON in JSON', '{"a":"{\\"b\\":\\"\\\\u0000\\"}"}' ], [ 'a thousand quotes', '"' x 1000 ],
	[ 'a thousand backslashes', '\\' x 1000 ], [ 'a thousand newlines', "\n" x 1000 ], [ 'a thousand U+0001', "\x01" x 1000 ],
	[ '125 bytes', 'x' x 125 ], [ '126 bytes', 'x' x 126 ], [ '65535 bytes', 'y' x 65535 ], [ '65536 bytes', 'z' x 65536 ]);

# Random ones: every length up to 64, every kind of character mixed.
srand(571);
my @alphabet = (map({ chr } 1 .. 126), map { chr } 0xe9, 0x20ac, 0x4e2d, 0x1f600, 0x300, 0x200d, 0x10ffff, 0xfffe);
while (@strings < 568)
{
	push @strings, [ 'random ' . @strings, join '', map { $alphabet[ rand @alphabet ] } 1 .. (@strings % 64) + 1 ];
}

# Large ones: 7 kB, 70 kB, and exactly the 1 MB that one field may have.
push @strings, [ '7 kB', "\x{1f600}\"\\\n" x 1024 ], [ '70 kB', "snow\x{2603}man \"quoted\"\t" x 3500 ],
  [ '1 MB', "0123456789abcde\x01" x 65536 ];
cmp_ok(scalar(@strings), '>=', 571, 'strings: ' . @strings);
is(length $strings[-1][1], 1048576, 'the largest is as large as a value may be');

# One statement for each, as any application would send it.
my $ws = $server->connect('1');
my $script = join "\n", map {
	my $hex = unpack 'H*', encode_utf8($_->[1]);
	"INSERT INTO projects (name, description) VALUES ('x', convert_from('\\x$hex', 'UTF8'));"
} @strings;
$server->sql($script);

my @stored = split /\n/, $server->sql('SELECT encode(convert_to(description, \'UTF8\'), \'hex\') FROM projects ORDER BY id');
is(scalar @stored, scalar @strings, 'every row was written: no statement failed');
my $different = 0;
for my $i (0 .. $#strings)
{
	my $event = $ws->next_event;
	my $got = $event->{payload}{description};

	$got = defined $got ? unpack('H*', encode_utf8($got)) : 'null';
	next if $got eq $stored[$i] && $event->{payload}{id} == $i + 1 && !exists $event->{payload}{truncated} && !$event->{truncated};
	$different++;
	fail("$strings[$i][0]: sent " . substr($stored[$i], 0, 80) . ', got ' . substr($got, 0, 80));
}
is($different, 0, 'payload equals SELECT for each of them');

# The same as names and values of an UPDATE, through changes.
$server->sql("UPDATE projects SET name = left(description, 2000)");
$different = 0;

# An UPDATE takes the rows in an order of its own; a name that is x already
# doesn't change, so it has no event.
for (1 .. grep { $_->[1] ne 'x' } @strings)
{
	my $event = $ws->next_event;
	my $i = $event->{payload}{id} - 1;
	my $expected = encode_utf8(substr($strings[$i][1], 0, 2000));

	next if encode_utf8($event->{payload}{name} // '?') eq $expected
	  && encode_utf8($event->{changes}{name}[1] // '?') eq $expected
	  && $event->{changes}{name}[0] eq 'x';
	$different++;
	diag("$strings[$i][0]: wanted " . substr($expected, 0, 80) . ', got ' . substr(JSON::PP->new->ascii->encode($event), 0, 300));
}
is($different, 0, 'changes equal SELECT for each of them');

# Over the limit: cut at a character, named, and the writer is not bothered.
$server->sql("INSERT INTO projects (name, description) VALUES ('cut', repeat(U&'\\+01F600', 300000))");
my $event = $ws->next_event;
my $description = $event->{payload}{description};
ok(length($description) * 4 <= 1048576, 'a value over the limit is cut');
ok(length($description) * 4 > 1048576 - 64, '... not more than needed');
like($description, qr/^\x{1f600}+/, '... at a character');
like(JSON::PP->new->canonical->encode($event), qr/"truncated":\[?"?.*description/, '... and named in truncated');
done_testing();
