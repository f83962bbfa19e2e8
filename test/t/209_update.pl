# ALTER EXTENSION UPDATE: from each earlier version, what comes out is what CREATE EXTENSION makes.
use strict;
use warnings;
use BugEvents::Server;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = BugEvents::Server->start_new('update', tracker => 0, wait => 0);
my $now = $server->sql(q{SELECT default_version FROM pg_available_extensions WHERE name = 'bugevents'});
# Those that are ours: 109 brings one of its own for a while.
my @earlier = grep { $_ ne $now } map { m{/bugevents--([\d.]+)\.sql$} ? $1 : () } sort glob 'sql/bugevents--*.sql';

# The lines that one text has more often than the other.
sub difference
{
	my ($new, $old) = @_;
	my %more;

	$more{$_}++ for split /\n/, $new;
	$more{$_}-- for split /\n/, $old;
	return join "\n", map { ($more{$_} > 0 ? '+' : '-') . $_ } grep { $more{$_} } sort keys %more;
}

# The members of the extension, without what depends on how they came to be.
sub definition
{
	my ($database) = @_;
	my ($dump) = run_command([ 'pg_dump', '--schema-only', '--binary-upgrade', '--extension=bugevents', '--schema=bugevents', $server->node->connstr($database) ]);

	$dump =~ s/^SELECT pg_catalog\.binary_upgrade_.*\n//mg;
	$dump =~ s/^SET relfrozenxid = .*\n//mg;
	$dump =~ s/^--.*\n//mg;
	$dump =~ s/^\\(un)?restrict .*\n//mg;
	$dump =~ s/\b\d{5,}\b/OID/g;
	$dump =~ s/^\n//mg;
	return $dump;
}

sub comments
{
	my ($database) = @_;

	return $server->node->safe_psql($database, <<~'END');
		SELECT pg_describe_object(classid, objid, objsubid), obj_description(objid, classid::regclass::name)
		  FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
		   AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'bugevents') ORDER BY 1
		END
}

# Tables that 0.1.0 attached, by name and number, whose columns have been renamed and dropped since.
sub attach_as_before
{
	my ($database) = @_;

	return $server->node->safe_psql($database, <<~'END');
		CREATE TABLE plain (id int, gone text, title text, was text);
		CREATE TABLE parts (LIKE plain) PARTITION BY RANGE (id);
		CREATE TABLE part PARTITION OF parts DEFAULT;
		SELECT format('CREATE TRIGGER "00_bugevents" AFTER INSERT ON %s FOR EACH ROW EXECUTE FUNCTION bugevents.capture(%L)', t,
		    format('{"entity": "project", "table": %s, "fields": [{"field": "id", "column": "id", "attnum": 1}, {"field": "name", "column": "label", "attnum": 4},
		        {"field": "description", "expression": "null"}], "extra": [{"field": "gone", "column": "gone", "attnum": 2}, {"field": "title", "column": "was", "attnum": 3}]}', t::oid))
		  FROM unnest('{plain,parts}'::regclass[]) AS t \gexec
		ALTER TABLE plain DROP COLUMN gone;
		ALTER TABLE parts DROP COLUMN gone;
		END
}

cmp_ok(scalar @earlier, '>', 0, 'there are earlier versions');
for my $version (@earlier)
{
	my $database = 'from_' . $version =~ s/\./_/gr;

	$server->node->safe_psql('postgres', "CREATE DATABASE $database");
	$server->node->safe_psql($database, "CREATE EXTENSION bugevents VERSION '$version'");
	attach_as_before($database) if $version eq '0.1.0';
	$server->node->safe_psql($database, 'ALTER EXTENSION bugevents UPDATE');
	is($server->node->safe_psql($database, q{SELECT extversion FROM pg_extension WHERE extname = 'bugevents'}), $now, "$version is updated to $now");
	is(difference(definition('postgres'), definition($database)), '', '... and is like a new one');
	is(difference(comments('postgres'), comments($database)), '', '... with what it says of itself');
	is($server->node->safe_psql($database, <<~'END'), "parts|{gone,title}|was\nplain|{gone,title}|was", '... attachments follow their columns') if $version eq '0.1.0';
		SELECT tbl, extra, columns ->> 'name' FROM bugevents.attachments ORDER BY tbl::text
		END
	is($server->node->safe_psql($database, "SELECT count(DISTINCT tgargs), count(*) FROM pg_trigger WHERE tgrelid IN ('parts'::regclass, 'part'::regclass)"), '1|2', '... of partitions too')
		if $version eq '0.1.0';
}

$server->node->stop;
done_testing();
