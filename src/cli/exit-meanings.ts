/**
 * What the exit status of `cb station` means: the lists that its help shows, and the whole one cb-station(1).
 *
 * A line for each; the sentence that comes on standard error says which of it was the case.
 * Source: PROTOCOL.md §9.
 */
import { ExitStatus } from "../core/errors.ts";

export type ExitStatusName = keyof typeof ExitStatus;
export type ExitMeanings = Readonly<Partial<Record<ExitStatusName, string>>>;

export const STATION_EXIT: ExitMeanings = {
  ok: "all who were asked and answered ran it, and it exited 0",
  setup: "nothing was asked: a bad option, key or name, no Redis, not confirmed; or output cannot be written",
  missingAgents: "with --fail-missing: an agent that is known, and could be meant, has not answered",
  commandFailed: "a command exited other than 0, or was ended: by a signal, its time limit, a cancel",
  replyWaitExpired: "an agent that was running, or had been released, said nothing for the reply wait",
  agentError: "an agent refused, or could not start the command",
  integrity: "replies were altered, lost or forged, output is incomplete, or a key has changed",
  notAllRun:
    "not all was run: nobody answered or is meant, one that was named or listens did not answer, fewer did than " +
    "expected, one was busy or stopping, or a rollout stopped before its turn",
  interrupted: "interrupted by SIGINT; 143 by SIGTERM, 129 by SIGHUP",
  readerGone: "whoever read standard output has gone",
  bug: "there is a bug in cb",
};

const { commandFailed: _failed, replyWaitExpired: _silent, ...present } = STATION_EXIT;

/** Of a ping, which runs nothing. */
export const PING_EXIT = {
  ...present,
  ok: "all who were asked and answered are well",
  setup: "nothing was asked: a bad option, key or name, or no Redis; or output cannot be written",
  agentError: "an agent refused",
  notAllRun:
    "nobody answered or is meant, one that was named or listens did not answer, fewer did than expected",
} satisfies ExitMeanings;

/** Of a list, which agents are some time at. */
export const COMMANDS_EXIT: ExitMeanings = {
  ...STATION_EXIT,
  ok: "all who were asked and answered have told what they have",
  setup: PING_EXIT.setup,
  commandFailed: "an agent was stopped before it had told all",
  replyWaitExpired: "an agent that was at it said nothing for the reply wait",
  agentError: "an agent refused, or could not list its commands",
  notAllRun: PING_EXIT.notAllRun,
};

/** Of what is known without asking anybody. */
export const AGENTS_EXIT: ExitMeanings = {
  ok: "all who are meant are shown",
  setup: "a bad option or name, a damaged file, or standard output cannot be written",
  notAllRun: "an agent that was named is not known, or nobody whom the options mean",
};

/** As it is shown: what is a part of a sum has a plus. */
export function exitStatusText(name: ExitStatusName): string {
  const status = ExitStatus[name];
  // Those that add up are powers of two.
  const isPart = status > ExitStatus.setup && (status & (status - 1)) === 0;
  return `${isPart ? "+" : ""}${status}`;
}
