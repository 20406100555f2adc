/** The commands of `cb dispatcher` that ask the one that runs, or look at where it would run. */
import { EXECUTABLE } from "../../build/paths.ts";
import { type Finished, RunningProgram } from "../support/running-program.ts";
import { SYSTEM_PATH } from "./agent-kind.ts";
import type { AgentUnderTest } from "./agent-under-test.ts";
import { stateDirectory } from "./our-agent.ts";

/** @param words such as `["spool", "list"]` */
export async function control(
  { settings }: AgentUnderTest,
  words: readonly string[],
  options: readonly string[] = [],
): Promise<Finished> {
  const where = ["--state-directory", stateDirectory(settings)];
  const command = [EXECUTABLE, "dispatcher", ...words, ...where, ...options];
  return new RunningProgram(command, { PATH: SYSTEM_PATH, HOME: settings.directory }).finished;
}
