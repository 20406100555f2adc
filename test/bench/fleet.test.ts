/** An emulated fleet is worth something only if a station cannot tell it from a real one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { cryptoReady } from "../../src/protocol/crypto.ts";
import { Fleet } from "../support/fleet.ts";
import { lines } from "../support/running-program.ts";
import { type AgentModel, COMMAND, nameOf } from "./fleet.ts";
import { startEmulated } from "./measure-emulated.ts";

const AGENTS = 200;
const FOR_EVER = Number.POSITIVE_INFINITY;
/** More than one reply holds. */
const LONG = Buffer.from(`${"x".repeat(199)}\n`.repeat(400));

/** One behaviour after the other. */
const MODELS: readonly ((index: number) => AgentModel)[] = [
  (index) => ({ stdout: Buffer.from(`hello from ${index}\n`) }),
  (index) => ({ stdout: Buffer.from(`careful, ${index}\n`), stderr: Buffer.from("a warning\n"), status: 3 }),
  () => ({ stdout: LONG, delay: 20 }),
  () => ({ stderr: Buffer.from("no newline"), failure: "killed" }),
  () => ({ failure: "not-started" }),
  () => ({ stdout: Buffer.from("never printed\n"), delay: FOR_EVER }),
];

test(`EmulatedFleet answers as ${AGENTS} agents would: all output, every status`, async () => {
  await cryptoReady();
  await using fleet = await Fleet.start();
  const modelOf = (index: number) => MODELS[index % MODELS.length]?.(index) ?? {};
  await using _agents = await startEmulated(fleet, AGENTS, modelOf);

  const { status, stdout, stderr } = await fleet.station("--timeout", "0.5", "run", COMMAND);

  assert.equal(status, 4 + 16, stderr);
  const numbers = Array.from({ length: AGENTS }, (_, index) => index);
  for (const index of numbers) {
    const { stdout: printed, stderr: warned, delay } = modelOf(index);
    assert.deepEqual(linesOf(index, "│", stdout), textLines(delay === FOR_EVER ? undefined : printed));
    assert.deepEqual(linesOf(index, "!", stderr), textLines(warned));
  }
  /** For how many agents. */
  const said = (pattern: RegExp) => {
    const sentences = lines(stderr).filter((line) => line.startsWith("cb: ") && pattern.test(line));
    return sentences.reduce((sum, line) => sum + Number(/ \((\d+) agents\)/.exec(line)?.[1] ?? 1), 0);
  };
  const many = (model: number) => numbers.filter((index) => index % MODELS.length === model).length;
  assert.deepEqual(
    [
      said(/: exit status 3: a warning$/),
      said(/: ended by SIGKILL: no newline$/),
      said(/could not start "job": out of mem/),
      said(/: ended at its time limit/),
    ],
    [many(1), many(3), many(4), many(5)],
  );
  const ok = many(0) + many(2);
  const failed = many(1) + many(3) + many(5);
  const summary = `${AGENTS} agents · ${ok} ok · ${failed} failed · ${many(4)} not run · `;
  assert.ok(lines(stderr).at(-1)?.startsWith(summary), lines(stderr).at(-1));
});

test("EmulatedFleet has agents that listen and never say a word", async () => {
  await cryptoReady();
  await using fleet = await Fleet.start();
  await using _agents = await startEmulated(fleet, 3, (index) => ({ isDeaf: index === 1 }));

  const { status, stderr } = await fleet.station("--minimum-wait", "2", "run", COMMAND);

  assert.equal(status, 64, stderr);
  assert.match(stderr, /^cb: 1 of 3 that listen did not answer/m);
  assert.match(stderr, /^2 agents · 2 ok · /m);
});

/** What a station has shown of one agent. */
function linesOf(index: number, mark: string, shown: string): readonly string[] {
  const prefix = `${nameOf(index)} ${mark} `;
  return lines(shown).flatMap((line) => (line.startsWith(prefix) ? [line.slice(prefix.length)] : []));
}

function textLines(printed: Uint8Array = new Uint8Array()): readonly string[] {
  return lines(Buffer.from(printed).toString());
}
