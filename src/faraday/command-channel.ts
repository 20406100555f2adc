/**
 * What a command channel is, whatever protocol carries it: Socket.IO (`channel.ts`, Faraday 5 and newer) or plain
 * WebSocket messages (`raw-channel.ts`, Faraday 3.14 to 4.6).
 */
import { seconds } from "../core/text.ts";
import type { Answer, JoinVerdict } from "./join-verdict.ts";
import { ServerFailure } from "./server-failure.ts";

/** What a join says of one executor; Faraday stores `args` as they are, and before 5.14 nothing else of it. */
export type Announcement = {
  readonly executor_name: string;
  readonly category: readonly string[];
  readonly tool: string;
  readonly args: Readonly<Record<string, Parameter>>;
};

type Parameter = {
  readonly mandatory: boolean;
  readonly type: string | readonly string[];
  readonly base: string;
  readonly display_name?: string;
  readonly description?: string;
};

export type StatusMessage = {
  readonly executionIds: readonly number[];
  readonly executor: string;
  readonly running: boolean;
  readonly successful: boolean | null;
  readonly message: string;
};

/** As settings and log call them. */
export type ChannelProtocol = "socket.io" | "legacy";

/** One connection, from its opening to its end. */
export interface CommandChannel {
  readonly protocol: ChannelProtocol;
  /** Resolves with the reason when the connection is of no use any more; never rejects. */
  readonly ended: Promise<string>;
  /** Whether the server acknowledges what it has dealt with; false until it did so once. */
  readonly acknowledges: boolean;
  /**
   * Announces ourselves.
   *
   * @param token of the last 60 seconds
   * @param executors all of them: Faraday deletes those that are missing, with what they have run
   */
  join(token: string, executors: readonly Announcement[]): Promise<JoinVerdict>;
  /**
   * Tells the state of a run once.
   *
   * @param patience milliseconds for the acknowledgement
   * @returns `unanswered` also where `signal` ended the waiting
   */
  runStatus(status: StatusMessage, patience: number, signal: AbortSignal): Promise<Answer>;
  /** Says goodbye and ends; the server then shows us as offline. */
  leave(): Promise<void>;
  /** Ends it and all that it had open. */
  close(): Promise<void>;
}

export type ChannelObserver = {
  /** The payload of a `run`, unchecked. May not throw. */
  readonly onRun: (payload: unknown) => void;
};

/** Opens a connection until a join can be sent. @throws {ServerFailure} */
export type OpenChannel = (observer: ChannelObserver, signal: AbortSignal) => Promise<CommandChannel>;

/** In milliseconds; a test may be in a hurry. */
export type ChannelWaits = {
  /** For the acknowledgement of a join; old servers may send none. */
  readonly acknowledge: number;
  /** Without acknowledgements: for what else may come after the first word on a join. */
  readonly settle: number;
  /** For the end of the connection after we have left. */
  readonly leave: number;
  /** Between two pings of ours, where the server sends none; lost after two that had no answer. */
  readonly ping: number;
  /** For a protocol that does not answer; then it is looked at whether it is the other one. */
  readonly doubt: number;
};

export const WAITS: ChannelWaits = {
  acknowledge: 10_000,
  settle: 2_000,
  leave: 2_000,
  ping: 30_000,
  doubt: 3_000,
};

/** Characters of a status; the server stores them, and an event of a megabyte would close the connection. */
const MAX_STATUS_LENGTH = 4_000;

/** What both protocols say of a run, as the server's database takes it. */
export function statusFields({ executionIds, executor, running, successful, message }: StatusMessage) {
  return {
    action: "RUN_STATUS",
    execution_ids: executionIds,
    executor_name: storable(executor),
    running,
    successful,
    message: storable(message.slice(0, MAX_STATUS_LENGTH)),
  };
}

/** Text that a database takes: without NUL and halves of characters, for which the handler would raise. */
function storable(text: string): string {
  return Buffer.from(text.replaceAll("\0", "")).toString();
}

type Opening<Channel> = {
  readonly channel: Channel;
  /** Resolves once a join can be sent. */
  readonly connected: Promise<void>;
  readonly end: (reason: string) => void;
  /** Milliseconds. */
  readonly patience: number;
};

/**
 * The channel once it is connected; one that is not in time is closed.
 *
 * @throws {ServerFailure} `connection`
 * @throws the reason of `signal`
 */
export async function opened<Channel extends CommandChannel>(
  { channel, connected, end, patience }: Opening<Channel>,
  signal: AbortSignal,
): Promise<Channel> {
  const timer = setTimeout(() => end(`no channel within ${seconds(patience)}`), patience);
  const onAbort = () => end("interrupted");
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    const reason = await Promise.race([connected, channel.ended]);
    if (reason === undefined) return channel;
    await channel.close();
    signal.throwIfAborted();
    throw new ServerFailure("connection", reason);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}
