/** Who said what in one session: what `outcome.ts` judges and the reports show. */
import type { Identity } from "../core/names.ts";
import type { Exit, Hello } from "../protocol/reply.ts";
import type { Fault, FaultEvent, ReplyEvent } from "./reply-reader.ts";

export type AgentRecord = {
  readonly hello: Hello;
  /** Milliseconds from the request to the hello. */
  readonly roundTrip: number;
  /** By our clock, milliseconds since the epoch, when the hello was read. */
  readonly heardAt: number;
  exit: Exit | undefined;
  /** A fault made the rest of its replies worthless. */
  isSilenced: boolean;
};

/** The same fault of the same agent, and how often; the detail is that of the first. */
export type FaultRecord = {
  readonly fault: Fault;
  readonly identity: Identity | undefined;
  readonly detail: string | undefined;
  times: number;
};

export class Roster {
  readonly #agents = new Map<Identity, AgentRecord>();
  readonly #faults = new Map<string, FaultRecord>();
  #repeats = 0;

  /** In alphabetical order. */
  get agents(): readonly AgentRecord[] {
    const byName = (a: AgentRecord, b: AgentRecord) => (a.hello.identity < b.hello.identity ? -1 : 1);
    return [...this.#agents.values()].sort(byName);
  }

  get faults(): readonly FaultRecord[] {
    return [...this.#faults.values()];
  }

  /** Exact repeats of replies: harmless, and a sign of a hub that retries. */
  get repeats(): number {
    return this.#repeats;
  }

  record(event: ReplyEvent, roundTrip: number, heardAt: number): void {
    switch (event.kind) {
      case "hello": {
        const { hello } = event;
        this.#agents.set(hello.identity, { hello, roundTrip, heardAt, exit: undefined, isSilenced: false });
        return;
      }
      case "exit": {
        const agent = this.#agents.get(event.identity);
        if (agent !== undefined) agent.exit = event.exit;
        return;
      }
      case "fault":
        this.#recordFault(event);
        return;
      case "repeat":
        this.#repeats++;
        return;
      case "state":
      case "output":
        return;
    }
  }

  #recordFault({ fault, identity, detail, silences }: FaultEvent): void {
    const agent = identity && this.#agents.get(identity);
    if (agent !== undefined && silences === "run") agent.isSilenced = true;
    // Without the detail, which an agent can vary: as many records as that would make, it could make us print.
    const key = `${fault} ${identity ?? ""}`;
    const known = this.#faults.get(key);
    if (known === undefined) this.#faults.set(key, { fault, identity, detail, times: 1 });
    else known.times++;
  }
}
