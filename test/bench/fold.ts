/**
 * The folding alone, for the bench: reads `NAME: LINE` as dshbak(1) does, and writes what `cb station run --output
 * folded` would, with the product's own code.
 */
import { readFileSync } from "node:fs";
import type { Identity } from "../../src/core/names.ts";
import { utf8 } from "../../src/protocol/bytes.ts";
import { FoldedReport } from "../../src/station/folded-report.ts";
import { OutputStore } from "../../src/station/output-store.ts";

async function fold(): Promise<void> {
  using store = new OutputStore();
  const names = new Set<Identity>();
  // What an agent has printed by a time comes together.
  let [name, lines] = ["", [] as string[]];
  const add = () => {
    if (lines.length === 0) return;
    names.add(name as Identity);
    store.add(name as Identity, "stdout", utf8(`${lines.join("\n")}\n`));
    lines = [];
  };
  for (const line of readFileSync(0, "utf8").split("\n")) {
    const end = line.indexOf(": ");
    if (!line.startsWith(name) || end !== name.length) {
      add();
      name = line.slice(0, Math.max(0, end));
    }
    if (end > 0) lines.push(line.slice(end + 2));
  }
  add();
  const write = (bytes: Uint8Array) =>
    new Promise<void>((resolve) => void process.stdout.write(bytes, () => resolve()));
  const agents = [...names].map((identity) => {
    return { identity, digest: store.digest(identity), trouble: undefined };
  });
  await new FoldedReport(store, { write, isTerminal: false, hasColors: false }, 80).write(agents);
}

void fold();
