/** Agents and stations, the product's own, that reach Redis through a lying hub; one scene for each schedule. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent } from "../../src/agent/agent.ts";
import { type AgentState, openAgentState } from "../../src/agent/agent-state.ts";
import { type Clock, systemClock } from "../../src/core/clock.ts";
import { CbError } from "../../src/core/errors.ts";
import type { Log } from "../../src/core/log.ts";
import type { Channel, Identity, Tag } from "../../src/core/names.ts";
import { execute } from "../../src/exec/execution.ts";
import { openAgentHub } from "../../src/hub/agent-hub.ts";
import { parseConnectionString } from "../../src/hub/connection-string.ts";
import { requestChannel } from "../../src/hub/names.ts";
import { authorisedStation } from "../../src/protocol/authorised-station.ts";
import { newNetworkKeyPair, newSeed, stationKeyPair } from "../../src/protocol/keys.ts";
import type { AgentStore, Learnt } from "../../src/station/agent-store.ts";
import type { PublicKnowledge } from "./changes.ts";
import { COMMANDS, IDENTITIES, type Laboratory, STRANGER, WORD } from "./laboratory.ts";
import { LyingHub } from "./lying-hub.ts";
import { inTime, type Question, runWatched, type Told } from "./station.ts";

/** The first agent alone has it. */
const TAG = `${WORD}-tag` as Tag;

type Logged = { readonly identity: Identity; readonly event: string; readonly decision: string | undefined };

/** How long a station's sign of life may be away before an agent gives it up, in milliseconds, and a little. */
export const GONE = 10_500;

/** A clock that can be set forward, as if time had passed. */
class Watch implements Clock {
  #ahead = 0;
  readonly wall = () => systemClock.wall() + this.#ahead;
  readonly monotonic = () => systemClock.monotonic() + this.#ahead;

  forward(milliseconds: number): void {
    this.#ahead += milliseconds;
  }

  /** Shows the same time as another one from here on. */
  follow({ wall }: Watch): void {
    this.#ahead += wall() - this.wall();
  }
}

export class Scene implements AsyncDisposable {
  readonly channel: Channel;
  readonly otherChannel: Channel;
  readonly hub: LyingHub;
  readonly agentClock = new Watch();
  readonly stationClock = new Watch();
  /** What agents have logged. */
  readonly events: Logged[] = [];
  readonly #laboratory: Laboratory;
  readonly #directory: string;
  readonly #network = newNetworkKeyPair();
  readonly #station = stationKeyPair(newSeed());
  readonly #stops: (() => Promise<void>)[] = [];
  #known: Learnt = { seen: new Map(), pins: new Map() };
  #stations = 0;

  private constructor(laboratory: Laboratory, name: string) {
    this.#laboratory = laboratory;
    this.channel = `channel-${name}` as Channel;
    this.otherChannel = `elsewhere-${name}` as Channel;
    this.#directory = join(laboratory.directory, name);
    mkdirSync(this.#directory);
    this.hub = new LyingHub(this.#directory, laboratory.redis.socketPath);
  }

  /** @param name of files and channels */
  static async open(laboratory: Laboratory, name: string): Promise<Scene> {
    const scene = new Scene(laboratory, name);
    for (const identity of [...IDENTITIES, STRANGER]) await scene.hub.door(identity);
    await scene.startAgents();
    return scene;
  }

  /** What is no secret. */
  get publicKnowledge(): PublicKnowledge {
    return {
      network: this.#network.publicKey,
      station: this.#station.publicKey,
      channel: this.channel,
      command: COMMANDS.bursts,
      identities: IDENTITIES,
    };
  }

  /** How many requests agents have accepted so far. */
  get accepted(): number {
    return this.events.filter(({ event, decision }) => event === "request" && decision === "run").length;
  }

  async startAgents(): Promise<void> {
    for (const identity of IDENTITIES) await this.#startAgent(identity, this.channel);
    await this.#startAgent(STRANGER, this.otherChannel);
    await this.agentsListen();
  }

  async agentsListen(): Promise<void> {
    await Promise.all([...IDENTITIES, STRANGER].map((identity) => this.hub.listens(identity)));
  }

  /** Waits for what they are doing to end. */
  async stopAgents(): Promise<void> {
    // An agent that waits for a station which is not there any more need not do so for long.
    const hurry = setInterval(() => this.agentClock.forward(GONE), 100);
    await Promise.all(this.#stops.splice(0).map((stop) => stop()));
    clearInterval(hurry);
  }

  /** Runs a station to its end. */
  async ask(question: Question): Promise<Told> {
    this.#stations += 1;
    const door = `station${this.#stations}`;
    const { isTargeted, waits } = question;
    const store = this.#store();
    const parts = {
      identity: `${WORD}-admin` as Identity,
      channel: this.channel,
      target: isTargeted ? { tags: [TAG] } : undefined,
      named: new Set<Identity>(),
      clock: this.stationClock,
      waits,
      network: this.#network.publicKey,
      keyPair: this.#station,
      store,
      failMissing: true,
      verbosity: "normal" as const,
      output: "live" as const,
      columns: () => 80,
      showsProgress: false as const,
    };
    const known = store.discovered?.size ?? 0;
    return { question, door, known, ...(await runWatched(question, parts, await this.hub.door(door))) };
  }

  /** What the hub has kept, once more, to everybody. */
  async replayAll(envelopes: readonly Uint8Array[]): Promise<void> {
    await this.hub.publish(requestChannel(0, this.channel), envelopes);
    await this.hub.publish(requestChannel(0, this.otherChannel), envelopes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopAgents().finally(() => this.hub[Symbol.asyncDispose]());
  }

  async #startAgent(identity: Identity, channel: Channel): Promise<void> {
    const clock = this.agentClock;
    const connection = parseConnectionString(`unix://${join(this.#directory, identity)}`);
    const state = await this.#openState(identity, channel);
    const hub = openAgentHub(connection, channel, { onState: () => {}, onRequestDropped: () => {} });
    const agent = new Agent({
      identity,
      channel,
      tags: identity === IDENTITIES[0] ? [TAG] : [],
      software: "0.1.0",
      runDirectories: [this.#laboratory.runDirectory],
      keys: { networks: [this.#network], stations: [authorisedStation(this.#station.publicKey)] },
      keyPair: state.keyPair,
      journal: state.journal,
      execute,
      environment: {},
      hub,
      clock,
      log: this.#log(identity),
      jobs: 2,
      timeLimit: undefined,
      stopWait: 2_000,
      stopGrace: 2_000,
      drainGrace: 500,
      logCommandOutput: false,
    });
    const end = new AbortController();
    const ended = agent.run(end.signal);
    this.#stops.push(async () => {
      end.abort();
      await inTime(ended);
      await hub.close();
      state.close();
    });
  }

  /** Tries again: a child of another scene that is just being started holds all locks of this process for a moment. */
  async #openState(identity: Identity, channel: Channel): Promise<AgentState> {
    for (let tries = 50; ; tries -= 1) {
      try {
        return openAgentState(join(this.#directory, "state"), channel, identity, this.agentClock.wall());
      } catch (error) {
        if (tries === 0 || !(error instanceof CbError && error.code === "locked")) throw error;
        await sleep(10);
      }
    }
  }

  #log(identity: Identity): Log {
    const record = ({ event, decision }: Omit<Logged, "identity">) => {
      this.events.push({ identity, event, decision });
    };
    const log = { error: record, warn: record, info: record, debug: record, trace: record };
    return log as unknown as Log;
  }

  #store(): AgentStore {
    const { seen, pins } = this.#known;
    const save = (learnt: Learnt) => {
      this.#known = {
        seen: new Map([...this.#known.seen, ...learnt.seen]),
        pins: new Map([...this.#known.pins, ...learnt.pins]),
      };
      return { refused: [], failures: [] };
    };
    return { pins, discovered: seen, save };
  }
}
