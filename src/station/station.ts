/**
 * One run of a station: sends a signed request, follows the replies until it has waited enough, reports.
 *
 * The only waiting is `replies.next()` against the session's deadline; everything that is decided is decided
 * by `reply-reader`, `session` and `outcome`, which are pure.
 */
import { ExitStatus } from "../core/errors.ts";
import { utf8 } from "../protocol/bytes.ts";
import { forget, newSessionKeyPair } from "../protocol/keys.ts";
import type { Hello } from "../protocol/reply.ts";
import { encodeRequest, type Request, type StationMessage } from "../protocol/request.ts";
import { sealRequest } from "../protocol/request-envelope.ts";
import { Announcer } from "./announcer.ts";
import { type Arrival, Attendance, learntFrom, type RollCall } from "./attendance.ts";
import { closingWords } from "./closing-words.ts";
import { newCancel, newRequest, type Task } from "./messages.ts";
import { judge } from "./outcome.ts";
import { leavesWholeLines, openView } from "./output-form.ts";
import { pingText } from "./ping-text.ts";
import { type ReplyEvent, ReplyReader } from "./reply-reader.ts";
import type { RolloutEvent } from "./rollout.ts";
import { RolloutDriver, requireCanaries } from "./rollout-driver.ts";
import { Roster } from "./roster.ts";
import { Screen } from "./screen.ts";
import {
  deadline,
  heardAt,
  newSession,
  rollCallAt,
  type Session,
  type SessionEvent,
  step,
} from "./session.ts";
import { meaningOf } from "./session-meaning.ts";
import type { Interruption, StationParts } from "./station-parts.ts";
import { statusLine } from "./status-line.ts";
import { Views } from "./views.ts";
import { type Batch, earliest, nextOf, unlessAborted } from "./waiting.ts";

/** Milliseconds in which we read nothing, beyond which no agent was silent meanwhile. */
const STANDSTILL = 500;
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
    if (plan !== undefined) requireCanaries(plan, request, store);
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
    const follower = new Follower(parts, reader, attendance, { publishedAt, session: waiting, rollout });
    await follower.follow(request, cancel, interruption);
    return await follower.report(request);
  } finally {
    forget(session);
    await hub.close(request.replyAddress);
  }
}

type Begun = {
  readonly publishedAt: number;
  readonly session: Session;
  readonly rollout: RolloutDriver | undefined;
};

/** Follows the replies of one session. */
class Follower {
  readonly #parts: StationParts;
  readonly #reader: ReplyReader;
  readonly #attendance: Attendance;
  readonly #roster = new Roster();
  readonly #screen: Screen;
  readonly #view: Views;
  readonly #announcer: Announcer;
  readonly #publishedAt: number;
  readonly #rollout: RolloutDriver | undefined;
  #session: Session;
  #hasCalledRoll = false;

  constructor(
    parts: StationParts,
    reader: ReplyReader,
    attendance: Attendance,
    { publishedAt, session, rollout }: Begun,
  ) {
    this.#parts = parts;
    this.#reader = reader;
    this.#attendance = attendance;
    this.#publishedAt = publishedAt;
    this.#session = session;
    this.#rollout = rollout;
    const { output, columns } = parts;
    const status =
      parts.showsProgress && leavesWholeLines(output) ? (room: number) => this.#status(room) : undefined;
    this.#screen = new Screen(parts.stdout, parts.stderr, { status, columns });
    const form = openView(output, this.#screen.stdout, this.#screen.stderr, columns, parts.beside.kept);
    this.#view = new Views(parts.beside, form);
    this.#announcer = new Announcer(this.#screen.stderr, parts.verbosity === "errors");
  }

  async follow(
    request: Request,
    cancel: () => Promise<unknown>,
    { end, leave }: Interruption,
  ): Promise<void> {
    const stop = new AbortController();
    const replies = this.#parts.hub.replies(request.replyAddress, stop.signal);
    const onInterrupt = () => {
      void this.#advance({ kind: "interrupted" });
      this.#step({ kind: "interrupted" });
      this.#announcer.interrupted(this.#session.active).catch(() => {});
      // A hub that does not take it does not bring the confirmation either, which the report then misses.
      if (request.type !== "ping") cancel().catch(() => {});
    };
    end.addEventListener("abort", onInterrupt, { once: true });
    try {
      this.#screen.start();
      await unlessAborted(leave, this.#view.start(request));
      if (end.aborted) onInterrupt();
      let batch = nextOf(replies);
      while (this.#session.end === undefined && !leave.aborted) {
        const arrived = await earliest(batch, this.#untilNext(), [end, leave]);
        const isRollDue = this.#isRollDue;
        if (arrived === undefined) {
          this.#step({ kind: "tick" });
          await unlessAborted(leave, this.#advance({ kind: "tick" }));
          this.#rollout?.flush();
        } else {
          await unlessAborted(leave, this.#takeAll(arrived, leave));
          batch = nextOf(replies);
        }
        // After what had come by then, and was not looked at while the reader stood still.
        if (isRollDue) await unlessAborted(leave, this.#callRoll());
      }
      if (!leave.aborted) await this.#view.flush();
    } finally {
      await unlessAborted(leave, this.#screen.end());
      end.removeEventListener("abort", onInterrupt);
      stop.abort();
    }
  }

  async #takeAll(envelopes: Batch, leave: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    const since = clock.monotonic();
    for (const envelope of envelopes) if (!leave.aborted) await this.#take(envelope);
    if (clock.monotonic() - since > STANDSTILL) await this.#advance({ kind: "deaf" });
    this.#rollout?.flush();
  }

  /** Writes the table of a ping or what the form of output has at its end, what went wrong, and the summary. */
  async report(request: Request): Promise<number> {
    const { stdout, stderr, waits, clock, verbosity, hub, record, finalStatus } = this.#parts;
    const elapsed = clock.monotonic() - this.#publishedAt;
    const failures = new Set(this.#remember(request));
    const { end, interruptedAt } = this.#session;
    // Whoever cuts a session short has not given everybody the time to answer.
    const missing = end === undefined || interruptedAt !== undefined ? [] : this.#attendance.missing;
    const fateOf = this.#rollout?.fateOf.bind(this.#rollout);
    const rollCall = this.#rollCall(missing);
    const outcome = judge(request, this.#roster, this.#session, waits, elapsed, rollCall, fateOf);
    const trouble = hub.trouble === undefined ? [] : [`replies may be missing: ${hub.trouble}`];
    const { agents } = this.#roster;
    if (request.type === "ping") await stdout.write(utf8(pingText(this.#parts, agents, missing)));
    const lossesWith = (losses: readonly string[]) => [...trouble, ...losses];
    const statusWith = (losses: readonly string[]) =>
      losses.length === 0 ? outcome.status : outcome.status | ExitStatus.integrity;
    const whole = { outcome, agents, missing, elapsed };
    await this.#view.conclude((viewed) => {
      const losses = lossesWith(viewed);
      return { ...whole, losses, status: finalStatus(statusWith(losses)) };
    });
    for (const why of record?.failures ?? []) failures.add(why);
    const lost = lossesWith(this.#view.losses);
    await stderr.write(utf8(closingWords(outcome, lost, failures, verbosity)));
    return statusWith(lost);
  }

  /** @returns what could not be remembered, a sentence each */
  #remember(request: Request): readonly string[] {
    const { store } = this.#parts;
    const { refused, failures } = store.save(learntFrom(this.#roster, request.issued, store.pins));
    for (const identity of refused) this.#roster.recordLatePin(identity);
    return failures;
  }

  #rollCall(missing: RollCall["missing"]): RollCall {
    const { clock, failMissing, expected } = this.#parts;
    return { missing, newcomers: this.#attendance.newcomers, failMissing, now: clock.wall(), expected };
  }

  async #take(envelope: Uint8Array): Promise<void> {
    const { clock } = this.#parts;
    const roundTrip = clock.monotonic() - this.#publishedAt;
    for (const event of this.#reader.read(envelope)) {
      const newFault = this.#roster.record(event, roundTrip, clock.wall());
      const arrival = event.kind === "hello" ? this.#attendance.answers(event.hello.identity) : undefined;
      const meaning = meaningOf(event, arrival, this.#rollout !== undefined);
      if (event.kind === "hello") await this.#announce(event.hello, arrival);
      if (newFault !== undefined) await this.#announcer.fault(newFault);
      // First shown, however long the reader takes: while we do not listen, no agent is silent.
      await this.#show(event, roundTrip);
      if (meaning !== undefined) this.#step(meaning);
      if (this.#rollout !== undefined) await this.#advance(this.#rollout.eventOf(event));
    }
  }

  async #announce(hello: Hello, arrival: Arrival | undefined): Promise<void> {
    const { failMissing, named } = this.#parts;
    if (arrival?.isNew && !this.#attendance.isFirst) await this.#announcer.newcomer(hello);
    if (arrival?.isAwaited && this.#hasCalledRoll)
      await this.#announcer.latecomer(hello, failMissing || named.has(hello.identity));
  }

  /** Names who is missing, once, while others are active. */
  async #callRoll(): Promise<void> {
    if (!this.#isRollDue) return;
    this.#hasCalledRoll = true;
    await this.#announcer.missing(this.#rollCall(this.#attendance.missing));
  }

  async #show(event: ReplyEvent, roundTrip: number): Promise<void> {
    if (event.kind === "hello") await this.#view.hello(event.hello, roundTrip);
    else if (event.kind === "output") await this.#view.output(event.identity, event.stream, event.data);
    else if (event.kind === "exit") await this.#view.exit(event.identity, event.exit);
  }

  #status(columns: number): string {
    const { agents } = this.#roster;
    const elapsed = this.#parts.clock.monotonic() - this.#publishedAt;
    const { awaited } = this.#attendance;
    const rollout = this.#rollout;
    const progress = { agents, awaited, isRollCalled: this.#hasCalledRoll, rollout, elapsed };
    return statusLine(progress, columns);
  }

  /** Tells the rollout, where there is one, what it should know. */
  async #advance(event: RolloutEvent | undefined): Promise<void> {
    if (this.#rollout === undefined) return;
    const all = heardAt(this.#session, this.#parts.waits);
    const released = this.#rollout.advance(event, this.#parts.clock.monotonic(), all);
    this.#step(this.#rollout.meaning);
    if (released.length > 0) await this.#view.release(released, this.#rollout.progress);
  }

  #step(event: SessionEvent): void {
    this.#session = step(this.#session, event, this.#parts.clock.monotonic(), this.#parts.waits);
  }

  /** Milliseconds until something is due though nothing arrives. */
  #untilNext(): number {
    const { waits, clock } = this.#parts;
    const rollCall = this.#hasCalledRoll ? Infinity : rollCallAt(this.#session, waits);
    const rollout = this.#rollout?.deadline(heardAt(this.#session, waits)) ?? Infinity;
    return Math.min(deadline(this.#session, waits), rollCall, rollout) - clock.monotonic();
  }

  get #isRollDue(): boolean {
    const { waits, clock } = this.#parts;
    if (this.#hasCalledRoll || this.#session.end !== undefined) return false;
    return clock.monotonic() >= rollCallAt(this.#session, waits);
  }
}
