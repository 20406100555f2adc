/** A fleet whose agents note when each of them runs: who did, in which order, and how many at the same time. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { Fleet } from "./fleet.ts";
import { lines } from "./running-program.ts";

/** A fleet with this many agents, which are known by their keys. */
export async function jobFleet(agents: number): Promise<Fleet> {
  const fleet = await Fleet.start();
  // Its own time stamps, in milliseconds, around what the test wants of it.
  fleet.command(
    "job",
    `echo "$1 $(date +%s%3N) begin" >>${fleet.path("notes")}`,
    `. ${fleet.path("body")}`,
    `echo "$1 $(date +%s%3N) end" >>${fleet.path("notes")}`,
  );
  fleet.file("body", "sleep 0.2\n");
  const names = Array.from({ length: agents }, (_, index) => `web${index + 1}`);
  await Promise.all(names.map((name) => fleet.agent(name)));
  const { status } = await fleet.station("ping");
  assert.equal(status, 0);
  return fleet;
}

export type Note = { readonly agent: string; readonly at: number; readonly what: string };

export function notesOf(fleet: Fleet): readonly Note[] {
  if (!existsSync(fleet.path("notes"))) return [];
  return lines(readFileSync(fleet.path("notes"), "utf8")).map((line) => {
    const [agent = "", at = "", what = ""] = line.split(" ");
    return { agent, at: Number(at), what };
  });
}

/** The most that ran at the same time; one that ends and one that begins in the same millisecond did not. */
export function mostAtOnce(notes: readonly Note[]): number {
  const sorted = notes.toSorted((one, other) => one.at - other.at || (one.what === "end" ? -1 : 1));
  let running = 0;
  let most = 0;
  for (const { what } of sorted) {
    running += what === "begin" ? 1 : -1;
    most = Math.max(most, running);
  }
  return most;
}

export function whoRan(fleet: Fleet): readonly string[] {
  return notesOf(fleet).flatMap(({ agent, what }) => (what === "begin" ? [agent] : []));
}
