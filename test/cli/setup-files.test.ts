import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { lockState, readRegistration } from "../../src/cli/dispatcher-state.ts";
import { currentSettings, planSetup, setupPlace, writePlanned } from "../../src/cli/setup-files.ts";
import { CbError } from "../../src/core/errors.ts";
import { type CommandName, parseName } from "../../src/core/names.ts";
import type { EditableValue } from "../../src/core/toml-edit.ts";
import { readManifest } from "../../src/exec/manifest.ts";
import { type DispatcherSetup, EMPTY_MANIFEST } from "../../src/setup/dispatcher-setup.ts";

const scan = parseName<CommandName>("scan");
const TOKEN = "a".repeat(64);
const SETUP: DispatcherSetup = {
  settings: new Map<string, EditableValue>([
    ["server", "http://localhost:5985"],
    ["executors", ["scan"]],
  ]),
  executors: [
    {
      name: scan,
      program: "#!/bin/sh\necho\n",
      manifest: {
        ...EMPTY_MANIFEST,
        description: "Scans",
        environment: new Map([
          ["HOST", { value: "h" }],
          ["TOKEN", { secret: "hush" }],
        ]),
      },
    },
  ],
  registration: { token: TOKEN, server: "http://localhost:5985" },
};

let base = "";
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "cb-setup-"));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const place = () => setupPlace(join(base, "cb/dispatcher.toml"), join(base, "state"), {});

/** @returns the paths, below `base` */
function write(setup: DispatcherSetup, replace = false): readonly string[] {
  const planned = planSetup(place(), setup, { replace });
  writePlanned(place(), planned);
  return planned.map(({ path }) => path.slice(base.length + 1));
}

const modeOf = (path: string) => (statSync(join(base, path)).mode & 0o7777).toString(8);

test("setupPlace is where a dispatcher looks first: the user's directory, or /etc/cb for root", () => {
  const config = (environment: Record<string, string>) => setupPlace(undefined, base, environment).config;
  assert.equal(config({ XDG_CONFIG_HOME: "/x" }), "/x/cb/dispatcher.toml");
  const own = process.getuid?.() === 0 ? "/etc/cb" : "/home/u/.config/cb";
  assert.equal(config({ HOME: "/home/u" }), `${own}/dispatcher.toml`);
  assert.equal(config({ HOME: "/home/u", XDG_CONFIG_HOME: "not/absolute" }), `${own}/dispatcher.toml`);
  assert.equal(config({ XDG_CONFIG_HOME: "/x", CREDENTIALS_DIRECTORY: "/run/c" }), "/x/cb/dispatcher.toml");
});

test("setupPlace: the run-directory is beside the file that is asked for", () => {
  const { config, runDirectory } = setupPlace("x/d.toml", base, {});
  assert.equal(config, join(process.cwd(), "x/d.toml"));
  assert.equal(runDirectory, join(process.cwd(), "x/run.d"));
});

test("writePlanned makes what a dispatcher reads, each file with its mode", () => {
  const written = write(SETUP);
  assert.deepEqual(written, [
    "state/secrets/scan.TOKEN",
    "cb/run.d/scan",
    "cb/run.d/scan.toml",
    "state/agent.json",
    "cb/dispatcher.toml",
  ]);
  const modes = ["600", "755", "644", "600", "600"];
  assert.deepEqual(written.map(modeOf), modes);
  assert.deepEqual(["state", "state/secrets", "cb/run.d"].map(modeOf), ["700", "700", "755"]);

  assert.equal(readRegistration(join(base, "state"))?.token, TOKEN);
  const manifest = readManifest([join(base, "cb/run.d")], scan);
  assert.deepEqual(manifest?.environment.get("TOKEN"), { file: join(base, "state/secrets/scan.TOKEN") });
  assert.equal(readFileSync(join(base, "state/secrets/scan.TOKEN"), "utf8"), "hush");
  assert.equal(readFileSync(join(base, "cb/run.d/scan.toml"), "utf8").includes("hush"), false);
  const directories = currentSettings(place())["run-directory"];
  assert.deepEqual(directories, [join(base, "cb/run.d"), "/etc/cb/run.d", "/usr/lib/cb/run.d"]);
});

test("planSetup plans nothing where all is as it should be", () => {
  write(SETUP);
  assert.deepEqual(planSetup(place(), SETUP, { replace: false }), []);
});

test("planSetup refuses to lose a file or a setting, before anything is written", () => {
  write(SETUP);
  const other = (change: Partial<DispatcherSetup>) => ({ ...SETUP, ...change });
  const registration = { token: "b".repeat(64), server: "http://other" };
  const cases: readonly (readonly [DispatcherSetup, string])[] = [
    [other({ settings: new Map([["server", "http://other"]]) }), "dispatcher.toml"],
    [other({ registration }), "agent.json"],
    [other({ executors: [{ name: scan, program: "#!/bin/sh\n", manifest: undefined }] }), "run.d/scan"],
  ];
  for (const [setup, path] of cases) {
    const isAboutIt = (error: unknown) => error instanceof CbError && error.message.includes(path);
    assert.throws(() => planSetup(place(), setup, { replace: false }), isAboutIt);
    assert.equal(planSetup(place(), setup, { replace: true }).length, 1);
  }
});

test("planSetup leaves alone what it is not told of: comments, other keys, other executors", () => {
  write(SETUP);
  const path = join(base, "cb/dispatcher.toml");
  writeFileSync(path, `# mine\n${readFileSync(path, "utf8")}jobs = 3\n`);
  write({ settings: new Map([["name", "box"]]), executors: [], registration: undefined });
  const text = readFileSync(path, "utf8");
  assert.match(text, /^# mine\n/);
  assert.deepEqual(currentSettings(place())["jobs"], 3);
  assert.deepEqual(currentSettings(place())["name"], "box");
  assert.ok(existsSync(join(base, "cb/run.d/scan")));
});

test("writePlanned leaves no other files behind", () => {
  write(SETUP);
  assert.deepEqual(readdirSync(join(base, "cb")).sort(), ["dispatcher.toml", "run.d"]);
  assert.deepEqual(readdirSync(join(base, "cb/run.d")).sort(), ["scan", "scan.toml"]);
  assert.deepEqual(readdirSync(join(base, "state")).sort(), ["agent.json", "secrets"]);
});

test("planSetup mends modes that were changed, without a word about what is the same", () => {
  write(SETUP);
  chmodSync(join(base, "state/secrets/scan.TOKEN"), 0o666);
  chmodSync(join(base, "cb/run.d/scan"), 0o644);
  assert.deepEqual(write(SETUP), ["state/secrets/scan.TOKEN", "cb/run.d/scan"]);
  assert.deepEqual(["state/secrets/scan.TOKEN", "cb/run.d/scan"].map(modeOf), ["600", "755"]);
});

const isRoot = process.geteuid?.() === 0;
const service = { uid: 65_534, gid: 65_534 };

test("writePlanned gives what root writes into the service's state to the service", () => {
  if (!isRoot) return; // nobody else can give a file away
  chmodSync(base, 0o755);
  const served = { ...place(), service };
  writePlanned(served, planSetup(served, SETUP, { replace: false }));
  const ownerOf = (path: string) => statSync(join(base, path)).uid;
  const paths = ["state", "state/secrets", "state/secrets/scan.TOKEN", "state/agent.json", "cb/run.d/scan"];
  assert.deepEqual(paths.map(ownerOf), [65_534, 65_534, 65_534, 65_534, 0]);
  const { uid, gid, mode } = statSync(join(base, "cb/dispatcher.toml"));
  assert.deepEqual([uid, gid, mode & 0o777], [0, 65_534, 0o640]);
  assert.equal(process.geteuid?.(), 0);

  // What root was kept from giving away.
  lchownSync(join(base, "state/secrets"), 0, 0);
  rmSync(join(base, "state/secrets/scan.TOKEN"));
  writePlanned(served, planSetup(served, SETUP, { replace: false }));
  assert.equal(ownerOf("state/secrets"), 65_534);
});

test("writePlanned follows no link that the service has laid out of its state", () => {
  if (!isRoot) return; // nobody else could go where such a link leads
  chmodSync(base, 0o755);
  const served = { ...place(), service };
  mkdirSync(join(base, "victim"), 0o755);
  mkdirSync(join(base, "state"), 0o700);
  symlinkSync(join(base, "victim"), join(base, "state/secrets"));
  for (const path of ["state", "state/secrets"]) lchownSync(join(base, path), 65_534, 65_534);
  const planned = planSetup(served, SETUP, { replace: false });
  assert.throws(() => writePlanned(served, planned), /permission denied/);
  assert.deepEqual(readdirSync(join(base, "victim")), []);
  assert.equal(process.geteuid?.(), 0);

  const victim = join(base, "victim/file");
  writeFileSync(victim, "precious", { mode: 0o600 });
  symlinkSync(victim, join(base, "state/lock"));
  assert.throws(() => lockState(join(base, "state"), service), /permission denied/);
  assert.equal(readFileSync(victim, "utf8"), "precious");
  assert.equal(statSync(victim).uid, 0);
});
