/** Runs fixture executors for the tests of this room. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../src/core/clock.ts";
import {
  type ExecutionEnd,
  type ExecutionEvent,
  type ExecutionOptions,
  execute,
} from "../../src/exec/execution.ts";
import type { Output, StreamName } from "../../src/exec/output-reader.ts";

export const executors = fileURLToPath(new URL("../fixtures/executors", import.meta.url));

type Overrides = Partial<Omit<ExecutionOptions, "environment">> & { readonly note?: string };

/** Options that end nothing by themselves; `note` is the file that some fixtures write to. */
export function optionsWith({ note = "/dev/null", ...overrides }: Overrides = {}): ExecutionOptions {
  return {
    arguments: ["web1"],
    environment: { PATH: "/usr/bin:/bin", NOTE: note },
    timeLimit: undefined,
    stopGrace: 5000,
    drainGrace: 1000,
    signal: new AbortController().signal,
    clock: systemClock,
    ...overrides,
  };
}

export function start(
  fixture: string,
  overrides?: Overrides,
): AsyncGenerator<ExecutionEvent, void, undefined> {
  return execute(join(executors, fixture), optionsWith(overrides));
}

export type Run = { readonly outputs: readonly Output[]; readonly end: ExecutionEnd };

/** The whole run; asserts that `end` comes once, last, and with the right totals. */
export async function record(events: AsyncIterable<ExecutionEvent>): Promise<Run> {
  const outputs: Output[] = [];
  let end: ExecutionEnd | undefined;
  for await (const event of events) {
    assert.equal(end, undefined, "an event came after the end");
    if (event.kind === "output") outputs.push(event);
    else end = event;
  }
  assert.ok(end !== undefined, "no end came");
  for (const stream of ["stdout", "stderr"] as const) {
    assert.equal(end.bytes[stream], bytesOf(outputs, stream).length);
  }
  return { outputs, end };
}

export function bytesOf(outputs: readonly Output[], stream: StreamName): Buffer {
  return Buffer.concat(outputs.filter((output) => output.stream === stream).map(({ data }) => data));
}

export function textOf(outputs: readonly Output[], stream: StreamName = "stdout"): string {
  return bytesOf(outputs, stream).toString("utf8");
}

/** Everything of an end that does not depend on the machine. */
export function outcome({ reason, status, signal, leftOpen }: ExecutionEnd) {
  return { reason, status, signal, leftOpen };
}

/** The whole run; `act` is called once, with the first output. */
export async function recordWith(
  events: AsyncIterable<ExecutionEvent>,
  act: () => void | Promise<void>,
): Promise<Run> {
  async function* watched() {
    let isFirst = true;
    for await (const event of events) {
      yield event;
      if (isFirst) await act();
      isFirst = false;
    }
  }
  return await record(watched());
}

/** Path of a file to come in a new directory that is removed after the test. */
export function noteFile(test: { after(clean: () => void): void }): string {
  const directory = mkdtempSync(join(tmpdir(), "cb-exec-"));
  test.after(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, "note");
}

export function notedNumber(file: string): number {
  return Number(readFileSync(file, "utf8"));
}

/** Whether the process runs; one that died and was not waited for does not. */
export function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.charAt(stat.lastIndexOf(")") + 2) !== "Z";
  } catch {
    return false; // it is gone
  }
}

export async function until(condition: () => boolean, wait = 2000): Promise<boolean> {
  for (const deadline = performance.now() + wait; performance.now() < deadline; await sleep(10)) {
    if (condition()) return true;
  }
  return condition();
}
