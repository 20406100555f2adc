import assert from "node:assert/strict";
import { test } from "node:test";
import { judge } from "../../src/station/outcome.ts";
import { Roster } from "../../src/station/roster.ts";
import { newSession } from "../../src/station/session.ts";
import { statisticsView } from "../../src/station/statistics-view.ts";
import { exit, hello, id, NOW, runRequest } from "./scene.ts";

const WAITS = { helloWait: 2000, replyWait: 120_000, minimumWait: 4000, isMinimumExplicit: false };

/** What is said of agents that ran so long and printed so much. */
function said(...agents: Parameters<typeof saidOf>[0]) {
  return saidOf(agents);
}

async function saidOf(
  agents: readonly (readonly [runTime: number, stdout: number, stderr: number])[],
  spilled = 0,
) {
  const roster = new Roster();
  for (const [index, [runTime, stdout, stderr]] of agents.entries()) {
    const name = `web${index + 1}`;
    roster.record({ kind: "hello", hello: hello(name) }, 5, NOW);
    roster.record({ kind: "exit", identity: id(name), exit: exit({ runTime, stdout, stderr }) }, 9, NOW);
  }
  let text = "";
  const write = async (bytes: Uint8Array) => {
    text += new TextDecoder().decode(bytes);
  };
  const view = statisticsView({ write, isTerminal: false, hasColors: false }, () => {
    return { columns: 80, isUnicode: true };
  });
  const rollCall = { missing: [], newcomers: [], failMissing: false, now: NOW };
  const outcome = judge(runRequest(), roster, newSession(0, 0, 0), WAITS, 50, rollCall);
  const whole = { outcome, losses: [], status: 0, agents: roster.agents, missing: [], elapsed: 50 };
  await view.conclude({ ...whole, spilled });
  return text;
}

test("statisticsView() says how long commands ran and how much they printed, and who printed the most", async () => {
  assert.equal(
    await said([100, 1200, 0], [300, 0, 50], [200, 2_500_000, 1], [250, 10, 0]),
    "run times of 4 agents: 0.10 s to 0.30 s, median 0.23 s\n" +
      "printed: 2.5 MB to stdout, 51 bytes to stderr; most by web3 2.5 MB, web1 1.2 kB, web2 50 bytes\n",
  );
});

test("statisticsView() draws a chart of five and more", async () => {
  const text = await said([100, 0, 0], [110, 0, 0], [120, 0, 0], [1000, 0, 0], [2500, 0, 0]);
  assert.match(text, /^ {2}0\.1–0\.2 s {2}█+ {2}3 {2}web\[1-3\]$/m);
  assert.match(text, /^printed: 0 bytes to stdout, 0 bytes to stderr$/m);
});

test("statisticsView() says how much waited on disk, where memory was too small", async () => {
  const lines = (await saidOf([[100, 1_000_000_000, 0]], 984_000_000)).trimEnd().split("\n");
  assert.deepEqual(lines.slice(1), [
    "printed: 1.0 GB to stdout, 0 bytes to stderr",
    "kept on disk until the end: 984 MB of it",
  ]);
});

test("statisticsView() says nothing where nothing ran", async () => {
  assert.equal(await said(), "");
});
