import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { eventProblems } from "../support/event-schema.ts";
import { Fleet, RUNTIMES } from "../support/fleet.ts";
import { lines } from "../support/running-program.ts";

type Event = { readonly type: string; readonly agent?: string; readonly [key: string]: unknown };

/** The events of a run, which all are as the schema says. */
function eventsOf(stdout: string): readonly Event[] {
  const events: readonly Event[] = lines(stdout).map((line) => JSON.parse(line));
  assert.deepEqual(eventProblems()(events), []);
  return events;
}

function last(events: readonly Event[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    events
      .filter(({ type }) => type === "exit" || type === "missing")
      .map(({ agent, status }) => [agent, status]),
  );
}

for (const runtime of RUNTIMES) {
  test(`cb station run --output ndjson on ${runtime} says all in events as the schema has them`, async () => {
    await using fleet = await Fleet.start({ runtime });
    fleet.command(
      "mixed",
      'case "$1" in web1) printf "a\\nb"; echo c >&2;; web2) exit 3;; web3) kill -9 $$;;',
      "esac",
    );
    mkdirSync(fleet.path("empty.d"));
    await Promise.all([
      ...["web1", "web2", "web3"].map((name) => fleet.agent(name, ["--tags", "web"])),
      fleet.agent("web4", ["--tags", "web", "--run-directory", fleet.path("empty.d")]),
      fleet.agent("db1", ["--tags", "db"]),
    ]);
    const gone = await fleet.agent("web9", ["--tags", "web"]);
    await fleet.station("ping");
    await gone.stop();
    const ran = await fleet.station("--tags", "web", "run", "mixed", "--output", "ndjson");
    const events = eventsOf(ran.stdout);
    assert.deepEqual(last(events), {
      web1: "ok",
      web2: "failed",
      web3: "failed",
      web4: "refused",
      web9: "missing",
    });
    const [start, end] = [events.at(0), events.at(-1)];
    assert.deepEqual([start?.["command"], start?.["tags"]], ["mixed", ["web"]]);
    const counts = { ok: 1, failed: 2, refused: 1, not_run: 0, unfinished: 0, not_targeted: 1, missing: 1 };
    assert.deepEqual([end?.["exit_status"], end?.["agents"]], [ran.status, counts]);
    assert.equal(ran.status, 20);
    const texts = events
      .filter(({ type }) => type === "output")
      .map(({ stream, text, ended }) => [stream, text, ended]);
    assert.deepEqual(texts.toSorted(), [
      ["stderr", "c", undefined],
      ["stdout", "a", undefined],
      ["stdout", "b", false],
    ]);
    const signalled = events.find(({ type, agent }) => type === "exit" && agent === "web3");
    assert.deepEqual([signalled?.["ending"], signalled?.["signal"]], ["signalled", "SIGKILL"]);
  });
}

test("cb station run --output ndjson has binary output as base64, too", async () => {
  await using fleet = await Fleet.start();
  await fleet.agent("web1");
  const { stdout } = await fleet.station("run", "prints-binary", "--output", "ndjson");
  const bytes = eventsOf(stdout)
    .filter(({ type }) => type === "output")
    .map(({ text, base64, ended }) => {
      const line = typeof base64 === "string" ? Buffer.from(base64, "base64") : Buffer.from(String(text));
      return ended === false ? line : Buffer.concat([line, Buffer.from("\n")]);
    });
  const wanted = await fleet.station("run", "prints-binary", "--output", "raw");
  assert.deepEqual(Buffer.concat(bytes), Buffer.from(wanted.bytes));
});

test("cb station run --output ndjson ends with its own exit status when it is interrupted", async () => {
  await using fleet = await Fleet.start();
  fleet.command("waits", "echo begun", "exec sleep 600");
  await fleet.agent("web1");
  const station = fleet.start(["station", "run", "waits", "--output", "ndjson"]);
  await station.says(/begun/);
  station.kill("SIGTERM");
  const { status, stdout } = await station.finished;
  const events = eventsOf(stdout);
  assert.deepEqual([status, events.at(-1)?.["exit_status"]], [143, 143]);
  assert.deepEqual(last(events), { web1: "failed" });
});

test("cb station run --to-directory keeps every agent's output and result, whatever is shown", async () => {
  await using fleet = await Fleet.start();
  fleet.command("mixed", 'echo "out $1"', 'echo "err $1" >&2', '[ "$1" = web1 ]');
  await Promise.all(["web1", "web2"].map((name) => fleet.agent(name)));
  const [kept, page] = [fleet.path("kept"), fleet.path("page.html")];
  const keep = ["--to-directory", kept, "--report", page] as const;
  const { status, stdout } = await fleet.station("run", "mixed", "--output", "quiet", ...keep);
  assert.deepEqual([status, stdout], [4, ""]);
  const read = (name: string) => readFileSync(`${kept}/${name}`, "utf8");
  assert.deepEqual(readdirSync(kept).toSorted(), ["web1", "web2"]);
  for (const name of ["web1", "web2"]) {
    assert.deepEqual([read(`${name}/stdout`), read(`${name}/stderr`)], [`out ${name}\n`, `err ${name}\n`]);
  }
  const results = ["web1", "web2"].map((name) => JSON.parse(read(`${name}/result.json`)));
  assert.deepEqual(eventProblems()(results), []);
  assert.deepEqual(
    results.map(({ status: its }) => its),
    ["ok", "failed"],
  );
  assert.match(readFileSync(page, "utf8"), /<title>mixed on 2 agents<\/title>/);

  // Again: the page is replaced, the directory is not touched, and nothing is asked.
  const again = await fleet.station("run", "mixed", ...keep);
  assert.deepEqual([again.status, again.stdout], [1, ""]);
  assert.match(again.stderr, /^cb: error: Cannot use "[^"]*kept": it is not empty, expected /);
  const replaced = await fleet.station("run", "reload-not-there", "--report", page);
  assert.equal(replaced.status, 16);
  assert.match(readFileSync(page, "utf8"), /<title>reload-not-there on 2 agents<\/title>/);
});

test("cb station run --to-directory refuses what it could not use, before anybody is asked", async () => {
  await using fleet = await Fleet.start();
  fleet.command("marks", `echo ran >> ${fleet.path("marks")}`);
  await fleet.agent("web1");
  symlinkSync(fleet.path("nowhere"), fleet.path("link"));
  fleet.file("file", "");
  const rows: readonly (readonly [directory: string, why: string])[] = [
    [fleet.path("link"), `Cannot use "${fleet.path("link")}": it is a link that leads nowhere`],
    [fleet.path("file"), `Cannot use "${fleet.path("file")}": it is not a directory`],
    [fleet.path("file/below"), `Cannot create "${fleet.path("file/below")}": not a directory`],
    // Nobody can make anything there, root neither.
    [
      "/proc/self/fd",
      'Cannot use "/proc/self/fd": it is not empty, expected a directory that is new or empty',
    ],
    ["/proc/self/kept", 'Cannot create "/proc/self/kept": no such file or directory'],
  ];
  for (const [directory, why] of rows) {
    const { status, stdout, stderr } = await fleet.station("run", "marks", "--to-directory", directory);
    assert.deepEqual([status, stdout, stderr], [1, "", `cb: error: ${why}\n`]);
  }
  // A directory that was made for nothing goes again.
  const kept = fleet.path("kept");
  const args = ["run", "marks", "--to-directory", kept, "--report"] as const;
  assert.equal((await fleet.station(...args, fleet.path("no/where.html"))).status, 1);
  assert.equal(existsSync(kept), false);
  assert.equal(existsSync(fleet.path("marks")), false);

  const { status, stderr } = await fleet.station(...args, `${kept}/page.html`);
  assert.equal(status, 0, stderr);
  assert.deepEqual(readdirSync(kept).toSorted(), ["page.html", "web1"]);
});

const GONE = "the reader of standard output has gone";
const ON_ONE = "the command goes on on 1 agent";

test("cb station run says where its output cannot be written, in every form", async () => {
  await using fleet = await Fleet.start();
  fleet.command("prints", "while echo working; do sleep 0.05; done");
  await fleet.agent("web1");
  const ended = async (form: string, redirection: string) => {
    const script = `"$@" ${redirection}; exit \${PIPESTATUS[0]}`;
    const args = ["station", "run", "prints", "--timeout", "0.3", "--output", form];
    const { status, stderr } = await fleet.cb(args, { wrapper: ["bash", "-c", script, "bash"] });
    return [status, stderr.replace(/^cb: 1 new agent: .*\n/m, "")];
  };
  for (const form of ["live", "folded", "both", "raw", "ndjson"] as const) {
    const full = "cb: error: Cannot write output: no space left on device\n";
    const sent = "the command was sent, and goes on where it has begun";
    const goesOn = { live: ON_ONE, both: ON_ONE, raw: ON_ONE, ndjson: sent, folded: undefined }[form];
    const [hint, gone] =
      goesOn === undefined ? ["", ""] : [`cb: hint: ${goesOn}\n`, `cb: ${GONE}: ${goesOn}\n`];
    assert.deepEqual(await ended(form, ">/dev/full"), [1, full + hint], form);
    assert.deepEqual(await ended(form, "| true"), [141, gone], form);
  }
  // Whoever has closed standard error wants no sentences; the status is the same.
  assert.deepEqual(await ended("live", ">/dev/null 2>&-"), [4, ""]);
  assert.deepEqual((await ended("quiet", ">/dev/full"))[0], 4);
});

test("cb station run --report replaces no file that is no report, and asks nothing then", async () => {
  await using fleet = await Fleet.start();
  fleet.command("marks", `echo ran >> ${fleet.path("marks")}`);
  await fleet.agent("web1");
  const letter = fleet.path("letter.html");
  writeFileSync(letter, "<!doctype html>\nDear all");
  const refused = await fleet.station("run", "marks", "--report", letter);
  const why = "there is a file that is no report of cb, name another one";
  assert.deepEqual([refused.status, refused.stderr], [1, `cb: error: Cannot write "${letter}": ${why}\n`]);
  assert.equal(readFileSync(letter, "utf8"), "<!doctype html>\nDear all");
  assert.equal((await fleet.station("run", "marks", "--report", fleet.path("no/where.html"))).status, 1);
  assert.equal(existsSync(fleet.path("marks")), false);
});

test("cb station run --stats says how long commands ran and how much they printed", async () => {
  await using fleet = await Fleet.start();
  fleet.command("prints", "echo 12345");
  await Promise.all(["web1", "web2", "web3"].map((name) => fleet.agent(name)));
  const { stderr } = await fleet.station("run", "prints", "--stats");
  assert.match(stderr, /^run times of 3 agents: \d+\.\d\d s to \d+\.\d\d s, median \d+\.\d\d s$/m);
  assert.match(
    stderr,
    /^printed: 18 bytes to stdout, 0 bytes to stderr; most by web\d 6 bytes, web\d 6 bytes, /m,
  );
  assert.match(stderr, /^3 agents · 3 ok · \d+\.\d\d s · median \d+\.\d\d s, slowest web\d \d+\.\d\d s$/m);
});

test("cb station run has no line at the bottom where a pipe's reader may write to the same terminal", async () => {
  await using fleet = await Fleet.start();
  fleet.command("slow", "sleep 0.5", "echo done");
  await fleet.agent("web1");
  const onTerminal = async (command: string) => {
    const cb = `${fleet.executable.join(" ")} station run slow`;
    const typed = ["script", "--quiet", "--return", "--command", `${cb} ${command}`, "/dev/null"];
    const { stdout } = await fleet.program(typed, { TERM: "xterm" }).finished;
    // Colors are where a terminal is.
    assert.match(stdout, /web1 │\S* done/);
    return stdout.includes("1 running (web1)");
  };
  assert.equal(await onTerminal("--output live"), true);
  assert.equal(await onTerminal(`> ${fleet.path("out")}; cat ${fleet.path("out")}`), true);
  assert.equal(await onTerminal("| cat"), false);
  assert.equal(await onTerminal("--output live --no-progress"), false);
});
