/** What a reply is to the waits of a session. */

import type { Hello } from "../protocol/reply.ts";
import type { Arrival } from "./attendance.ts";
import type { ReplyEvent } from "./reply-reader.ts";
import type { SessionEvent } from "./session.ts";

/**
 * Nothing, where it proves nobody alive.
 *
 * @param arrival of a hello
 * @param isRollout who runs is then not for the session to count
 */
export function meaningOf(
  event: ReplyEvent,
  arrival: Arrival | undefined,
  isRollout: boolean,
): SessionEvent | undefined {
  switch (event.kind) {
    case "hello": {
      const isAddressed = event.hello.disposition.is !== "not-targeted";
      const { isAwaited, isNamed } = arrival ?? { isAwaited: false, isNamed: false };
      return { kind: "hello", isAddressed, isActive: isActive(event.hello), isAwaited, isNamed };
    }
    case "state":
    case "output":
      return { kind: "sign-of-life" };
    case "gone":
      return { kind: "sign-of-life" };
    case "exit":
      return { kind: isRollout ? "sign-of-life" : "finished" };
    case "fault":
      if (event.silences === undefined) return undefined;
      if (event.silences === "answer") return { kind: "worthless-hello" };
      return isRollout ? undefined : { kind: "finished" };
    case "repeat":
      return undefined;
  }
}

/** Whether output may follow. */
function isActive({ disposition }: Hello): boolean {
  return disposition.is === "running" || disposition.is === "queued";
}
