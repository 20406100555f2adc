/**
 * A process with a spool: adds results of 200 bytes, several at a time, and says on stdout which were promised.
 * `fill`: until the disk takes no more, then waits for a line on stdin, adds one more and ends the run.
 */
import { writeSync } from "node:fs";
import { systemClock } from "../../src/core/clock.ts";
import { messageOf } from "../../src/core/errors.ts";
import { createLog } from "../../src/core/log.ts";
import { Spool } from "../../src/faraday/spool.ts";
import { facts } from "./scene.ts";

async function main(directory: string, mode: string): Promise<void> {
  const log = createLog({ format: "text", level: "warn", colors: false });
  const run = Spool.open(directory, { besides: () => 0, limitBytes: 1e9, clock: systemClock, log }).begin(
    facts(),
  );
  const add = async (number: number) => {
    await run.add({ number, text: "x".repeat(180) });
    writeSync(1, `${number}\n`);
  };
  if (mode === "forever") {
    for (let number = 0; ; number += 7) {
      await Promise.all(Array.from({ length: 7 }, (_, index) => add(number + index)));
    }
  }
  let number = 0;
  for (let isFull = false; !isFull; number += 3) {
    const outcomes = await Promise.allSettled([add(number), add(number + 1), add(number + 2)]);
    for (const outcome of outcomes) {
      if (outcome.status === "fulfilled") continue;
      isFull = true;
      writeSync(1, `${messageOf(outcome.reason)}\n`);
    }
  }
  writeSync(1, "full\n");
  await new Promise((resolve) => process.stdin.once("data", resolve));
  await add(number);
  await run.end({ successful: true, message: "done", duration: 1 });
  process.stdin.destroy();
}

const [directory = "", mode = ""] = process.argv.slice(2);
void main(directory, mode);
