# Projector.pm - waiting for the projector, for the TAP tests.
package BugEvents::Projector;

use strict;
use warnings;
use BugEvents::Server;
use Exporter qw(import);

our @EXPORT_OK = qw(caught_up);

# Wait until all that is committed now is derived from.
sub caught_up
{
	my ($server) = @_;

	BugEvents::Server::wait_until(sub {
			my $values = eval { $server->sql(<<~'END') };
				SELECT string_agg(value::text, ' ' ORDER BY name) FROM bugevents.stats
				 WHERE name IN ('bugevents_projector_lag_seq', 'bugevents_projector_up')
				END
			return defined $values && $values eq '0 1';
		}, 'the projector to catch up');
	return;
}

1;
