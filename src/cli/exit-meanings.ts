/**
 * What the exit status of `cb station` means: the one list that its help and cb-station(1) show.
 *
 * Source: PROTOCOL.md §9.
 */
import { ExitStatus } from "../core/errors.ts";

export type ExitStatusName = keyof typeof ExitStatus;
export type ExitMeanings = Readonly<Partial<Record<ExitStatusName, string>>>;

export const STATION_EXIT: ExitMeanings = {
  ok: "every agent that was asked and answered ran the command, and it exited 0",
  setup:
    "nothing was asked: a bad option, key or name, no Redis, or it was not confirmed; or standard output cannot be " +
    "written",
  missingAgents: "with --fail-missing: an agent that answered before, and could be meant, has not",
  commandFailed:
    "a command exited other than 0, or was ended by a signal, its time limit, a cancel or its agent's stop",
  replyWaitExpired: "an agent that was running, or had been released, said nothing for the reply wait",
  agentError: "an agent refused the request, or could not start the command",
  integrity:
    "replies were altered, lost or forged, or output is not complete, or an agent answered with a key not its own",
  notAllRun:
    "not all was run: nobody answered, nobody is meant, an agent was busy or stopping, one that was named or one that " +
    "listens did not answer, fewer than expected did, or a rollout stopped before its turn came",
  interrupted: "interrupted by SIGINT; 143 by SIGTERM, 129 by SIGHUP",
  readerGone: "whoever read standard output has gone",
  bug: "there is a bug in cb",
};

/** As it is shown: what is a part of a sum has a plus. */
export function exitStatusText(name: ExitStatusName): string {
  const status = ExitStatus[name];
  // Those that add up are powers of two.
  const isPart = status > ExitStatus.setup && (status & (status - 1)) === 0;
  return `${isPart ? "+" : ""}${status}`;
}
