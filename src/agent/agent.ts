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
import type { Environment } from "../core/settings.ts";
import type { execute } from "../exec/execution.ts";
import { JobSlots } from "../exec/job-slots.ts";
import type { AgentHub } from "../hub/agent-hub.ts";
import type { AuthorisedStation } from "../protocol/authorised-station.ts";
import { hex } from "../protocol/bytes.ts";
import type { AgentKeyPair, NetworkKeyPair } from "../protocol/keys.ts";
import { MAX_VALIDITY } from "../protocol/limits.ts";
import { type AdmittedSession, type Answer, admit, type Cancellation, type Release } from "./admit.ts";
import { type CommandCall, type FoundCommand, findCommand } from "./find-command.ts";
import { type ReplayState, stalenessAtTurn } from "./freshness.ts";
import { LiveSessions } from "./live-sessions.ts";
import { type Ignored, openEnvelope } from "./open.ts";
import { RateLimit } from "./rate-limit.ts";
import type { ReplayJournal } from "./replay-journal.ts";
import { Responder } from "./responder.ts";
import { aborted, within } from "./within.ts";

/** Whose requests an agent can read, and whom it obeys. */
export type TrustedKeys = {
  readonly networks: readonly NetworkKeyPair[];
  readonly stations: readonly AuthorisedStation[];
};

/** What may change while an agent runs; times in milliseconds. */
export type AgentSettings = {
  readonly keys: TrustedKeys;
  readonly tags: readonly Tag[];
  readonly runDirectories: readonly string[];
  /** Commands at a time. */
  readonly jobs: number;
  /** However long a station allows. */
  readonly timeLimit: number | undefined;
  /** How long running commands may go on when the agent stops. */
  readonly stopWait: number;
  /** Between asking and forcing: of a command past its limit, and of all commands when the agent stops. */
  readonly stopGrace: number;
  readonly drainGrace: number;
  readonly logCommandOutput: boolean;
};

/** What an agent is and has. */
export type AgentParts = AgentSettings & {
  readonly identity: Identity;
  readonly channel: Channel;
  /** Of this program, such as `0.1.0`. */
  readonly software: string;
  readonly keyPair: AgentKeyPair;
  readonly journal: Pick<ReplayJournal, keyof ReplayState | "spend" | "sync">;
  readonly hub: Pick<AgentHub, "requests" | "push" | "backlog">;
  readonly execute: typeof execute;
  /** Of this process: where it says that the service's credentials are. */
  readonly environment: Environment;
  readonly clock: Clock;
  readonly log: Log;
  /** Told whenever another number of commands is running; must not throw. */
  readonly onRunning?: (running: number) => void;
};

/** How long a stopping agent tries to deliver its last replies. */
const LAST_REPLIES = 5_000;

export class Agent {
  readonly #startedAt: number;
  readonly #slots: JobSlots;
  readonly #ignoredLimit: RateLimit;
  readonly #answerLimit: RateLimit;
  readonly #underWay = new Set<Promise<void>>();
  readonly #live: LiveSessions;
  readonly #leaveQueue = new AbortController();
  readonly #giveUp = new AbortController();
  #parts: AgentParts;
  #responder: Responder;
  #isStopping = false;

  constructor(parts: AgentParts) {
    this.#parts = parts;
    this.#startedAt = parts.clock.monotonic();
    this.#live = new LiveSessions(parts.clock);
    this.#slots = new JobSlots(parts.jobs, parts.onRunning);
    this.#ignoredLimit = new RateLimit(parts.clock);
    this.#answerLimit = new RateLimit(parts.clock);
    this.#responder = this.#newResponder();
  }

  /** Serves until the signal aborts and what was running has ended, at most the stop wait, the graces and 10 s later. */
  async run(signal: AbortSignal): Promise<void> {
    // Until the last command has ended, what still arrives is declined: no station waits in vain.
    const closing = new AbortController();
    const stopped = aborted(signal)
      .then(() => this.#stop())
      .finally(() => closing.abort());
    for await (const envelope of this.#parts.hub.requests(closing.signal)) this.#receive(envelope);
    await stopped;
  }

  /** From the next request on; what runs or waits keeps what it began with. */
  useSettings(settings: AgentSettings): void {
    this.#parts = { ...this.#parts, ...settings };
    this.#responder = this.#newResponder();
    this.#slots.resize(settings.jobs);
  }

  #newResponder(): Responder {
    return new Responder({
      ...this.#parts,
      slots: this.#slots,
      leaveQueue: this.#leaveQueue.signal,
      giveUp: this.#giveUp.signal,
      findCommand: this.#findCommand.bind(this),
      staleness: (request) => stalenessAtTurn(request, this.#moment())?.detail,
    });
  }

  #receive(envelope: Uint8Array): void {
    const opened = openEnvelope(envelope, this.#parts.keys.networks);
    const admission =
      opened.decision === "opened" ? admit(opened.claimed, this.#policy(), this.#moment()) : opened;
    switch (admission.decision) {
      case "ignored":
        this.#logIgnored(admission, envelope.length);
        return;
      case "cancel":
      case "forestall":
        this.#cancel(admission);
        return;
      case "release":
      case "withdraw":
        this.#release(admission);
        return;
      case "for-others":
        return;
      default:
        this.#answer(admission);
    }
  }

  #answer(admitted: Answer): void {
    const { session } = admitted;
    const isSpent = this.#spend(session, rememberedUntil(admitted));
    // What cannot be recorded is not run, whatever was decided.
    const answer: Answer = isSpent ? admitted : { session, decision: "refused", reason: "state" };
    this.#logAnswer(answer);
    // What is held may be asked for after a restart.
    if (answer.decision !== "run" || answer.start === "held")
      this.#track(this.#parts.journal.sync(), "record-unsynced");
    if (this.#mayAnswer(answer)) this.#track(this.#respond(answer), "replies-lost");
  }

  async #respond(answer: Answer): Promise<void> {
    const { end, hold } = this.#live.open(answer);
    await this.#responder.respond(answer, end.signal, hold).finally(() => this.#live.close(answer));
  }

  #release({ decision, session, why }: Release): void {
    this.#live.get(session.id)?.hold?.end(why);
    const fields = { event: "request", decision, reason: why, session: hex(session.id) };
    const level = why === undefined ? "info" : "warn";
    const said = why === undefined ? "Release held command" : "Give up held command";
    this.#parts.log[level]({ ...fields, station: session.station.name }, said);
  }

  #cancel({ decision, session, runExpires }: Cancellation): void {
    if (decision === "forestall") {
      this.#spend(session, Math.min(runExpires, session.head.issued + MAX_VALIDITY));
      this.#track(this.#parts.journal.sync(), "record-unsynced");
    }
    this.#live.get(session.id)?.end.abort("cancelled");
    const fields = { event: "request", decision, session: hex(session.id), station: session.station.name };
    this.#parts.log.info(fields, decision === "cancel" ? "Cancel command" : "Cancel command before it came");
  }

  /** Lets work go on while the next request is taken; the agent does not end before it. */
  #track(work: Promise<void>, failure: string): void {
    const quiet = work.catch((error: unknown) => {
      this.#parts.log.error({ event: failure, reason: messageOf(error) }, "Cannot finish what was begun");
    });
    this.#underWay.add(quiet);
    void quiet.finally(() => this.#underWay.delete(quiet));
  }

  /** @returns whether the session is recorded */
  #spend({ id }: AdmittedSession, until: number): boolean {
    const { journal, clock, log } = this.#parts;
    // Of a run that is gone: nothing may be forgotten earlier for it.
    if (journal.has(id)) return true;
    try {
      journal.spend(id, until, clock.wall());
      return true;
    } catch (error) {
      log.error({ event: "journal-unwritable", reason: messageOf(error) }, "Cannot record a request");
      return false;
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
    const { log, stopWait, stopGrace, drainGrace } = this.#parts;
    this.#isStopping = true;
    log.info({ event: "stopping", running: this.#slots.running }, "Stop: take nothing new");
    this.#leaveQueue.abort();
    const ended = this.#slots.idle();
    await within(stopWait, ended);
    this.#live.stop();
    // The grace before SIGKILL. A command whose output the hub does not take ends with its replies.
    await within(stopGrace + drainGrace + LAST_REPLIES, ended);
    await within(LAST_REPLIES, Promise.all(this.#underWay));
    this.#giveUp.abort(
      new CbError("hub", "Cannot deliver replies: the hub did not take them before the end"),
    );
    await Promise.all(this.#underWay);
  }

  #policy() {
    const { channel, identity, tags, keys } = this.#parts;
    return { stations: keys.stations, channel, identity, tags, findCommand: this.#findCommand.bind(this) };
  }

  #findCommand(call: CommandCall): FoundCommand {
    return findCommand(this.#parts.runDirectories, call);
  }

  #moment() {
    const { clock, journal } = this.#parts;
    return {
      now: clock.wall(),
      uptime: clock.monotonic() - this.#startedAt,
      replay: journal,
      live: (session: Uint8Array) => this.#live.get(session),
      isOver: (session: Uint8Array) => this.#live.isOver(session),
      load: {
        stopping: this.#isStopping,
        canHold: this.#live.canHold,
        placeFor: this.#slots.placeFor.bind(this.#slots),
      },
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
    const problem = isProblem ? { reason: answer.reason, command: answer.command } : {};
    const detail = decision === "refused" ? { detail: answer.detail } : {};
    const fields = { event: "request", decision, ...problem, ...detail, session: hex(id), type: head.type };
    const level = isProblem ? "warn" : "debug";
    this.#parts.log[level]({ ...fields, station: station.name }, DECISIONS[decision]);
  }
}

/**
 * Until when a session is remembered, in milliseconds since the epoch. Beyond the longest validity a request is never
 * fresh, so nothing need be for longer, but for a run that is held, and that a go may ask for.
 */
function rememberedUntil(answer: Answer): number {
  const { issued, expires } = answer.session.head;
  const holdUntil = answer.decision === "run" ? answer.request.holdUntil : undefined;
  // A go lives for seconds; the run that it names may be on its way for longer.
  const isGone = answer.decision === "refused" && answer.reason === "gone";
  return holdUntil ?? (isGone ? issued + MAX_VALIDITY : Math.min(expires, issued + MAX_VALIDITY));
}

/** What a decision reads like in the log. */
const DECISIONS: Readonly<Record<Answer["decision"], string>> = {
  run: "Accept request",
  present: "Answer ping",
  list: "List commands",
  "not-targeted": "Pass over request for others",
  declined: "Decline request",
  refused: "Refuse request",
};
