# docs/settings.md: all settings that there are, each once, with their defaults and who may change them.
use strict;
use warnings;
use BugEvents::Server;
use PostgreSQL::Test::Utils;
use Test::More;

# Rows of tables: names, defaults (one for all of them, or one each), and what is said of them.
my ($first, @rest) = split /^## /m, slurp_file('docs/settings.md') =~ s/\A.*?^## //msr;
sub rows
{
	my ($text) = @_;
	my @rows;

	while ($text =~ /^\| (`bugevents\.[^|]*) \| ([^|]*) \| (.*) \|$/mg)
	{
		my ($names, $default, $said) = ($1, $2, $3);
		my @names = $names =~ /`([^`]*)`/g;
		my @defaults = $default eq 'empty' ? ('') x @names : $default =~ /`([^`]*)`/g;
		my ($mark) = $said =~ /\((restart|session|superuser)\)/;

		push @rows, map { { name => $names[$_], default => $defaults[$_], mark => $mark // '' } } 0 .. $#names;
	}
	return @rows;
}
my @first = rows($first);
my @all = map { rows($_) } @rest;

my $server = BugEvents::Server->start_new('settings', wait => 0);
my %mark = (postmaster => 'restart', sighup => '', user => 'session', superuser => 'superuser');
my %is = map { my ($name, $unit, $context, $value) = split /\|/, $_, -1; ($name => { unit => $unit, mark => $mark{$context}, default => $value }) }
  split /\n/, $server->sql(q{SELECT name, unit, context, boot_val FROM pg_settings WHERE name LIKE 'bugevents.%'});

# A default as the server keeps it, in the setting's unit.
sub in_unit
{
	my ($value, $unit) = @_;

	return $value if !$unit || $value !~ /^\d+[a-zA-Z]+$/;
	return $server->sql("SELECT pg_size_bytes('$value') / " . ($unit eq 'B' ? 1 : "pg_size_bytes('1$unit')")) if $unit =~ /B$/;
	return $server->sql("SELECT (extract(epoch FROM interval '$value') / extract(epoch FROM interval '1$unit'))::int8");
}

is(join("\n", sort map { $_->{name} } @all), join("\n", sort keys %is), 'every setting is there, once');
is(scalar @first, 10, 'ten come first');
for my $row (@first, @all)
{
	my $is = $is{ $row->{name} } // {};

	is(in_unit($row->{default}, $is->{unit}), $is->{default}, "$row->{name}: its default");
	is($row->{mark}, $is->{mark}, '... and who may change it when');
}
done_testing();
