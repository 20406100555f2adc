/**
 * Asks before everybody is told to run something: on a terminal, where many agents are known.
 *
 * Without a terminal there is nobody to ask, and scripts go on as they did. Exclusions alone narrow nothing down: all but
 * one are still nearly all. Neither does `--to '*'`, nor any pattern that every known agent fits.
 */
import { createInterface } from "node:readline";
import { CbError, ExitStatus } from "../core/errors.ts";
import { hasWildcard, matchesName } from "../core/name-pattern.ts";
import type { CommandName } from "../core/names.ts";
import { matchesTarget } from "../protocol/target.ts";
import type { KnownAgent } from "../station/agents-table.ts";
import type { Addressed } from "./addressees.ts";
import type { Context } from "./command.ts";
import { write } from "./output.ts";

type Question = {
  readonly command: CommandName;
  readonly addressed: Pick<Addressed, "target" | "folds" | "excluded">;
  readonly known: readonly KnownAgent[];
  /** Of known agents, above which is asked; 0 is never. */
  readonly guard: number;
};

/** What Ctrl-C is for an answer. */
const INTERRUPTED = Symbol("interrupted");

/** @throws {CbError} `usage` where the answer is not yes, with 130 where it is Ctrl-C: nothing was sent */
export async function confirmRun(
  { command, addressed, known, guard }: Question,
  context: Context,
): Promise<void> {
  if (guard === 0 || context.stderr.isTTY !== true || process.stdin.isTTY !== true) return;
  const number = known.filter((agent) => matchesTarget(addressed.target, agent)).length;
  if (number <= guard || !isForAll(addressed, known)) return;
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

/**
 * Whether nothing narrows it down: no tag that agents must have, and if it says who, patterns and folds that cover all
 * that are known but those that are left out. Names one by one are no slip.
 */
export function isForAll(
  { target, folds, excluded }: Question["addressed"],
  known: readonly KnownAgent[],
): boolean {
  const { tags, identities, excludedTags } = target ?? {};
  if (tags !== undefined) return false;
  if (identities === undefined) return true;
  const folded = new Set([...folds.values()].flat());
  const patterns = identities.filter(hasWildcard);
  const isCovered = ({ identity }: KnownAgent) =>
    folded.has(identity) || patterns.some((pattern) => matchesName(pattern, identity));
  const isLeftOut = (agent: KnownAgent) =>
    !matchesTarget({ excludedTags }, agent) ||
    excluded.some((pattern) => matchesName(pattern, agent.identity));
  return known.every((agent) => isCovered(agent) || isLeftOut(agent));
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
