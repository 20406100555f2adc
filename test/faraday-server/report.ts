/** Runs cases one after the other and prints a row for each: outcome, seconds, case, the original, what was seen. */
import { inspect } from "node:util";
import { Failure } from "../../build/program.ts";
import { type Case, differences, type Seen } from "./case.ts";
import type { Scene } from "./scene.ts";

/** The longest that a row shows of one aspect, in characters. */
const WIDTH = 300;

export class Report {
  passed = 0;
  failed = 0;

  /** @param who was looked at */
  title(who: string): void {
    process.stdout.write(`\n| | s | case | the original | ${who} |\n|---|---|---|---|---|\n`);
  }

  /** @param begin makes the scene; its second argument ends all waiting of the case */
  async run(
    one: Case,
    isOurs: boolean,
    begin: (signal: AbortSignal) => Scene,
    signal: AbortSignal,
  ): Promise<void> {
    const wanted = isOurs ? one.ours : one.theirs;
    if (wanted === undefined) return;
    const limit = AbortSignal.timeout(one.limit * 1000);
    const scene = begin(AbortSignal.any([signal, limit]));
    const begun = Date.now();
    const row = (outcome: string, seen: string) => {
      const seconds = ((Date.now() - begun) / 1000).toFixed(1);
      const cells = [outcome, seconds, one.name, one.original ?? "", seen].map(cell);
      process.stdout.write(`| ${cells.join(" | ")} |\n`);
    };
    try {
      const seen = await one.act(scene, wanted);
      const wrong = differences(wanted, seen);
      row(wrong.length === 0 ? "passed" : "failed", words(seen));
      if (wrong.length === 0) this.passed += 1;
      else this.#fail([...wrong, scene.lastWords()].join("\n"));
    } catch (error) {
      signal.throwIfAborted();
      row("failed", limit.aborted ? `not over after ${one.limit} s` : "");
      this.#fail(`${error instanceof Failure ? error.message : inspect(error)}\n${scene.lastWords()}`);
    } finally {
      await scene.end();
    }
  }

  #fail(why: string): void {
    this.failed += 1;
    process.stdout.write(`${why.replaceAll(/^/gm, "    ")}\n`);
  }
}

function words(seen: Seen): string {
  return Object.entries(seen)
    .map(([aspect, value]) => `${aspect}: ${value.length > WIDTH ? `${value.slice(0, WIDTH)}…` : value}`)
    .join("; ");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll(/\s+/g, " ");
}
