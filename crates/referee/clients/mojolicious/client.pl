# Mojo::UserAgent does not dial again by itself, so this is what its users write.
use Mojo::Base -strict, -signatures;
use Mojo::IOLoop;
use Mojo::UserAgent;

use constant DELAY_S => 1;

$| = 1;
my $ua      = Mojo::UserAgent->new;
my $headers = {Authorization => "Bearer $ENV{ENGINE_TOKEN}"};

sub again { Mojo::IOLoop->timer(DELAY_S, \&connect_it) }

sub connect_it {
  $ua->websocket(
    $ENV{ENGINE_URL} => $headers => sub ($ua, $tx) {
      return again() unless $tx->is_websocket;
      $tx->on(message => sub ($tx, $message) { say $message });
      $tx->on(finish  => sub { again() });
      $tx->send($_) for @ARGV;
    }
  );
}

connect_it();
Mojo::IOLoop->start;
