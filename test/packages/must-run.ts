import { Failure, run } from "../../build/program.ts";

/** Runs a program of this machine. @returns what it prints, both streams; it must end with 0 */
export async function mustRun(command: readonly [string, ...string[]], signal: AbortSignal): Promise<string> {
  const { status, output } = await run(command, { signal });
  if (status !== 0) throw new Failure(`${command.join(" ")}\nended with status ${status}:\n${output}`);
  return output;
}
