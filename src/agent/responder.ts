/**
 * Answers one admitted session: hello, then, where a command runs, its output and its exit.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { CbError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Channel, CommandName, Identity, Tag } from "../core/names.ts";
import type { Environment } from "../core/settings.ts";
import { commandEnvironment } from "../exec/environment.ts";
import type { execute } from "../exec/execution.ts";
import { FileDigests } from "../exec/file-digests.ts";
import { environmentOf } from "../exec/manifest-environment.ts";
import { parameterEnvironment } from "../exec/parameter-environment.ts";
import type { AgentHub } from "../hub/agent-hub.ts";
import { mayRun } from "../protocol/authorised-station.ts";
import { hex } from "../protocol/bytes.ts";
import { type AgentKeyPair, newReplyKeyPair, type ReplyPublicKey } from "../protocol/keys.ts";
import type { Disposition, Exit, Hello } from "../protocol/reply.ts";
import { ReplySealer, signHello } from "../protocol/reply-envelope.ts";
import type { Answer } from "./admit.ts";
import { listCommands } from "./command-list.ts";
import { exitOf, exitOfNone, NOTHING } from "./exits.ts";
import type { CommandCall, FoundCommand } from "./find-command.ts";
import { Heartbeat } from "./heartbeat.ts";
import { Hold } from "./hold.ts";
import { answerList } from "./list-answer.ts";
import type { ReplayJournal } from "./replay-journal.ts";
import { ReplySender } from "./reply-sender.ts";
import { type RunAnswer, type Turn, type TurnParts, takeTurn } from "./turn.ts";

type ResponderParts = TurnParts & {
  readonly identity: Identity;
  readonly channel: Channel;
  readonly tags: readonly Tag[];
  readonly software: string;
  readonly keyPair: AgentKeyPair;
  readonly journal: Pick<ReplayJournal, "sync">;
  readonly hub: Pick<AgentHub, "push" | "backlog">;
  readonly execute: typeof execute;
  /** Of this process, for the directory of its credentials. */
  readonly environment: Environment;
  readonly log: Log;
  readonly timeLimit: number | undefined;
  readonly stopGrace: number;
  readonly drainGrace: number;
  readonly logCommandOutput: boolean;
  /** The last step of stopping, after commands have ended. */
  readonly giveUp: AbortSignal;
  /** As at admission: what was safe then may have been exchanged while the command waited. */
  readonly findCommand: (call: CommandCall) => FoundCommand;
  readonly runDirectories: readonly string[];
};

type Runnable = Extract<FoundCommand, { found: true }>;
type Unfound = Extract<FoundCommand, { found: false }>;

export class Responder {
  readonly #parts: ResponderParts;
  readonly #digests = new FileDigests();

  constructor(parts: ResponderParts) {
    this.#parts = parts;
  }

  /**
   * @param end ends the command; its reason is `"cancelled"` or `"stopped"`
   * @param hold of a run that is held
   * @throws what made the hub refuse the replies for good; a command runs to its end all the same
   */
  async respond(answer: Answer, end: AbortSignal, hold?: Hold): Promise<void> {
    const { hub, giveUp, clock, log, runDirectories } = this.#parts;
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
      if (answer.decision === "list") {
        await sender.send(hello);
        const { station } = answer.session;
        const isAllowed = (name: CommandName) => mayRun(station, name);
        const list = () => listCommands(runDirectories, isAllowed, this.#digests, end);
        await sender.send(await answerList({ list, send: (reply) => sender.send(reply), clock }, end));
        return;
      }
      if (answer.decision !== "run") {
        await sender.send(hello);
        return;
      }
      // Before the first wait: between the decision and the slot nobody else may come.
      const turn = hold ?? takeTurn(answer, this.#parts, end);
      await sender.send(hello);
      const exit =
        turn instanceof Hold
          ? await this.#runOnceReleased(answer, sender, turn, end)
          : await this.#run(answer, sender, turn, end);
      this.#logExit(answer, exit);
      await sender.send(exit);
    } finally {
      await sender.close();
      const { dropped } = sender;
      if (dropped > 0)
        log.warn({ event: "output-dropped", bytes: dropped }, "The station has gone, drop output");
    }
  }

  async #runOnceReleased(
    answer: RunAnswer,
    sender: ReplySender,
    hold: Hold,
    end: AbortSignal,
  ): Promise<Exit> {
    const { request, concurrency } = answer;
    const never = await hold.wait(request.holdUntil ?? request.expires, this.#parts, end);
    if (never !== undefined) return exitOfNone(never);
    const isFree = this.#parts.slots.placeFor(request.command, concurrency) === "free";
    const turn = takeTurn({ ...answer, start: isFree ? "now" : "queued" }, this.#parts, end);
    using heartbeat = new Heartbeat(sender);
    if (!isFree) await sender.send({ type: "state", state: "queued" });
    return await this.#run(answer, sender, turn, end, heartbeat);
  }

  async #run(
    answer: RunAnswer,
    sender: ReplySender,
    coming: Promise<Turn>,
    end: AbortSignal,
    heartbeat?: Heartbeat,
  ): Promise<Exit> {
    const turn = await coming;
    if (turn.release === undefined) return exitOfNone(turn);
    try {
      const executor = this.#parts.findCommand(answer.request);
      if (!executor.found) return this.#notStarted(answer, changeOf(executor), executor.detail);
      const environment = this.#environment(answer, executor);
      if (environment instanceof CbError) {
        return this.#notStarted(answer, "the environment of its manifest cannot be had", environment.message);
      }
      if (!(await this.#isRecorded()))
        return { type: "exit", ending: "state", detail: undefined, ...NOTHING };
      if (heartbeat !== undefined) heartbeat.state = "running";
      if (answer.start !== "now") await sender.send({ type: "state", state: "running" });
      return await this.#execute(answer, executor, environment, sender, end);
    } finally {
      turn.release();
    }
  }

  /** What cannot be told to the station, such as the place of a secret, is for this agent's log. */
  #notStarted({ request, session }: RunAnswer, detail: string, reason: string | undefined): Exit {
    const fields = { event: "not-started", session: hex(session.id), command: request.command };
    this.#parts.log.warn({ ...fields, reason: reason ?? detail }, "Cannot start command");
    return { type: "exit", ending: "not-started", detail, ...NOTHING };
  }

  /** All of it: what the agent tells, what the manifest says, what was passed. */
  #environment(
    { request: { command }, session }: RunAnswer,
    { manifest, values }: Runnable,
  ): Readonly<Record<string, string>> | CbError {
    const { identity, channel, tags, environment } = this.#parts;
    const station = session.station.name;
    const facts = { identity, channel, tags, command, session: hex(session.id), station };
    try {
      const fixed = manifest === undefined ? {} : environmentOf(manifest, environment);
      return { ...commandEnvironment(facts), ...fixed, ...parameterEnvironment(values) };
    } catch (error) {
      if (error instanceof CbError) return error;
      throw error;
    }
  }

  async #execute(
    { request: { command, limit } }: RunAnswer,
    { path, manifest }: Runnable,
    environment: Readonly<Record<string, string>>,
    sender: ReplySender,
    end: AbortSignal,
  ): Promise<Exit> {
    const { identity, clock, timeLimit, stopGrace, drainGrace, log } = this.#parts;
    const execution = this.#parts.execute(path, {
      arguments: [identity],
      environment,
      timeLimit: shortest(limit, timeLimit, manifest?.timeout),
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
      // Not their values: the log has other readers than the command.
      ...(request.parameters.size > 0 ? { parameters: [...request.parameters.keys()] } : {}),
    };
    this.#parts.log.info(fields, "Ran command");
  }
}

function dispositionOf(answer: Answer): Disposition {
  switch (answer.decision) {
    case "run":
      return { is: answer.start === "now" ? "running" : answer.start };
    case "list":
      return { is: "running" };
    case "present":
    case "not-targeted":
      return { is: answer.decision };
    case "declined":
      return { is: "declined", reason: answer.reason };
    case "refused":
      return { is: "refused", reason: answer.reason, detail: answer.detail, bound: answer.bound };
  }
}

/** What has changed since the command was admitted. */
function changeOf({ reason }: Unfound): string {
  switch (reason) {
    case "manifest":
      return "its manifest could not be used any more when its turn came";
    case "parameters":
      return "its manifest did not take the parameters any more when its turn came";
    default:
      return `${reason.replaceAll("-", " ")} when its turn came`;
  }
}

/** The shortest of some limits, any of which may be absent. */
function shortest(...limits: readonly (number | undefined)[]): number | undefined {
  const given = limits.filter((limit) => limit !== undefined);
  return given.length > 0 ? Math.min(...given) : undefined;
}

function textOf(data: Uint8Array): string {
  return new TextDecoder().decode(data).trimEnd();
}
