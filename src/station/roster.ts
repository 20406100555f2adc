/** Who said what in one session: what `outcome.ts` judges and the reports show. */
import type { Identity } from "../core/names.ts";
import { hex } from "../protocol/bytes.ts";
import { equalBytes } from "../protocol/crypto.ts";
import type { Exit, Hello } from "../protocol/reply.ts";
import { LastWords } from "./last-words.ts";
import type { Pins } from "./pins.ts";
import type { Fault, FaultEvent, ReplyEvent } from "./reply-reader.ts";

export type AgentRecord = {
  readonly hello: Hello;
  /** Milliseconds from the request to the hello. */
  readonly roundTrip: number;
  /** By our clock, milliseconds since the epoch, when the hello was read. */
  readonly heardAt: number;
  /** Milliseconds from the request to the word that the command runs; undefined where none came. */
  startedAfter: number | undefined;
  exit: Exit | undefined;
  /** Milliseconds from the request to the exit. */
  endedAfter: number | undefined;
  /** Milliseconds from the request to its last reply. */
  lastSign: number;
  /** It was restarted before it ran what it held. */
  isGone: boolean;
  /** A fault made the rest of its replies worthless. */
  isSilenced: boolean;
  /** Of what its command printed, unless all went well. */
  lastWords?: LastWords | undefined;
};

/** The same fault of the same agent, and how often; the detail is that of the first. */
export type FaultRecord = {
  readonly fault: Fault;
  readonly identity: Identity | undefined;
  readonly detail: string | undefined;
  times: number;
  /** Replies or bytes, of all these times together. */
  missing: number;
};

export class Roster {
  readonly #agents = new Map<Identity, AgentRecord>();
  readonly #faults = new Map<string, FaultRecord>();
  /** Identities that two keys claimed, and keys (in hexadecimal digits) that claimed two identities. */
  readonly #contested = { identities: new Set<Identity>(), keys: new Set<string>() };
  #repeats = 0;

  /** In alphabetical order. */
  get agents(): readonly AgentRecord[] {
    const byName = (a: AgentRecord, b: AgentRecord) => (a.hello.identity < b.hello.identity ? -1 : 1);
    return [...this.#agents.values()].sort(byName);
  }

  get faults(): readonly FaultRecord[] {
    return [...this.#faults.values()];
  }

  /** Who answered under one key alone, with a key that is nobody else's: whom a first sight can be believed of. */
  get claims(): Pins {
    const { identities, keys } = this.#contested;
    const hellos = this.agents.map(({ hello }) => hello);
    const clear = hellos.filter(({ identity, agentKey }) => {
      return !identities.has(identity) && !keys.has(hex(agentKey));
    });
    return new Map(clear.map(({ identity, agentKey }) => [identity, agentKey]));
  }

  /** Whether an agent that is who he says has answered under this identity, and somebody else, too. */
  isContested(identity: Identity): boolean {
    return this.#agents.has(identity) && this.#contested.identities.has(identity);
  }

  /** Exact repeats of replies: harmless, and a sign of a hub that retries. */
  get repeats(): number {
    return this.#repeats;
  }

  /**
   * @param roundTrip milliseconds from the request to this event
   * @returns the record of a fault that is the first of its kind for its agent
   */
  record(event: ReplyEvent, roundTrip: number, heardAt: number): FaultRecord | undefined {
    switch (event.kind) {
      case "hello": {
        const { hello } = event;
        const startedAfter = hello.disposition.is === "running" ? roundTrip : undefined;
        const open = {
          startedAfter,
          exit: undefined,
          endedAfter: undefined,
          lastSign: roundTrip,
          isGone: false,
          isSilenced: false,
        };
        this.#agents.set(hello.identity, { hello, roundTrip, heardAt, ...open });
        return undefined;
      }
      case "state": {
        const agent = this.#agents.get(event.identity);
        if (agent === undefined) return undefined;
        agent.lastSign = roundTrip;
        // Who was held says every few seconds that it still runs.
        if (event.state === "running") agent.startedAfter ??= roundTrip;
        return undefined;
      }
      case "exit": {
        const agent = this.#agents.get(event.identity);
        if (agent === undefined) return undefined;
        Object.assign(agent, { exit: event.exit, endedAfter: roundTrip });
        if (event.exit.ending === "exited" && event.exit.status === 0) agent.lastWords = undefined;
        return undefined;
      }
      case "gone": {
        const agent = this.#agents.get(event.identity);
        if (agent !== undefined) agent.isGone = true;
        return undefined;
      }
      case "fault":
        return this.#recordFault(event);
      case "repeat":
        this.#repeats++;
        return undefined;
      case "output": {
        const agent = this.#agents.get(event.identity);
        if (agent === undefined) return undefined;
        agent.lastSign = roundTrip;
        agent.lastWords ??= new LastWords();
        agent.lastWords.take(event.stream, event.data);
        return undefined;
      }
    }
  }

  /** An agent answered under one key while another station pinned another for it. */
  recordLatePin(identity: Identity): void {
    const detail = "another station has pinned that one meanwhile";
    this.#recordFault({ kind: "fault", fault: "pin-mismatch", identity, detail });
  }

  #recordFault(event: FaultEvent): FaultRecord | undefined {
    const { fault, identity, detail, missing = 0, silences, agentKey } = event;
    const agent = identity && this.#agents.get(identity);
    // A copy of an agent claims the same identity with the same key: that is one key.
    if (identity && agentKey && !(agent && equalBytes(agent.hello.agentKey, agentKey))) {
      this.#contested.identities.add(identity);
      this.#contested.keys.add(hex(agentKey));
    }
    if (agent !== undefined && silences === "run") agent.isSilenced = true;
    // Without the detail, which an agent can vary: as many records as that would make, it could make us print.
    const key = `${fault} ${identity ?? ""}`;
    const known = this.#faults.get(key);
    if (known === undefined) {
      const first = { fault, identity, detail, times: 1, missing };
      this.#faults.set(key, first);
      return first;
    }
    known.times++;
    known.missing += missing;
    return undefined;
  }
}
