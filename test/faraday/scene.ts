/** What the tests of this folder share: a directory, a clock that stands still, a log that remembers, and runs. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../../src/core/clock.ts";
import type { Log } from "../../src/core/log.ts";
import type { RunFacts } from "../../src/faraday/post-body.ts";
import { Spool, type SpoolOptions } from "../../src/faraday/spool.ts";

export const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

export class Scene implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), "cb-faraday-"));
  readonly spoolDirectory = join(this.directory, "spool");
  readonly quarantineDirectory = join(this.directory, "quarantine");
  /** Milliseconds that both clocks are ahead. */
  later = 0;
  readonly clock: Clock = { wall: () => NOW + this.later, monotonic: () => this.later };
  /** Level and fields of what was logged. */
  readonly logged: { readonly level: string; readonly event: unknown; readonly [name: string]: unknown }[] =
    [];
  readonly log: Log;
  readonly #spools: Spool[] = [];

  constructor() {
    const at = (level: string) => (fields: Readonly<Record<string, unknown>>) => {
      this.logged.push({ level, event: fields["event"], ...fields });
    };
    const levels = ["error", "warn", "info", "debug", "trace"];
    this.log = Object.fromEntries(levels.map((level) => [level, at(level)])) as unknown as Log;
  }

  get options(): SpoolOptions {
    return { limitBytes: 1e9, besides: () => 0, clock: this.clock, log: this.log };
  }

  /** The spool as a process that starts now finds it. */
  spool(options: Partial<SpoolOptions> = {}): Spool {
    const spool = Spool.open(this.spoolDirectory, { ...this.options, ...options });
    this.#spools.push(spool);
    return spool;
  }

  /** The files of all spools are closed, as at the end of a process. */
  async closeSpools(): Promise<void> {
    await Promise.all(this.#spools.splice(0).map((spool) => spool.close()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.closeSpools();
    rmSync(this.directory, { recursive: true });
  }
}

export function facts(changes: Partial<RunFacts> = {}): RunFacts {
  return {
    ...{ id: "r1", executor: "nmap1", agentName: "lab", params: "TARGET=10.0.0.1", startedAt: NOW },
    ...{ executionIds: [41, 42], workspaces: ["w1", "w2"] },
    ...changes,
  };
}

export const OUTCOME = { successful: true, message: "done", duration: 1500 };

/** A result that says its number. */
export function result(number: number): object {
  return { hosts: [{ ip: `192.0.2.${number}`, description: "" }] };
}
