#!/usr/bin/env bash
# Debian's libwebsockets 4.1.6 (bookworm)
#
# The server accepts the connection, and then refuses the handshake, resets the connection or never answers. At a
# refusal or a reset, libwebsockets reports LWS_CALLBACK_CLIENT_CONNECTION_ERROR, at which its users dial again. If no
# answer comes, it ends the connection itself after 5 s and reports only LWS_CALLBACK_CLOSED_CLIENT_HTTP, which is about
# plain HTTP.
#
# Seen:
#   503: CLIENT_CONNECTION_ERROR
#   reset: CLIENT_CONNECTION_ERROR
#   unanswered: CLOSED_CLIENT_HTTP
#
# A client that dials again on CLIENT_CONNECTION_ERROR and CLIENT_CLOSED stays away for good after one handshake that a
# restarting server never answered.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download -qq libwebsockets-dev=4.1.6-3 libwebsockets17=4.1.6-3 libcap-dev libcap2 libssl-dev libssl3 2>/dev/null
for package in *.deb; do dpkg-deb -x "$package" root; done

cat > expected <<'EOF'
503: CLIENT_CONNECTION_ERROR
reset: CLIENT_CONNECTION_ERROR
unanswered: CLOSED_CLIENT_HTTP
EOF

cat > try.c <<'EOF'
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>

static int told(struct lws *socket, enum lws_callback_reasons reason, void *user, void *in, size_t len) {
  const char *name = reason == LWS_CALLBACK_CLIENT_CONNECTION_ERROR ? "CLIENT_CONNECTION_ERROR"
                     : reason == LWS_CALLBACK_CLIENT_CLOSED         ? "CLIENT_CLOSED"
                     : reason == LWS_CALLBACK_CLOSED_CLIENT_HTTP    ? "CLOSED_CLIENT_HTTP"
                                                                    : NULL;
  if (name) {
    puts(name);
    exit(0);
  }
  return lws_callback_http_dummy(socket, reason, user, in, len);
}

int main(int words, char **argv) {
  static const struct lws_protocols protocols[] = {{.name = "p", .callback = told}, {0}};
  lws_set_log_level(0, NULL);
  struct lws_context_creation_info info = {.port = CONTEXT_PORT_NO_LISTEN, .protocols = protocols};
  struct lws_context *context = lws_create_context(&info);
  struct lws_client_connect_info dial = {
      .context = context, .address = "127.0.0.1", .port = atoi(argv[words - 1]), .path = "/",
      .host = "127.0.0.1", .origin = "127.0.0.1", .local_protocol_name = "p"};
  lws_client_connect_via_info(&dial);
  while (lws_service(context, 0) >= 0) continue;
  return 0;
}
EOF
libs=root/usr/lib/$(uname -m)-linux-gnu
include=(-Iroot/usr/include -Iroot/usr/include/"$(uname -m)"-linux-gnu)
cc "${include[@]}" -o try try.c -L"$libs" -lwebsockets -Wl,--allow-shlib-undefined

cat > serve.py <<'EOF'
import socket
import struct
import subprocess

for how in ("503", "reset", "unanswered"):
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = subprocess.Popen(["./try", str(server.getsockname()[1])], stdout=subprocess.PIPE, text=True)
        connection, _ = server.accept()
        connection.recv(65536)
        if how == "503":
            connection.sendall(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        elif how == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        out, _ = client.communicate(timeout=30)
        connection.close()
        print(f"{how}: {' '.join(out.split())}", flush=True)
EOF

LD_LIBRARY_PATH=$libs:root/lib/$(uname -m)-linux-gnu timeout -k 5 60 python3 serve.py | tee seen
diff expected seen && echo "as described"
