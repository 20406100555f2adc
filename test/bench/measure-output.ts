/** A hundred megabytes of one agent's output, beside the same bytes through the same Redis by hand. */

import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { Fleet } from "../support/fleet.ts";
import { completed, milliseconds } from "./programs.ts";
import { type Row, side } from "./table.ts";

const BYTES = 100_000_000;
/** Bytes of a line with its newline, as base64(1) breaks them. */
const LINE = 77;

/** @param floor the executable of `floor.ts` */
export async function bigOutput(floor: string): Promise<readonly Row[]> {
  await using fleet = await Fleet.start();
  const source = fleet.path("source");
  const output = fleet.path("output");
  writeFileSync(source, text(BYTES));
  fleet.command("big", `exec cat ${source}`);
  await fleet.agent("a1");
  const intoFile = ["/bin/sh", "-c", `exec "$@" > ${output}`, "sh"];

  const ours = async () => {
    const taken = completed(await fleet.cb(["station", "run", "big"], { wrapper: intoFile }));
    compare(`sed 's/^a1 │ //' ${output} | cmp - ${source}`);
    rmSync(output);
    return BYTES / 1e3 / taken;
  };
  const theirs = async () => {
    const [push, pop] = ["push", "pop"].map((part) => `${floor} ${part} ${fleet.redisSocket} pipe`);
    const taken = await milliseconds("/bin/sh", "-c", `cat ${source} | ${push} & ${pop} > ${output}; wait`);
    compare(`cmp ${output} ${source}`);
    rmSync(output);
    return BYTES / 1e3 / taken;
  };
  return [
    {
      what: "100 MB from 1 agent",
      beside: "cat, RPUSH and LPOP",
      unit: "MB/s",
      ...(await side(5, ours, theirs)),
      aim: {
        of: "median",
        least: 60,
        whereMissed: "the station opens, checks and marks every line on one core",
      },
    },
  ];
}

/** Text that does not compress, in lines. */
function text(bytes: number): string {
  const letters = randomBytes(bytes).toString("base64");
  const lines = Array.from({ length: Math.ceil(bytes / LINE) }, (_, index) =>
    letters.slice(index * (LINE - 1), (index + 1) * (LINE - 1)),
  );
  return `${lines.join("\n").slice(0, bytes - 1)}\n`;
}

/** @throws {Error} where the script says that two files differ */
function compare(script: string): void {
  execFileSync("/bin/sh", ["-c", script], { stdio: ["ignore", "ignore", "inherit"] });
}
