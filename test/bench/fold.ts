/**
 * The folding alone, for the bench: reads `NAME: LINE` as dshbak(1) does, and writes what `cb station run --output
 * folded` would, with the product's own code.
 */
import { createInterface } from "node:readline";
import type { Identity } from "../../src/core/names.ts";
import { utf8 } from "../../src/protocol/bytes.ts";
import { FoldedReport } from "../../src/station/folded-report.ts";
import { OutputStore } from "../../src/station/output-store.ts";

async function fold(): Promise<void> {
  using store = new OutputStore();
  const names = new Set<Identity>();
  for await (const line of createInterface({ input: process.stdin })) {
    const end = line.indexOf(": ");
    const identity = line.slice(0, end) as Identity;
    names.add(identity);
    store.add(identity, "stdout", utf8(`${line.slice(end + 2)}\n`));
  }
  const write = (bytes: Uint8Array) =>
    new Promise<void>((resolve) => void process.stdout.write(bytes, () => resolve()));
  const agents = [...names].map((identity) => {
    return { identity, digest: store.digest(identity), trouble: undefined };
  });
  await new FoldedReport(store, { write, isTerminal: false, hasColors: false }, 80).write(agents);
}

void fold();
