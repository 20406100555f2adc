/**
 * Why an agent found a request not fresh, in words for an operator who has not read the protocol.
 *
 * The agent names the bound that was passed and gives its clock; whether the clock is the cause is judged here, by
 * ours. It is never said to be off by more than is certain: it was read between the request and our hearing of it,
 * and whatever it showed that fits in there is an agreement, however long the hub took.
 * Source: PROTOCOL.md §5, "Fresh".
 */
import { printable } from "../core/text.ts";
import type { Disposition } from "../protocol/reply.ts";
import type { Request } from "../protocol/request.ts";

type Refused = Extract<Disposition, { is: "refused" }>;

/** Milliseconds since the epoch: the agent's clock in its hello, and ours when we read it. */
type Clocks = { readonly time: number; readonly heardAt: number };

/** Clocks that differ by less, in milliseconds, agree: a difference is told in seconds. */
const AGREEMENT = 1000;

/** What follows `web1 refused: `. */
export function clockRefusal(
  { detail, bound = 0 }: Pick<Refused, "detail" | "bound">,
  { issued, expires }: Pick<Request, "issued" | "expires">,
  { time, heardAt }: Clocks,
): string {
  const ahead = certainlyAhead(time, issued, heardAt);
  const isOff = Math.abs(ahead) >= AGREEMENT;
  const clock = `its clock is ${Math.round(Math.abs(ahead) / 1000)} s ${ahead > 0 ? "ahead" : "behind"}`;
  switch (detail) {
    case "future":
      return isOff ? clock : "the request was dated ahead of its clock";
    case "expired": {
      const delay = Math.min(time, heardAt) - issued;
      if (isOff && Math.abs(ahead) > delay) return clock;
      return `the request was held up for ${Math.round(delay / 1000)} s and came too late`;
    }
    case "born":
    case "uptime": {
      const again = tryAgain(bound - issued);
      // Only the first seconds after a start are refused for that.
      if (isOff && bound - ahead < issued) return `${clock} and it has only just started${again}`;
      const why =
        detail === "born"
          ? "its state directory is new or was lost"
          : "it was started after the request was made";
      return `${why}${again}`;
    }
    case "floor":
      return `its clock was ahead earlier${tryAgain(bound - expires)}`;
    case "validity":
      return `it takes no request that is valid for ${Math.round((expires - issued) / 1000)} s`;
    default:
      return isOff ? clock : `it found the request not fresh${detail ? ` (${printable(detail)})` : ""}`;
  }
}

/** Milliseconds by which a clock is ahead of ours at least, having been read between these two times of ours. */
function certainlyAhead(time: number, from: number, to: number): number {
  return time < from ? time - from : Math.max(0, time - to);
}

/** @param wait milliseconds until a new request would pass; nothing is said where the agent's figures make none */
function tryAgain(wait: number): string {
  return wait >= 0 ? `, try again in ${Math.floor(wait / 1000) + 1} s` : "";
}
