/**
 * `--retry-failed`: the last run of a command on a channel once more, where it failed, did not take place, or has no
 * known end.
 *
 * Of a run that was cut off, by a kill or a power failure, nobody can tell how it ended where no end was heard. It is
 * repeated there too, and said of how many: whoever asks for it wants the command done everywhere, a command that is
 * repeated can be left out with `--not-to`, and one that is silently left out is missed by nobody.
 */
import { CbError } from "../core/errors.ts";
import { matchesName, parseNamePattern } from "../core/name-pattern.ts";
import { foldNames } from "../core/name-set.ts";
import type { CommandName, Identity } from "../core/names.ts";
import type { Values } from "../core/settings.ts";
import { count } from "../core/text.ts";
import { cryptoReady } from "../protocol/crypto.ts";
import { matchesTarget, type Target } from "../protocol/target.ts";
import type { KnownAgent } from "../station/agents-table.ts";
import { checkRequest, type Task } from "../station/messages.ts";
import { inDoubt, type RunRecord, toRepeat, whenOf } from "../station/run-record.ts";
import { targetWords } from "../station/target-words.ts";
import { addresseesOf } from "./addressees.ts";
import type { Context } from "./command.ts";
import { write } from "./output.ts";
import { readRunRecord } from "./run-record-files.ts";
import type { runSettings } from "./settings/station.ts";

type Settings = Values<typeof runSettings>;

/** What is to be repeated. */
export type Retry = {
  readonly settings: Settings;
  /** Says it, once it is known who of the agents is meant; `known`: what is known of their tags. */
  readonly announce: (target: Target | undefined, known: readonly KnownAgent[]) => Promise<void>;
};

/** Names, or folds of them, that are said at most. */
const MAX_SAID = 20;

/**
 * The settings with the agents where a task is to be repeated; undefined where there are none, which is said.
 *
 * @throws {CbError} `usage` where no run of the command is known, or its agents are too many; `file`
 */
export async function retried(
  settings: Settings,
  task: Extract<Task, { type: "run" }>,
  context: Context,
): Promise<Retry | undefined> {
  if (settings.to.patterns.size > 0 || settings["to-file"] !== undefined) {
    const why = "it names the agents itself, expected no --to and no --to-file with it";
    throw new CbError("usage", `Cannot use --retry-failed: ${why}`);
  }
  const { command } = task;
  const now = context.clock.wall();
  const record = lastRun(settings, command, now);
  const say = async (line: string) => {
    if (!settings["errors-only"]) await write(context.stderr, `cb: ${line}\n`);
  };
  const all = toRepeat(record);
  if (all.length === 0) {
    const agents = [...record.agents.keys()];
    const where = agents.length === 1 ? agents.join("") : `all ${count(agents.length, "agent")}`;
    await say(`nothing to repeat: "${command}" went well on ${where}${whenOf("at", record, agents, now)}`);
    return undefined;
  }
  // Those that are excluded are taken off once more where the target is made, which also says so if nobody is left.
  const repeated = withoutExcluded(settings, all);
  if (repeated.length > 0) await refuseTooMany(settings, task, repeated, context);
  const announce: Retry["announce"] = async (target, known) => {
    const tagsOf = new Map(known.map(({ identity, record }) => [identity, record?.tags]));
    const isMeant = (identity: Identity) => {
      const tags = tagsOf.get(identity);
      return matchesTarget(tags === undefined ? untagged(target) : target, { identity, tags: tags ?? [] });
    };
    const meant = repeated.filter(isMeant);
    const run = (agents: readonly Identity[]) => `"${command}"${whenOf("of", record, agents, now)}`;
    const repeats = settings.plan ? "would repeat" : "repeats";
    if (meant.length > 0) await say(`${repeats} ${run(meant)} on ${listed(meant)}`);
    else if (target !== undefined) {
      const why = `none ${tagWords(target)}, as far as is known`;
      await say(`${run(repeated)} is to be repeated on ${listed(repeated)}; ${why}`);
    }
    const doubtful = inDoubt(record).filter((identity) => meant.includes(identity));
    if (doubtful.length === 0) return;
    await say(
      `it is not known how that run ended on ${listed(doubtful)}; it was cut off there, or still runs`,
    );
  };
  return { settings: withNames(settings, all), announce };
}

/** What of a target can be judged of an agent of which no tags are known. */
function untagged(target: Target | undefined): Target | undefined {
  return target && { ...target, tags: undefined, excludedTags: undefined };
}

function tagWords({ tags, excludedTags }: Target): string {
  return targetWords({ tags, excludedTags });
}

/** @throws {CbError} `usage` where there is none of this command; `file` */
function lastRun(
  { channel, "state-directory": directory }: Settings,
  command: CommandName,
  now: number,
): RunRecord {
  const record = readRunRecord(directory, { channel, command });
  const cannot = (why: string) => new CbError("usage", `Cannot repeat "${command}": ${why}`);
  if (record === undefined) throw cannot(`no run of it on channel "${channel}" is recorded here`);
  if (record.agents.size > 0) return record;
  const run = `its last run${whenOf("at", record, [], now)} on channel "${channel}"`;
  throw cannot(`nobody is known to have been reached by ${run}`);
}

function withoutExcluded({ "not-to": { patterns } }: Settings, identities: readonly Identity[]) {
  const excluded = [...patterns];
  return identities.filter((identity) => !excluded.some((pattern) => matchesName(pattern, identity)));
}

function withNames(settings: Settings, identities: readonly Identity[]): Settings {
  const patterns = identities.map(parseNamePattern);
  return { ...settings, to: { patterns: new Set(patterns), named: new Set(identities), folds: new Map() } };
}

/**
 * A request holds some thousands of names, and is not taken apart: an agent that is left out now is repeated later.
 *
 * @throws {CbError} `usage`, which says how many it holds
 */
async function refuseTooMany(
  settings: Settings,
  task: Task,
  identities: readonly Identity[],
  { clock }: Context,
): Promise<void> {
  await cryptoReady();
  const { identity, channel } = settings;
  const failureWith = async (number: number): Promise<CbError | undefined> => {
    try {
      const addressees = await addresseesOf(withNames(settings, identities.slice(0, number)));
      checkRequest(task, { identity, channel, clock, ...addressees });
      return undefined;
    } catch (error) {
      if (error instanceof CbError) return error;
      throw error;
    }
  };
  const failure = await failureWith(identities.length);
  if (failure === undefined) return;
  let [fitting, tooMany] = [0, identities.length];
  while (tooMany - fitting > 1) {
    const middle = Math.floor((fitting + tooMany) / 2);
    if ((await failureWith(middle)) === undefined) fitting = middle;
    else tooMany = middle;
  }
  // Then it is not for the names.
  if (fitting === 0) throw failure;
  const what = `Cannot repeat a run on ${identities.length} agents at once`;
  const hint = "Leave the others out with --not-to, then repeat it for them: they stay on record";
  throw new CbError("usage", `${what}: a request holds ${fitting} of these names`, { hint });
}

/** `3 agents: web[7,9,40]`; of very many names the first ones. */
function listed(identities: readonly Identity[]): string {
  const names = foldNames(identities);
  const more = names.length > MAX_SAID ? ["…"] : [];
  return `${count(identities.length, "agent")}: ${[...names.slice(0, MAX_SAID), ...more].join(",")}`;
}
