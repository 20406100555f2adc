/**
 * A fleet of agents in one process: the agent's own code and real keys, over raw connections to a real Redis,
 * with a model in place of the command.
 *
 *   real:      what an agent receives, decides, seals and sends; one subscription for each agent; the Redis
 *              commands of a push
 *   modelled:  the command (what it prints, how long it takes, how it ends); the journal, kept in memory, since
 *              thousands of them on one disk would be measured in place of the network
 *   shared:    one connection for the pushes of all; one executable that nobody starts
 */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Agent, type AgentParts } from "../../src/agent/agent.ts";
import { systemClock } from "../../src/core/clock.ts";
import { createLog } from "../../src/core/log.ts";
import type { Channel, Identity } from "../../src/core/names.ts";
import type { Backlog } from "../../src/hub/agent-hub.ts";
import { presenceKey, replyList, requestChannel } from "../../src/hub/names.ts";
import type { AuthorisedStation } from "../../src/protocol/authorised-station.ts";
import { hex } from "../../src/protocol/bytes.ts";
import { agentKeyPair, type NetworkKeyPair, newSeed } from "../../src/protocol/keys.ts";
import { type CommandModel, modelled } from "./command-model.ts";
import { ManySockets } from "./many-sockets.ts";
import { type Command, RespSocket } from "./resp.ts";

/** The one command that a fleet has. */
export const COMMAND = "job";

/** How one agent behaves. */
export type AgentModel = CommandModel & {
  /** It listens, and never says a word. */
  readonly isDeaf?: boolean;
};

export type FleetOptions = {
  readonly redisSocket: string;
  readonly channel: Channel;
  readonly network: NetworkKeyPair;
  readonly station: AuthorisedStation;
  readonly agents: number;
  /** Of each agent, from 0 on. */
  readonly model: (index: number) => AgentModel;
  /** Default: `nameOf`. */
  readonly name?: (index: number) => Identity;
};

export class EmulatedFleet implements AsyncDisposable {
  readonly #stop = new AbortController();
  readonly #runs: readonly Promise<void>[];
  readonly #subscribers: ManySockets;
  readonly #pushing: RespSocket;
  readonly #runDirectory: string;

  private constructor(
    subscribers: ManySockets,
    pushing: RespSocket,
    runDirectory: string,
    agents: readonly Agent[],
  ) {
    this.#subscribers = subscribers;
    this.#pushing = pushing;
    this.#runDirectory = runDirectory;
    this.#runs = agents.map((agent) => agent.run(this.#stop.signal));
  }

  /** Resolves when every agent listens. */
  static async start(options: FleetOptions): Promise<EmulatedFleet> {
    const { redisSocket, channel, agents: count, model, name = nameOf } = options;
    const pushing = await RespSocket.open(redisSocket);
    const hubs = Array.from({ length: count }, () => new EmulatedHub(pushing, channel));
    const subscribers = await ManySockets.subscribe(
      redisSocket,
      requestChannel(0, channel),
      count,
      (index, request) => {
        if (!model(index).isDeaf) hubs[index]?.take(request);
      },
    );
    const runDirectory = mkdtempSync(join(tmpdir(), "cb-emulated-"));
    writeFileSync(join(runDirectory, COMMAND), "#!/bin/false\n");
    chmodSync(join(runDirectory, COMMAND), 0o755);
    const common = commonParts(options, runDirectory);
    const agents = hubs.map((hub, index) => {
      const keyPair = agentKeyPair(newSeed());
      const execute = modelled(model(index));
      return new Agent({
        ...common,
        identity: name(index),
        keyPair,
        journal: new MemoryJournal(),
        hub,
        execute,
      });
    });
    return new EmulatedFleet(subscribers, pushing, runDirectory, agents);
  }

  /** Has all agents stop as they would on SIGTERM. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#runs);
    this.#subscribers.destroy();
    this.#pushing.destroy();
    rmSync(this.#runDirectory, { recursive: true });
  }
}

/** The identity of an agent of the fleet, from 0 on. */
export function nameOf(index: number): Identity {
  return `agent-${String(index).padStart(5, "0")}` as Identity;
}

type OwnParts = "identity" | "keyPair" | "journal" | "hub" | "execute";

function commonParts(
  { channel, network, station }: FleetOptions,
  runDirectory: string,
): Omit<AgentParts, OwnParts> {
  return {
    channel,
    tags: [],
    software: "emulated",
    runDirectories: [runDirectory],
    keys: { networks: [network], stations: [station] },
    environment: {},
    clock: systemClock,
    // What is worth a line at this level is worth one on the terminal of whoever runs a bench.
    log: createLog({ format: "text", level: "error", colors: false }),
    jobs: 1,
    timeLimit: undefined,
    stopWait: 100,
    stopGrace: 100,
    drainGrace: 0,
    logCommandOutput: false,
  };
}

/** The hub of one agent: requests from its subscription, pushes by the connection of all. */
class EmulatedHub {
  readonly #pushing: RespSocket;
  readonly #channel: Channel;
  readonly #requests: Uint8Array[] = [];
  #wake = () => {};

  constructor(pushing: RespSocket, channel: Channel) {
    this.#pushing = pushing;
    this.#channel = channel;
  }

  take(request: Uint8Array): void {
    this.#requests.push(request);
    this.#wake();
  }

  async *requests(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    signal.addEventListener("abort", () => this.#wake(), { once: true });
    while (!signal.aborted) {
      const request = this.#requests.shift();
      if (request !== undefined) yield request;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  async push(replyAddress: Uint8Array, envelopes: readonly Uint8Array[]): Promise<Backlog> {
    const { list, presence } = this.#names(replyAddress);
    const answer = await this.#pushing.ask(...pushCommands(list, presence, envelopes));
    const [length, , there] = Array.isArray(answer) ? answer : [];
    return { length: Number(length), isStationThere: there === 1 };
  }

  async backlog(replyAddress: Uint8Array): Promise<Backlog> {
    const { list, presence } = this.#names(replyAddress);
    const [length, there] = await Promise.all([
      this.#pushing.ask(["LLEN", list]),
      this.#pushing.ask(["EXISTS", presence]),
    ]);
    return { length: Number(length), isStationThere: there === 1 };
  }

  #names(replyAddress: Uint8Array) {
    return {
      list: replyList(0, this.#channel, replyAddress),
      presence: presenceKey(0, this.#channel, replyAddress),
    };
  }
}

/** What `AgentHub.push` sends. */
export function pushCommands(
  list: string,
  presence: string,
  envelopes: readonly Uint8Array[],
): readonly Command[] {
  return [["MULTI"], ["RPUSH", list, ...envelopes], ["EXPIRE", list, 600], ["EXISTS", presence], ["EXEC"]];
}

class MemoryJournal {
  readonly born = 0;
  readonly floor = 0;
  readonly #sessions = new Set<string>();

  has(session: Uint8Array): boolean {
    return this.#sessions.has(hex(session));
  }

  spend(session: Uint8Array): void {
    this.#sessions.add(hex(session));
  }

  async sync(): Promise<void> {}
}
