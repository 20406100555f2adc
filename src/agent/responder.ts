/**
 * Answers one admitted session: hello, then, where a command runs, its output and its exit.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Channel, CommandName, Identity, Tag } from "../core/names.ts";
import { commandEnvironment } from "../exec/environment.ts";
import type { ExecutionEnd, execute } from "../exec/execution.ts";
import type { Resolution } from "../exec/resolve.ts";
import type { AgentHub } from "../hub/agent-hub.ts";
import { hex } from "../protocol/bytes.ts";
import { type AgentKeyPair, newReplyKeyPair, type ReplyPublicKey } from "../protocol/keys.ts";
import type { Disposition, Exit, Hello } from "../protocol/reply.ts";
import { ReplySealer, signHello } from "../protocol/reply-envelope.ts";
import type { RunRequest } from "../protocol/request.ts";
import type { Answer } from "./admit.ts";
import type { JobSlots } from "./job-slots.ts";
import type { ReplayJournal } from "./replay-journal.ts";
import { ReplySender } from "./reply-sender.ts";

type ResponderParts = {
  readonly identity: Identity;
  readonly channel: Channel;
  readonly tags: readonly Tag[];
  readonly software: string;
  readonly keyPair: AgentKeyPair;
  readonly journal: Pick<ReplayJournal, "sync">;
  readonly hub: Pick<AgentHub, "push" | "backlog">;
  readonly execute: typeof execute;
  readonly clock: Clock;
  readonly log: Log;
  readonly slots: JobSlots;
  readonly timeLimit: number | undefined;
  readonly stopGrace: number;
  readonly drainGrace: number;
  readonly logCommandOutput: boolean;
  /** Steps of stopping, between which commands end: nobody waits any more; replies are given up. */
  readonly leaveQueue: AbortSignal;
  readonly giveUp: AbortSignal;
  readonly isFresh: (request: RunRequest) => boolean;
  /** As at admission: what was safe then may have been exchanged while the command waited. */
  readonly findCommand: (command: CommandName) => Resolution;
};

type RunAnswer = Extract<Answer, { decision: "run" }>;

const NOTHING = {
  status: undefined,
  signal: undefined,
  runTime: 0,
  stdout: 0,
  stderr: 0,
  dropped: 0,
  leftOpen: false,
};

export class Responder {
  readonly #parts: ResponderParts;

  constructor(parts: ResponderParts) {
    this.#parts = parts;
  }

  /**
   * @param end ends the command; its reason is `"cancelled"` or `"stopped"`
   * @throws what made the hub refuse the replies for good; a command runs to its end all the same
   */
  async respond(answer: Answer, end: AbortSignal): Promise<void> {
    const { hub, giveUp, clock, log } = this.#parts;
    const { claimed, head } = answer.session;
    const replyKeyPair = newReplyKeyPair();
    const hello = this.#hello(answer, replyKeyPair.publicKey);
    const sender = new ReplySender(
      {
        push: (envelopes) => hub.push(head.replyAddress, envelopes, giveUp),
        look: async (pause) => {
          await sleep(pause);
          return hub.backlog(head.replyAddress, giveUp);
        },
      },
      new ReplySealer(claimed.sessionKey, replyKeyPair),
      clock,
    );
    try {
      // Taken before the first wait: between the decision and the slot nobody else may come.
      const slot = answer.decision === "run" ? this.#takeSlot(answer, end) : undefined;
      await sender.send(hello);
      if (answer.decision !== "run") return;
      const exit = await this.#run(answer, sender, await slot, end);
      this.#logExit(answer, exit);
      await sender.send(exit);
    } finally {
      await sender.close();
      const { dropped } = sender;
      if (dropped > 0)
        log.warn({ event: "output-dropped", bytes: dropped }, "The station has gone, drop output");
    }
  }

  /** @param release undefined for one that has waited in vain */
  async #run(
    answer: RunAnswer,
    sender: ReplySender,
    release: (() => void) | undefined,
    end: AbortSignal,
  ): Promise<Exit> {
    const { request, queued } = answer;
    if (release === undefined) return this.#waitedInVain(end);
    try {
      await this.#untilIssued(request, end);
      if (!this.#parts.isFresh(request)) return this.#waitedInVain(end);
      const executor = this.#parts.findCommand(request.command);
      if (!executor.found)
        return { type: "exit", ending: "not-started", detail: executor.reason, ...NOTHING };
      if (!(await this.#isRecorded()))
        return { type: "exit", ending: "state", detail: undefined, ...NOTHING };
      if (queued) await sender.send({ type: "state", state: "running" });
      return await this.#execute(answer, executor.path, sender, end);
    } finally {
      release();
    }
  }

  async #execute(
    { request, session }: RunAnswer,
    executable: string,
    sender: ReplySender,
    end: AbortSignal,
  ): Promise<Exit> {
    const { identity, channel, tags, clock, timeLimit, stopGrace, drainGrace, log } = this.#parts;
    const { command } = request;
    const facts = {
      identity,
      channel,
      tags,
      command,
      session: hex(session.id),
      station: session.station.name,
    };
    const execution = this.#parts.execute(executable, {
      identity,
      environment: commandEnvironment(facts),
      timeLimit: shorter(request.limit, timeLimit),
      stopGrace,
      drainGrace,
      signal: end,
      clock,
    });
    const offsets = { stdout: 0, stderr: 0 };
    for await (const event of execution) {
      if (event.kind === "end") return exitOf(event);
      const { stream, data } = event;
      if (this.#parts.logCommandOutput)
        log.info({ event: "output", command, stream, text: textOf(data) }, "Output");
      await sender.send({ type: "output", stream, offset: offsets[stream], data });
      offsets[stream] += data.length;
    }
    throw new Error("an execution ended without its end");
  }

  /**
   * A command never starts before it was issued, by our clock: then no request that has run is dated later than the
   * moment at which a lost state directory is noticed, and `born` refuses it for ever.
   */
  async #untilIssued({ issued }: RunRequest, end: AbortSignal): Promise<void> {
    const early = issued - this.#parts.clock.wall();
    if (early > 0) await sleep(early, undefined, { signal: end }).catch(() => {});
  }

  #takeSlot({ request, queued }: RunAnswer, end: AbortSignal): Promise<(() => void) | undefined> {
    const { slots, clock, leaveQueue } = this.#parts;
    if (!queued) return slots.take(request.command, end);
    const validity = AbortSignal.timeout(Math.max(0, request.expires - clock.wall()));
    return slots.take(request.command, AbortSignal.any([leaveQueue, validity, end]));
  }

  #waitedInVain(end: AbortSignal): Exit {
    if (end.reason === "cancelled")
      return { type: "exit", ending: "cancelled", detail: undefined, ...NOTHING };
    const isStopping = this.#parts.leaveQueue.aborted;
    const detail = isStopping ? "the agent is stopping" : "its turn did not come while the request was valid";
    return { type: "exit", ending: "never-started", detail, ...NOTHING };
  }

  async #isRecorded(): Promise<boolean> {
    const { journal, log } = this.#parts;
    try {
      await journal.sync();
      return true;
    } catch (error) {
      log.error({ event: "journal-unwritable", reason: String(error) }, "Cannot record a request");
      return false;
    }
  }

  #hello(answer: Answer, replyKey: ReplyPublicKey): Hello {
    const { identity, tags, software, clock, keyPair } = this.#parts;
    const { claimed, head } = answer.session;
    const { challenge } = head;
    const claim = { session: claimed.sessionKey, replyKey, challenge, identity };
    return {
      type: "hello",
      identity,
      tags,
      software,
      time: clock.wall(),
      challenge,
      agentKey: keyPair.publicKey,
      signature: signHello(claim, keyPair),
      disposition: dispositionOf(answer),
    };
  }

  #logExit({ session, request }: RunAnswer, exit: Exit): void {
    const fields = {
      event: "command",
      session: hex(session.id),
      station: session.station.name,
      command: request.command,
      ending: exit.ending,
      status: exit.status,
      signal: exit.signal,
      seconds: Math.round(exit.runTime) / 1000,
      detail: exit.detail,
    };
    this.#parts.log.info(fields, "Ran command");
  }
}

function dispositionOf(answer: Answer): Disposition {
  switch (answer.decision) {
    case "run":
      return { is: answer.queued ? "queued" : "running" };
    case "present":
    case "not-targeted":
      return { is: answer.decision };
    case "declined":
      return { is: "declined", reason: answer.reason };
    case "refused":
      return { is: "refused", reason: answer.reason, detail: answer.detail, bound: answer.bound };
  }
}

function exitOf({ reason, status, signal, detail, runTime, bytes, leftOpen }: ExecutionEnd): Exit {
  return {
    type: "exit",
    ending: reason,
    status,
    signal,
    runTime: Math.round(runTime),
    stdout: bytes.stdout,
    stderr: bytes.stderr,
    dropped: 0,
    leftOpen,
    detail,
  };
}

/** The shorter of two limits, either of which may be absent. */
function shorter(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
}

function textOf(data: Uint8Array): string {
  return new TextDecoder().decode(data).trimEnd();
}
