# Projector.pm - waiting for the projector, for the TAP tests.
package BugEvents::Projector;

use strict;
use warnings;
use BugEvents::Server;
use Exporter qw(import);

our @EXPORT_OK = qw(caught_up gathered);

sub wait_for_lag
{
	my ($server, $metric) = @_;

	BugEvents::Server::wait_until(sub {
			my $values = eval { $server->sql(<<~"END") };
				SELECT string_agg(value::text, ' ' ORDER BY name = 'bugevents_projector_up') FROM bugevents.stats
				 WHERE name IN ('$metric', 'bugevents_projector_up')
				END
			return defined $values && $values eq '0 1';
		}, "the projector to catch up: $metric");
	return;
}

# Wait until whoever is to be told of what is committed now is.
sub caught_up { return wait_for_lag($_[0], 'bugevents_projector_lag_seq'); }

# Wait until what is kept of it is written, too: up to a second more.
sub gathered { return wait_for_lag($_[0], 'bugevents_gathering_lag_seq'); }

1;
