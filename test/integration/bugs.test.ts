/** A bug of ours: status 255 and a stack, whatever was going on, and no command is left behind. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Fleet, RUNTIMES } from "../support/fleet.ts";
import { assertEnded } from "../support/running-program.ts";

/** Throws, or rejects, where nobody can catch it: as a bug in a callback would. */
const SABOTEUR = `
process.on("SIGUSR2", () => {
  if (process.env.SABOTAGE === "rejection") Promise.reject(new Error("struck"));
  else throw new Error("struck");
});
`;
const BUG = /^cb: bug: Error: struck\n {4}at /m;

for (const runtime of RUNTIMES) {
  test(`cb agent on ${runtime} lets commands end after a bug, and ends with 255`, async () => {
    await using fleet = await Fleet.start({ runtime });
    fleet.command("works", "echo begun", "sleep 0.3", "echo done");
    const { program } = await fleet.agent("web1", [], { preload: fleet.file("saboteur.cjs", SABOTEUR) });
    const station = fleet.start(["station", "run", "works"]);
    await station.says(/begun/);
    program.kill("SIGUSR2");
    assertEnded(await station.finished, 0, {
      stdout: ["web1 │ begun", "web1 │ done"],
      stderr: ["1 agent · 1 ok · # s"],
    });
    const { status, stderr } = await program.finished;
    assert.equal(status, 255, stderr);
    assert.match(stderr, BUG);
  });

  test(`cb station on ${runtime} ends with 255 after a bug`, async () => {
    await using fleet = await Fleet.start({ runtime });
    await fleet.agent("web1", ["--stop-grace", "0"]);
    const station = fleet.start(["station", "run", "speaks-then-stays"], {
      preload: fleet.file("saboteur.cjs", SABOTEUR),
      environment: { SABOTAGE: "rejection" },
    });
    await station.says(/ready/);
    station.kill("SIGUSR2");
    const { status, stderr } = await station.finished;
    assert.equal(status, 255, stderr);
    assert.match(stderr, BUG);
  });
}
