/** A session played to a view, as the station does it. */
import { concatAll, utf8 } from "../../src/protocol/bytes.ts";
import type { Disposition, Exit } from "../../src/protocol/reply.ts";
import type { RunRequest } from "../../src/protocol/request.ts";
import type { Sink } from "../../src/station/line-renderer.ts";
import { judge } from "../../src/station/outcome.ts";
import type { Fault } from "../../src/station/reply-reader.ts";
import { Roster } from "../../src/station/roster.ts";
import { newSession } from "../../src/station/session.ts";
import type { View } from "../../src/station/view.ts";
import { exit, hello, id, NOW, runRequest } from "./scene.ts";

const WAITS = { helloWait: 2000, replyWait: 120_000, minimumWait: 4000, isMinimumExplicit: false };

export type Played = {
  readonly name: string;
  readonly disposition?: Disposition;
  readonly stdout?: string | Uint8Array;
  readonly stderr?: string;
  /** `never`: it is heard no more. */
  readonly exit?: Partial<Exit> | "never";
  readonly fault?: Fault;
};

type Circumstances = {
  readonly request?: Partial<RunRequest>;
  /** Names of agents that are not heard, last seen a second before the request. */
  readonly missing?: readonly string[];
  /** Milliseconds. */
  readonly elapsed?: number;
  readonly losses?: readonly string[];
};

/** Collects what is written. */
export class Captured {
  readonly #written: Uint8Array[] = [];
  readonly sink: Sink = {
    write: async (bytes) => void this.#written.push(bytes),
    isTerminal: false,
    hasColors: false,
  };
  get text(): string {
    return new TextDecoder().decode(concatAll(this.#written));
  }
}

/** Has all agents answer, then print and end one after the other. */
export async function play(
  view: View,
  agents: readonly Played[],
  { request: changes, missing: names = [], elapsed = 1234.5678, losses = [] }: Circumstances = {},
): Promise<void> {
  const roster = new Roster();
  const request = runRequest(changes);
  await view.start(request);
  for (const { name, disposition } of agents) {
    const said = hello(name, disposition && { disposition });
    roster.record({ kind: "hello", hello: said }, 5, NOW);
    await view.hello(said, 5);
  }
  for (const { name, stdout, stderr, exit: end = {}, fault, disposition } of agents) {
    const identity = id(name);
    if (stdout !== undefined)
      await view.output(identity, "stdout", typeof stdout === "string" ? utf8(stdout) : stdout);
    if (stderr !== undefined) await view.output(identity, "stderr", utf8(stderr));
    if (fault !== undefined) roster.record({ kind: "fault", identity, fault, silences: "run" }, 5, NOW);
    if (end === "never" || (disposition !== undefined && disposition.is !== "running")) continue;
    const ended = exit(end);
    roster.record({ kind: "exit", identity, exit: ended }, 800, NOW);
    await view.exit(identity, ended);
  }
  await view.flush();
  const missing = names.map((name) => ({ identity: id(name), lastSeen: NOW - 1000 }));
  const rollCall = { missing, newcomers: [], failMissing: false, now: NOW };
  const session = { ...newSession(0, agents.length, 0), answered: agents.length, addressed: agents.length };
  const outcome = judge(request, roster, { ...session, end: "waited" }, WAITS, elapsed, rollCall);
  await view.conclude({ outcome, losses, status: outcome.status, agents: roster.agents, missing, elapsed });
}
