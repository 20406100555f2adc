/** What a session came to, once it has been followed to its end: remembered, kept, shown, said. */
import { ExitStatus } from "../core/errors.ts";
import { seconds } from "../core/text.ts";
import { utf8 } from "../protocol/bytes.ts";
import type { Request } from "../protocol/request.ts";
import { type Attendance, learntFrom, type RollCall } from "./attendance.ts";
import { closingWords } from "./closing-words.ts";
import { judge } from "./outcome.ts";
import { pingText } from "./ping-text.ts";
import type { RolloutDriver } from "./rollout-driver.ts";
import type { Roster } from "./roster.ts";
import { hubPatience, type Session } from "./session.ts";
import type { StationParts } from "./station-parts.ts";
import type { Views } from "./views.ts";

type Followed = {
  readonly request: Request;
  /** Milliseconds from the request to the end. */
  readonly elapsed: number;
  readonly roster: Roster;
  readonly attendance: Attendance;
  readonly session: Session;
  readonly rollout: RolloutDriver | undefined;
  readonly view: Views;
};

/**
 * Writes the table of a ping or what the form of output has at its end, what went wrong, and the summary.
 *
 * @returns the exit status
 */
export async function conclude(
  parts: StationParts,
  { request, elapsed, roster, attendance, session, rollout, view }: Followed,
): Promise<number> {
  const { stdout, stderr, waits, record, finalStatus } = parts;
  const failures = new Set(remember(parts, request, roster));
  const { end, interruptedAt } = session;
  // Whoever cuts a session short has not given everybody the time to answer.
  const isCutShort = end === undefined || interruptedAt !== undefined;
  const missing = isCutShort ? [] : attendance.missing;
  const fateOf = rollout?.fateOf.bind(rollout);
  const rollCall = rollCallOf(parts, attendance, missing);
  const outcome = judge(request, roster, session, waits, elapsed, rollCall, fateOf, rollout?.remarks);
  const trouble = troubleOf(parts, session);
  const { agents } = roster;
  if (request.type === "ping") await stdout.write(utf8(pingText(parts, agents, missing, attendance)));
  const lossesWith = (losses: readonly string[]) => [...trouble, ...losses];
  const statusWith = (losses: readonly string[]) =>
    losses.length === 0 ? outcome.status : outcome.status | ExitStatus.integrity;
  const whole = { outcome, agents, missing, elapsed };
  await view.conclude((viewed) => {
    const losses = lossesWith(viewed);
    return { ...whole, losses, status: finalStatus(statusWith(losses)) };
  });
  for (const why of record?.failures ?? []) failures.add(why);
  const lost = lossesWith(view.losses);
  // On one terminal both would stand one below the other.
  const hasNamedMissing = stdout.isTerminal && view.hasNamedMissing;
  await stderr.write(utf8(closingWords(outcome, lost, failures, { ...parts, hasNamedMissing })));
  return statusWith(lost);
}

/** Who is missing and who is new, and what that is to the operator. */
export function rollCallOf(
  { clock, failMissing, expected }: StationParts,
  { newcomers }: Attendance,
  missing: RollCall["missing"],
): RollCall {
  return { missing, newcomers, failMissing, now: clock.wall(), expected };
}

/** @returns what could not be remembered, a sentence each */
function remember({ store }: StationParts, request: Request, roster: Roster): readonly string[] {
  const { refused, failures } = store.save(learntFrom(roster, request.issued, store.pins));
  for (const identity of refused) roster.recordLatePin(identity);
  return failures;
}

/** Why replies may be missing; where the hub was silent for good, even if it broke no connection. */
function troubleOf({ hub, waits }: StationParts, session: Session): readonly string[] {
  const silent =
    session.end === "hub-silent"
      ? `no sign of life from the hub for ${seconds(hubPatience(session, waits))}`
      : undefined;
  const why = hub.trouble ?? silent;
  return why === undefined ? [] : [`replies may be missing: ${why}`];
}
