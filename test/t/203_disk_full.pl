# No space for the journal: the writer's transaction fails as any INSERT does,
# nothing is published, nothing is torn.
use strict;
use warnings;
use BugEvents::Server;
use PostgreSQL::Test::Utils;
use Test::More;

# A disk of which one file can't get longer, also for who may not make a file
# system: a library between the server and the system.
my $dir = PostgreSQL::Test::Utils::tempdir();
append_to_file("$dir/full.c", <<'END');
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Does the write make one of the files longer whose names are in $FULL? */
static int
is_full(int fd, off_t end)
{
	char		link[64], path[4096], name[4096];
	struct stat st;
	FILE	   *list;
	ssize_t		len;

	if (getenv("FULL") == NULL || (list = fopen(getenv("FULL"), "r")) == NULL)
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	path[len < 0 ? 0 : len] = '\0';
	len = 0;
	while (fgets(name, sizeof(name), list))
	{
		name[strcspn(name, "\n")] = '\0';
		if (strlen(path) > strlen(name) && strcmp(path + strlen(path) - strlen(name), name) == 0)
			len = -1;
	}
	fclose(list);
	return len == -1 && fstat(fd, &st) == 0 && end > st.st_size;
}

static ssize_t
write_at(const char *real, int fd, const void *data, size_t size, off_t offset)
{
	ssize_t		(*next) (int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, real);

	if (is_full(fd, offset + (off_t) size))
	{
		errno = ENOSPC;
		return -1;
	}
	return next(fd, data, size, offset);
}

ssize_t
pwrite(int fd, const void *data, size_t size, off_t offset)
{
	return write_at("pwrite", fd, data, size, offset);
}

ssize_t
pwrite64(int fd, const void *data, size_t size, off_t offset)
{
	return write_at("pwrite64", fd, data, size, offset);
}
END
system_or_bail('gcc', '-shared', '-fPIC', '-o', "$dir/full.so", "$dir/full.c", '-ldl');

my $server = BugEvents::Server->new('full');
my $node = $server->node;
{
	local $ENV{LD_PRELOAD} = "$dir/full.so";
	local $ENV{FULL} = "$dir/full.list";
	$node->start;
}
$server->create;
my $ws = $server->connect('1');
my $stream = $ws->{ready}{payload}{stream};

sub fill
{
	my (@tables) = @_;

	unlink "$dir/full.list";
	append_to_file("$dir/full.list", $server->sql("SELECT pg_relation_filepath('$_')") . "\n") for @tables;
	return;
}

sub toast_of { return $server->sql("SELECT reltoastrelid::regclass FROM pg_class WHERE oid = 'bugevents.$_[0]'::regclass"); }

# Insert until there is no more room; [committed names, the error].
sub insert_until_full
{
	my ($name, $value) = @_;
	my @committed;

	for my $i (1 .. 500)
	{
		my ($status, $out, $err) = $node->psql('postgres', "INSERT INTO projects (name, description) VALUES ('$name $i', $value)");

		return (\@committed, $err) if $status;
		push @committed, "$name $i";
	}
	return (\@committed, '');
}

my @expected;
for my $case (
	[ 'rows', [ map { "bugevents.journal_$_" } 0 .. 2 ], "repeat('x', 3000)" ],
	[ 'index', [ map { "bugevents.journal_${_}_pkey" } 0 .. 2 ], "''" ],
	[ 'large values', [ map { toast_of("journal_$_") } 0 .. 2 ], "repeat('x', 100000)" ])
{
	my ($what, $tables, $value) = @$case;

	fill(@$tables);
	my ($committed, $error) = insert_until_full($what, $value);
	like($error, qr/ERROR:.*could not extend file.*No space left on device/, "no space for $what: the INSERT fails") or next;
	push @expected, @$committed;
	is($server->sql("SELECT count(*) FROM projects WHERE name LIKE '$what %'"), scalar @$committed, '... and leaves no row');
	my ($status, $out, $err) = $node->psql('postgres', 'UPDATE users SET username = username');
	is($status, 0, '... what publishes nothing goes on');
	unlink "$dir/full.list";
	$server->sql("INSERT INTO projects (name) VALUES ('space again, $what')");
	push @expected, "space again, $what";
}

# A transaction that spills fails where its part finds no room: as it goes, where it is beyond
# netting_limit, and then it can be taken back to a savepoint from before; else at COMMIT.
fill('bugevents.journal_part', toast_of('journal_part'));
my ($status, $out, $err) = $node->psql('postgres', <<'END');
SET bugevents.spill_size = 64;
SET bugevents.netting_limit = 1000;
\set ON_ERROR_STOP 0
BEGIN;
INSERT INTO projects (name) VALUES ('kept');
SAVEPOINT s;
INSERT INTO projects (name) SELECT 'never' FROM generate_series(1, 5000);
ROLLBACK TO s;
COMMIT;
END
like($err, qr/No space left on device/, 'no space for parts: the statement fails');
push @expected, 'kept';
($status, $out, $err) = $node->psql('postgres', <<'END');
SET bugevents.spill_size = 64;
INSERT INTO projects (name) SELECT 'never' FROM generate_series(1, 5000);
END
like($err, qr/No space left on device/, '... or the COMMIT');
unlink "$dir/full.list";

my @names = map { $_->{payload}{name} } grep { $_->{type} eq 'project' } $server->events_before_fence($ws);
is_deeply(\@names, \@expected, 'a client got exactly what was committed');
is_deeply([ split /\n/, $server->sql('SELECT name FROM projects ORDER BY id') ], \@expected, '... which is what the table holds');
$node->restart;
$server->wait_ready;
is($server->sql(q{SELECT count(*) FROM bugevents.events() WHERE type = 'project'}), scalar @expected, '... and the journal');
done_testing();
