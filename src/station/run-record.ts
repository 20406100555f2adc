/**
 * What became of a command on a channel the last time: enough to run it again where that is due.
 *
 *     { "version": 1, "command": "reload", "begun": "2026-11-22T13:04:05.000Z",
 *       "agents": { "web1": "ok", "web2": "failed", "web3": "in doubt" }, "earlier": ["web2"] }
 *
 * Before a run is published, all agents that it is known to be meant for are in doubt, and they stay so until it is known
 * what became of it there: whatever ends the station, nobody is taken for well who was not. The next run changes those
 * agents that it is meant for and leaves the others as they were, so that neither a narrowed run nor one that reached
 * nobody forgets a failure: what is known of those is of an earlier run than the one whose time is on record. Other
 * commands have records of their own.
 * Without parameters, output or reasons: whoever repeats a run types its line again, and a file need not hold what a
 * parameter may say.
 */
import { CbError } from "../core/errors.ts";
import { isJsonObject, parseJson } from "../core/json.ts";
import { type CommandName, type Identity, isName } from "../core/names.ts";
import { printable } from "../core/text.ts";

const VERSION = 1;

/** Of an agent that was meant. */
const WORDS = ["ok", "failed", "refused", "not run", "unfinished", "missing", "in doubt"] as const;
export type Word = (typeof WORDS)[number];

export type RunStart = {
  readonly command: CommandName;
  /** Milliseconds since the epoch, as its request is dated. */
  readonly begun: number;
};

export type RunRecord = {
  readonly command: CommandName;
  /** Of its last run, in milliseconds since the epoch. */
  readonly begun: number;
  readonly agents: ReadonlyMap<Identity, Word>;
  /** Those of them that the last run was not meant for: their words are of one before. */
  readonly earlier: ReadonlySet<Identity>;
};

/** Undefined: it was not meant after all. */
export type Changes = ReadonlyMap<Identity, Word | undefined>;

/** Whom a run is for. */
export type Meant = {
  /** Those of them who are known, or named. */
  readonly identities: readonly Identity[];
  /** Who of the others stays on record: a run for everybody leaves out those alone whom nobody knows any more. */
  readonly isKept: (identity: Identity) => boolean;
};

/** The record of a run that is about to be published. @param former what is there of its command by now */
export function beginRecord(
  former: RunRecord | undefined,
  { command, begun }: RunStart,
  { identities, isKept }: Meant,
): RunRecord {
  const agents = new Map([...(former?.agents ?? [])].filter(([identity]) => isKept(identity)));
  const earlier = new Set(agents.keys());
  for (const identity of identities) {
    agents.set(identity, "in doubt");
    earlier.delete(identity);
  }
  return { command, begun, agents, earlier };
}

/**
 * The record after it is known of some agents what became of a run there.
 *
 * @param former what was there before the run: the words for those that it was not meant for
 */
export function changeRecord(
  { command, begun, agents, earlier }: RunRecord,
  former: RunRecord | undefined,
  start: RunStart,
  changes: Changes,
): RunRecord {
  const changed = { command, begun, agents: new Map(agents), earlier: new Set(earlier) };
  // Where another run has begun since, this one is an earlier one.
  const isLast = begun === start.begun;
  for (const [identity, word] of changes) {
    const known = word ?? former?.agents.get(identity);
    if (known === undefined) changed.agents.delete(identity);
    else changed.agents.set(identity, known);
    if (known === undefined || (word !== undefined && isLast)) changed.earlier.delete(identity);
    else changed.earlier.add(identity);
  }
  return changed;
}

/** The record without agents that are to be forgotten. */
export function withoutRuns(
  { agents, earlier, ...run }: RunRecord,
  forgotten: readonly Identity[],
): RunRecord {
  const isLeft = (identity: Identity) => !forgotten.includes(identity);
  return {
    ...run,
    agents: new Map([...agents].filter(([identity]) => isLeft(identity))),
    earlier: new Set([...earlier].filter(isLeft)),
  };
}

/** Where it did not go well, or not at all, or where that is not known. */
export function toRepeat({ agents }: RunRecord): readonly Identity[] {
  return [...agents].filter(([, word]) => word !== "ok").map(([identity]) => identity);
}

export function inDoubt({ agents }: RunRecord): readonly Identity[] {
  return [...agents].filter(([, word]) => word === "in doubt").map(([identity]) => identity);
}

export function formatRunRecord({ command, begun, agents, earlier }: RunRecord): string {
  const before = earlier.size === 0 ? undefined : [...earlier];
  const record = {
    version: VERSION,
    command,
    begun: new Date(begun).toISOString(),
    agents: Object.fromEntries(agents),
    earlier: before,
  };
  return `${JSON.stringify(record, undefined, 2)}\n`;
}

/** @throws {CbError} `file` for what is no such record */
export function parseRunRecord(text: string, path: string): RunRecord {
  const damaged = (expected = "the record of a run, as cb writes it") =>
    new CbError("file", `Cannot use "${printable(path)}": expected ${expected}`);
  const value = parseJson(text);
  if (!isJsonObject(value)) throw damaged();
  const { version, command, agents, earlier = [] } = value;
  if (typeof version === "number" && version > VERSION)
    throw damaged(`the record of a run of version ${VERSION} at most, upgrade this cb`);
  if (version !== VERSION) throw damaged();
  const begun = typeof value["begun"] === "string" ? Date.parse(value["begun"]) : Number.NaN;
  if (typeof command !== "string" || !isName<CommandName>(command)) throw damaged();
  if (!isJsonObject(agents) || Number.isNaN(begun)) throw damaged();
  const words = Object.entries(agents).map(([identity, given]) => {
    const word = WORDS.find((known) => known === given);
    if (word === undefined || !isName<Identity>(identity)) throw damaged();
    return [identity, word] as const;
  });
  if (!Array.isArray(earlier)) throw damaged();
  const known = new Map(words);
  return { command, begun, agents: known, earlier: new Set([...known.keys()].filter(isIn(earlier))) };
}

function isIn(names: readonly unknown[]): (identity: Identity) => boolean {
  const all = new Set(names);
  return (identity) => all.has(identity);
}

/**
 * When what is known of these agents was: ` of 13:04:05`, ` of 13:04:05 and before`, ` of before 13:04:05`.
 *
 * @param now milliseconds since the epoch
 */
export function whenOf(
  word: "of" | "at",
  { begun, earlier }: RunRecord,
  agents: readonly Identity[],
  now: number,
): string {
  const number = agents.filter((identity) => earlier.has(identity)).length;
  const time = timeOfRun(begun, now);
  if (number === 0) return ` ${word} ${time}`;
  if (number < agents.length) return ` ${word} ${time} and before`;
  return word === "of" ? ` of before ${time}` : ` before ${time}`;
}

/** By the clock on the wall: `13:04:05`, and the day before it unless it is today. */
export function timeOfRun(begun: number, now: number): string {
  const [day, time] = localTime(begun);
  return day === localTime(now)[0] ? time : `${day} ${time}`;
}

function localTime(milliseconds: number): readonly [day: string, time: string] {
  const date = new Date(milliseconds);
  const two = (number: number) => String(number).padStart(2, "0");
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join("-");
  return [day, [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":")];
}
