import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

const MAIN = join(import.meta.dirname, "../../src/cli/main.ts");

/** Behind the program's name; the build writes version and commit into what it makes. */
const VERSION_OF_SOURCES = `0.0.0-dev (unknown commit, Bun ${process.versions["bun"]})\n`;

let home: string;
let environment: Record<string, string>;

before(() => {
  home = mkdtempSync(join(tmpdir(), "cb-main-"));
  environment = { HOME: home, PATH: process.env["PATH"] ?? "" };
});

after(() => rmSync(home, { recursive: true }));

type Options = {
  readonly argv0?: string;
  readonly environment?: Record<string, string>;
  readonly preload?: string;
};

function cb(args: readonly string[], options: Options = {}) {
  const { argv0 = "cb", preload } = options;
  const first = preload === undefined ? [] : ["--preload", preload];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...first, MAIN, ...args], {
    argv0,
    cwd: home,
    env: { ...environment, ...options.environment },
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

/** A module that Bun loads before `main`, as a bug that strikes from elsewhere. */
function saboteur(code: string): string {
  const path = join(home, "saboteur.ts");
  writeFileSync(path, code);
  return path;
}

test("main prints the version", () => {
  assert.deepEqual(cb(["--version"]), { status: 0, stdout: `cb ${VERSION_OF_SOURCES}`, stderr: "" });
  assert.deepEqual(cb(["-V"], { argv0: "cb-keygen" }), {
    status: 0,
    stdout: `cb-keygen ${VERSION_OF_SOURCES}`,
    stderr: "",
  });
});

test("main prints help on stdout where it was asked for, otherwise on stderr with status 1", () => {
  const asked = cb(["help"]);
  assert.deepEqual([asked.status, asked.stderr], [0, ""]);
  assert.match(asked.stdout, /^Usage:\n {2}\$ cb <command> \[options\]$/m);
  assert.deepEqual(cb([]), { status: 1, stdout: "", stderr: asked.stdout });
});

test("main prints errors with their hints, and status 1", () => {
  assert.deepEqual(cb(["station", "run", "x", "--reply-wiat", "5"]), {
    status: 1,
    stdout: "",
    stderr:
      'cb: error: Cannot use option "--reply-wiat": no such option, did you mean "--reply-wait"?\n' +
      'cb: hint: Try "cb station run --help"\n',
  });
  const { status, stderr } = cb(["station", "run", "../x"]);
  assert.equal(status, 1);
  assert.match(stderr, /^cb: error: Cannot use command "\.\.\/x": expected /);
});

test("main calls itself cb-keygen where the caller did", () => {
  const { status, stderr } = cb(["netwrok"], { argv0: "cb-keygen" });
  assert.equal(status, 1);
  assert.match(
    stderr,
    /^cb-keygen: error: .*did you mean "network"\?\ncb-keygen: hint: Try "cb-keygen --help"\n$/,
  );
});

test("main reads the environment and the file, and names them in errors", () => {
  const path = join(home, "agent.toml");
  writeFileSync(path, "jobs = 0\n");
  assert.match(
    cb(["agent", "--config", path]).stderr,
    /^cb: error: Cannot use jobs "0" from ".*\/agent\.toml": /,
  );
  const { stderr } = cb(["agent"], { environment: { CB_CONFIG: path, CB_JOBS: "none" } });
  assert.match(stderr, /^cb: error: Cannot use CB_JOBS "none": /);
});

test("main calls any other error a bug: stack and 255", () => {
  const { status, stdout, stderr } = cb([], { preload: saboteur("process.argv.push(7 as never);") });
  assert.equal(status, 255);
  assert.equal(stdout, "");
  assert.match(stderr, /^cb: bug: TypeError.*\n {4}at /s);
});

/** Runs `code` once `main` has begun, `delay` milliseconds later. */
function strike(code: string, delay = 0): string {
  return saboteur(`
    const timer = setInterval(() => {
      if (process.listenerCount("unhandledRejection") === 0) return;
      clearInterval(timer);
      setTimeout(() => { ${code} }, ${delay});
    }, 1);`);
}

test("main calls uncaught exceptions and unhandled rejections bugs, even when its status is set", () => {
  for (const code of ['throw new Error("boom");', 'Promise.reject(new Error("boom"));']) {
    for (const delay of [0, 300]) {
      const { status, stdout, stderr } = cb(["--version"], { preload: strike(code, delay) });
      assert.equal(status, 255, code);
      assert.equal(stdout, `cb ${VERSION_OF_SOURCES}`);
      assert.match(stderr, /^cb: bug: Error: boom\n {4}at /);
    }
  }
});

test("main does not end with success where something is never settled", () => {
  const preload = saboteur("process.stdout.write = () => true;");
  assert.equal(cb(["help"], { preload }).status, 255);
});

test("main survives what is no error at all, and shows it harmless", () => {
  assert.deepEqual(cb(["--version"], { preload: strike('throw "boom\\u001b[2J";') }), {
    status: 255,
    stdout: `cb ${VERSION_OF_SOURCES}`,
    stderr: "cb: bug: boom^[[2J\n",
  });
});

/** What a line of shell leaves on stderr, the status of its first command in the end; `cb` is ours. */
function shell(line: string): string {
  const script = `cb() { sleep 0.1; "$BUN" "$MAIN" "$@"; }; ${line}; echo "status \${PIPESTATUS[0]}" >&2`;
  return spawnSync("bash", ["-c", script], {
    env: { ...environment, BUN: process.execPath, MAIN },
    encoding: "utf8",
  }).stderr;
}

test("main says nothing where its reader is gone, and ends with 141", () => {
  assert.equal(shell("cb help | true"), "status 141\n");
});

test("main waits for a reader that stands still, though its pipe is full and does not block", () => {
  const fill =
    "fcntl(STDOUT, F_SETFL, O_NONBLOCK); for $n (4096, 1) { 1 while syswrite(STDOUT, qq(\\n) x $n) }";
  const line = `perl -MFcntl -e '${fill} exec @ARGV' "$BUN" "$MAIN" --version | { sleep 0.5; tail -n 1; }`;
  const { stdout, stderr } = spawnSync("bash", ["-c", `${line}; echo "\${PIPESTATUS[0]}"`], {
    env: { ...environment, BUN: process.execPath, MAIN },
    encoding: "utf8",
  });
  assert.deepEqual([stdout, stderr], [`cb ${VERSION_OF_SOURCES}0\n`, ""]);
});

test("main says that the disk is full", () => {
  assert.equal(
    shell("cb help > /dev/full"),
    "cb: error: Cannot write output: no space left on device\nstatus 1\n",
  );
});

test("main ends with its status even where stderr cannot be written to", () => {
  assert.equal(shell("cb nonsense 2> /dev/full"), "status 1\n");
});
