# What npm pack makes of the JavaScript client: a package that can be imported and required, with types that fit.
use strict;
use warnings;
use Cwd qw(getcwd);
use File::Copy qw(copy);
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

my $source = getcwd();
my $folder = PostgreSQL::Test::Utils::tempdir();
local $ENV{HOME} = $folder;

# A command in the folder: its output.
sub run_in
{
	my ($place, @command) = @_;
	my ($out, $err) = ('', '');

	IPC::Run::run([ 'sh', '-c', 'cd "$0" && exec "$@"', $place, @command ], '<', \'', '>', \$out, '2>', \$err, IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	is($?, 0, "@command") or diag($out, $err);
	return $out;
}

# A list of packages, or from npm 12 on an object of them by their names.
my $packages = decode_json(run_in("$source/clients/js", qw(npm pack --offline --json --pack-destination), $folder));
my ($packed) = ref $packages eq 'ARRAY' ? @{$packages} : values %{$packages};
is(join(' ', sort map { $_->{path} } @{ $packed->{files} }), 'LICENSE README.md bugevents.cjs bugevents.d.cts bugevents.d.ts bugevents.js collection.js example.html examples/board.jsx filter.js package.json react.d.ts react.js shared-worker.js shared.js', 'what is in it');
my ($version) = slurp_file('bugevents.control') =~ /^default_version = '(.*)'/m;
is($packed->{version}, $version, 'its version is the extension\'s');
my $package = decode_json(slurp_file('clients/js/package.json'));
is_deeply([ grep { /dependencies$/i && $_ ne 'peerDependencies' } keys %$package ], [], 'it needs nothing');
is(join(' ', grep { !$package->{peerDependenciesMeta}{$_}{optional} } keys %{ $package->{peerDependencies} }), '', '... React only where its hooks are used');
is(decode_json(slurp_file('clients/tanstack-db/package.json'))->{version}, $version, 'the version of the adapter for TanStack DB');

# As npm install would put it.
mkdir "$folder/node_modules";
run_in($folder, 'tar', '-xzf', $packed->{filename}, '-C', 'node_modules', '--transform', 's/^package/bugevents/');
my $names = run_in($folder, 'node', '--input-type=module', '-e',
	q{import * as all from 'bugevents'; console.log(JSON.stringify([...Object.keys(all), ...Object.getOwnPropertyNames(all.Connection.prototype)]))});
my $types = slurp_file("$folder/node_modules/bugevents/bugevents.d.ts");
is(join(' ', grep { $types !~ /\b\Q$_\E\b/ } @{ decode_json($names) }), '', 'all that it has, has types');

my @tsc = ('node', "$source/test/clients/node_modules/typescript/bin/tsc");
copy('test/clients/typed.ts', "$folder/typed.mts") or die $!;
run_in($folder, @tsc, qw(--noEmit --strict --module nodenext --target es2022 --lib), 'es2022,dom', 'typed.mts');

# The hooks, and the adapter for TanStack DB, with the types of these libraries.
my $libraries = "$source/test/clients/node_modules";
symlink "$libraries/$_", "$folder/node_modules/$_" or die "$_: $!" for qw(@types @tanstack @standard-schema csstype react);
symlink "$source/clients/tanstack-db", "$folder/node_modules/bugevents-tanstack-db" or die $!;
copy('test/clients/typed_libraries.ts', "$folder/typed_libraries.mts") or die $!;
run_in($folder, @tsc, qw(--noEmit --strict --skipLibCheck --preserveSymlinks --module nodenext --target es2022 --lib), 'es2022,dom', 'typed_libraries.mts');

# For require(): the same.
my $required = run_in($folder, 'node', '-e',
	q{const all = require('bugevents'); console.log(JSON.stringify([...Object.keys(all), ...Object.getOwnPropertyNames(all.Connection.prototype)]))});
is_deeply([ sort @{ decode_json($required) } ], [ sort @{ decode_json($names) } ], 'require() has what import has');
append_to_file("$folder/typed.cts", "import { connect } from 'bugevents';\nconnect({ url: '/ws', token: 'T' }).on('bug_report.updated', (event) => console.log(event.payload.status.length));\n");
run_in($folder, @tsc, qw(--noEmit --strict --module node16 --target es2022 --lib), 'es2022,dom', 'typed.cts');

# What a browser has to fetch of it.
sub size
{
	my (@options) = @_;

	run_in($folder, "$source/test/clients/node_modules/.bin/esbuild", qw(--bundle --minify --format=esm --target=es2022 --log-level=error),
		'--external:./shared.js', @options, '--outfile=bundle.js', 'node_modules/bugevents/bugevents.js');
	return length(run_in($folder, qw(gzip -9c bundle.js)));
}

my $core = size('--external:./collection.js');
my $all = size();
diag("minified and compressed: the core $core bytes, with collections $all");
cmp_ok($core, '<', 6144, "the core is below 6 kB: $core bytes");
cmp_ok($all, '<', 7168, "with collections below 7: $all bytes");
done_testing();
