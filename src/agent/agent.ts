/**
 * The agent: listens for requests, decides, runs, answers, until it is told to stop.
 *
 *   envelope ──open──▶ ──admit──▶ spend ──▶ hello ──▶ queue ──▶ run ──▶ exit
 *
 * From the bytes to the spent session everything is synchronous, so that two copies of one request cannot
 * both be found new. Each decision is logged once, here.
 */
import type { Clock } from "../core/clock.ts";
import { CbError, messageOf } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Channel, Identity, Tag } from "../core/names.ts";
import { resolveExecutor } from "../exec/resolve.ts";
import type { AgentHub } from "../hub/agent-hub.ts";
import type { AuthorisedStation } from "../protocol/authorised-station.ts";
import { hex } from "../protocol/bytes.ts";
import type { AgentKeyPair, NetworkKeyPair } from "../protocol/keys.ts";
import { MAX_VALIDITY } from "../protocol/limits.ts";
import { type Admission, type Answer, admit, staleness } from "./admit.ts";
import { JobSlots } from "./job-slots.ts";
import { type Ignored, openEnvelope } from "./open.ts";
import { RateLimit } from "./rate-limit.ts";
import type { ReplayJournal } from "./replay-journal.ts";
import { Responder } from "./responder.ts";

/** What an agent is and has; times in milliseconds. */
export type AgentParts = {
  readonly identity: Identity;
  readonly channel: Channel;
  readonly tags: readonly Tag[];
  /** Of this program, such as `0.1.0`. */
  readonly software: string;
  readonly runDirectories: readonly string[];
  readonly networks: readonly NetworkKeyPair[];
  readonly stations: readonly AuthorisedStation[];
  readonly keyPair: AgentKeyPair;
  readonly journal: ReplayJournal;
  readonly hub: AgentHub;
  readonly clock: Clock;
  readonly log: Log;
  /** Commands at a time. */
  readonly jobs: number;
  /** However long a station allows. */
  readonly timeLimit: number | undefined;
  /** Between asking and forcing: of a command past its limit, and of all commands when the agent stops. */
  readonly stopGrace: number;
  readonly drainGrace: number;
  readonly logCommandOutput: boolean;
};

/** How long a stopping agent tries to deliver its last replies. */
const LAST_REPLIES = 5_000;

export class Agent {
  readonly #parts: AgentParts;
  readonly #startedAt: number;
  readonly #slots: JobSlots;
  readonly #responder: Responder;
  readonly #ignoredLimit: RateLimit;
  readonly #answerLimit: RateLimit;
  readonly #underWay = new Set<Promise<void>>();
  readonly #leaveQueue = new AbortController();
  readonly #endCommands = new AbortController();
  readonly #giveUp = new AbortController();
  #isStopping = false;

  constructor(parts: AgentParts) {
    this.#parts = parts;
    this.#startedAt = parts.clock.monotonic();
    this.#slots = new JobSlots(parts.jobs);
    this.#ignoredLimit = new RateLimit(parts.clock);
    this.#answerLimit = new RateLimit(parts.clock);
    this.#responder = new Responder({
      ...parts,
      slots: this.#slots,
      leaveQueue: this.#leaveQueue.signal,
      endCommands: this.#endCommands.signal,
      giveUp: this.#giveUp.signal,
      isFresh: (request) => staleness(request, this.#moment()) === undefined,
    });
  }

  /** Serves until the signal aborts and what was running has ended, at most about twice the stop grace later. */
  async run(signal: AbortSignal): Promise<void> {
    // Until the last command has ended, what still arrives is declined: no station waits in vain.
    const closing = new AbortController();
    const stopped = aborted(signal)
      .then(() => this.#stop())
      .finally(() => closing.abort());
    for await (const envelope of this.#parts.hub.requests(closing.signal)) this.#receive(envelope);
    await stopped;
  }

  #receive(envelope: Uint8Array): void {
    const opened = openEnvelope(envelope, this.#parts.networks);
    const admission =
      opened.decision === "opened" ? admit(opened.claimed, this.#policy(), this.#moment()) : opened;
    if (admission.decision === "ignored") {
      this.#logIgnored(admission, envelope.length);
      return;
    }
    const answer = this.#spend(admission);
    this.#logAnswer(answer);
    if (answer.decision !== "run") this.#track(this.#parts.journal.sync(), "record-unsynced");
    if (this.#mayAnswer(answer)) this.#track(this.#responder.respond(answer), "replies-lost");
  }

  /** Lets work go on while the next request is taken; the agent does not end before it. */
  #track(work: Promise<void>, failure: string): void {
    const quiet = work.catch((error: unknown) => {
      this.#parts.log.error({ event: failure, reason: messageOf(error) }, "Cannot finish what was begun");
    });
    this.#underWay.add(quiet);
    void quiet.finally(() => this.#underWay.delete(quiet));
  }

  /** What cannot be recorded is not run, whatever was decided. */
  #spend(answer: Exclude<Admission, Ignored>): Answer {
    const { journal, clock, log } = this.#parts;
    const { session } = answer;
    // Beyond the longest validity a request is never fresh, so nothing need be remembered for longer.
    const expires = Math.min(session.head.expires, session.head.issued + MAX_VALIDITY);
    try {
      journal.spend(session.id, expires, clock.wall());
      return answer;
    } catch (error) {
      log.error({ event: "journal-unwritable", reason: messageOf(error) }, "Cannot record a request");
      return { session, decision: "refused", reason: "state" };
    }
  }

  /** Refusals that a station's wrong clock or version can cause in numbers are limited; others are not. */
  #mayAnswer(answer: Answer): boolean {
    if (answer.decision === "not-targeted") return answer.census;
    const isLimited =
      answer.decision === "refused" && ["clock", "version", "malformed"].includes(answer.reason);
    return !isLimited || this.#answerLimit.allow(answer.session.station.id).isAllowed;
  }

  async #stop(): Promise<void> {
    const { log, stopGrace, drainGrace } = this.#parts;
    this.#isStopping = true;
    log.info({ event: "stopping", running: this.#slots.running }, "Stop: take nothing new");
    this.#leaveQueue.abort();
    const ended = this.#slots.idle();
    await within(stopGrace, ended);
    this.#endCommands.abort("stopped");
    // The same grace again before SIGKILL. A command whose output the hub does not take ends with its replies.
    await within(stopGrace + drainGrace + LAST_REPLIES, ended);
    await within(LAST_REPLIES, Promise.all(this.#underWay));
    this.#giveUp.abort(
      new CbError("hub", "Cannot deliver replies: the hub did not take them before the end"),
    );
    await Promise.all(this.#underWay);
  }

  #policy() {
    const { stations, channel, tags, runDirectories } = this.#parts;
    return { stations, channel, tags, findCommand: resolveExecutor.bind(undefined, runDirectories) };
  }

  #moment() {
    const { clock, journal } = this.#parts;
    return {
      now: clock.wall(),
      uptime: clock.monotonic() - this.#startedAt,
      replay: journal,
      load: { stopping: this.#isStopping, placeFor: this.#slots.placeFor.bind(this.#slots) },
    };
  }

  #logIgnored({ reason, detail }: Ignored, bytes: number): void {
    const { isAllowed, suppressed } = this.#ignoredLimit.allow(reason);
    if (!isAllowed) return;
    const more = suppressed > 0 ? { suppressed } : {};
    this.#parts.log.warn({ event: "request-ignored", reason, detail, bytes, ...more }, "Ignore request");
  }

  #logAnswer(answer: Answer): void {
    const { head, id, station } = answer.session;
    const { decision } = answer;
    const isProblem = decision === "declined" || decision === "refused";
    const problem = isProblem ? { reason: answer.reason } : {};
    const detail = decision === "refused" ? { detail: answer.detail } : {};
    const fields = { event: "request", decision, ...problem, ...detail, session: hex(id), type: head.type };
    const level = isProblem ? "warn" : "debug";
    this.#parts.log[level]({ ...fields, station: station.name }, DECISIONS[decision]);
  }
}

/** What a decision reads like in the log. */
const DECISIONS: Readonly<Record<Answer["decision"], string>> = {
  run: "Accept request",
  present: "Answer ping",
  "not-targeted": "Pass over request for others",
  declined: "Decline request",
  refused: "Refuse request",
};

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
    if (signal.aborted) resolve();
  });
}

/** Resolves with the work, or when so many milliseconds have passed. */
async function within(milliseconds: number, work: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}
