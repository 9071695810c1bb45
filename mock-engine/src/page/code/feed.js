// Where lines come from: the file this page is stored in, or the control port that served it.

// How long to read lines before the next frame is drawn, in milliseconds.
const WORK_MS = 12;

// How long to wait before asking a lost control port again, in milliseconds.
const RETRY_MS = 1000;

// A queue of texts, read piece by piece.
class Feed {
  constructor(run) {
    this.run = run;
    this.waiting = [];
    this.work = null;
    this.given = false;
  }

  give(text) {
    if (text) this.waiting.push(text);
  }

  get idle() {
    return this.work === null && this.waiting.length === 0;
  }

  // Reads what is queued for as long as a frame allows; returns whether there was anything.
  step(deadline) {
    if (this.idle) return false;
    do {
      this.work ??= this.run.feed(this.waiting.shift());
      if (this.work.next().done) this.work = null;
    } while (!this.idle && performance.now() < deadline);
    return true;
  }
}

// The lines that follow this script in the same file, as the browser loads them.
class FileSource {
  constructor(feed) {
    this.feed = feed;
    this.blocks = document.getElementsByClassName("data");
  }

  get done() {
    return document.readyState !== "loading" && this.blocks.length === 0;
  }

  // Passes on the blocks that are complete.
  poll() {
    while (this.feed.waiting.length < 2 && this.blocks.length > 0) {
      const block = this.blocks[0];
      if (document.readyState === "loading" && block.nextElementSibling === null) return;
      this.feed.give(block.textContent);
      block.remove();
    }
  }
}

class ControlError extends Error {
  constructor(status, said) {
    super(said.report ?? said.error ?? `the control port answered ${status}`);
    this.status = status;
  }
}

// The control port. Its token is sent in a header and nowhere else.
class ControlPort {
  constructor(token) {
    this.token = token;
  }

  async ask(method, path, body, more = {}) {
    const headers = {};
    if (this.token) headers.authorization = `Bearer ${this.token}`;
    const answer = await fetch(path, { method, headers, body, cache: "no-store", credentials: "omit", ...more });
    if (answer.ok) return answer;
    throw new ControlError(answer.status, await answer.json().catch(() => ({})));
  }

  async json(method, path, body) {
    return (await this.ask(method, path, body)).json();
  }
}

// Follows a running engine's journal; when the port is lost and comes back, it resumes after the last line it
// had.
class LiveSource {
  constructor(port, feed, onState) {
    this.port = port;
    this.feed = feed;
    this.onState = onState;
    this.last = null;
    this.rest = "";
  }

  async follow() {
    for (;;) {
      try {
        await this.once();
        this.onState("lost", "the engine has ended, or the control port is closed");
      } catch (error) {
        if (error instanceof ControlError) {
          this.onState(error.status === 401 ? "denied" : "lost", error.message);
          if (error.status === 401) return;
        } else {
          this.onState("lost", "the control port does not answer: the engine has ended, or is out of reach");
        }
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  async once() {
    const since = this.last === null ? "" : `&since=${this.last}`;
    const answer = await this.port.ask("GET", `/v1/journal?follow${since}`);
    this.onState("live", "");
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    this.rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      this.events(value);
    }
  }

  // Server-sent events, as far as the control port uses them: lines in `data`, their number in `id`.
  events(text) {
    this.rest += text;
    const whole = this.rest.lastIndexOf("\n\n");
    if (whole < 0) return;
    const lines = [];
    for (const line of this.rest.slice(0, whole).split("\n")) {
      if (line.startsWith("data: ")) lines.push(line.slice(6));
      else if (line.startsWith("id: ")) this.last = line.slice(4);
    }
    this.rest = this.rest.slice(whole + 2);
    this.feed.give(lines.join("\n"));
  }
}
