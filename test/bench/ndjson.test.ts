/** What a program reads of a thousand agents, of which some fail and some print what is no text, or looks like an event. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { cryptoReady } from "../../src/protocol/crypto.ts";
import { eventProblems } from "../support/event-schema.ts";
import { Fleet } from "../support/fleet.ts";
import { lines } from "../support/running-program.ts";
import { type AgentModel, COMMAND, nameOf } from "./fleet.ts";
import { startEmulated } from "./measure-emulated.ts";

const AGENTS = 1_000;

/** Every byte there is, NUL and newline among them. */
const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => byte);
const GARBAGE = [
  EVERY_BYTE,
  Buffer.from('{"type":"summary","exit_status":0}\n"}\n\\'),
  Buffer.from("\ufeffmark\u2028line\u2029 \u202e \u009b2J\u001b]0;title\u0007\r\n"),
  Uint8Array.of(0xed, 0xa0, 0x80, 10, 0xf4, 0x90, 0x80, 0x80, 10, 0xc3),
] as const;

function modelOf(index: number): AgentModel {
  if (index % 100 === 49) return { failure: "not-started" };
  if (index % 100 === 98) return { stdout: Buffer.from("cut off"), failure: "killed" };
  if (index % 20 === 7) return { stderr: Buffer.from("no such directive\n"), status: 1 + (index % 3) };
  if (index % 10 === 3) return { stdout: GARBAGE[Math.floor(index / 10) % GARBAGE.length] ?? EVERY_BYTE };
  return { stdout: Buffer.from(`hello from ${index}\n`) };
}

type Event = { readonly type: string; readonly agent?: string; readonly [key: string]: unknown };

/** @param keyOf undefined for what is of no interest */
function grouped(
  events: readonly Event[],
  keyOf: (event: Event) => string | undefined,
): ReadonlyMap<string, Event[]> {
  const groups = new Map<string, Event[]>();
  for (const event of events) {
    const key = keyOf(event);
    if (key === undefined) continue;
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    group.push(event);
  }
  return groups;
}

test(`cb station run --output ndjson has each line of ${AGENTS} agents as the schema says, garbage and failures too`, async () => {
  await cryptoReady();
  await using fleet = await Fleet.start();
  // Some end when all have begun: however busy the machine is, and whoever of them is heard first, the station's waits
  // are not over before.
  let begun = 0;
  let allHaveBegun = () => {};
  const until = new Promise<void>((resolve) => {
    allHaveBegun = resolve;
  });
  const onChange = (isRunning: boolean) => {
    if (isRunning && ++begun === AGENTS - 10) allHaveBegun();
  };
  await using _agents = await startEmulated(fleet, AGENTS, (index) => {
    return { ...modelOf(index), onChange, ...(index % 100 === 0 && { until }) };
  });
  const { status, stdout, stderr } = await fleet.station("run", COMMAND, "--output", "ndjson");
  assert.equal(status, 4 + 16, stderr);
  const events = lines(stdout).map((line) => JSON.parse(line));
  assert.deepEqual(eventProblems()(events), []);
  assert.deepEqual(
    [events.at(0).type, events.at(-1).type, events.at(-1).exit_status],
    ["start", "summary", 20],
  );
  const { ok, failed, not_run: notRun } = events.at(-1).agents;
  assert.deepEqual({ ok, failed, notRun }, { ok: 930, failed: 60, notRun: 10 });

  const ends = grouped(events, ({ type, agent }) => (type === "exit" ? agent : undefined));
  const outputs = grouped(events, ({ type, agent, stream }) =>
    type === "output" ? `${agent} ${stream}` : undefined,
  );
  for (let index = 0; index < AGENTS; index++) {
    const [name, model] = [nameOf(index), modelOf(index)];
    const wanted =
      model.failure === "not-started" ? "not_run" : model.failure || model.status ? "failed" : "ok";
    assert.deepEqual(
      (ends.get(name) ?? []).map((end) => end["status"]),
      [wanted],
      name,
    );
    for (const stream of ["stdout", "stderr"] as const) {
      const pieces = (outputs.get(`${name} ${stream}`) ?? []).map(({ text, base64, ended }) => {
        const line = typeof base64 === "string" ? Buffer.from(base64, "base64") : Buffer.from(String(text));
        return ended === false ? line : Buffer.concat([line, Buffer.from("\n")]);
      });
      assert.deepEqual(Buffer.concat(pieces), Buffer.from(model[stream] ?? []), `${name} ${stream}`);
    }
  }
});
