/** The sessions that an agent answers now, by their ids; and which of those that it held are over. */
import type { Clock } from "../core/clock.ts";
import { hex } from "../protocol/bytes.ts";
import { MAX_HOLD } from "../protocol/limits.ts";
import type { Answer } from "./admit.ts";
import { Hold, MAX_HELD } from "./hold.ts";
import type { LiveSession } from "./live-session.ts";

/** One of them, and what ends its command. */
export class Live implements LiveSession {
  readonly networkKey: Uint8Array;
  readonly stationKey: Uint8Array;
  readonly challenge: Uint8Array;
  readonly command: LiveSession["command"];
  readonly end = new AbortController();
  readonly hold: Hold | undefined;

  constructor(answer: Answer) {
    const { claimed, station, head } = answer.session;
    this.networkKey = claimed.networkKey;
    this.stationKey = station.publicKey;
    this.challenge = head.challenge;
    this.command = answer.decision === "run" ? answer.request.command : undefined;
    this.hold = answer.decision === "run" && answer.start === "held" ? new Hold() : undefined;
  }

  get isHeld(): boolean {
    return this.hold?.isOpen === true;
  }
}

export class LiveSessions {
  readonly #clock: Clock;
  readonly #live = new Map<string, Live>();
  /** Until when somebody may ask for it: the hold-until of its run, milliseconds since the epoch. */
  readonly #over = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get canHold(): boolean {
    return [...this.#live.values()].filter(({ isHeld }) => isHeld).length < MAX_HELD;
  }

  get(session: Uint8Array): Live | undefined {
    return this.#live.get(hex(session));
  }

  isOver(session: Uint8Array): boolean {
    return this.#over.has(hex(session));
  }

  open(answer: Answer): Live {
    const live = new Live(answer);
    this.#live.set(hex(answer.session.id), live);
    return live;
  }

  close({ session: { id, head }, ...answer }: Answer): void {
    this.#live.delete(hex(id));
    const holdUntil = answer.decision === "run" ? answer.request.holdUntil : undefined;
    // Whoever asks again has been told.
    const isGone = answer.decision === "refused" && answer.reason === "gone";
    if (holdUntil !== undefined || isGone) this.#remember(id, holdUntil ?? head.issued + MAX_HOLD);
  }

  /** @param until milliseconds since the epoch */
  #remember(id: Uint8Array, until: number): void {
    const now = this.#clock.wall();
    for (const [known, time] of this.#over) if (time <= now) this.#over.delete(known);
    this.#over.set(hex(id), until);
  }

  /** Ends them all, as the agent stops. */
  stop(): void {
    for (const { end } of this.#live.values()) end.abort("stopped");
  }
}
