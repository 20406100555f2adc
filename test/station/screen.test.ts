import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { utf8 } from "../../src/protocol/bytes.ts";
import type { Sink } from "../../src/station/line-renderer.ts";
import { Screen } from "../../src/station/screen.ts";
import { fitting } from "../../src/station/text-width.ts";

/** A terminal that knows newline, carriage return and "erase to the end of the line", and takes its time. */
class Terminal {
  readonly #lines = [""];
  #column = 0;
  /** Every state of the last line. */
  readonly seen: string[] = [];

  get text(): string {
    return this.#lines.join("\n");
  }

  /** Waits until it looks like that; the test's own time limit is the end of it. */
  async shows(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.text)) await sleep(5);
  }

  /** A stream of its own: what is written to one arrives in order, what is written to two at once is mixed. */
  sink(isTerminal = true): Sink {
    let before = Promise.resolve();
    const write = (bytes: Uint8Array) => {
      before = before.then(() => this.#write(bytes));
      return before;
    };
    return { write, isTerminal, hasColors: false };
  }

  async #write(bytes: Uint8Array): Promise<void> {
    const tokens = new TextDecoder().decode(bytes).match(/\u001b\[K|[\s\S]/g) ?? [];
    // In two halves, so that another stream's write could come between them.
    const half = Math.ceil(tokens.length / 2);
    this.#show(tokens.slice(0, half));
    await sleep(1);
    this.#show(tokens.slice(half));
    this.seen.push(this.#lines.at(-1) ?? "");
  }

  #show(tokens: readonly string[]): void {
    for (const token of tokens) {
      const line = this.#lines.at(-1) ?? "";
      if (token === "\n") this.#lines.push("");
      if (token === "\n" || token === "\r") this.#column = 0;
      else if (token === "\u001b[K") this.#lines[this.#lines.length - 1] = line.slice(0, this.#column);
      else {
        this.#lines[this.#lines.length - 1] =
          line.slice(0, this.#column) + token + line.slice(this.#column + 1);
        this.#column += 1;
      }
    }
  }
}

function screenOn(terminal: Terminal, status: (() => string) | undefined, columns = 40): Screen {
  return new Screen(terminal.sink(), terminal.sink(), { status, columns: () => columns });
}

test("Screen: the line stands below what is written, comes back after it, and is gone at the end", async () => {
  const terminal = new Terminal();
  let times = 0;
  const screen = screenOn(terminal, () => `status ${++times}`);
  screen.start();
  await terminal.shows(/^status \d$/);
  await screen.stdout.write(utf8("web1 │ one\n"));
  await screen.stderr.write(utf8("web1 ! two\n"));
  assert.equal(terminal.text, "web1 │ one\nweb1 ! two\n");
  await terminal.shows(/^web1 │ one\nweb1 ! two\nstatus \d$/);
  await screen.end();
  assert.equal(terminal.text, "web1 │ one\nweb1 ! two\n");
  await sleep(250);
  assert.equal(terminal.text, "web1 │ one\nweb1 ! two\n");
});

test("Screen: what is written while the line comes and goes arrives whole and in its order", async () => {
  const terminal = new Terminal();
  const screen = screenOn(terminal, () => "STATUS");
  screen.start();
  const wanted = Array.from({ length: 120 }, (_, at) => `line ${at}\n`);
  for (const [at, line] of wanted.entries()) {
    await (at % 3 === 0 ? screen.stderr : screen.stdout).write(utf8(line));
    if (at % 40 === 39) await sleep(150);
  }
  await screen.end();
  assert.equal(terminal.text, wanted.join(""));
  assert.ok(terminal.seen.includes("STATUS"));
});

test("Screen: without a line, and for a stream that goes elsewhere, bytes go through as they are", async () => {
  const terminal = new Terminal();
  const file = new Terminal();
  const screen = new Screen(file.sink(false), terminal.sink(), { status: () => "STATUS", columns: () => 40 });
  screen.start();
  await screen.stdout.write(utf8("one\n"));
  assert.equal(file.text, "one\n");
  await terminal.shows(/^STATUS$/);
  await screen.end();

  const other = new Terminal();
  const quiet = screenOn(other, undefined);
  quiet.start();
  await quiet.stderr.write(utf8("x\n"));
  await sleep(150);
  assert.equal(other.text, "x\n");
});

test("Screen: the line is no wider than the terminal, and follows when that changes", async () => {
  const terminal = new Terminal();
  let columns = 20;
  const screen = new Screen(terminal.sink(), terminal.sink(), {
    status: () => "0123456789 0123456789 0123456789",
    columns: () => columns,
  });
  screen.start();
  await terminal.shows(/^0123456789 0123456…$/);
  columns = 10;
  await terminal.shows(/^01234567…$/);
  await screen.end();
});

test("fitting counts columns, not characters", () => {
  assert.equal(fitting("abc", 3), "abc");
  assert.equal(fitting("abcd", 3), "ab…");
  assert.equal(fitting("日本語", 6), "日本語");
  assert.equal(fitting("日本語", 5), "日本…");
  assert.equal(fitting("e\u0301e\u0301e\u0301", 3), "e\u0301e\u0301e\u0301");
});
