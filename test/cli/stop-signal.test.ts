import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate as settle } from "node:timers/promises";
import { PINNED } from "../../build/paths.ts";
import { stopSignal } from "../../src/cli/stop-signal.ts";

const never = new AbortController().signal;

async function receive(...signals: readonly NodeJS.Signals[]): Promise<void> {
  for (const signal of signals) {
    const received = new Promise<void>((resolve) => process.once(signal, () => resolve()));
    process.kill(process.pid, signal);
    await received;
    await settle();
  }
}

const STATUSES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

for (const [name, status] of Object.entries(STATUSES)) {
  test(`stopSignal() aborts at the first ${name}, with status ${status}, and once more at the second signal`, async () => {
    const stop = stopSignal(never);
    try {
      assert.deepEqual([stop.signal.aborted, stop.again.aborted, stop.status()], [false, false, 0]);
      await receive(name as keyof typeof STATUSES);
      assert.deepEqual([stop.signal.aborted, stop.again.aborted, stop.status()], [true, false, status]);
      await receive("SIGTERM");
      assert.deepEqual([stop.signal.aborted, stop.again.aborted, stop.status()], [true, true, status]);
    } finally {
      stop.release();
    }
  });
}

test("stopSignal() leaves the signals alone that it was not given, and all of them after release()", () => {
  const listeners = () =>
    (["SIGHUP", "SIGINT", "SIGTERM"] as const).map((name) => process.listenerCount(name));
  const before = listeners();
  const stop = stopSignal(never, ["SIGINT", "SIGTERM"]);
  assert.deepEqual(
    listeners().map((count, index) => count - Number(before[index])),
    [0, 1, 1],
  );
  stop.release();
  assert.deepEqual(listeners(), before);
});

test("stopSignal() aborts both where something else has gone wrong, without a status", () => {
  const bug = new AbortController();
  const stop = stopSignal(bug.signal);
  bug.abort();
  assert.deepEqual([stop.signal.aborted, stop.again.aborted, stop.status()], [true, true, 0]);
  stop.end(); // no signal came: this test goes on
  stop.release();
});

test("Stop.end() ends the process by the first signal that came", async () => {
  const module = join(import.meta.dirname, "../../src/cli/stop-signal.ts");
  const script = [
    `import { stopSignal } from ${JSON.stringify(module)};`,
    "const stop = stopSignal(new AbortController().signal);",
    "stop.again.addEventListener('abort', stop.end);",
    "setInterval(() => {}, 1000);",
    "console.log('ready');",
    "stop.signal.addEventListener('abort', () => console.log('first'));",
  ].join("\n");
  const child = spawn(PINNED.bun, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  const closed = once(child, "close");
  await once(child.stdout, "data");
  child.kill("SIGHUP");
  await once(child.stdout, "data");
  child.kill("SIGTERM");
  assert.deepEqual(await closed, [null, "SIGHUP"]);
});
