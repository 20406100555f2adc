/**
 * A program that runs the fixture it is given, as an agent would, and copies its stdout. With a second
 * argument it leaves after the first output. It ends by itself, so an open handle is a test that hangs.
 */
import { start } from "./run.ts";

async function main(fixture: string, leavesEarly: boolean): Promise<void> {
  process.umask(0o022);
  for await (const event of start(fixture, { timeLimit: 60_000 })) {
    if (event.kind === "output" && leavesEarly) break;
    if (event.kind === "output" && event.stream === "stdout") process.stdout.write(event.data);
  }
}

const [fixture = "", leave] = process.argv.slice(2);
void main(fixture, leave !== undefined);
