/** A run-directory that changes while its agent serves: what runs goes on as it began, and what is asked next is looked up anew. */
import assert from "node:assert/strict";
import { mkdirSync, renameSync, rmSync } from "node:fs";
import { test } from "node:test";
import { type Agent, Fleet } from "../support/fleet.ts";
import { assertEnded, type RunningProgram } from "../support/running-program.ts";

/** A fleet whose agent has its commands in run.d alone. */
async function start(options: readonly string[] = []): Promise<{ fleet: Fleet; agent: Agent }> {
  const fleet = await Fleet.start();
  const agent = await fleet.agent("web1", ["--run-directory", fleet.path("run.d"), ...options]);
  return { fleet, agent };
}

/** A command that says when it has begun, ends when it may, and writes more than a shell reads ahead of its script. */
function longCommand(fleet: Fleet, name: string): void {
  fleet.command(
    name,
    "echo begun",
    `until [ -e ${fleet.path("go")} ]; do sleep 0.02; done`,
    ...Array.from({ length: 2_000 }, (_, index) => `echo old ${index}`),
  );
}

const OLD = ["begun", ...Array.from({ length: 2_000 }, (_, index) => `old ${index}`)];

async function runLong(fleet: Fleet): Promise<RunningProgram> {
  longCommand(fleet, "deploy");
  const running = fleet.start(["station", "run", "deploy"]);
  await running.says(/begun/);
  return running;
}

/** Lets the long command go on: it ends as it would have, and the station says that, after these lines. */
async function assertEndsAsBegun(fleet: Fleet, running: RunningProgram): Promise<void> {
  fleet.file("go", "");
  assertEnded(await running.finished, 0, {
    stdout: OLD.map((line) => `web1 │ ${line}`),
    stderr: ["1 agent · 1 ok · # s"],
  });
}

const REFUSED = {
  stderr: [
    'cb: web1 refused: no such command "deploy"',
    'cb: hint: "cb station commands" shows which there are',
    "1 agent · 1 refused · # s",
  ],
};
const SERVED = { stdout: ["web1 │ new"], stderr: ["1 agent · 1 ok · # s"] };

const exchanges = {
  "its executor": (fleet: Fleet) => {
    fleet.command("deploy.new", "echo new");
    renameSync(fleet.path("run.d/deploy.new"), fleet.path("run.d/deploy"));
  },
  "the whole run-directory": (fleet: Fleet) => {
    renameSync(fleet.path("run.d"), fleet.path("run.d.old"));
    mkdirSync(fleet.path("run.d"));
    fleet.command("deploy", "echo new");
  },
} as const;

for (const [what, exchange] of Object.entries(exchanges)) {
  test(`cb agent ends a command as it began when ${what} is replaced, and runs the new one next`, async () => {
    const { fleet } = await start();
    await using _ = fleet;
    const running = await runLong(fleet);
    exchange(fleet);
    await assertEndsAsBegun(fleet, running);
    assertEnded(await fleet.station("run", "deploy"), 0, SERVED);
  });
}

test("cb agent whose run-directory is removed ends what runs, refuses by name, and finds the next one", async () => {
  const { fleet, agent } = await start();
  await using _ = fleet;
  const running = await runLong(fleet);
  rmSync(fleet.path("run.d"), { recursive: true });
  await assertEndsAsBegun(fleet, running);
  assertEnded(await fleet.station("run", "deploy"), 16, REFUSED);
  const { level, decision, reason, command } = await agent.logged("request");
  assert.deepEqual([level, decision, reason, command], ["warn", "refused", "no-such-command", "deploy"]);

  mkdirSync(fleet.path("run.d"));
  assertEnded(await fleet.station("run", "deploy"), 16, REFUSED);
  fleet.command("deploy", "echo new");
  assertEnded(await fleet.station("run", "deploy"), 0, SERVED);
});

test("cb agent that starts without a run-directory says so, and serves once it is there", async () => {
  await using fleet = await Fleet.start();
  rmSync(fleet.path("run.d"), { recursive: true });
  const agent = await fleet.agent("web1", ["--run-directory", fleet.path("run.d")]);
  const [missing, ...more] = agent.records("run-directory-missing");
  assert.deepEqual([missing?.["level"], missing?.["directory"], more], ["warn", fleet.path("run.d"), []]);
  assertEnded(await fleet.station("run", "deploy"), 16, REFUSED);
  mkdirSync(fleet.path("run.d"));
  fleet.command("deploy", "echo new");
  assertEnded(await fleet.station("run", "deploy"), 0, SERVED);
});

test("cb agent does not start a command whose executor went away while it waited, and runs the others", async () => {
  const { fleet, agent } = await start(["--jobs", "1", "--verbose"]);
  await using _ = fleet;
  fleet.command("report", "echo new");
  fleet.command("other", "echo new");
  const running = await runLong(fleet);
  const queued = [fleet.start(["station", "run", "report"])];
  await agent.logged("request", 2);
  queued.push(fleet.start(["station", "run", "other"]));
  await agent.logged("request", 3);
  rmSync(fleet.path("run.d/report"));
  await assertEndsAsBegun(fleet, running);
  const [report, other] = await Promise.all(queued.map(({ finished }) => finished));
  assert.ok(report !== undefined && other !== undefined);
  assertEnded(report, 16, {
    stderr: [
      'cb: web1 could not start "report": no such command when its turn came',
      "1 agent · 1 not run · # s",
    ],
  });
  assertEnded(other, 0, SERVED);
  await agent.logged("command", 3);
  const endings = agent.records("command").map(({ command, ending }) => `${command} ${ending}`);
  assert.deepEqual(endings.toSorted(), ["deploy exited", "other exited", "report not-started"]);
});
