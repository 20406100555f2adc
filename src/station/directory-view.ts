/**
 * `--to-directory`: what each agent printed, as it comes, and what became of it, in files of its own:
 *
 *     DIR/web1/stdout        the bytes of its command
 *     DIR/web1/stderr
 *     DIR/web1/result.json   its last event of `--output ndjson`; alone, where its command never ran
 *
 * The files themselves are `cli/agent-files.ts`.
 */
import type { Identity } from "../core/names.ts";
import { utf8 } from "../protocol/bytes.ts";
import { type Exit, type Hello, STREAMS, type Stream } from "../protocol/reply.ts";
import type { Request } from "../protocol/request.ts";
import { agentResult, missingResult } from "./agent-result.ts";
import { judgeExit } from "./verdict.ts";
import type { Conclusion, View } from "./view.ts";

/** Where it goes; what cannot be kept is a loss, and no error. */
export interface AgentOutputs {
  /** Also of nothing: then there is a file without bytes. */
  append(identity: Identity, stream: Stream, data: Uint8Array): void;
  /** An agent prints nothing more. */
  finish(identity: Identity): void;
  finishAll(): void;
  /** Once for each agent. */
  result(identity: Identity, text: Uint8Array): void;
  /** A sentence each. */
  readonly losses: readonly string[];
}

export class DirectoryView implements View {
  readonly #outputs: AgentOutputs;
  readonly #ended = new Set<Identity>();
  /** Not released so far: why their commands ended is known at the end alone. */
  readonly #held = new Set<Identity>();
  #request: Request | undefined;

  constructor(outputs: AgentOutputs) {
    this.#outputs = outputs;
  }

  get losses(): readonly string[] {
    return this.#outputs.losses;
  }

  async start(request: Request): Promise<void> {
    this.#request = request;
  }

  async hello({ identity, disposition }: Hello): Promise<void> {
    if (disposition.is === "held") this.#held.add(identity);
    if (disposition.is === "running" || disposition.is === "queued") this.#begin(identity);
  }

  async release(identities: readonly Identity[]): Promise<void> {
    for (const identity of identities) {
      this.#held.delete(identity);
      this.#begin(identity);
    }
  }

  /** The files are there even if nothing is printed: silence is an answer, and a missing file is not. */
  #begin(identity: Identity): void {
    for (const stream of STREAMS) this.#outputs.append(identity, stream, new Uint8Array());
  }

  async output(identity: Identity, stream: Stream, data: Uint8Array): Promise<void> {
    this.#outputs.append(identity, stream, data);
  }

  async exit(identity: Identity, exit: Exit): Promise<void> {
    this.#outputs.finish(identity);
    if (this.#request === undefined || this.#held.has(identity)) return;
    this.#ended.add(identity);
    this.#result(identity, agentResult(judgeExit(identity, exit, this.#request), exit));
  }

  async flush(): Promise<void> {}

  async conclude({ outcome, agents, missing }: Conclusion): Promise<void> {
    this.#outputs.finishAll();
    const records = new Map(agents.map((agent) => [agent.hello.identity, agent]));
    for (const verdict of outcome.agents) {
      const { identity } = verdict;
      if (verdict.verdict === "not targeted" || this.#ended.has(identity)) continue;
      const record = records.get(identity);
      this.#result(identity, agentResult(verdict, record?.exit, record?.hello.disposition));
    }
    for (const agent of missing) this.#result(agent.identity, missingResult(agent));
  }

  #result(identity: Identity, result: object): void {
    this.#outputs.result(identity, utf8(`${JSON.stringify(result)}\n`));
  }
}
