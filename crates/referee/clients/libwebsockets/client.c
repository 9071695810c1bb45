/* libwebsockets dials again by a policy that its users give: a table of waits with jitter, and when to ask a silent
 * connection for a sign of life. */

#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_MESSAGE 4096

static const uint32_t waits_ms[] = {1000, 2000, 4000, 8000, 16000};
static const lws_retry_bo_t policy = {
    .retry_ms_table = waits_ms,
    .retry_ms_table_count = LWS_ARRAY_SIZE(waits_ms),
    .conceal_count = LWS_RETRY_CONCEAL_ALWAYS,
    .secs_since_valid_ping = 10,
    .secs_since_valid_hangup = 20,
    .jitter_percent = 20,
};

static struct lws_context *context;
static lws_sorted_usec_list_t timer;
static uint16_t tries;
static char **subscriptions;
static int asked;

static void dial(lws_sorted_usec_list_t *unused) {
  static char url[256];
  const char *scheme, *host, *path;
  char target[256];
  int port;
  (void)unused;
  snprintf(url, sizeof url, "%s", getenv("ENGINE_URL"));
  if (lws_parse_uri(url, &scheme, &host, &port, &path)) exit(2);
  snprintf(target, sizeof target, "/%s", path);
  struct lws_client_connect_info info = {
      .context = context,
      .address = host,
      .port = port,
      .path = target,
      .host = host,
      .origin = host,
      .retry_and_idle_policy = &policy,
      .local_protocol_name = "follow",
  };
  if (!lws_client_connect_via_info(&info)) lws_retry_sul_schedule(context, 0, &timer, &policy, dial, &tries);
}

static int add_token(struct lws *socket, void *in, size_t len) {
  unsigned char **at = in;
  char value[128];
  snprintf(value, sizeof value, "Bearer %s", getenv("ENGINE_TOKEN"));
  return lws_add_http_header_by_token(socket, WSI_TOKEN_HTTP_AUTHORIZATION, (unsigned char *)value, (int)strlen(value),
                                      at, *at + len);
}

static int ask(struct lws *socket) {
  unsigned char buffer[LWS_PRE + MAX_MESSAGE];
  if (!subscriptions[asked]) return 0;
  int len = snprintf((char *)buffer + LWS_PRE, MAX_MESSAGE, "%s", subscriptions[asked++]);
  if (lws_write(socket, buffer + LWS_PRE, (size_t)len, LWS_WRITE_TEXT) < len) return -1;
  return lws_callback_on_writable(socket) < 0 ? -1 : 0;
}

static int follow(struct lws *socket, enum lws_callback_reasons reason, void *user, void *in, size_t len) {
  switch (reason) {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
      return add_token(socket, in, len);
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
      tries = 0;
      asked = 0;
      lws_callback_on_writable(socket);
      break;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
      return ask(socket);
    case LWS_CALLBACK_CLIENT_RECEIVE:
      printf("%.*s\n", (int)len, (char *)in);
      break;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
    case LWS_CALLBACK_CLIENT_CLOSED:
      lws_retry_sul_schedule(context, 0, &timer, &policy, dial, &tries);
      break;
    default:
      break;
  }
  return lws_callback_http_dummy(socket, reason, user, in, len);
}

static const struct lws_protocols protocols[] = {{.name = "follow", .callback = follow}, {0}};

int main(int words, char **argv) {
  (void)words;
  subscriptions = argv + 1;
  setvbuf(stdout, NULL, _IOLBF, 0);
  struct lws_context_creation_info info = {.port = CONTEXT_PORT_NO_LISTEN, .protocols = protocols};
  context = lws_create_context(&info);
  if (!context) return 2;
  dial(NULL);
  while (lws_service(context, 0) >= 0) continue;
  lws_context_destroy(context);
  return 0;
}
