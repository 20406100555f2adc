import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { promisify } from "node:util";
import { AgentStoreFiles } from "../../src/cli/agent-store-files.ts";
import type { Clock } from "../../src/core/clock.ts";
import { CbError } from "../../src/core/errors.ts";
import type { Channel, Identity } from "../../src/core/names.ts";
import { cryptoReady } from "../../src/protocol/crypto.ts";
import { type AgentPublicKey, agentKeyPair, newSeed } from "../../src/protocol/keys.ts";
import type { Learnt } from "../../src/station/agent-store.ts";

await cryptoReady();

const LAB = "lab" as Channel;
const NOW = 1_800_000_000_000;
const CLOCK: Clock = { wall: () => NOW, monotonic: () => 0 };
const [K1, K2, K3] = Array.from({ length: 3 }, () => agentKeyPair(newSeed()).publicKey) as [
  AgentPublicKey,
  AgentPublicKey,
  AgentPublicKey,
];

let directory: string;
let pinPath: string;
let discoveryPath: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "cb-store-"));
  pinPath = join(directory, "state/cb/known_agents");
  discoveryPath = join(directory, "cache/cb/discovery.toml");
});

afterEach(() => rmSync(directory, { recursive: true }));

function open(withDiscovery = true, clock = CLOCK): AgentStoreFiles {
  const discoveryFile = withDiscovery ? discoveryPath : undefined;
  return new AgentStoreFiles({ stateDirectory: join(directory, "state/cb"), discoveryFile }, LAB, clock);
}

/** What a session brings in which these agents answered for the first time. */
function learnt(agents: Readonly<Record<string, AgentPublicKey>>): Learnt {
  const entries = Object.entries(agents) as [Identity, AgentPublicKey][];
  const record = { tags: [], firstSeen: NOW, lastSeen: NOW };
  return { seen: new Map(entries.map(([identity]) => [identity, record])), pins: new Map(entries) };
}

const WELL = { refused: [], failures: [] };

test("AgentStoreFiles begins with nothing, and gives back what was saved; the files are ours alone", () => {
  const empty = open();
  assert.deepEqual([empty.pins.size, empty.discovered?.size, empty.notices], [0, 0, []]);
  assert.deepEqual(readdirSync(directory), [], "what is only looked at is not made");
  assert.deepEqual(empty.save(learnt({ a1: K1, a2: K2 })), WELL);
  const store = open();
  assert.deepEqual([...store.pins], [...learnt({ a1: K1, a2: K2 }).pins]);
  assert.deepEqual([...(store.discovered?.keys() ?? [])], ["a1", "a2"]);
  for (const path of [pinPath, discoveryPath]) assert.equal(statSync(path).mode & 0o777, 0o600);
  chmodSync(discoveryPath, 0o644);
  store.save({ ...learnt({ a1: K1 }), pins: new Map() });
  assert.equal(statSync(discoveryPath).mode & 0o777, 0o644);
});

test("AgentStoreFiles.save() adds to what others have written meanwhile, and never changes a pin", () => {
  const [one, other] = [open(), open()];
  assert.deepEqual(one.save(learnt({ a1: K1 })), WELL);
  assert.deepEqual(other.save(learnt({ a1: K2, a2: K3 })), { refused: ["a1"], failures: [] });
  assert.deepEqual([...open().pins], [...learnt({ a1: K1, a2: K3 }).pins]);
});

test("AgentStoreFiles without discovery neither reads nor writes its file, and keeps pins all the same", () => {
  mkdirSync(join(directory, "cache/cb"), { recursive: true });
  writeFileSync(discoveryPath, "not TOML");
  const store = open(false);
  assert.deepEqual([store.discovered, store.notices], [undefined, []]);
  assert.deepEqual(store.save(learnt({ a1: K1 })), WELL);
  store.forget(["a9" as Identity]);
  assert.deepEqual([...open(false).pins.keys()], ["a1"]);
  assert.equal(readFileSync(discoveryPath, "utf8"), "not TOML");
  assert.deepEqual(readdirSync(join(directory, "cache/cb")), ["discovery.toml"]);
});

test("AgentStoreFiles sets a damaged discovery file aside, says so, and begins anew", () => {
  open().save(learnt({ a1: K1 }));
  writeFileSync(discoveryPath, "[channels.lab.agents.a1]\nlast_seen = hunter2\n");
  const store = open();
  const aside = `${discoveryPath}.damaged-${NOW}`;
  assert.deepEqual(store.notices, [
    `Cannot read "${discoveryPath}": line 2, column 13: invalid value; set it aside as "${aside}"`,
  ]);
  assert.match(readFileSync(aside, "utf8"), /hunter2/);
  assert.deepEqual([store.discovered?.size, store.pins.size], [0, 1]);
  // It may also be damaged while a session runs.
  writeFileSync(discoveryPath, "[[channels]]");
  const { failures } = store.save({ ...learnt({ a2: K2 }), pins: new Map() });
  assert.deepEqual(failures, [
    `Cannot read "${discoveryPath}": expected a table for channels; set it aside as "${aside}"`,
  ]);
  assert.deepEqual([...(open().discovered?.keys() ?? [])], ["a2"]);
});

test("AgentStoreFiles names a damaged pin file and its line, and touches nothing", () => {
  open().save(learnt({ a1: K1 }));
  writeFileSync(pinPath, `${readFileSync(pinPath, "utf8")}lab a2 cb-agent-public1qqqq\n`);
  const before = readFileSync(pinPath, "utf8");
  for (const withDiscovery of [true, false]) {
    assert.throws(() => open(withDiscovery), {
      code: "key",
      exitStatus: 1,
      message: `Cannot use "${pinPath}": the key in line 3 is damaged`,
    });
  }
  assert.equal(readFileSync(pinPath, "utf8"), before);
});

test("AgentStoreFiles.save() says what it could not keep, and does the rest", () => {
  const store = open();
  writeFileSync(join(directory, "state"), "no directory");
  const { failures } = store.save(learnt({ a1: K1 }));
  assert.equal(failures.length, 1);
  assert.match(failures[0] ?? "", /^Cannot create ".*\/state\/cb": not a directory$/);
  assert.deepEqual([...(open().discovered?.keys() ?? [])], ["a1"]);
});

test("AgentStoreFiles refuses a discovery file that it may not read, rather than miss nobody", () => {
  mkdirSync(discoveryPath, { recursive: true });
  assert.throws(() => open(), { code: "file", message: `Cannot read "${discoveryPath}": it is a directory` });
});

test("AgentStoreFiles.forget() takes agents out of both files", () => {
  const store = open();
  store.save(learnt({ a1: K1, a2: K2 }));
  store.forget(["a1"] as readonly string[] as readonly Identity[]);
  const left = open();
  assert.deepEqual([[...left.pins.keys()], [...(left.discovered?.keys() ?? [])]], [["a2"], ["a2"]]);
});

test("AgentStoreFiles.repin() replaces one pin, by a key that nobody else has", () => {
  const store = open();
  store.save(learnt({ a1: K1, a2: K2 }));
  assert.throws(() => store.repin("a1" as Identity, K2), CbError);
  store.repin("a1" as Identity, K3);
  store.repin("a4" as Identity, K1);
  assert.deepEqual(new Map(open().pins), new Map(learnt({ a1: K3, a2: K2, a4: K1 }).pins));
});

test("forty processes that save at the same time lose nothing, in either file", async () => {
  const script = join(directory, "saver.mjs");
  const source = (path: string) => JSON.stringify(join(import.meta.dirname, "../../src", path));
  writeFileSync(
    script,
    `import { AgentStoreFiles } from ${source("cli/agent-store-files.ts")};
     import { systemClock } from ${source("core/clock.ts")};
     import { cryptoReady } from ${source("protocol/crypto.ts")};
     import { agentKeyPair, newSeed } from ${source("protocol/keys.ts")};
     await cryptoReady();
     const [stateDirectory, discoveryFile, number] = process.argv.slice(2);
     const places = { stateDirectory, discoveryFile };
     const store = new AgentStoreFiles(places, "lab", systemClock);
     const names = ["everybody", "only" + number];
     const now = systemClock.wall();
     const seen = new Map(names.map((name) => [name, { tags: [], firstSeen: now, lastSeen: now }]));
     const pins = new Map([[names[1], agentKeyPair(newSeed()).publicKey]]);
     console.log(JSON.stringify([store.notices, store.save({ seen, pins })]));`,
  );
  const numbers = Array.from({ length: 40 }, (_, index) => String(index));
  const runs = await Promise.all(
    numbers.map((number) => {
      const args = [script, join(directory, "state/cb"), discoveryPath, number];
      return promisify(execFile)(process.execPath, args);
    }),
  );
  for (const { stdout } of runs) assert.deepEqual(JSON.parse(stdout), [[], WELL]);
  const store = open();
  const expected = numbers.map((number) => `only${number}`).sort();
  assert.deepEqual([...store.pins.keys()].sort(), expected);
  assert.deepEqual([...(store.discovered?.keys() ?? [])].sort(), ["everybody", ...expected]);
});

test("a station that is killed while it has the lock keeps nobody else out", async () => {
  open().save(learnt({ a1: K1 }));
  const holder = spawn("flock", ["-x", `${discoveryPath}.lock`, "sh", "-c", "echo held; exec sleep 60"], {
    stdio: ["ignore", "pipe", "inherit"],
    detached: true,
  });
  await new Promise((resolve) => holder.stdout.once("data", resolve));
  // flock(1) and what it runs share the lock.
  process.kill(-(holder.pid ?? assert.fail()), "SIGKILL");
  assert.deepEqual(open().save(learnt({ a2: K2 })), WELL);
});
