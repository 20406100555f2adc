/**
 * What became of the last run on a channel: enough to run its command again where that is due.
 *
 * Without parameters, output or reasons: whoever repeats a run types its line again, and a file need not hold what a
 * parameter may say.
 */
import { CbError } from "../core/errors.ts";
import { isJsonObject, parseJson } from "../core/json.ts";
import { type CommandName, type Identity, isName } from "../core/names.ts";
import type { Request } from "../protocol/request.ts";
import type { MissingAgent } from "./attendance.ts";
import type { Outcome } from "./outcome.ts";
import type { Verdict } from "./verdict.ts";

const VERSION = 1;

/** Of an agent that was meant. */
const WORDS = ["ok", "failed", "refused", "not run", "unfinished", "missing"] as const;
type Word = (typeof WORDS)[number];

export type RunRecord = {
  readonly command: CommandName;
  readonly agents: ReadonlyMap<Identity, Word>;
};

/**
 * Keeps what became of a run; of anything else there is nothing to be kept.
 *
 * @param missing those that were meant, as far as is known, and have not answered
 * @returns what could not be kept, a sentence each
 */
export function keepRecord(
  keep: ((record: RunRecord) => readonly string[]) | undefined,
  request: Request,
  outcome: Pick<Outcome, "agents">,
  missing: readonly Pick<MissingAgent, "identity">[],
): readonly string[] {
  return request.type === "run" && keep ? keep(recordOf(request.command, outcome, missing)) : [];
}

function recordOf(
  command: CommandName,
  { agents }: Pick<Outcome, "agents">,
  missing: readonly Pick<MissingAgent, "identity">[],
): RunRecord {
  const isMeant = (verdict: Verdict): verdict is Word & Verdict => verdict !== "not targeted";
  const judged = agents.flatMap(({ identity, verdict }) =>
    isMeant(verdict) ? [[identity, verdict] as const] : [],
  );
  const absent = missing.map(({ identity }) => [identity, "missing"] as const);
  return { command, agents: new Map([...absent, ...judged]) };
}

/** Where it did not go well, or not at all. */
export function toRepeat({ agents }: RunRecord): readonly Identity[] {
  return [...agents].filter(([, word]) => word !== "ok").map(([identity]) => identity);
}

export function formatRunRecord({ command, agents }: RunRecord): string {
  return `${JSON.stringify({ version: VERSION, command, agents: Object.fromEntries(agents) }, undefined, 2)}\n`;
}

/** @throws {CbError} `file` for what is no such record */
export function parseRunRecord(text: string, path: string): RunRecord {
  const damaged = () =>
    new CbError("file", `Cannot use "${path}": expected the record of a run, as cb writes it`);
  const value = parseJson(text);
  if (!isJsonObject(value) || value["version"] !== VERSION) throw damaged();
  const { command, agents } = value;
  if (typeof command !== "string" || !isName<CommandName>(command)) throw damaged();
  if (!isJsonObject(agents)) throw damaged();
  const words = Object.entries(agents).map(([identity, given]) => {
    const word = WORDS.find((known) => known === given);
    if (word === undefined || !isName<Identity>(identity)) throw damaged();
    return [identity, word] as const;
  });
  return { command, agents: new Map(words) };
}
