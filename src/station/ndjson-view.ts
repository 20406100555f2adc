/**
 * `--output ndjson`: one JSON object a line for each event, for programs.
 *
 * The schema is `ndjson.schema.json` beside this file; a key or a type is added, never changed, while `version` stays.
 */
import { isUtf8 } from "node:buffer";
import type { Identity } from "../core/names.ts";
import { utf8 } from "../protocol/bytes.ts";
import type { Exit, Hello, Stream } from "../protocol/reply.ts";
import type { Request } from "../protocol/request.ts";
import type { Sink } from "./line-renderer.ts";
import { type OutputLine, OutputLines } from "./output-lines.ts";
import type { RolloutProgress } from "./rollout-report.ts";
import type { Conclusion, View } from "./view.ts";

const VERSION = 1;

export class NdjsonView implements View {
  readonly losses: readonly string[] = [];
  readonly #stdout: Sink;
  readonly #lines = new Map<Identity, OutputLines>();

  constructor(stdout: Sink) {
    this.#stdout = stdout;
  }

  async start(request: Request): Promise<void> {
    const { channel, target, issued } = request;
    const command = request.type === "run" ? request.command : undefined;
    const { tags = [], excludedTags, identities, excludedIdentities } = target ?? {};
    const others = { excluded_tags: excludedTags, to: identities, not_to: excludedIdentities };
    const fields = { command, channel, tags, ...others, time: new Date(issued).toISOString() };
    await this.#write([{ type: "start", version: VERSION, ...fields }]);
  }

  async hello({ identity, tags, disposition }: Hello, roundTrip: number): Promise<void> {
    const reason =
      disposition.is === "refused" || disposition.is === "declined" ? disposition.reason : undefined;
    const fields = { tags, seconds: secondsOf(roundTrip), reason };
    await this.#write([{ type: "hello", agent: identity, status: disposition.is, ...fields }]);
  }

  async release(identities: readonly Identity[], { batch, batches }: RolloutProgress): Promise<void> {
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
    const { ending, status, signal, runTime, stdout, stderr, dropped, detail } = exit;
    const isWell = ending === "exited" && status === 0;
    await this.#write([
      ...this.#rest(identity),
      {
        type: "exit",
        agent: identity,
        status: isWell ? "ok" : "failed",
        ending,
        exit_status: status,
        signal,
        seconds: secondsOf(runTime),
        stdout_bytes: stdout,
        stderr_bytes: stderr,
        dropped_bytes: dropped,
        detail,
      },
    ]);
  }

  async flush(): Promise<void> {
    await this.#write([...this.#lines.keys()].flatMap((identity) => [...this.#rest(identity)]));
  }

  async conclude({ outcome, status, missing, elapsed }: Conclusion): Promise<void> {
    const counts: Record<string, number> = {};
    for (const { verdict } of outcome.agents) {
      const key = verdict.replaceAll(" ", "_");
      counts[key] = (counts[key] ?? 0) + 1;
    }
    await this.#write([
      ...missing.map(({ identity, lastSeen }) => ({
        type: "missing",
        agent: identity,
        status: "missing",
        last_seen: lastSeen === undefined ? undefined : new Date(lastSeen).toISOString(),
      })),
      {
        type: "summary",
        exit_status: status,
        seconds: secondsOf(elapsed),
        agents: { ...counts, missing: missing.length },
        problems: outcome.problems,
      },
    ]);
  }

  *#rest(identity: Identity): Generator<object> {
    for (const line of this.#lines.get(identity)?.end() ?? []) yield outputEvent(identity, line);
  }

  async #write(events: readonly object[]): Promise<void> {
    if (events.length > 0)
      await this.#stdout.write(utf8(events.map((event) => `${JSON.stringify(event)}\n`).join("")));
  }
}

function outputEvent(agent: Identity, { stream, bytes, isEnded }: OutputLine): object {
  const event = { type: "output", agent, stream, text: new TextDecoder().decode(bytes) };
  const exact = isUtf8(bytes) ? {} : { base64: Buffer.from(bytes).toString("base64") };
  return { ...event, ...exact, ...(isEnded ? {} : { ended: false }) };
}

/** To the millisecond. */
function secondsOf(milliseconds: number): number {
  return Math.round(milliseconds) / 1000;
}
