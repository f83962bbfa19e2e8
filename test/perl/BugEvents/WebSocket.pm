# WebSocket.pm - the tests' own WebSocket client, straight on a socket.
#
# Written from RFC 6455, independently of the server's code and of any library,
# so that a mistake of the one is not repeated by the other.  It is strict about
# what the server sends (anything that the RFC forbids is an exception) and free
# in what it sends itself: single frames, raw bytes, bad masks, bad UTF-8.
#
#   my $ws = BugEvents::WebSocket->connect(port => 8432, token => $jwt);
#   my $ready = $ws->next_json;
#   my $event = $ws->wait_for(sub { $_[0]{type} eq 'bug_report' });
#   $ws->send_json({ type => 'ping', id => 1 });
#   is($ws->wait_close, 1012);
#
# Every wait has a deadline; past it, the method dies and tells what it saw.
#
# What goes over each connection is written to a file of the folder that
# BUGEVENTS_RECORD names, if it names one (test/api/recording.mjs reads it).
package BugEvents::WebSocket;

use strict;
use warnings;
use Carp qw(croak confess);
use Digest::SHA qw(sha1_base64);
use Encode ();
use Errno qw(EAGAIN EINTR EWOULDBLOCK);
use File::Basename qw(basename);
use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use Time::HiRes qw(time);

use constant {
	CONTINUATION => 0,
	TEXT => 1,
	BINARY => 2,
	CLOSE => 8,
	PING => 9,
	PONG => 10,
};

our $TIMEOUT = $ENV{PG_TEST_TIMEOUT_DEFAULT} || 180;

# Frames above this size are a mistake of the server.
use constant MAX_FRAME => 256 * 1024 * 1024;

# So many bytes of a connection's events are recorded.
use constant RECORDED => 256 * 1024;

# JSON::XS does the same fifty times as fast (script/packages installs it).
my $json = (eval { require JSON::XS } ? 'JSON::XS' : 'JSON::PP')->new->utf8->canonical->allow_nonref;
my $guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
my $recordings = 0;

# Open a connection and upgrade it.  Options:
#   host (127.0.0.1), port, path (/ws), query (hash), token, via (how the token
#   travels: query, header, subprotocol), protocols (list), headers (list of
#   lines), origin, timeout (seconds, for this and all later waits),
#   rcvbuf (bytes of the socket's receive buffer), auto_pong (1), max_frame
# Dies unless the server upgrades; with http => 1 any answer is taken, and
# status, header and body tell what it was.
sub connect
{
	my ($class, %o) = @_;
	my $self = bless {
		timeout => $o{timeout} // $TIMEOUT,
		auto_pong => $o{auto_pong} // 1,
		in => '',
		at => 0,
		pings => 0,
		pongs => [],
		frames => 0,
		seen => [],
		eof => 0,
	}, $class;

	$self->_open($o{host} // '127.0.0.1', $o{port} // croak('no port'), $o{rcvbuf});
	$self->_handshake(%o);
	return $self;
}

# One HTTP request on a connection of its own: (status, body, headers).
sub http
{
	my ($class, %o) = @_;
	my $self = bless {
		timeout => $o{timeout} // $TIMEOUT, in => '', at => 0, eof => 0, seen => [],
	}, $class;

	$self->_open($o{host} // '127.0.0.1', $o{port} // croak('no port'));
	$self->send_raw(join("\r\n",
			($o{method} // 'GET') . " $o{path} HTTP/1.1",
			"Host: 127.0.0.1:$o{port}", 'Connection: close',
			@{ $o{headers} // [] }, '', $o{body} // ''));
	$self->_read_head;
	my $length = $self->header('content-length');
	my $deadline = time + $self->{timeout};

	while (!$self->{eof} && (!defined $length || $self->_buffered < $length))
	{
		$self->_fill($deadline) // confess('no end of the HTTP body');
	}
	my $body = substr($self->{in}, $self->{at});

	close($self->{socket});
	return ($self->{status}, $body, $self->{headers});
}

#
# Sending
#

sub send_raw
{
	my ($self, $bytes) = @_;
	my $deadline = time + $self->{timeout};
	my $done = 0;

	$self->_record('>', $bytes) if $self->{record};
	local $SIG{PIPE} = 'IGNORE';
	while ($done < length $bytes)
	{
		my $n = syswrite($self->{socket}, $bytes, length($bytes) - $done, $done);

		if (defined $n) { $done += $n; next; }
		next if $! == EINTR;
		return 0 if $! != EAGAIN && $! != EWOULDBLOCK;
		confess('the peer does not read') if time > $deadline;
		IO::Select->new($self->{socket})->can_write(1);
	}
	return 1;
}

# A frame as a client must build it.  Options: fin (1), mask (1), rsv (0..7),
# length (what the header says instead of the truth).
sub frame
{
	my ($opcode, $payload, %o) = @_;
	my $length = $o{length} // length $payload;
	my $mask = $o{mask} // 1;
	my $first = $opcode | (($o{rsv} // 0) << 4) | (($o{fin} // 1) ? 0x80 : 0);
	my $bit = $mask ? 0x80 : 0;
	my $head =
		$length < 126 ? pack('CC', $first, $length | $bit)
	  : $length < 65536 ? pack('CCn', $first, 126 | $bit, $length)
	  :                   pack('CCQ>', $first, 127 | $bit, $length);

	return $head . $payload if !$mask;

	my $key = pack('N', int(rand(2**32)));
	my $stream = $key x (int(length($payload) / 4) + 1);

	return $head . $key . ($payload ^ substr($stream, 0, length $payload));
}

sub send_frame { my $self = shift; return $self->send_raw(frame(@_)); }
sub send_text { my ($self, $bytes) = @_; return $self->send_frame(TEXT, $bytes); }
sub send_json { my ($self, $data) = @_; return $self->send_text($json->encode($data)); }
sub send_binary { my ($self, $bytes) = @_; return $self->send_frame(BINARY, $bytes); }
sub send_ping { my ($self, $bytes) = @_; return $self->send_frame(PING, $bytes // ''); }

sub send_close
{
	my ($self, $code, $reason) = @_;

	$self->{close_sent} = 1;
	return $self->send_frame(CLOSE,
		defined $code ? pack('n', $code) . ($reason // '') : '');
}

# One message in as many frames as there are parts.
sub send_fragments
{
	my ($self, $opcode, @parts) = @_;

	for my $i (0 .. $#parts)
	{
		$self->send_frame($i == 0 ? $opcode : CONTINUATION, $parts[$i], fin => $i == $#parts);
	}
	return;
}

#
# Receiving
#

# The next text message, as the bytes that came; undef when the connection has
# ended.  Pings are answered and pongs kept on the way.
sub next_text
{
	my ($self, $timeout) = @_;
	my $deadline = time + ($timeout // $self->{timeout});
	my $message;

	while (1)
	{
		my ($fin, $opcode, $payload) = $self->_next_frame($deadline);

		return undef if !defined $opcode;
		if ($opcode == PING)
		{
			$self->{pings}++;
			$self->send_frame(PONG, $payload) if $self->{auto_pong};
		}
		elsif ($opcode == PONG) { push @{ $self->{pongs} }, $payload; }
		elsif ($opcode == CLOSE) { $self->_closed($payload); return undef; }
		elsif ($opcode == BINARY) { confess('a binary message from the server'); }
		else
		{
			confess('a continuation of nothing') if $opcode == CONTINUATION && !defined $message;
			confess('a new message inside another') if $opcode == TEXT && defined $message;
			$message = ($message // '') . $payload;
			next if !$fin;
			_check_utf8($message);
			return $message;
		}
	}
}

sub next_json
{
	my ($self, $timeout) = @_;
	my $text = $self->next_text($timeout);

	return undef if !defined $text;
	my $message = eval { $json->decode($text) };
	confess("not JSON: $@: " . substr($text, 0, 200)) if $@;
	confess('not an object: ' . substr($text, 0, 200)) if ref $message ne 'HASH';
	push @{ $self->{seen} }, substr($text, 0, 300);
	shift @{ $self->{seen} } if @{ $self->{seen} } > 20;
	return $message;
}

# The next message of the stream; replies, errors and the like are passed over.
sub next_event
{
	my ($self, $timeout) = @_;

	return $self->wait_for(sub { defined $_[0]{seq} }, $timeout);
}

# The next message for which the condition holds; those before it are dropped,
# or collected in @$collect.
sub wait_for
{
	my ($self, $condition, $timeout, $collect) = @_;
	my $deadline = time + ($timeout // $self->{timeout});

	while (1)
	{
		my $message = $self->next_json($deadline - time);

		confess('connection ended while waiting: ' . $self->describe) if !defined $message;
		return $message if $condition->($message);
		push @$collect, $message if $collect;
	}
}

# Ask for something; returns the reply.
sub ask
{
	my ($self, $type, %payload) = @_;
	my $id = 'asked-' . ++$self->{asked};

	$self->send_json({ type => $type, id => $id, payload => \%payload });
	return $self->wait_for(sub { ($_[0]{id} // '') eq $id });
}

# The same; returns what the reply says, or the code of an error.
sub answer
{
	my ($self, @request) = @_;
	my $reply = $self->ask(@request);

	return $reply->{type} eq 'error' ? $reply->{payload}{code} : $reply->{payload};
}

# All events up to and including the one for which the condition holds.
sub events_until
{
	my ($self, $condition, $timeout) = @_;
	my @events;
	my $last = $self->wait_for(
		sub { defined $_[0]{seq} && $condition->($_[0]) }, $timeout, \@events);

	return ((grep { defined $_->{seq} && $_->{type} ne 'connection' } @events), $last);
}

# Wait for the server's pong with this payload; messages before it are dropped
# (or collected).  What was asked before the ping has been answered then.
sub wait_pong
{
	my ($self, $payload, $collect) = @_;
	my $deadline = time + $self->{timeout};

	while (!grep { $_ eq $payload } @{ $self->{pongs} })
	{
		confess("no pong '$payload': " . $self->describe) if time > $deadline;
		my ($fin, $opcode, $bytes) = $self->_next_frame($deadline);

		confess('connection ended before the pong: ' . $self->describe) if !defined $opcode;
		if ($opcode == PONG) { push @{ $self->{pongs} }, $bytes; }
		elsif ($opcode == PING) { $self->{pings}++; $self->send_frame(PONG, $bytes); }
		elsif ($opcode == CLOSE) { $self->_closed($bytes); }
		else
		{
			confess('a fragmented message before the pong') if !$fin;
			push @$collect, $json->decode($bytes) if $collect;
		}
	}
	@{ $self->{pongs} } = grep { $_ ne $payload } @{ $self->{pongs} };
	return 1;
}

# Wait until the server pinged at least n times since the connection began.
sub wait_pings
{
	my ($self, $n) = @_;
	my $deadline = time + $self->{timeout};

	while ($self->{pings} < $n)
	{
		my ($fin, $opcode, $bytes) = $self->_next_frame($deadline);

		confess('connection ended while waiting for a ping: ' . $self->describe) if !defined $opcode;
		if ($opcode == PING)
		{
			$self->{pings}++;
			$self->send_frame(PONG, $bytes) if $self->{auto_pong};
		}
		elsif ($opcode == CLOSE) { $self->_closed($bytes); }
	}
	return $self->{pings};
}

# Read until the connection ends, and return the close code: undef if the
# server went away without a close frame.  Messages on the way are collected.
sub wait_close
{
	my ($self, $timeout, $collect) = @_;
	my $deadline = time + ($timeout // $self->{timeout});

	while (defined(my $message = $self->next_json($deadline - time)))
	{
		push @$collect, $message if $collect;
	}
	return $self->{close_code};
}

# Nothing is waiting in the socket at this moment?
sub quiet
{
	my ($self) = @_;

	return $self->_buffered == 0 && !IO::Select->new($self->{socket})->can_read(0);
}

sub close_code { return $_[0]{close_code}; }
sub close_reason { return $_[0]{close_reason}; }
sub status { return $_[0]{status}; }
sub pings { return $_[0]{pings}; }
sub socket { return $_[0]{socket}; }
sub header { return $_[0]{headers}{ lc $_[1] }; }

# A tidy end: close frame, the server's answer, end of the connection.
sub finish
{
	my ($self) = @_;

	$self->send_close(1000) if !$self->{eof} && !$self->{close_sent};
	my $code = $self->wait_close;

	close($self->{socket});
	return $code;
}

# As a client that vanishes.
sub drop { close($_[0]{socket}); $_[0]{eof} = 1; return; }

sub describe
{
	my ($self) = @_;

	return sprintf("closed: %s %s, end of stream: %d; last messages:\n  %s",
		$self->{close_code} // 'no', $self->{close_reason} // '', $self->{eof},
		join("\n  ", @{ $self->{seen} }));
}

#
# Inside
#

sub _open
{
	my ($self, $host, $port, $rcvbuf) = @_;
	my $socket = IO::Socket::INET->new(Proto => 'tcp', Type => IO::Socket::SOCK_STREAM())
	  or croak("socket: $!");

	setsockopt($socket, IO::Socket::SOL_SOCKET(), IO::Socket::SO_RCVBUF(), $rcvbuf) if $rcvbuf;
	$socket->timeout($self->{timeout});
	$socket->connect(IO::Socket::pack_sockaddr_in($port, IO::Socket::inet_aton($host)))
	  or croak("could not connect to $host:$port: $!");
	binmode($socket);
	$socket->blocking(0);
	$self->{socket} = $socket;
	return;
}

sub _escape
{
	my ($text) = @_;

	$text =~ s/([^A-Za-z0-9._~-])/sprintf('%%%02X', ord $1)/ge;
	return $text;
}

sub _handshake
{
	my ($self, %o) = @_;
	my $via = $o{via} // 'query';
	my %query = %{ $o{query} // {} };
	my @headers = @{ $o{headers} // [] };
	my @protocols = @{ $o{protocols} // [] };
	my $key = $o{key} // encode_base64(pack('N4', map { int(rand(2**32)) } 1 .. 4), '');

	if (defined $o{token})
	{
		if ($via eq 'query') { $query{token} = $o{token}; }
		elsif ($via eq 'header') { push @headers, "Authorization: Bearer $o{token}"; }
		elsif ($via eq 'subprotocol') { push @protocols, 'bugevents.v1', "bearer.$o{token}"; }
		else { croak("via $via?"); }
	}
	push @headers, "Origin: $o{origin}" if defined $o{origin};
	push @headers, 'Sec-WebSocket-Protocol: ' . join(', ', @protocols) if @protocols;

	my $target = ($o{path} // '/ws')
	  . (%query ? '?' . join('&', map { "$_=" . _escape($query{$_}) } sort keys %query) : '');

	$self->send_raw(join("\r\n",
			"GET $target HTTP/1.1", 'Host: ' . ($o{host_header} // "127.0.0.1:$o{port}"),
			'Upgrade: websocket', 'Connection: Upgrade',
			"Sec-WebSocket-Key: $key", 'Sec-WebSocket-Version: ' . ($o{version} // 13),
			@headers, '', ''));
	$self->_read_head;
	return if $o{http} && $self->{status} != 101;

	confess("the server answered $self->{status} instead of 101") if $self->{status} != 101;
	confess('no Upgrade: websocket') if lc($self->header('upgrade') // '') ne 'websocket';
	confess('no Connection: upgrade') if lc($self->header('connection') // '') !~ /\bupgrade\b/;
	(my $accept = sha1_base64($key . $guid)) .= '=';
	confess('wrong Sec-WebSocket-Accept') if ($self->header('sec-websocket-accept') // '') ne $accept;
	confess('an extension that nobody asked for') if defined $self->header('sec-websocket-extensions');

	my $chosen = $self->header('sec-websocket-protocol');
	confess("subprotocol $chosen was not offered")
	  if defined $chosen && !grep { $_ eq $chosen } @protocols;
	confess('more than one subprotocol, or a token, in the answer')
	  if defined $chosen && $chosen =~ /,|bearer/;
	$self->_begin_recording;
	return;
}

sub _begin_recording
{
	my ($self) = @_;
	my $folder = $ENV{BUGEVENTS_RECORD} or return;
	my $file = sprintf('%s/server-%s.%d-%d', $folder, basename($0), $$, ++$recordings);

	open($self->{record}, '>:raw', $file) or croak("$file: $!");
	return;
}

sub _record
{
	my ($self, $what, $bytes) = @_;

	syswrite($self->{record}, pack('a N', $what, length $bytes) . $bytes) // croak("recording: $!");
	return;
}

# A frame that came.  Of a flood of events, the first ones say it all.
sub _record_frame
{
	my ($self, $opcode, $payload) = @_;

	$self->_record('x', $payload) if $opcode == CLOSE;
	return if $opcode != TEXT;
	my $flood = ($self->{recorded} //= 0) > RECORDED && $payload !~ /^\{"type":"(?:connection|error|reply)"/;

	$self->{recorded} += length $payload;
	$self->_record($flood ? '-' : '<', $flood ? '' : $payload);
	return;
}

sub _read_head
{
	my ($self) = @_;
	my $deadline = time + $self->{timeout};
	my $end;

	while (($end = index($self->{in}, "\r\n\r\n")) < 0)
	{
		defined $self->_fill($deadline) or confess('no HTTP answer in time');
		confess('connection ended before the HTTP answer: ' . $self->{in}) if $self->{eof};
	}
	my ($first, @lines) = split /\r\n/, substr($self->{in}, 0, $end);

	$self->{at} = $end + 4;
	$first =~ m{^HTTP/1\.[01] (\d{3})} or confess("not HTTP: $first");
	$self->{status} = $1;
	for my $line (@lines)
	{
		my ($name, $value) = $line =~ /^([!#\$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/
		  or confess("not a header: $line");
		$name = lc $name;
		$self->{headers}{$name} =
		  defined $self->{headers}{$name} ? "$self->{headers}{$name}, $value" : $value;
	}
	return;
}

sub _buffered { return length($_[0]{in}) - $_[0]{at}; }

# Read what is there, waiting for it until the deadline: the number of bytes, 0
# at the end of the connection, undef when the deadline passed.
sub _fill
{
	my ($self, $deadline) = @_;

	while (1)
	{
		my $n = sysread($self->{socket}, $self->{in}, 262144, length $self->{in});

		return $n if $n;
		if (defined $n || ($! != EAGAIN && $! != EWOULDBLOCK && $! != EINTR))
		{
			$self->{eof} = 1;
			return 0;
		}
		my $left = $deadline - time;

		return undef if $left <= 0;
		IO::Select->new($self->{socket})->can_read($left);
	}
}

# At least so many bytes in the buffer?  False at the end of the connection.
sub _want
{
	my ($self, $n, $deadline) = @_;

	while ($self->_buffered < $n)
	{
		if ($self->{at} > 1048576 || $self->{at} == length $self->{in})
		{
			substr($self->{in}, 0, $self->{at}, '');
			$self->{at} = 0;
		}
		my $got = $self->_fill($deadline);

		confess('timed out waiting for the server: ' . $self->describe) if !defined $got;
		return 0 if !$got;
	}
	return 1;
}

# (fin, opcode, payload), or nothing at the end of the connection.
sub _next_frame
{
	my ($self, $deadline) = @_;

	if (!$self->_want(2, $deadline))
	{
		confess('the connection ended inside a frame') if $self->_buffered;
		return;
	}
	confess('data behind the close frame') if $self->{close_seen};

	my ($first, $second) = unpack('CC', substr($self->{in}, $self->{at}, 2));
	my ($fin, $rsv, $opcode) = ($first >> 7, $first & 0x70, $first & 0x0f);
	my $length = $second & 0x7f;
	my $head = 2;

	confess('reserved bits are set') if $rsv;
	confess('a masked frame from the server') if $second & 0x80;
	confess("unknown opcode $opcode") if ($opcode > 2 && $opcode < 8) || $opcode > 10;
	confess('a long or fragmented control frame') if $opcode >= 8 && ($length > 125 || !$fin);
	if ($length == 126)
	{
		$head = 4;
		$self->_want(4, $deadline) or confess('the connection ended inside a frame');
		$length = unpack('n', substr($self->{in}, $self->{at} + 2, 2));
		confess('a length that is not minimal') if $length < 126;
	}
	elsif ($length == 127)
	{
		$head = 10;
		$self->_want(10, $deadline) or confess('the connection ended inside a frame');
		$length = unpack('Q>', substr($self->{in}, $self->{at} + 2, 8));
		confess('a length that is not minimal') if $length < 65536;
	}
	confess("a frame of $length bytes") if $length > MAX_FRAME;
	$self->_want($head + $length, $deadline) or confess('the connection ended inside a frame');

	my $payload = substr($self->{in}, $self->{at} + $head, $length);

	$self->{at} += $head + $length;
	$self->{frames}++;
	$self->_record_frame($opcode, $payload) if $self->{record};
	return ($fin, $opcode, $payload);
}

sub _closed
{
	my ($self, $payload) = @_;

	confess('a close frame of one byte') if length $payload == 1;
	$self->{close_seen} = 1;
	$self->{close_code} = length $payload ? unpack('n', $payload) : 1005;
	$self->{close_reason} = length $payload ? substr($payload, 2) : '';
	_check_utf8($self->{close_reason});
	confess("close code $self->{close_code} may not be sent")
	  if $self->{close_code} < 1000
	  || ($self->{close_code} >= 1004 && $self->{close_code} <= 1006 && length $payload)
	  || $self->{close_code} == 1015;
	if (!$self->{close_sent})
	{
		$self->{close_sent} = 1;
		$self->send_frame(CLOSE, $payload);
	}

	# The server ends the connection, not the client.
	my $deadline = time + $self->{timeout};

	while (!$self->{eof})
	{
		my $n = $self->_fill($deadline);

		confess('the server does not end the connection') if !defined $n;
		confess('data behind the close frame') if $n;
	}
	return;
}

sub _check_utf8
{
	my ($bytes) = @_;

	return if $bytes !~ /[^\x00-\x7f]/;

	# By the letter of RFC 3629: Perl's own strict decoder refuses the
	# noncharacters as well, which are valid.
	my $character = qr/[\x00-\x7f]++
		| [\xc2-\xdf][\x80-\xbf]
		| \xe0[\xa0-\xbf][\x80-\xbf] | [\xe1-\xec\xee\xef][\x80-\xbf]{2} | \xed[\x80-\x9f][\x80-\xbf]
		| \xf0[\x90-\xbf][\x80-\xbf]{2} | [\xf1-\xf3][\x80-\xbf]{3} | \xf4[\x80-\x8f][\x80-\xbf]{2}/x;
	pos($bytes) = 0;
	1 while $bytes =~ /\G(?:$character){1,10000}/gc;
	confess('bad UTF-8 from the server') if pos($bytes) != length $bytes;
	return;
}

1;
