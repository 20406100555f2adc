/**
 * `--output ndjson`: one JSON object a line for each event, for programs.
 *
 * Its words are in `ndjson.schema.json` beside this file; while `version` stays the same, a key or a type may be added,
 * and none is changed. What goes wrong is said on standard error too, in sentences; here it is in `fault` events, as far
 * as it is about replies, and in the summary.
 */
import { isUtf8 } from "node:buffer";
import type { Identity } from "../core/names.ts";
import { harmlessJson } from "../core/text.ts";
import { utf8 } from "../protocol/bytes.ts";
import type { Exit, Hello, Stream } from "../protocol/reply.ts";
import type { Request } from "../protocol/request.ts";
import { agentResult, missingResult, type ResultStatus, resultStatus, secondsOf } from "./agent-result.ts";
import { faultSentence } from "./fault-sentence.ts";
import type { Sink } from "./line-renderer.ts";
import { type OutputLine, OutputLines } from "./output-lines.ts";
import type { RolloutProgress } from "./rollout-report.ts";
import type { FaultRecord } from "./roster.ts";
import { judgeExit } from "./verdict.ts";
import type { Conclusion, View } from "./view.ts";

const VERSION = 1;

export class NdjsonView implements View {
  readonly losses: readonly string[] = [];
  readonly #stdout: Sink;
  readonly #lines = new Map<Identity, OutputLines>();
  readonly #ended = new Set<Identity>();
  /** Not released so far: why their commands ended is known at the end alone. */
  readonly #held = new Set<Identity>();
  #request: Request | undefined;

  constructor(stdout: Sink) {
    this.#stdout = stdout;
  }

  async start(request: Request): Promise<void> {
    this.#request = request;
    const { channel, target, issued } = request;
    const command = request.type === "run" ? request.command : undefined;
    const parameters = request.type === "run" ? Object.fromEntries(request.parameters) : undefined;
    const { tags = [], excludedTags, identities, excludedIdentities } = target ?? {};
    const others = { excluded_tags: excludedTags, to: identities, not_to: excludedIdentities };
    const fields = { command, parameters, channel, tags, ...others, time: new Date(issued).toISOString() };
    await this.#write([{ type: "start", version: VERSION, ...fields }]);
  }

  async hello({ identity, tags, software, disposition }: Hello, roundTrip: number): Promise<void> {
    if (disposition.is === "held") this.#held.add(identity);
    const status = disposition.is.replace("-", "_");
    const fields = { agent: identity, status, tags, software, seconds: secondsOf(roundTrip) };
    await this.#write([{ type: "hello", ...fields }]);
  }

  async release(identities: readonly Identity[], { batch, batches }: RolloutProgress): Promise<void> {
    for (const identity of identities) this.#held.delete(identity);
    await this.#write(
      identities.map((agent) => ({ type: "release", agent, status: "released", batch, batches })),
    );
  }

  async output(identity: Identity, stream: Stream, data: Uint8Array): Promise<void> {
    const lines = this.#lines.get(identity) ?? new OutputLines();
    this.#lines.set(identity, lines);
    await this.#write([...lines.push(stream, data)].map((line) => outputEvent(identity, line)));
  }

  async exit(identity: Identity, exit: Exit): Promise<void> {
    if (this.#request === undefined || this.#held.has(identity)) return;
    this.#ended.add(identity);
    const result = agentResult(judgeExit(identity, exit, this.#request), exit);
    await this.#write([...this.#rest(identity), result]);
    this.#lines.delete(identity);
  }

  async flush(): Promise<void> {
    await this.#write([...this.#lines.keys()].flatMap((identity) => [...this.#rest(identity)]));
  }

  async conclude({ outcome, losses, status, agents, missing, elapsed }: Conclusion): Promise<void> {
    const counts: Record<ResultStatus | "missing", number> = {
      ok: 0,
      failed: 0,
      refused: 0,
      not_run: 0,
      unfinished: 0,
      not_targeted: 0,
      missing: missing.length,
    };
    for (const { verdict } of outcome.agents) counts[resultStatus(verdict)] += 1;
    const records = new Map(agents.map((agent) => [agent.hello.identity, agent]));
    const unsaid = outcome.agents.filter(({ identity, verdict }) => {
      return verdict !== "not targeted" && !this.#ended.has(identity);
    });
    await this.#write([
      ...unsaid.map((verdict) => {
        const record = records.get(verdict.identity);
        return agentResult(verdict, record?.exit, record?.hello.disposition);
      }),
      ...missing.map(missingResult),
      ...outcome.faults.map(faultEvent),
      {
        type: "summary",
        exit_status: status,
        seconds: secondsOf(elapsed),
        agents: counts,
        problems: [...outcome.problems, ...losses],
        remarks: outcome.remarks,
      },
    ]);
  }

  *#rest(identity: Identity): Generator<object> {
    for (const line of this.#lines.get(identity)?.end() ?? []) yield outputEvent(identity, line);
  }

  async #write(events: readonly object[]): Promise<void> {
    if (events.length > 0)
      await this.#stdout.write(utf8(events.map((event) => `${harmlessJson(event)}\n`).join("")));
  }
}

function outputEvent(agent: Identity, { stream, bytes, isEnded }: OutputLine): object {
  // A line may begin with a byte order mark, which would be dropped without a word.
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  const event = { type: "output", agent, stream, text };
  const exact = isUtf8(bytes) ? {} : { base64: Buffer.from(bytes).toString("base64") };
  return { ...event, ...exact, ...(isEnded ? {} : { ended: false }) };
}

function faultEvent(record: FaultRecord): object {
  const { fault, identity, times } = record;
  return { type: "fault", fault, agent: identity, times, message: faultSentence(record) };
}
