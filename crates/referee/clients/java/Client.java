import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;

/** The JDK's own WebSocket does not dial again by itself, so this is the loop that its users write. */
public class Client {
  static final long DELAY_MS = 1000;
  static final HttpClient HTTP = HttpClient.newHttpClient();

  /** Prints messages until the connection is lost. */
  static class Follower implements WebSocket.Listener {
    final CompletableFuture<Void> lost = new CompletableFuture<>();

    @Override
    public CompletionStage<?> onText(WebSocket socket, CharSequence part, boolean isLast) {
      System.out.print(part + (isLast ? "\n" : ""));
      return WebSocket.Listener.super.onText(socket, part, isLast);
    }

    @Override
    public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
      lost.complete(null);
      return null;
    }

    @Override
    public void onError(WebSocket socket, Throwable error) {
      lost.completeExceptionally(error);
    }
  }

  static void follow(String[] subscriptions) {
    var follower = new Follower();
    var socket =
        HTTP.newWebSocketBuilder()
            .header("Authorization", "Bearer " + System.getenv("ENGINE_TOKEN"))
            .buildAsync(URI.create(System.getenv("ENGINE_URL")), follower)
            .join();
    for (var subscription : subscriptions) {
      socket.sendText(subscription, true).join();
    }
    follower.lost.join();
  }

  public static void main(String[] subscriptions) throws InterruptedException {
    while (true) {
      try {
        follow(subscriptions);
      } catch (CompletionException error) {
        System.err.println(error.getCause());
      }
      Thread.sleep(DELAY_MS);
    }
  }
}
