/**
 * Asks before everybody is told to run something: on a terminal, where many agents are known.
 *
 * Without a terminal there is nobody to ask, and scripts go on as they did. Exclusions alone narrow nothing down:
 * all but one are still nearly all.
 */
import { createInterface } from "node:readline";
import { CbError, ExitStatus } from "../core/errors.ts";
import type { CommandName, Identity } from "../core/names.ts";
import type { Target } from "../protocol/target.ts";
import { matchesTarget } from "../protocol/target.ts";
import type { AgentStore } from "../station/agent-store.ts";
import type { Context } from "./command.ts";
import { write } from "./output.ts";

type Question = {
  readonly command: CommandName;
  readonly target: Target | undefined;
  readonly store: Pick<AgentStore, "discovered" | "pins">;
  /** Of known agents, above which is asked; 0 is never. */
  readonly guard: number;
};

/** What Ctrl-C is for an answer. */
const INTERRUPTED = Symbol("interrupted");

/** @throws {CbError} `usage` where the answer is not yes, with 130 where it is Ctrl-C: nothing was sent */
export async function confirmRun(
  { command, target, store, guard }: Question,
  context: Context,
): Promise<void> {
  if (guard === 0 || target?.tags !== undefined || target?.identities !== undefined) return;
  if (context.stderr.isTTY !== true || process.stdin.isTTY !== true) return;
  const number = knownTo(store, target);
  if (number <= guard) return;
  // Listened to before it is asked: a Ctrl-C that comes with the question is an answer to it.
  const answering = readLine();
  await write(context.stderr, `cb: run "${command}" on all ${number} agents that are known? [y/N] `);
  const answer = await answering;
  if (typeof answer === "string" && /^y(es)?$/i.test(answer.trim())) return;
  // The error is not to stand behind the question.
  if (typeof answer !== "string") await write(context.stderr, "\n");
  const hint = "Use --tags or --to for some of them, --all or --guard for not being asked";
  const exitStatus = answer === INTERRUPTED ? ExitStatus.interrupted : ExitStatus.setup;
  const why = `Cannot run "${command}" on all agents: it was not confirmed`;
  throw new CbError("usage", why, { hint, exitStatus });
}

/** How many agents are known that a target means, be it by their keys alone. */
function knownTo({ discovered, pins }: Question["store"], target: Target | undefined): number {
  const all = new Set<Identity>([...(discovered?.keys() ?? []), ...pins.keys()]);
  const isMeant = (identity: Identity) =>
    matchesTarget(target, { identity, tags: discovered?.get(identity)?.tags ?? [] });
  return [...all].filter(isMeant).length;
}

/** A line that is typed; undefined at the end of input. */
async function readLine(): Promise<string | typeof INTERRUPTED | undefined> {
  const lines = createInterface({ input: process.stdin, terminal: false });
  let onInterrupt = () => {};
  try {
    return await new Promise((resolve) => {
      onInterrupt = () => resolve(INTERRUPTED);
      process.once("SIGINT", onInterrupt);
      lines.once("line", resolve);
      lines.once("close", () => resolve(undefined));
    });
  } finally {
    process.off("SIGINT", onInterrupt);
    lines.close();
  }
}
