# Outside.pm - the world that the courier sends to (test/t/outside.py), for the TAP tests.
#
#   my $outside = BugEvents::Outside->start;
#   my $server = BugEvents::Server->start_new('courier', projector => 1, conf => $outside->conf);
#   $outside->behave(mail => 'busy');
#   my @mails = grep { $_->{channel} eq 'email' } $outside->accepted;
package BugEvents::Outside;

use strict;
use warnings;
use BugEvents::Projector qw(caught_up);
use BugEvents::Server;
use JSON::PP;
use MIME::Base64;
use MIME::QuotedPrint;
use PostgreSQL::Test::Utils;

sub start
{
	my ($class) = @_;
	my $folder = PostgreSQL::Test::Utils::tempdir;
	my $self = bless { folder => $folder, secret => 'whsec_' . encode_base64('thirty-two bytes of secret, no less', '') }, $class;

	$self->{pid} = fork() // die;
	if ($self->{pid} == 0)
	{
		exec 'python3', 'test/t/outside.py', $folder;
		exit 1;
	}
	BugEvents::Server::wait_until(sub { -e "$folder/ports" }, 'the world outside');
	$self->{ports} = decode_json(slurp_file("$folder/ports"));
	append_to_file("$folder/password", "geheim\n");
	append_to_file("$folder/token", "wa-token\n");
	append_to_file("$folder/secret", "$self->{secret}\n");
	chmod 0600, map { "$folder/$_" } qw(password token secret);
	return $self;
}

sub DESTROY
{
	my ($self) = @_;

	local ($?, $@);
	kill 'TERM', $self->{pid};
	waitpid $self->{pid}, 0;
	return;
}

sub secret { return $_[0]{secret}; }

sub port { my ($self, $name) = @_; return $self->{ports}{$name}; }

# One of the files in its folder.
sub file { my ($self, $name) = @_; return "$self->{folder}/$name"; }

# All channels, for postgresql.conf.
sub conf
{
	my ($self) = @_;

	return <<~"END";
		bugevents.smtp_url = 'smtp://localhost:$self->{ports}{smtp}'
		bugevents.smtp_from = 'Bug Tracker <bugs\@example.org>'
		bugevents.smtp_user = 'tracker'
		bugevents.smtp_password_file = '$self->{folder}/password'
		bugevents.whatsapp_url = 'https://localhost:$self->{ports}{web}/wa'
		bugevents.whatsapp_token_file = '$self->{folder}/token'
		bugevents.webhook_url = 'https://localhost:$self->{ports}{web}/hook'
		bugevents.webhook_secret_file = '$self->{folder}/secret'
		bugevents.delivery_ca_file = '$self->{folder}/ca.pem'
		END
}

# How the next requests are answered; see outside.py.
sub behave
{
	my ($self, %how) = @_;
	my $file = "$self->{folder}/behaviour";

	append_to_file("$file.new", encode_json(\%how));
	rename "$file.new", $file or die $!;
	return;
}

sub _lines
{
	my ($self, $name) = @_;
	my $file = $self->file($name);

	return -e $file ? map { decode_json($_) } split /\n/, slurp_file($file) : ();
}

# What was accepted, in order.  A mail has its headers, as they are, in "head".
sub accepted
{
	my ($self) = @_;
	my @all = $self->_lines('accepted');

	for my $mail (grep { $_->{content} } @all)
	{
		$mail->{head} = (split /\r?\n\r?\n/, $mail->{content})[0];
		$mail->{content} = decode_qp($mail->{content});
	}
	return @all;
}

# What was held, in order.
sub held { return $_[0]->_lines('held'); }

# Mails that were accepted to an address.
sub mails_to
{
	my ($self, $address) = @_;

	return grep { "@{ $_->{to} // [] }" eq $address } $self->accepted;
}

# Wait until nothing waits or is under way.
sub all_sent
{
	my ($self, $server) = @_;

	caught_up($server);
	BugEvents::Server::wait_until(sub { (eval { $server->sql("SELECT count(*) FROM bugevents.deliveries WHERE state IN ('waiting', 'sending')") } // '') eq '0' },
		'all to be sent', sub { states($server) });
	return;
}

# "channel state count" of all deliveries.
sub states
{
	my ($server) = @_;

	return $server->sql("SELECT coalesce(string_agg(n, ', ' ORDER BY n), '') FROM (SELECT channel || ' ' || state || ' ' || count(*) AS n FROM bugevents.deliveries GROUP BY channel, state) s");
}

1;
