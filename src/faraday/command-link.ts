/**
 * Keeps the agent joined at the server, for ever, over one channel after another.
 *
 *   pause ──▶ token ──▶ open ──▶ join ──▶ joined ──lost──▶ pause
 *               │ 403              └─ refused or unsure: a new token, the same channel, a few times
 *               ▼
 *            deleted
 *
 * The token comes by REST and first, as it is worth 60 seconds, and as its failure has a reason: that of a WebSocket
 * has none. Its 403 is also the only sign of a deleted agent: what the channel says of joins goes to everybody on it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../core/clock.ts";
import { CbError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { FaradayApi } from "./api.ts";
import type {
  Announcement,
  ChannelProtocol,
  CommandChannel,
  OpenChannel,
  StatusMessage,
} from "./command-channel.ts";
import { ServerFailure } from "./server-failure.ts";

/** In milliseconds; a test may be in a hurry. */
export type LinkWaits = {
  /** Before trying again: doubled from the first to the last. */
  readonly firstPause: number;
  readonly lastPause: number;
  /** A channel that was joined as long was a good one: the next pause is a short one again. */
  readonly good: number;
  /** Between two joins on one channel. */
  readonly nextJoin: number;
  /** For the acknowledgement of a status: doubled from the first to the last. */
  readonly firstPatience: number;
  readonly lastPatience: number;
};

const WAITS: LinkWaits = {
  firstPause: 1_000,
  lastPause: 60_000,
  good: 10_000,
  nextJoin: 2_000,
  firstPatience: 10_000,
  lastPatience: 60_000,
};

/** Joins on one channel, at most: strangers may be refused at the same time. */
const JOINS = 4;
/** Bytes of all announcements: the server takes a million in a message, and ends the connection at more. */
const MAX_ANNOUNCED_BYTES = 900_000;

export type LinkState = {
  readonly connected: boolean;
  /** Of `connected`: milliseconds since 1970; undefined before the first time. */
  readonly since: number | undefined;
  readonly lastError: string | undefined;
  /** In vain since it was last connected. */
  readonly attempts: number;
  /** Of the last channel that was joined. */
  readonly protocol: ChannelProtocol | undefined;
};

type LinkParts = {
  readonly api: Pick<FaradayApi, "channelToken">;
  readonly openChannel: OpenChannel;
  readonly agentToken: string;
  /** All executors, always: the server deletes what is missing. */
  readonly announcements: readonly Announcement[];
  readonly clock: Clock;
  readonly log: Log;
  /** A `run` as it came, unchecked. */
  readonly onRun: (payload: unknown) => void;
  /** Statuses can be told; those that were not, must be told again. */
  readonly onJoined: () => void;
  readonly onState?: (state: LinkState) => void;
  readonly waits?: LinkWaits;
};

/**
 * The pause before a further attempt, between half and the whole of a time that doubles with every attempt: when a
 * server comes back, its agents must not come back in the same second.
 *
 * @param attempt 0 for the first
 * @returns milliseconds, 500 to 60 000
 */
export function pauseBefore(attempt: number, { firstPause, lastPause } = WAITS): number {
  const whole = Math.min(lastPause, firstPause * 2 ** attempt);
  return whole * (0.5 + Math.random() / 2);
}

export class CommandLink {
  readonly #parts: LinkParts;
  readonly #waits: LinkWaits;
  /** While it is joined. */
  #channel: CommandChannel | undefined;
  #state: LinkState = {
    connected: false,
    since: undefined,
    lastError: undefined,
    attempts: 0,
    protocol: undefined,
  };
  /** The last of the statuses that wait, by the executions that they are about. */
  readonly #telling = new Map<string, Promise<boolean>>();

  /** @throws {CbError} `setting` where the server would not take so many executors */
  constructor(parts: LinkParts) {
    this.#parts = parts;
    this.#waits = parts.waits ?? WAITS;
    const { length } = Buffer.from(JSON.stringify(parts.announcements));
    if (length > MAX_ANNOUNCED_BYTES) {
      const found = `what they and their parameters are called and described has ${length} bytes`;
      const expected = `expected ${MAX_ANNOUNCED_BYTES} at most`;
      throw new CbError(
        "setting",
        `Cannot announce ${parts.announcements.length} executors: ${found}, ${expected}`,
      );
    }
  }

  get state(): LinkState {
    return this.#state;
  }

  /**
   * Joins, and joins again whenever the channel is lost.
   *
   * @returns `deleted` once the server does not know the agent any more; `stopped` when `signal` is aborted, and we have left
   */
  async run(signal: AbortSignal): Promise<"deleted" | "stopped"> {
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      try {
        const startedAt = this.#parts.clock.monotonic();
        if ((await this.#joinOnce(signal)) === "deleted") return "deleted";
        if (this.#parts.clock.monotonic() - startedAt > this.#waits.good) attempt = -1;
      } catch (error) {
        if (signal.aborted) break;
        if (!(error instanceof ServerFailure)) throw error;
        this.#failed(error.message);
      }
      await sleep(pauseBefore(Math.max(attempt, 0), this.#waits), undefined, { signal }).catch(() => {}); // stopped
    }
    return "stopped";
  }

  /**
   * Tells the state of a run; those of the same executions in the order of the calls, each after the one before was
   * acknowledged, as the server would deal with them in any order.
   *
   * @returns true when the server has it; false when the channel was lost before: to be told again after `onJoined`
   * @throws the reason of `signal`
   */
  async tell(status: StatusMessage, signal: AbortSignal): Promise<boolean> {
    const key = status.executionIds.join();
    const before = this.#telling.get(key);
    const told = (async () => {
      await before?.catch(() => {}); // its caller knows
      return await this.#tellNow(status, signal);
    })();
    this.#telling.set(key, told);
    try {
      return await told;
    } finally {
      if (this.#telling.get(key) === told) this.#telling.delete(key);
    }
  }

  async #tellNow(status: StatusMessage, signal: AbortSignal): Promise<boolean> {
    const channel = this.#channel;
    const { firstPatience, lastPatience } = this.#waits;
    for (let patience = firstPatience; ; patience = Math.min(2 * patience, lastPatience)) {
      signal.throwIfAborted();
      // Also where a new one has taken its place: that one's `onJoined` has been called.
      if (channel === undefined || channel !== this.#channel) return false;
      const answer = await channel.runStatus(status, patience, signal);
      if (answer !== "unanswered") return answer === "acknowledged";
      signal.throwIfAborted();
      // An old server: it was sent, and the channel lived on.
      if (!channel.acknowledges) return channel === this.#channel;
      const fields = { event: "status-unanswered", executions: status.executionIds };
      this.#parts.log.warn(fields, "The server does not acknowledge a status, it is sent again");
    }
  }

  /** From the token to the end of the channel. @throws {ServerFailure} where there is no join */
  async #joinOnce(signal: AbortSignal): Promise<"deleted" | "lost"> {
    const { openChannel, onRun, onJoined, log, clock } = this.#parts;
    const token = await this.#newToken(signal);
    if (token === undefined) return "deleted";
    const channel = await openChannel({ onRun }, signal);
    try {
      if ((await this.#join(channel, token, signal)) === "deleted") return "deleted";
      this.#channel = channel;
      const { protocol, acknowledges } = channel;
      this.#setState({ connected: true, since: clock.wall(), lastError: undefined, attempts: 0, protocol });
      log.info({ event: "joined", protocol, acknowledges }, "Joined the server");
      onJoined();
      const reason = await untilAborted(channel.ended, signal);
      this.#channel = undefined;
      if (reason === undefined) await channel.leave();
      else this.#lost(reason);
      return "lost";
    } finally {
      this.#channel = undefined;
      if (this.#state.connected) this.#setState({ ...this.#state, connected: false, since: clock.wall() });
      await channel.close();
    }
  }

  /** @throws {ServerFailure} where the server takes none of several joins */
  async #join(channel: CommandChannel, first: string, signal: AbortSignal): Promise<"joined" | "deleted"> {
    const { log, announcements } = this.#parts;
    let token: string | undefined = first;
    for (let join = 1; ; join += 1) {
      const verdict = await untilAborted(channel.join(token, announcements), signal);
      if (verdict === undefined) throw signal.reason;
      if (verdict.kind === "joined") return "joined";
      if (verdict.kind === "lost") throw new ServerFailure("connection", await channel.ended);
      if (verdict.kind === "unanswered") throw new ServerFailure("connection", "no answer to the join");
      if (join === JOINS) {
        if (verdict.kind === "refused") {
          throw new ServerFailure("answer", `it refuses the join: ${verdict.reason}`);
        }
        // The token was good each time, and each time somebody was let in: the refused ones are others.
        log.warn(
          { event: "join-unsure" },
          "Took it that the server has let us in, while others were refused",
        );
        return "joined";
      }
      await sleep(this.#waits.nextJoin * (0.5 + Math.random() / 2), undefined, { signal });
      token = await this.#newToken(signal);
      if (token === undefined) return "deleted";
    }
  }

  /** Undefined where the agent was deleted. @throws {ServerFailure} */
  async #newToken(signal: AbortSignal): Promise<string | undefined> {
    const { api, agentToken } = this.#parts;
    const answer = await api.channelToken(agentToken, signal);
    switch (answer.kind) {
      case "token":
        return answer.token;
      case "deleted":
        this.#setState({ ...this.#state, lastError: "the server does not know this agent, it was deleted" });
        return undefined;
      case "refused":
        throw new ServerFailure("answer", answer.words);
    }
  }

  #lost(reason: string): void {
    this.#parts.log.warn({ event: "channel-lost", reason }, "Lost the server");
    const since = this.#parts.clock.wall();
    this.#setState({ ...this.#state, connected: false, since, lastError: reason, attempts: 0 });
  }

  #failed(reason: string): void {
    const isNews = reason !== this.#state.lastError || this.#state.attempts === 0;
    const fields = { event: "join-failed", reason };
    // An outage of a day would be a line a minute.
    this.#parts.log[isNews ? "warn" : "debug"](fields, "Cannot join the server, it is tried again");
    this.#setState({ ...this.#state, lastError: reason, attempts: this.#state.attempts + 1 });
  }

  #setState(state: LinkState): void {
    this.#state = state;
    this.#parts.onState?.(state);
  }
}

/** Undefined where `signal` comes first. */
async function untilAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value | undefined> {
  let onAbort: () => void = () => {};
  const aborted = new Promise<undefined>((resolve) => {
    onAbort = () => resolve(undefined);
    signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return signal.aborted ? undefined : await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
