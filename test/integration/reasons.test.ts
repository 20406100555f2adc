/** Why commands failed, where an operator looks: at the very end, whatever the form of output. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Fleet } from "../support/fleet.ts";
import { lines } from "../support/running-program.ts";
import { Terminal } from "../support/terminal.ts";

const WHY = "E: Unable to locate package nginz";
const SENTENCE = `web[2-3] (2 agents): exit status 100: ${WHY}`;

/** Three agents, of which two cannot install what the third can. */
async function three(): Promise<Fleet> {
  const fleet = await Fleet.start();
  fleet.command(
    "install",
    // On one stream: which of two is read first is nobody's promise.
    '[ "$CB_IDENTITY" = web1 ] || exec >&2',
    "echo Reading package lists",
    `[ "$CB_IDENTITY" = web1 ] || { printf '${WHY}\\n\\n'; exit 100; }`,
    "echo done",
  );
  for (const name of ["web1", "web2", "web3"]) await fleet.agent(name);
  await fleet.station("ping");
  return fleet;
}

test("cb station says last why commands failed, once for all that failed alike, in every form of output", async () => {
  await using fleet = await three();
  for (const form of ["live", "folded", "both", "ndjson", "quiet", "raw"]) {
    // Raw is for one agent: where it is not known that there are more, what it does not show of them makes +32.
    const stranger = ["--no-discovery", "--state-directory", fleet.path("fresh")];
    const options = form === "raw" ? stranger : [];
    const { status, stderr } = await fleet.station("run", "install", "--output", form, ...options);
    assert.equal(status, form === "raw" ? 4 + 32 : 4, stderr);
    const said = lines(stderr).filter((line) => line.startsWith("cb: "));
    assert.equal(said[0], `cb: ${SENTENCE}`);
    assert.match(lines(stderr).at(-1) ?? "", /^3 agents · 1 ok · 2 failed · /);
  }
  const { stdout } = await fleet.station("run", "install", "--output", "ndjson");
  const events = lines(stdout).map((line) => JSON.parse(line));
  assert.deepEqual(events.at(-1).problems, [SENTENCE]);
  const quiet = await fleet.station("--errors-only", "run", "install", "--output", "quiet");
  assert.equal(quiet.stderr, `cb: ${SENTENCE}\n`);
});

test("cb station ends a run on a terminal with what failed, and why", async () => {
  await using fleet = await three();
  const command = [...fleet.executable, "station", "run", "install", "--output", "folded"].join(" ");
  const terminal = new Terminal(`stty columns 72; ${command}`, fleet.environment, fleet.directory);
  try {
    await terminal.sees(/3 agents · 1 ok [^\n]*\n/);
    const shown = terminal.transcript.replaceAll("\r", "").replace(/median.*/, "…");
    assert.equal(
      shown.replaceAll(/\b\d+\.\d\d s /g, "#.## s "),
      `── 2 agents: web[2-3] ── exit status 100 ───────────────────────────────
! Reading package lists
! ${WHY}
!${" "}
── web1 ── #.## s ──────────────────────────────────────────────────────
Reading package lists
done
cb: ${SENTENCE}
3 agents · 1 ok · 2 failed · #.## s · …
`,
    );
  } finally {
    await terminal.close();
  }
});
