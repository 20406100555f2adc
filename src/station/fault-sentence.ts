/** What went wrong with replies, in words: one sentence for each fault of `reply-reader.ts`, with who and how often. */
import { count } from "../core/text.ts";
import type { FaultRecord } from "./roster.ts";

/** `web1 answers with another key than the one pinned: …`. */
export function faultSentence(record: FaultRecord): string {
  const { fault, identity, detail = lossOf(record), times } = record;
  const isNamed = fault === "pin-mismatch" || (fault === "conflict" && detail !== undefined);
  const from = identity && !isNamed ? ` from ${identity}` : "";
  return `${faultText(fault, times, identity)}${from}${detail ? `: ${detail}` : ""}`;
}

/** How much is missing, all losses of one kind together. */
function lossOf({ fault, missing }: FaultRecord): string | undefined {
  if (missing === 0) return undefined;
  return fault === "gap" ? `${missing} missing` : `${count(missing, "byte")} missing`;
}

function faultText(fault: FaultRecord["fault"], times: number, identity = "an agent"): string {
  switch (fault) {
    case "foreign":
      return `${count(times, "item")} in the reply list, not from any agent of this network`;
    case "no-hello":
      return `${replies(times)} without a hello before`;
    case "too-many":
      return `${count(times, "hello")} too many`;
    case "altered":
      return `${replies(times)} altered on the way`;
    case "gap":
      return "replies lost on the way";
    case "malformed":
      return `${replies(times)} not well-formed`;
    case "wrong-challenge":
      return `${replies(times)} to another request`;
    case "bad-signature":
      return `${replies(times)} with a bad signature`;
    case "pin-mismatch":
      return `${identity} answers with another key than the one pinned`;
    case "not-targeted":
      return "answer that does not fit the target";
    case "conflict":
      return "identity conflict";
    case "out-of-order":
      return `${replies(times)} out of order`;
    case "hole":
    case "incomplete":
      return "output incomplete";
  }
}

/** `1 reply`, `2 replies`. */
export function replies(number: number): string {
  return number === 1 ? "1 reply" : `${number} replies`;
}
