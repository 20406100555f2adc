/**
 * Where `cb` and `cb-keygen` begin and end.
 *
 * Nothing else prints an error or sets the exit status, and nothing at all calls `process.exit`: it throws
 * away what a pipe has not yet taken (all but 64 KiB). The process ends by itself when nothing is left to do.
 */
import { systemClock } from "../core/clock.ts";
import { CbError, ExitStatus } from "../core/errors.ts";
import { printable } from "../core/text.ts";
import type { Context } from "./command.ts";
import { type Program, parseCommandLine, programOf } from "./command-line.ts";
import { commands, hiddenCommands } from "./commands.ts";
import { standardStream, write, writeOnly } from "./output.ts";
import { versionText } from "./version.ts";

async function main(): Promise<void> {
  const program = programOf(process.argv0, process.argv[1]);
  const bugs = new AbortController();
  // Where something is never settled the process just ends, and that must not look like success.
  process.exitCode = ExitStatus.bug;

  const caught = (error: unknown) => {
    bugs.abort();
    process.exitCode = ExitStatus.bug;
    void print(errorText(program, undefined, error));
  };
  process.on("uncaughtException", caught);
  process.on("unhandledRejection", caught);

  const status = await run(program, process.argv.slice(2), bugs.signal).catch(async (error: unknown) => {
    const known = error instanceof CbError ? error : undefined;
    const failed = known?.exitStatus ?? ExitStatus.bug;
    // Already here, for under Deno a stream that has failed once never answers again.
    process.exitCode = failed;
    await print(errorText(program, known, error));
    return failed;
  });
  process.exitCode = bugs.signal.aborted ? ExitStatus.bug : status;
}

async function run(program: Program, args: readonly string[], signal: AbortSignal): Promise<number> {
  const all = [...commands, ...hiddenCommands];
  const request = parseCommandLine(program, args, all);
  switch (request.kind) {
    case "help": {
      const { helpText } = await import("./help.ts");
      const stream = standardStream(request.asked ? "stdout" : "stderr");
      await write(stream, helpText(program, request.words, request.words.length > 0 ? all : commands));
      return request.asked ? ExitStatus.ok : ExitStatus.setup;
    }
    case "version":
      await writeOnly(`${program} ${versionText()}\n`);
      return ExitStatus.ok;
    case "run": {
      const { sourcesOf } = await import("./sources.ts");
      const { command, texts, operands } = request;
      const { env: environment } = process;
      const [stdout, stderr] = [standardStream("stdout"), standardStream("stderr")];
      const context: Context = { environment, stdout, stderr, clock: systemClock, signal };
      return command.run(() => sourcesOf(command, texts, environment), operands, context);
    }
  }
}

/** What people read of an error: where nobody reads our output, only what goes on without us; a stack where it is a bug. */
function errorText(program: Program, known: CbError | undefined, error: unknown): string {
  if (known?.code === "reader-gone")
    return known.hint === undefined ? "" : `${program}: ${printable(known.hint)}\n`;
  if (known !== undefined) {
    const hint = known.hint === undefined ? "" : `${program}: hint: ${printable(known.hint)}\n`;
    return `${program}: error: ${printable(known.message)}\n${hint}`;
  }
  const stack = error instanceof Error && error.stack ? error.stack : String(error);
  return `${program}: bug: ${stack.split("\n").map(printable).join("\n")}\n`;
}

/** Where even standard error cannot be written to, the exit status has to do. */
async function print(text: string): Promise<void> {
  if (text !== "") await write(standardStream("stderr"), text).catch(() => {});
}

void main();
