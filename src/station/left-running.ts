/**
 * What goes on where our own output has failed, by `| head -1` or a full disk: agents do not end a command because
 * nobody reads what it prints, and whoever sees the prompt again should know.
 */
import { CbError } from "../core/errors.ts";
import { count } from "../core/text.ts";
import type { Request } from "../protocol/request.ts";
import { isEverybodyHeard, type Session } from "./session.ts";

/** The error, with a hint where commands run on without us. */
export function withLeftRunning(error: unknown, { type }: Request, session: Session): unknown {
  if (!(error instanceof CbError) || type !== "run") return error;
  const { code, message, exitStatus, cause } = error;
  if (code !== "reader-gone" && code !== "output") return error;
  const goesOn = whatGoesOn(session);
  if (goesOn === undefined) return error;
  const hint = code === "output" ? goesOn : `the reader of standard output has gone: ${goesOn}`;
  return new CbError(code, message, { exitStatus, hint, cause });
}

function whatGoesOn(session: Session): string | undefined {
  const { active, isRollingOut, interruptedAt, end } = session;
  // Those that were asked to end do so, and of one that is over the report has been read, or never will be.
  if (interruptedAt !== undefined || end !== undefined) return undefined;
  const areAllHeard = isEverybodyHeard(session);
  if (isRollingOut)
    return active === 0
      ? undefined
      : `the command goes on on ${count(active, "agent")}, and begins on no other`;
  if (active === 0) return areAllHeard ? undefined : "the command was sent, and goes on where it has begun";
  return `the command goes on on ${areAllHeard ? "" : "at least "}${count(active, "agent")}`;
}
