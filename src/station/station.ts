/** One run of a station: sends a signed request, follows the replies until it has waited enough, reports. */
import { ExitStatus } from "../core/errors.ts";
import { forget, newSessionKeyPair } from "../protocol/keys.ts";
import { encodeRequest, type StationMessage } from "../protocol/request.ts";
import { sealRequest } from "../protocol/request-envelope.ts";
import { Attendance } from "./attendance.ts";
import { Follower } from "./follower.ts";
import { newCancel, newRequest, type Task } from "./messages.ts";
import { ReplyReader } from "./reply-reader.ts";
import { RolloutDriver, requireCanaries } from "./rollout-driver.ts";
import { newSession } from "./session.ts";
import type { Interruption, StationParts } from "./station-parts.ts";

/** Hellos that are opened, at least; more where more agents are known, or the hub counted more. */
const MIN_MAX_HELLOS = 1_000;
/** The hub's count is a stranger's word: it may not make us keep state without bound. */
const MAX_COUNTED = 100_000;

/**
 * @returns the exit status (PROTOCOL.md §9); after an interruption, what was known until then
 * @throws {CbError} `hub` where the request could not be published, `output` or `reader-gone`
 */
export async function runStation(
  task: Task,
  parts: StationParts,
  interruption: Interruption,
): Promise<number> {
  const session = newSessionKeyPair();
  const { network, keyPair: station, hub, store } = parts;
  const plan = task.type === "run" ? task.rollout : undefined;
  const known = store.discovered?.size ?? 0;
  const request = newRequest(task, parts, known);
  try {
    const rehearsed = plan ?? parts.plan?.rollout;
    if (rehearsed !== undefined) requireCanaries(rehearsed, request, store);
    const seal = (message: StationMessage) =>
      sealRequest(encodeRequest(message), { network, station, session });
    const envelope = seal(request);
    await hub.begin(request.replyAddress);
    if (interruption.end.aborted) return ExitStatus.ok; // nobody has been asked
    parts.record?.prepare(request);
    const publishedAt = parts.clock.monotonic();
    const counted = Math.min(await hub.publish(envelope), MAX_COUNTED);
    // A hub that took long to answer has only now let the request go.
    const sentAt = parts.clock.monotonic();
    const maxHellos = Math.max(MIN_MAX_HELLOS, 4 * Math.max(known, counted));
    const reader = new ReplyReader({ request, session, pins: store.pins, maxHellos });
    const attendance = new Attendance(store.discovered, request.target, parts.named);
    // Dated as the request was: a clock that is set meanwhile must not make the cancel stale.
    const now = () => request.issued + Math.round(parts.clock.monotonic() - publishedAt);
    const publish = (message: StationMessage) => hub.publish(seal(message));
    const cancel = () => publish(newCancel(request, now()));
    const rollout = plan && new RolloutDriver({ plan, pins: store.pins, request, publish, now }, sentAt);
    const { awaited, unheardNames } = attendance;
    const waiting = newSession(sentAt, counted, awaited, unheardNames, plan !== undefined);
    const follower = new Follower(parts, reader, attendance, {
      request,
      publishedAt,
      session: waiting,
      rollout,
    });
    await follower.follow(cancel, interruption);
    return await follower.report();
  } finally {
    forget(session);
    await hub.close(request.replyAddress);
  }
}
