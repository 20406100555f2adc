/**
 * Follows the replies of one session: reads, shows and counts them until it is over.
 *
 * The only waiting is for what comes, replies or an answer of the hub, against the next thing that is due; everything
 * that is decided is decided by `reply-reader`, `session`, `rollout` and `hub-watch`, which are pure.
 */
import type { Hello } from "../protocol/reply.ts";
import type { Request } from "../protocol/request.ts";
import { activeAgents } from "./active-agents.ts";
import { Announcer } from "./announcer.ts";
import type { Arrival, Attendance } from "./attendance.ts";
import { conclude, rollCallOf } from "./conclusion.ts";
import {
  answered,
  askAt,
  asked,
  type Deaf,
  type Heard,
  type HubWatch,
  inattentive,
  isLate,
  newHubWatch,
  replied,
  said,
  sayAt,
} from "./hub-watch.ts";
import { withLeftRunning } from "./left-running.ts";
import { leavesWholeLines, openView } from "./output-form.ts";
import type { ReplyEvent, ReplyReader } from "./reply-reader.ts";
import type { RolloutEvent } from "./rollout.ts";
import type { RolloutDriver } from "./rollout-driver.ts";
import { Roster } from "./roster.ts";
import { Screen } from "./screen.ts";
import { deadline, heardAt, overAt, rollCallAt, type Session, type SessionEvent, step } from "./session.ts";
import { meaningOf } from "./session-meaning.ts";
import type { Interruption, StationParts } from "./station-parts.ts";
import { statusLine } from "./status-line.ts";
import { Views } from "./views.ts";
import { type Batch, Inbox, nextOf, unlessAborted } from "./waiting.ts";

/** Milliseconds in which we read nothing, beyond which no agent was silent meanwhile. */
const STANDSTILL = 500;

type Begun = {
  readonly request: Request;
  readonly publishedAt: number;
  readonly session: Session;
  readonly rollout: RolloutDriver | undefined;
};

/** What comes: replies, or whether the hub says that there are more; undefined: it does not say. */
type Arrived =
  | { readonly kind: "replies"; readonly batch: Batch }
  | { readonly kind: "answer"; readonly hasUnread: boolean | undefined };

/** Follows the replies of one session. */
export class Follower {
  readonly #parts: StationParts;
  readonly #reader: ReplyReader;
  readonly #attendance: Attendance;
  readonly #roster = new Roster();
  readonly #screen: Screen;
  readonly #view: Views;
  readonly #announcer: Announcer;
  readonly #request: Request;
  readonly #publishedAt: number;
  readonly #rollout: RolloutDriver | undefined;
  #session: Session;
  #watch: HubWatch;
  #hasCalledRoll = false;

  constructor(
    parts: StationParts,
    reader: ReplyReader,
    attendance: Attendance,
    { request, publishedAt, session, rollout }: Begun,
  ) {
    this.#parts = parts;
    this.#reader = reader;
    this.#attendance = attendance;
    this.#request = request;
    this.#publishedAt = publishedAt;
    this.#session = session;
    this.#watch = newHubWatch(session.sentAt);
    this.#rollout = rollout;
    const { output, columns } = parts;
    const status =
      parts.showsProgress && leavesWholeLines(output) ? (room: number) => this.#status(room) : undefined;
    this.#screen = new Screen(parts.stdout, parts.stderr, { status, columns });
    const form = openView(output, this.#screen.stdout, this.#screen.stderr, columns, parts.beside.kept);
    this.#view = new Views(parts.beside, form);
    this.#announcer = new Announcer(this.#screen.stderr, parts.verbosity === "errors", columns);
  }

  async follow(cancel: () => Promise<unknown>, { end, leave }: Interruption): Promise<void> {
    const { hub } = this.#parts;
    const stop = new AbortController();
    const replies = hub.replies(this.#request.replyAddress, stop.signal);
    const inbox = new Inbox<Arrived>();
    const readOn = () => inbox.expect(nextOf(replies).then((batch) => ({ kind: "replies", batch })));
    const onInterrupt = () => {
      void this.#advance({ kind: "interrupted" });
      this.#step({ kind: "interrupted" });
      const active = activeAgents(this.#roster.agents, this.#rollout?.inFlight);
      this.#announcer.interrupted(active, this.#request).catch(() => {});
      // A hub that does not take it does not bring the confirmation either, which the report then misses.
      if (this.#request.type !== "ping") cancel().catch(() => {});
    };
    end.addEventListener("abort", onInterrupt, { once: true });
    try {
      this.#screen.start();
      await unlessAborted(leave, this.#view.start(this.#request));
      if (end.aborted) onInterrupt();
      readOn();
      this.#watch = inattentive(this.#watch, this.#now);
      while (this.#session.end === undefined && !leave.aborted) {
        const planned = Math.max(this.#now, this.#wakeAt());
        const arrived = await inbox.next(planned - this.#now, [end, leave]);
        if (arrived === undefined) await unlessAborted(leave, this.#look(planned));
        else if (arrived.kind === "answer") await unlessAborted(leave, this.#hear(arrived.hasUnread));
        else {
          await unlessAborted(leave, this.#takeAll(arrived.batch, leave));
          readOn();
        }
        if (leave.aborted) break;
        this.#rollout?.flush();
        if (this.#now >= askAt(this.#watch, this.#dueAt())) inbox.expect(this.#ask());
      }
      if (!leave.aborted) await this.#view.flush();
    } catch (error) {
      throw withLeftRunning(error, this.#request, this.#session);
    } finally {
      await unlessAborted(leave, this.#screen.end());
      end.removeEventListener("abort", onInterrupt);
      stop.abort();
    }
  }

  async #takeAll(envelopes: Batch, leave: AbortSignal): Promise<void> {
    const since = this.#now;
    await this.#note(replied(this.#watch, since));
    const isRollDue = this.#isRollDue(since);
    for (const envelope of envelopes) if (!leave.aborted) await this.#take(envelope);
    this.#watch = inattentive(this.#watch, this.#now);
    const isSlow = this.#now - since > STANDSTILL;
    if (isSlow) await this.#advance({ kind: "deaf", since, returnBy: this.#now });
    // After what had come by then, and was not looked at while the reader stood still.
    if (isRollDue) await this.#callRoll();
  }

  async #ask(): Promise<Arrived> {
    const { hub } = this.#parts;
    this.#watch = asked(this.#watch, this.#now);
    const hasUnread = await hub.hasUnread(this.#request.replyAddress).catch(() => undefined);
    // Where replies cannot be read, or be sent, agents are not heard whatever is in the list.
    return { kind: "answer", hasUnread: hub.trouble === undefined ? hasUnread : undefined };
  }

  async #hear(hasUnread: boolean | undefined): Promise<void> {
    await this.#note(answered(this.#watch, hasUnread, this.#now));
    await this.#look(this.#now);
  }

  async #note({ watch, deaf, saidFor }: Heard): Promise<void> {
    this.#watch = watch;
    if (deaf !== undefined) await this.#beDeaf(deaf);
    if (saidFor !== undefined) await this.#announcer.hubBack(saidFor);
  }

  async #beDeaf(deaf: Deaf): Promise<void> {
    this.#step(deaf);
    await this.#advance(deaf);
  }

  /** Does what is due. @param planned when that was to be */
  async #look(planned: number): Promise<void> {
    if (isLate(planned, this.#now)) {
      this.#watch = inattentive(this.#watch, this.#now);
      await this.#beDeaf({ kind: "deaf", since: planned, returnBy: this.#now });
    }
    const { provenAt, aliveAt } = this.#watch;
    if (this.#dueAt() <= provenAt) {
      this.#step({ kind: "tick" }, provenAt);
      await this.#advance({ kind: "tick", heard: provenAt });
    }
    if (this.#isRollDue(provenAt)) await this.#callRoll();
    if (this.#now >= sayAt(this.#watch)) {
      this.#watch = said(this.#watch);
      await this.#announcer.hubSilent(this.#now - aliveAt, this.#parts.hub.trouble);
    }
    if (this.#now < overAt(this.#session, this.#watch.aliveAt, this.#parts.waits)) return;
    if (this.#session.interruptedAt !== undefined) this.#step({ kind: "tick" });
    else {
      await this.#advance({ kind: "hub-silent" });
      this.#step({ kind: "hub-silent" });
    }
  }

  /** @returns the exit status */
  async report(): Promise<number> {
    return conclude(this.#parts, {
      request: this.#request,
      elapsed: this.#now - this.#publishedAt,
      roster: this.#roster,
      attendance: this.#attendance,
      session: this.#session,
      rollout: this.#rollout,
      view: this.#view,
    });
  }

  async #take(envelope: Uint8Array): Promise<void> {
    const { clock } = this.#parts;
    // At the same moment, for the one is measured by the other.
    const [roundTrip, heardAt] = [clock.monotonic() - this.#publishedAt, clock.wall()];
    for (const event of this.#reader.read(envelope)) {
      const newFault = this.#roster.record(event, roundTrip, heardAt);
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
    this.#hasCalledRoll = true;
    await this.#announcer.missing(rollCallOf(this.#parts, this.#attendance, this.#attendance.missing));
  }

  async #show(event: ReplyEvent, roundTrip: number): Promise<void> {
    if (event.kind === "hello") await this.#view.hello(event.hello, roundTrip);
    else if (event.kind === "output") await this.#view.output(event.identity, event.stream, event.data);
    else if (event.kind === "exit") await this.#view.exit(event.identity, event.exit);
  }

  #status(columns: number): string {
    const { agents } = this.#roster;
    const elapsed = this.#now - this.#publishedAt;
    const { awaited } = this.#attendance;
    const rollout = this.#rollout;
    const stage = rollout?.stage(this.#now);
    const { listeningSince } = this.#session;
    const listening = { publishedAt: this.#publishedAt, listeningSince, provenAt: this.#watch.provenAt };
    const isRollCalled = this.#hasCalledRoll;
    const progress = { agents, awaited, isRollCalled, rollout, listening, elapsed, stage };
    return statusLine(progress, columns);
  }

  /** Tells the rollout, where there is one, what it should know. */
  async #advance(event: RolloutEvent | undefined): Promise<void> {
    if (this.#rollout === undefined) return;
    const all = heardAt(this.#session, this.#parts.waits);
    const released = this.#rollout.advance(event, this.#now, all);
    this.#step(this.#rollout.meaning);
    if (released.length > 0) await this.#view.release(released, this.#rollout.progress);
  }

  #step(event: SessionEvent, now = this.#now): void {
    this.#session = step(this.#session, event, now, this.#parts.waits);
  }

  get #now(): number {
    return this.#parts.clock.monotonic();
  }

  /** When something is to be done though nothing arrives. */
  #wakeAt(): number {
    const due = this.#dueAt();
    const next = due <= this.#watch.provenAt ? due : askAt(this.#watch, due);
    return Math.min(next, sayAt(this.#watch), overAt(this.#session, this.#watch.aliveAt, this.#parts.waits));
  }

  /** When the next wait is over, if nobody says anything by then. */
  #dueAt(): number {
    const { waits } = this.#parts;
    const rollCall = this.#hasCalledRoll ? Infinity : rollCallAt(this.#session, waits);
    const rollout = this.#rollout?.deadline(heardAt(this.#session, waits)) ?? Infinity;
    const session = this.#session.interruptedAt === undefined ? deadline(this.#session, waits) : Infinity;
    return Math.min(session, rollCall, rollout);
  }

  /** @param heard by then whoever wanted to answer has been heard */
  #isRollDue(heard: number): boolean {
    if (this.#hasCalledRoll || this.#session.end !== undefined) return false;
    return heard >= rollCallAt(this.#session, this.#parts.waits);
  }
}
