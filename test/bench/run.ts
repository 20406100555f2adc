/**
 * `npm run bench [-- three | hundred | thousand | output | start | station | faraday …]`: what `cb` takes, each figure beside something that
 * was measured in the same run.
 *
 * Seconds differ from machine to machine and from hour to hour; ratios do so much less. So everything is
 * measured in turns with what stands beside it, and printed as median and spread. Nothing counts that was not
 * complete: where one line of one agent is missing, there are no figures.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "../../build/build.ts";
import { PINNED, ROOT } from "../../build/paths.ts";
import { Failure, program, run } from "../../build/program.ts";
import { cryptoReady } from "../../src/protocol/crypto.ts";
import { hundredAgents, threeAgents } from "./measure-agents.ts";
import { emulatedAgents } from "./measure-emulated.ts";
import { faraday } from "./measure-faraday.ts";
import { bigOutput } from "./measure-output.ts";
import { startAndIdle } from "./measure-start.ts";
import { station } from "./measure-station.ts";
import { type Row, report } from "./table.ts";

type Measure = () => Promise<readonly Row[]>;

async function bench(wanted: readonly string[], signal: AbortSignal): Promise<number> {
  await build(signal);
  await cryptoReady();
  const scratch = mkdtempSync(join(tmpdir(), "cb-bench-"));
  try {
    const floor = await makeProgram("floor", join(scratch, "floor"), signal);
    const fold = await makeProgram("fold", join(scratch, "fold"), signal);
    const measures: Readonly<Record<string, Measure | readonly Measure[]>> = {
      three: threeAgents,
      hundred: hundredAgents,
      thousand: () => emulatedAgents(floor),
      output: () => bigOutput(floor),
      start: startAndIdle,
      station: station(fold),
      faraday: () => faraday(signal),
    };
    const before = load();
    const rows: Row[] = [];
    const failures: string[] = [];
    for (const [name, measure] of Object.entries(measures)) {
      signal.throwIfAborted();
      if (wanted.length > 0 && !wanted.includes(name)) continue;
      for (const one of typeof measure === "function" ? [measure] : measure) {
        signal.throwIfAborted();
        await one().then(
          (measured) => rows.push(...measured),
          (error: unknown) => failures.push(`${name} failed: ${String(error)}\n`),
        );
      }
    }
    const machine = `${cpus()[0]?.model ?? "unknown processor"}, ${cpus().length} cores`;
    process.stdout.write(`${machine}, load ${before} before and ${load()} after\n\n${report(rows)}`);
    process.stderr.write(failures.join(""));
    return failures.length === 0 ? 0 : 1;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** A part of the work alone, made into an executable in the way `cb` is: the start of the program is in both figures. */
async function makeProgram(name: "floor" | "fold", outfile: string, signal: AbortSignal): Promise<string> {
  const source = join(ROOT, `test/bench/${name}.ts`);
  const command = [PINNED.bun, "build", "--compile", "--minify", "--bytecode", "--format=cjs"] as const;
  const { status, output } = await run([...command, source, "--outfile", outfile], { signal });
  if (status !== 0) throw new Failure(`Cannot build ${name}.ts: bun build failed\n${output}`);
  return outfile;
}

/** Of the last minute; a machine that had other things to do shows it here. */
function load(): string {
  return loadavg()[0]?.toFixed(2) ?? "";
}

await program((signal) => bench(process.argv.slice(2), signal));
