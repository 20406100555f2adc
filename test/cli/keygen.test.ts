import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
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
import { afterEach, before, beforeEach, test } from "node:test";
import {
  loadNetworkPublic,
  loadNetworkSecret,
  loadStationPublics,
  loadStationSecret,
} from "../../src/cli/key-files.ts";
import { cryptoReady } from "../../src/protocol/crypto.ts";
import { keyFromBytes } from "../../src/protocol/key-text.ts";

const MAIN = join(import.meta.dirname, "../../src/cli/main.ts");
const FOUR = ["base-station.key", "base-station.pub", "network.key", "network.pub"];

let directory: string;

before(cryptoReady);

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "cb-keygen-"));
});

afterEach(() => rmSync(directory, { recursive: true }));

test("cb-keygen writes two pairs that fit into the working directory, and says which file goes where", () => {
  const { status, stdout, stderr } = keygen();
  assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
  assert.deepEqual(readdirSync(directory).sort(), FOUR);

  const [network] = loadNetworkSecret(at("network.key"), {});
  assert.deepEqual(loadNetworkPublic(at("network.pub"), {}), network?.publicKey);
  const [station] = loadStationPublics(at("base-station.pub"), {});
  assert.deepEqual(loadStationSecret(at("base-station.key"), {}).publicKey, station?.publicKey);

  const [networkId, stationId] = [idIn("network.pub"), idIn("base-station.pub")];
  assert.equal(
    stdout,
    `Wrote network.key: network secret key ${networkId}, for every agent\n` +
      `Wrote network.pub: network public key ${networkId}, for every base station\n` +
      `Wrote base-station.key: base station secret key ${stationId}, for this base station alone\n` +
      `Wrote base-station.pub: base station public key ${stationId}, for every agent\n`,
  );
});

test("cb-keygen makes different keys each time", () => {
  assert.equal(keygen("--directory", "a").status, 0);
  assert.equal(keygen("--directory", "b").status, 0);
  const keys = FOUR.flatMap((name) => [keyIn(`a/${name}`), keyIn(`b/${name}`)]);
  assert.equal(new Set(keys).size, 8);
});

test("cb-keygen --directory makes it with mode 0700, and files with their modes whatever the umask", () => {
  for (const umask of ["000", "077", "777"]) {
    const folder = `umask-${umask}/keys`;
    if (umask === "777") mkdirSync(at(folder), { recursive: true });
    const shell = `umask ${umask}; exec "$0" "$@"`;
    const { status } = spawnSync(
      "sh",
      ["-c", shell, process.execPath, MAIN, "keygen", "--directory", folder],
      {
        cwd: directory,
      },
    );
    assert.equal(status, 0);
    if (umask !== "777") assert.equal(mode(folder), 0o700);
    for (const name of FOUR) assert.equal(mode(`${folder}/${name}`), name.endsWith("key") ? 0o600 : 0o644);
  }
});

for (const name of FOUR) {
  test(`cb-keygen writes nothing where ${name} exists, and names it`, () => {
    writeFileSync(at(name), "mine");
    const { status, stdout, stderr } = keygen();
    assert.deepEqual({ status, stdout }, { status: 1, stdout: "" });
    assert.match(stderr, new RegExp(`^cb: error: Cannot create "${name}": file already exists\n`));
    assert.deepEqual(readdirSync(directory), [name]);
    assert.equal(readFileSync(at(name), "utf8"), "mine");
  });
}

test("cb-keygen names every file that exists, a dangling link too", () => {
  writeFileSync(at("network.pub"), "");
  symlinkSync("nowhere", at("base-station.key"));
  assert.match(keygen().stderr, /Cannot create "network.pub", "base-station.key": file already exists\n/);
  assert.deepEqual(readdirSync(directory).sort(), ["base-station.key", "network.pub"]);
});

test("cb-keygen removes what it wrote when a later file fails", () => {
  const { status, stderr } = keygen("network", "-K", "good.key", "-k", "none/network.pub");
  assert.equal(status, 1);
  assert.match(stderr, /^cb: error: Cannot create "none\/network.pub": no such file or directory\n/);
  assert.deepEqual(readdirSync(directory), []);
});

test("cb-keygen says that it may not write", () => {
  mkdirSync(at("keys"), { mode: 0o555 });
  const { status, stderr } = asNobody("--directory", "keys");
  assert.deepEqual(
    { status, stderr },
    { status: 1, stderr: 'cb: error: Cannot create "keys/network.key": permission denied\n' },
  );
});

test("cb-keygen --errors-only says nothing", () => {
  const { status, stdout, stderr } = keygen("--errors-only");
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: "", stderr: "" });
});

test("cb-keygen network writes one pair, to the files named", () => {
  const { status, stdout } = keygen("network", "-k", "a.pub", "-K", "b.key");
  assert.equal(status, 0);
  assert.match(stdout, /^Wrote b\.key: network secret key .*\nWrote a\.pub: network public key .*\n$/);
  assert.deepEqual(readdirSync(directory).sort(), ["a.pub", "b.key"]);
  assert.deepEqual([mode("a.pub"), mode("b.key")], [0o644, 0o600]);
  assert.deepEqual(loadNetworkPublic(at("a.pub"), {}), loadNetworkSecret(at("b.key"), {})[0]?.publicKey);
});

test("cb-keygen base-station writes one pair, under our names where none is given", () => {
  assert.equal(keygen("base-station", "-k", "ops.pub", "--directory", "keys").status, 0);
  assert.deepEqual(
    [...readdirSync(directory), ...readdirSync(at("keys"))],
    ["keys", "ops.pub", "base-station.key"],
  );
  const [station] = loadStationPublics(at("ops.pub"), {});
  assert.deepEqual(loadStationSecret(at("keys/base-station.key"), {}).publicKey, station?.publicKey);
});

test("cb-keygen refuses one file for both keys", () => {
  const { status, stderr } = keygen("network", "-k", "same", "-K", "./same");
  assert.equal(status, 1);
  assert.match(stderr, /^cb: error: Cannot write two keys to "same"\n$/);
  assert.deepEqual(readdirSync(directory), []);
});

test("cb-keygen base-station --name --commands go into the line of the public key", () => {
  assert.equal(keygen("base-station", "--name", "ops", "--commands", "reload,restart-*").status, 0);
  const [station] = loadStationPublics(at("base-station.pub"), {});
  assert.equal(station?.name, "ops");
  assert.deepEqual(station?.commands, ["reload", "restart-*"]);
  const { status, stderr } = keygen("base-station", "--directory", "b", "--commands", "../x");
  assert.equal(status, 1);
  assert.match(stderr, /Cannot use --commands "\.\.\/x"/);
  assert.ok(!existsSync(at("b")));
});

test("cb-keygen show prints kind, id and public part of every key, and no secret", () => {
  keygen();
  for (const pair of ["network", "base-station"]) {
    const noun = pair.replace("-", " ");
    const shown = `id:     ${idIn(`${pair}.pub`)}\npublic: ${keyIn(`${pair}.pub`)}\n`;
    assert.equal(keygen("show", `${pair}.key`).stdout, `kind:   ${noun} secret key\n${shown}`);
    assert.equal(keygen("show", `${pair}.pub`).stdout, `kind:   ${noun} public key\n${shown}`);
  }
  keygen("network", "-k", "n.pub", "-K", "n.key");
  writeFileSync(at("both"), readFileSync(at("network.key"), "utf8") + readFileSync(at("n.key"), "utf8"), {
    mode: 0o600,
  });
  const { stdout, stderr } = keygen("show", "both");
  assert.equal(stderr, "");
  const [first, second, ...more] = stdout.split("\n\n");
  assert.match(first ?? "", new RegExp(`public: ${keyIn("network.pub")}$`));
  assert.match(second ?? "", new RegExp(`public: ${keyIn("n.pub")}\n$`));
  assert.deepEqual(more, []);
});

test("cb-keygen show warns of a secret that others can read, and shows it all the same", () => {
  keygen();
  chmodSync(at("network.key"), 0o644);
  const { status, stdout, stderr } = keygen("show", "network.key");
  assert.equal(status, 0);
  assert.match(stdout, /^kind: {3}network secret key\n/);
  assert.match(
    stderr,
    /^cb: warning: "network.key": others can read it \(mode 0644\), run: chmod 600 network.key\n$/,
  );
});

test("cb-keygen show refuses a damaged file, and never echoes it", () => {
  keygen();
  const key = keyIn("network.key");
  writeFileSync(at("network.key"), `${key.slice(0, -1)}\n`);
  const { status, stdout, stderr } = keygen("show", "network.key");
  assert.deepEqual(
    { status, stdout, stderr },
    {
      status: 1,
      stdout: "",
      stderr:
        'cb: error: Cannot use "network.key": line 1 is damaged: the checksum of the key does not match\n',
    },
  );
});

test("cb-keygen import writes the keys of the original under our four names", () => {
  const { stationPublic, networkPublic } = originals();
  const { status, stdout, stderr } = keygen("import", "--directory", "new", ...originalNames());
  assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
  assert.equal(stdout.split("\n").length, 5);
  assert.deepEqual(readdirSync(at("new")).sort(), FOUR);
  for (const name of FOUR) assert.equal(mode(`new/${name}`), name.endsWith("key") ? 0o600 : 0o644);
  assert.deepEqual(loadNetworkSecret(at("new/network.key"), {})[0]?.secretKey, new Uint8Array(32).fill(2));
  assert.deepEqual(loadNetworkPublic(at("new/network.pub"), {}), networkPublic);
  assert.deepEqual(
    loadStationSecret(at("new/base-station.key"), {}).secretKey.subarray(0, 32),
    new Uint8Array(32).fill(1),
  );
  assert.deepEqual(loadStationPublics(at("new/base-station.pub"), {})[0]?.publicKey, stationPublic);
  assert.equal(keygen("import", "--directory", "new", ...originalNames()).status, 1);
});

test("cb-keygen import takes some of the files, and writes no others", () => {
  originals();
  assert.equal(keygen("import", "old/cbradio-network.key", "old/cbradio-base-station.pub").status, 0);
  assert.deepEqual(readdirSync(directory).sort(), ["base-station.pub", "network.key", "old"]);
});

test("cb-keygen import takes one file of another name with its kind", () => {
  originals();
  writeFileSync(at("n"), `${readFileSync(at("old/cbradio-network.key"), "utf8")}\n`, { mode: 0o600 });
  const unknown = keygen("import", "n");
  assert.equal(unknown.status, 1);
  assert.match(
    unknown.stderr,
    /^cb: error: Cannot import "n": its name does not tell its kind\ncb: hint: Give its --kind, /,
  );
  assert.equal(keygen("import", "--kind", "network-secret", "n").status, 0);
  assert.deepEqual(loadNetworkSecret(at("network.key"), {})[0]?.secretKey, new Uint8Array(32).fill(2));
  const two = keygen("import", "--kind", "network-secret", "--directory", "x", ...originalNames());
  assert.equal(two.status, 1);
  assert.match(two.stderr, /Cannot use kind "network-secret" for 4 files: expected one file/);
});

test("cb-keygen import refuses halves of different pairs, and writes nothing", () => {
  originals();
  for (const pair of ["network", "base-station"]) {
    writeFileSync(at(`old/cbradio-${pair}.pub`), base64(new Uint8Array(32).fill(77)));
    const files = [`old/cbradio-${pair}.pub`, `old/cbradio-${pair}.key`];
    const { status, stderr } = keygen("import", ...files);
    assert.equal(status, 1);
    assert.equal(
      stderr,
      `cb: error: Cannot import "${files[0]}" and "${files[1]}": they do not hold the two halves of one key pair\n`,
    );
  }
  assert.deepEqual(readdirSync(directory), ["old"]);
});

test("cb-keygen import refuses two files of one kind", () => {
  originals();
  const { status, stderr } = keygen("import", "old/cbradio-network.key", "./old/cbradio-network.key");
  assert.equal(status, 1);
  assert.match(stderr, /each holds a network secret key, expected one\n$/);
});

test("cb-keygen import says that others could read a secret", () => {
  originals();
  chmodSync(at("old/cbradio-network.key"), 0o644);
  const { status, stderr } = keygen("import", ...originalNames());
  assert.equal(status, 0);
  assert.match(
    stderr,
    /^cb: warning: "old\/cbradio-network.key": others can read it \(mode 0644\), .*make new keys\n$/,
  );
  assert.equal(mode("network.key"), 0o600);
});

test("cb-keygen import refuses what is no key of the original, and never echoes it", () => {
  keygen();
  mkdirSync(at("old"));
  const secret = keyIn("network.key");
  for (const text of ["", secret, base64(new Uint8Array(31).fill(1)), base64(new Uint8Array(33).fill(1))]) {
    writeFileSync(at("old/cbradio-network.key"), text, { mode: 0o600 });
    const { status, stderr } = keygen("import", "--directory", "x", "old/cbradio-network.key");
    assert.equal(status, 1);
    assert.equal(
      stderr,
      'cb: error: Cannot import "old/cbradio-network.key": expected a key of cbradio 0.1, which is 32 bytes in base64\n',
    );
  }
  assert.ok(!existsSync(at("x")));
});

function keygen(...args: readonly string[]) {
  return spawnSync(process.execPath, [MAIN, "keygen", ...args], { cwd: directory, encoding: "utf8" });
}

/** Runs it as a user for whom modes count: for root they do not. */
function asNobody(...args: readonly string[]) {
  if (process.getuid?.() !== 0) return keygen(...args);
  chmodSync(directory, 0o755);
  const user = ["--reuid=65534", "--regid=65534", "--clear-groups", "--"];
  return spawnSync("setpriv", [...user, process.execPath, MAIN, "keygen", ...args], {
    cwd: directory,
    encoding: "utf8",
  });
}

/** Files as cbradio writes them: base64 without a newline. */
function originals() {
  const networkPublic = keyFromBytes("network-secret", new Uint8Array(32).fill(2)).publicKey;
  const stationPublic = keyFromBytes("base-station-secret", new Uint8Array(32).fill(1)).publicKey;
  mkdirSync(at("old"));
  const put = (name: string, bytes: Uint8Array, permissions: number) =>
    writeFileSync(at(`old/cbradio-${name}`), base64(bytes), { mode: permissions });
  put("base-station.key", new Uint8Array(32).fill(1), 0o600);
  put("base-station.pub", stationPublic, 0o644);
  put("network.key", new Uint8Array(32).fill(2), 0o600);
  put("network.pub", networkPublic, 0o644);
  return { networkPublic, stationPublic };
}

function originalNames(): readonly string[] {
  return FOUR.map((name) => `old/cbradio-${name}`);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

function at(name: string): string {
  return join(directory, name);
}

function mode(name: string): number {
  return statSync(at(name)).mode & 0o7777;
}

function keyIn(name: string): string {
  return readFileSync(at(name), "utf8").trimEnd().split("\n").at(-1) ?? "";
}

function idIn(name: string): string {
  return /^# id: ([0-9a-f]{16})$/m.exec(readFileSync(at(name), "utf8"))?.[1] ?? "";
}
