/**
 * One run of a station: sends a signed request, follows the replies until it has waited enough, reports.
 *
 * The only waiting is `replies.next()` against the session's deadline; everything that is decided is decided
 * by `reply-reader`, `session` and `outcome`, which are pure.
 */
import type { Clock } from "../core/clock.ts";
import { ExitStatus, messageOf } from "../core/errors.ts";
import type { Channel, CommandName, Identity, Tag } from "../core/names.ts";
import type { StationHub } from "../hub/station-hub.ts";
import { utf8 } from "../protocol/bytes.ts";
import { randomBytes } from "../protocol/crypto.ts";
import { forget, type NetworkPublicKey, newSessionKeyPair, type StationKeyPair } from "../protocol/keys.ts";
import {
  CHALLENGE_BYTES,
  DEFAULT_VALIDITY,
  PROTOCOL_VERSION,
  REPLY_ADDRESS_BYTES,
} from "../protocol/limits.ts";
import type { Hello } from "../protocol/reply.ts";
import { encodeRequest, type Request } from "../protocol/request.ts";
import { sealRequest } from "../protocol/request-envelope.ts";
import { LineRenderer, type Sink } from "./line-renderer.ts";
import { judge } from "./outcome.ts";
import { pingTable } from "./ping-table.ts";
import { type ReplyEvent, ReplyReader } from "./reply-reader.ts";
import { Roster } from "./roster.ts";
import { deadline, newSession, type Session, type SessionEvent, step, type WaitPolicy } from "./session.ts";

/** What is asked; `limit` is how long the command may run, in milliseconds. */
export type Task =
  | { readonly type: "run"; readonly command: CommandName; readonly limit: number | undefined }
  | { readonly type: "ping" };

export type StationParts = {
  readonly identity: Identity;
  readonly channel: Channel;
  /** Undefined: everybody. */
  readonly tags: readonly Tag[] | undefined;
  readonly waits: WaitPolicy;
  readonly network: NetworkPublicKey;
  readonly keyPair: StationKeyPair;
  readonly hub: StationHub;
  readonly clock: Clock;
  readonly stdout: Sink;
  readonly stderr: Sink;
  /** How much the report says: problems alone, remarks and the summary too, or every agent. */
  readonly verbosity: "errors" | "normal" | "verbose";
};

/** Hellos that are opened, at least; more where the hub counted more agents. */
const MIN_MAX_HELLOS = 1_000;
/** The hub's count is a stranger's word: it may not make us keep state without bound. */
const MAX_COUNTED = 100_000;

/**
 * @param interrupt ends the waiting; what has come is shown and reported
 * @returns the exit status (PROTOCOL.md §9); where `interrupt` aborted, what was known until then
 * @throws {CbError} `hub` where the request could not be published, `output` or `reader-gone`
 */
export async function runStation(task: Task, parts: StationParts, interrupt: AbortSignal): Promise<number> {
  const session = newSessionKeyPair();
  const request = newRequest(task, parts);
  const { network, keyPair: station, hub } = parts;
  try {
    const envelope = sealRequest(encodeRequest(request), { network, station, session });
    const sentAt = parts.clock.monotonic();
    const counted = Math.min(await hub.publish(envelope), MAX_COUNTED);
    const reader = new ReplyReader({ request, session, maxHellos: Math.max(MIN_MAX_HELLOS, 4 * counted) });
    const follower = new Follower(parts, reader, newSession(sentAt, counted));
    const trouble = await follower.follow(request.replyAddress, interrupt);
    return await follower.report(request, trouble);
  } finally {
    forget(session);
    await hub.close(request.replyAddress);
  }
}

function newRequest(task: Task, { identity, channel, tags, clock }: StationParts): Request {
  const issued = clock.wall();
  return {
    version: PROTOCOL_VERSION,
    channel,
    sequence: 0,
    issued,
    expires: issued + DEFAULT_VALIDITY,
    challenge: randomBytes(CHALLENGE_BYTES),
    replyAddress: randomBytes(REPLY_ADDRESS_BYTES),
    station: identity,
    target: tags && { tags },
    census: tags !== undefined,
    ...task,
  };
}

/** Follows the replies of one session. */
class Follower {
  readonly #parts: StationParts;
  readonly #reader: ReplyReader;
  readonly #roster = new Roster();
  readonly #renderer: LineRenderer;
  #session: Session;

  constructor(parts: StationParts, reader: ReplyReader, session: Session) {
    this.#parts = parts;
    this.#reader = reader;
    this.#session = session;
    this.#renderer = new LineRenderer(parts.stdout, parts.stderr);
  }

  /** @returns why the hub brought no more replies, where it did not */
  async follow(replyAddress: Uint8Array, interrupt: AbortSignal): Promise<string | undefined> {
    const stop = new AbortController();
    const replies = this.#parts.hub.replies(replyAddress, stop.signal);
    try {
      let batch = nextOf(replies);
      while (this.#session.end === undefined && !interrupt.aborted) {
        const arrived = await earliest(batch, this.#untilDeadline(), interrupt);
        if (arrived === undefined) this.#step({ kind: "tick" });
        else if (arrived.trouble !== undefined) return arrived.trouble;
        else {
          for (const envelope of arrived.envelopes) await this.#take(envelope);
          batch = nextOf(replies);
        }
      }
      return undefined;
    } finally {
      stop.abort();
      await this.#renderer.finishAll();
    }
  }

  /** Writes the table of a ping, what went wrong, and the summary. */
  async report(request: Request, trouble: string | undefined): Promise<number> {
    const { stdout, stderr, waits, clock, verbosity } = this.#parts;
    const elapsed = clock.monotonic() - this.#session.sentAt;
    const outcome = judge(request, this.#roster, this.#session, waits, elapsed);
    if (request.type === "ping") await stdout.write(utf8(pingTable(this.#roster.agents)));
    const lost = trouble === undefined ? [] : [`replies may be missing: ${trouble}`];
    const said = {
      errors: [...outcome.problems, ...lost],
      normal: [...outcome.problems, ...lost, ...outcome.remarks],
      verbose: [...outcome.successes, ...outcome.problems, ...lost, ...outcome.remarks],
    }[verbosity];
    const lines = said.map((sentence) => `cb: ${sentence}\n`);
    const summary = verbosity === "errors" ? [] : [`${outcome.summary}\n`];
    await stderr.write(utf8([...lines, ...summary].join("")));
    return trouble === undefined ? outcome.status : outcome.status | ExitStatus.integrity;
  }

  async #take(envelope: Uint8Array): Promise<void> {
    const { clock } = this.#parts;
    const roundTrip = clock.monotonic() - this.#session.sentAt;
    for (const event of this.#reader.read(envelope)) {
      this.#roster.record(event, roundTrip, clock.wall());
      const meaning = meaningOf(event);
      if (meaning !== undefined) this.#step(meaning);
      await this.#show(event);
    }
  }

  async #show(event: ReplyEvent): Promise<void> {
    if (event.kind === "hello" && isActive(event.hello)) this.#renderer.expect(event.hello.identity);
    else if (event.kind === "output") await this.#renderer.output(event.identity, event.stream, event.data);
    else if (event.kind === "exit") await this.#renderer.finish(event.identity);
  }

  #step(event: SessionEvent): void {
    this.#session = step(this.#session, event, this.#parts.clock.monotonic(), this.#parts.waits);
  }

  #untilDeadline(): number {
    return deadline(this.#session, this.#parts.waits) - this.#parts.clock.monotonic();
  }
}

/** What an event is to the waits; nothing, where it proves nobody alive. */
function meaningOf(event: ReplyEvent): SessionEvent | undefined {
  switch (event.kind) {
    case "hello": {
      const isAddressed = event.hello.disposition.is !== "not-targeted";
      return { kind: "hello", isAddressed, isActive: isActive(event.hello) };
    }
    case "state":
    case "output":
      return { kind: "sign-of-life" };
    case "exit":
      return { kind: "finished" };
    case "fault":
      if (event.silences === undefined) return undefined;
      return { kind: event.silences === "answer" ? "worthless-hello" : "finished" };
    case "repeat":
      return undefined;
  }
}

/** Whether output may follow. */
function isActive({ disposition }: Hello): boolean {
  return disposition.is === "running" || disposition.is === "queued";
}

type Arrival = { readonly envelopes: readonly Uint8Array[]; readonly trouble?: string };

/** The next batch, or the reason why there is none; never rejects, since it may be awaited late or not at all. */
async function nextOf(replies: AsyncIterator<readonly Uint8Array[]>): Promise<Arrival> {
  try {
    const { value, done } = await replies.next();
    return done ? { envelopes: [], trouble: "the hub ended the replies" } : { envelopes: value };
  } catch (error) {
    return { envelopes: [], trouble: messageOf(error) };
  }
}

/** setTimeout(3) counts in 31 bits and fires at once beyond them. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** What arrives within so many milliseconds, or undefined; also when the signal aborts. */
async function earliest(
  batch: Promise<Arrival>,
  milliseconds: number,
  signal: AbortSignal,
): Promise<Arrival | undefined> {
  const wake = new AbortController();
  const alarm = new Promise<undefined>((resolve) => {
    const timer = setTimeout(() => resolve(undefined), Math.min(Math.max(0, milliseconds), LONGEST_TIMER));
    const clear = () => {
      clearTimeout(timer);
      resolve(undefined);
    };
    signal.addEventListener("abort", clear, { once: true, signal: wake.signal });
    wake.signal.addEventListener("abort", clear, { once: true });
  });
  return Promise.race([batch, alarm]).finally(() => wake.abort());
}
