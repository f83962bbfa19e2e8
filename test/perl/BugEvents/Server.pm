# Server.pm - a PostgreSQL server with bugevents, for the TAP tests.
#
#   my $server = BugEvents::Server->start_new('main');
#   my $ws = $server->connect('42');             # as user 42; reads "ready"
#   $server->sql("INSERT INTO projects (name) VALUES ('Apollo')");
#   my $event = $ws->next_event;
#
# The server listens on a socket of its own and the gateway on a free port of
# the loopback address.  Tokens are made here, not by the server.
package BugEvents::Server;

use strict;
use warnings;
use BugEvents::Statements;
use BugEvents::WebSocket;
use Carp qw(croak confess);
use Digest::SHA qw(hmac_sha256 hmac_sha384 hmac_sha512);
use JSON::PP ();
use MIME::Base64 qw(encode_base64url);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(time usleep);

our $TIMEOUT = $PostgreSQL::Test::Utils::timeout_default || 180;
$BugEvents::WebSocket::TIMEOUT = $TIMEOUT;

my $json = JSON::PP->new->utf8->canonical->allow_nonref;
my $fences = 0;

#
# The server
#

# Make a cluster, start it, create the extension and the tracker, wait until
# the stream is served.  Options: conf (text for postgresql.conf), initdb (list
# of arguments), projector (0: the stream has nothing but what the test writes; alerts are off for the same reason), streaming (1: wal_level and senders for a standby), database
# (postgres), install_path (of another PostgreSQL), createdb (SQL options of CREATE DATABASE), tracker (1), wait (1)
sub start_new
{
	my ($class, $name, %o) = @_;
	my $self = $class->new($name, %o);

	$self->node->start;
	$self->create(%o);
	return $self;
}

# Only make the cluster.
sub new
{
	my ($class, $name, %o) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name, $o{install_path} ? (install_path => $o{install_path}) : ());
	my $self = bless {
		node => $node,
		database => $o{database} // 'postgres',
		port => PostgreSQL::Test::Cluster::get_free_port(),
		secret => 'a secret of the tests, as long as HS512 wants it: sixty-four bytes',
	}, $class;

	_init($node, %o);
	append_to_file($node->data_dir . '/jwt_secret', "$self->{secret}\n");
	chmod 0600, $node->data_dir . '/jwt_secret';

	# A test reads its clients one after the other, and one that isn't read answers no ping: who waits long,
	# on a busy machine, would be dropped for it.  Tests of pings turn them on.
	$node->append_conf('postgresql.conf', <<~"END");
		shared_preload_libraries = 'bugevents'
		bugevents.database = '$self->{database}'
		bugevents.listen_addresses = '127.0.0.1'
		bugevents.port = $self->{port}
		bugevents.jwt_secret_file = 'jwt_secret'
		bugevents.max_connections_per_user = 1000
		bugevents.require_user = off
		bugevents.message_rate = 0
		bugevents.ping_interval = 0
		bugevents.alert_window = 0
		bugevents.projector = @{[ $o{projector} ? 'on' : 'off' ]}
		bugevents.statistics = @{[ $o{statistics} ? 'on' : 'off' ]}
		log_statement = none
		max_connections = 60
		shared_buffers = 16MB
		END
	$node->append_conf('postgresql.conf', "wal_level = replica\n") if !$o{streaming};
	$node->append_conf('postgresql.conf', $o{conf}) if defined $o{conf};
	return $self;
}

# The first cluster of a test is a copy of one that initdb made for all of them (test/run): that takes a third of
# the time.  Further ones are made by initdb, as a system's identifier is told from another one's.
my $template = $ENV{BUGEVENTS_INITDB};
sub _init
{
	my ($node, %o) = @_;
	my $made = defined $template && !$o{initdb} && !$o{install_path} ? $template : undef;
	my $system = \&PostgreSQL::Test::Utils::system_or_bail;
	no warnings 'redefine';
	local *PostgreSQL::Test::Utils::system_or_bail = sub {
		$system->(defined $made && $_[0] eq 'initdb' ? ('cp', '-a', '--sparse=always', $made, $node->data_dir) : @_);
	};

	$node->init(
		extra => $o{initdb} // [ '--encoding=UTF8', '--locale=C' ],
		($o{streaming} ? (allows_streaming => 1) : ()));
	undef $template;
	return;
}

# Another cluster, from a backup of this one (PostgreSQL::Test::Cluster's).  Options: conf, streaming (1: it is a standby of it)
sub from_backup
{
	my ($class, $name, $origin, $backup, %o) = @_;
	my $self = bless {
		%$origin,
		node => PostgreSQL::Test::Cluster->new($name),
		port => PostgreSQL::Test::Cluster::get_free_port(),
	}, $class;

	$self->node->init_from_backup($origin->node, $backup, $o{streaming} ? (has_streaming => 1) : ());
	chmod 0600, $self->node->data_dir . '/jwt_secret';
	$self->node->append_conf('postgresql.conf', "bugevents.port = $self->{port}\n" . ($o{conf} // ''));
	return $self;
}

# Create the database, if it is not there, the extension and the tracker.
sub create
{
	my ($self, %o) = @_;

	if ($self->{database} ne 'postgres')
	{
		$self->node->safe_psql('postgres',
			"CREATE DATABASE $self->{database} " . ($o{createdb} // ''));
	}
	$self->sql('CREATE EXTENSION bugevents');
	$self->sql('SELECT bugevents.create_tracker()') if $o{tracker} // 1;
	$self->wait_ready if $o{wait} // 1;
	return;
}

sub node { return $_[0]{node}; }
sub port { return $_[0]{port}; }

sub sql
{
	my ($self, $query, %o) = @_;

	return (%o ? undef : BugEvents::Statements::run($self->node, $self->{database}, $query))
	  // $self->node->safe_psql($self->{database}, $query, %o);
}

# A session that stays: BackgroundPsql, whose bound is for each query and for its end, not for its life.
sub session
{
	my ($self, %o) = @_;
	my $session = $self->node->background_psql($self->{database}, %o);

	$session->set_query_timer_restart;
	return bless $session, 'BugEvents::Server::Session';
}

# Change settings and tell the server.
sub set
{
	my ($self, %settings) = @_;

	for my $name (sort keys %settings)
	{
		$self->node->append_conf('postgresql.conf', "$name = '$settings{$name}'\n");
	}
	$self->node->reload;
	return;
}

sub log_size { return -s $_[0]->node->logfile; }

# The log from this position on.
sub log_since
{
	my ($self, $offset) = @_;

	return slurp_file($self->node->logfile, $offset // 0);
}

sub wait_log
{
	my ($self, $pattern, $offset) = @_;

	wait_until(sub { $self->log_since($offset) =~ $pattern }, "log line $pattern");
	return;
}

#
# The gateway
#

# One HTTP request: (status, body, headers).
sub http
{
	my ($self, $path, %o) = @_;

	return BugEvents::WebSocket->http(port => $self->port, path => $path, %o);
}

sub wait_ready
{
	my ($self) = @_;
	my ($status, $body) = (0, '');

	wait_until(sub {
			($status, $body) = eval { $self->http('/ready') };
			$body //= $@;
			return ($status // 0) == 200;
		}, 'the gateway to be ready', sub { "last answer: " . ($status // 'none') . ' ' . ($body // '') });
	return;
}

# Connect as this user and read "ready" (kept in {ready}).  Options: role, ttl,
# claims, secret and the like (see token), and those of WebSocket's connect;
# raw => 1: don't read anything.
sub connect
{
	my ($self, $user, %o) = @_;
	my $ws = BugEvents::WebSocket->connect(
		port => $self->port, token => $self->token($user, %o), %o);

	return $ws if $o{raw};
	$ws->{ready} = $ws->next_json;
	confess('no ready: ' . $ws->describe)
	  if !$ws->{ready} || $ws->{ready}{type} ne 'connection' || $ws->{ready}{action} ne 'ready';
	return $ws;
}

# Connect again where another connection stopped.
sub resume
{
	my ($self, $user, $since, $stream, %o) = @_;

	return $self->connect($user, query => { since => $since, stream => $stream }, %o);
}

# A token, made independently of the server.  Options: role (user), ttl (3600
# seconds), claims (hash; undef removes a claim), alg, secret, header (hash).
sub token
{
	my ($self, $user, %o) = @_;
	my $now = int(time);
	my %claims = (
		sub => "$user", iat => $now, exp => $now + ($o{ttl} // 3600),
		role => $o{role} // 'user', %{ $o{claims} // {} });
	my $alg = $o{alg} // 'HS256';
	my %sign = (
		HS256 => \&hmac_sha256, HS384 => \&hmac_sha384, HS512 => \&hmac_sha512,
		none => sub { '' });

	delete @claims{ grep { !defined $claims{$_} } keys %claims };
	my $body = join '.', map { encode_base64url($_) }
	  $json->encode({ alg => $alg, typ => 'JWT', %{ $o{header} // {} } }),
	  $o{payload} // $json->encode(\%claims);

	return "$body." . encode_base64url($sign{$alg}->($body, $o{secret} // $self->{secret}));
}

# Publish a custom event for everyone that marks this moment; returns its text.
# A client that saw it has seen all that was committed before.
sub fence
{
	my ($self) = @_;
	my $mark = "fence-$$-" . ++$fences;

	$self->sql("SELECT bugevents.send('fence', 'passed', '{\"mark\": \"$mark\"}')");
	return $mark;
}

# All events that a client gets up to a fence put now.
sub events_before_fence
{
	my ($self, $ws, $mark) = @_;

	$mark //= $self->fence;
	my @events = $ws->events_until(
		sub { $_[0]{type} eq 'fence' && $_[0]{payload}{mark} eq $mark });

	pop @events;
	return @events;
}

sub postmaster_pid
{
	my ($self) = @_;

	return (split /\n/, slurp_file($self->node->data_dir . '/postmaster.pid'))[0];
}

# Processes of the gateway program below this server's postmaster.
sub gateway_pids
{
	my ($self) = @_;

	return _descendants($self->postmaster_pid, qr/bugevents-gateway/);
}

# The one of the verifier.
sub verifier_pid
{
	my ($self) = @_;

	return (_descendants($self->postmaster_pid, qr/bugevents-verifier/))[0];
}

# Those of the carrier.
sub carrier_pids
{
	my ($self) = @_;

	return _descendants($self->postmaster_pid, qr/bugevents-carrier/);
}

sub dispatcher_pid
{
	my ($self) = @_;
	my %parent = _parents();
	my ($gateway) = $self->gateway_pids;

	return defined $gateway ? $parent{$gateway} : undef;
}

# Wait until a gateway runs that is none of these, and is ready.
sub wait_new_gateway
{
	my ($self, @old) = @_;
	my @new;

	wait_until(sub {
			my %old = map { $_ => 1 } @old;
			@new = grep { !$old{$_} } $self->gateway_pids;
			return @new > 0;
		}, 'a new gateway');
	$self->wait_ready;
	return @new;
}

# (pid => start time) of all processes that the postmaster started.
sub backends
{
	my ($self) = @_;
	my %parent = _parents();
	my $postmaster = $self->postmaster_pid;
	my %backends;

	for my $pid (grep { $parent{$_} == $postmaster } keys %parent)
	{
		$backends{$pid} = _start_time($pid);
	}
	return %backends;
}

#
# Waiting and looking
#

# Poll until the condition holds; die past the deadline.
sub wait_until
{
	my ($condition, $what, $describe) = @_;
	my $deadline = time + $TIMEOUT;

	while (1)
	{
		my $result = $condition->();

		return $result if $result;
		confess("timed out waiting for $what" . ($describe ? ': ' . $describe->() : ''))
		  if time > $deadline;
		usleep(20_000);
	}
}

sub process_exists
{
	my ($pid) = @_;
	my $stat = eval { slurp_file("/proc/$pid/stat") } // return 0;

	return $stat =~ /\) ([A-Za-z]) / && $1 ne 'Z' && $1 ne 'X';
}

# Stop a worker (SIGSTOP) while it waits for something to do: stopped elsewhere, it may hold a
# lock that everybody needs.
sub stop_worker
{
	my ($self, $pid) = @_;

	wait_until(sub {
			kill 'STOP', $pid;
			wait_until(sub { slurp_file("/proc/$pid/stat") =~ /\) T / }, "process $pid to stop");
			my ($waits_for, $timed_out) = ('', 0);
			$self->node->psql('postgres', "SELECT wait_event FROM pg_stat_activity WHERE pid = $pid",
				stdout => \$waits_for, timeout => 5, timed_out => \$timed_out);
			return 1 if !$timed_out && $waits_for eq 'Extension';
			kill 'CONT', $pid;
			return 0;
		}, "process $pid to be idle");
	return;
}

# Memory of a process that is its own (not shared with others), in kB.
sub private_memory
{
	my ($pid) = @_;
	my $kb = 0;
	my $rollup = slurp_file("/proc/$pid/smaps_rollup");

	$kb += $1 while $rollup =~ /^Private_(?:Clean|Dirty):\s+(\d+) kB/mg;
	return $kb;
}

package BugEvents::Server::Session
{
	our @ISA = ('PostgreSQL::Test::BackgroundPsql');

	sub quit
	{
		my ($self) = @_;

		$self->{timeout}->start;
		return $self->SUPER::quit;
	}
}

sub _parents
{
	my %parent;

	opendir(my $dir, '/proc') or die "/proc: $!";
	for my $pid (grep { /^\d+$/ } readdir $dir)
	{
		open(my $file, '<', "/proc/$pid/stat") or next;
		my $stat = <$file> // next;

		$parent{$pid} = $1 if $stat =~ /^.*\) \S (\d+) /s;
	}
	return %parent;
}

sub _start_time
{
	my ($pid) = @_;
	my $stat = eval { slurp_file("/proc/$pid/stat") } // return '';

	return (split / /, $stat =~ s/^.*\) //sr)[19];
}

sub _descendants
{
	my ($ancestor, $program) = @_;
	my %parent = _parents();
	my @found;

	for my $pid (sort { $a <=> $b } keys %parent)
	{
		my $up = $pid;

		$up = $parent{$up} while defined $up && $up > 1 && $up != $ancestor;
		next if !defined $up || $up != $ancestor || $pid == $ancestor;

		# The name of the program is cut to 15 characters in stat; a worker
		# between fork and exec still has PostgreSQL's.
		my $exe = readlink("/proc/$pid/exe") // '';
		push @found, $pid if $exe =~ $program;
	}
	return @found;
}

1;
