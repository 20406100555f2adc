/** The last word on a run: how its command ended, or why it never started. */
import type { ExecutionEnd } from "../exec/execution.ts";
import type { Exit } from "../protocol/reply.ts";
import type { NoTurn } from "./turn.ts";

/** Of a command that never started. */
export const NOTHING = {
  status: undefined,
  signal: undefined,
  runTime: 0,
  stdout: 0,
  stderr: 0,
  dropped: 0,
  leftOpen: false,
};

/** Of one whose turn never came. */
export function exitOfNone({ ending, detail }: NoTurn): Exit {
  return { type: "exit", ...NOTHING, ending, detail };
}

export function exitOf({ reason, status, signal, detail, runTime, bytes, leftOpen }: ExecutionEnd): Exit {
  return {
    type: "exit",
    ending: reason,
    status,
    signal,
    runTime: Math.round(runTime),
    stdout: bytes.stdout,
    stderr: bytes.stderr,
    dropped: 0,
    leftOpen,
    detail,
  };
}
