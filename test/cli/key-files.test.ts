import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, before, beforeEach, test } from "node:test";
import {
  type FileKeyKind,
  KEY_FILES,
  loadNetworkPublic,
  loadNetworkSecret,
  loadStationPublics,
  loadStationSecret,
} from "../../src/cli/key-files.ts";
import { CbError } from "../../src/core/errors.ts";
import type { Environment } from "../../src/core/settings.ts";
import { cryptoReady } from "../../src/protocol/crypto.ts";
import type { KeyOf } from "../../src/protocol/key-forms.ts";
import { formatKeyFile, keyFromBytes } from "../../src/protocol/key-text.ts";

const LOAD: {
  readonly [Kind in FileKeyKind]: (path: string | undefined, environment: Environment) => unknown;
} = {
  "network-secret": loadNetworkSecret,
  "network-public": loadNetworkPublic,
  "base-station-secret": loadStationSecret,
  "base-station-public": loadStationPublics,
};
const KINDS = Object.keys(LOAD) as FileKeyKind[];

let home: string;
let environment: Environment;

before(cryptoReady);

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "cb-key-files-"));
  environment = { HOME: home };
});

afterEach(() => rmSync(home, { recursive: true }));

for (const kind of KINDS) {
  const { name, mode } = KEY_FILES[kind];

  test(`${LOAD[kind].name}() reads the file that is named`, () => {
    const path = put("elsewhere/some.file", mode, keyFile(kind, 1));
    assert.deepEqual(LOAD[kind](path, environment), expected(kind, 1));
  });

  test(`${LOAD[kind].name}() looks for credentials, then in the user's configuration`, () => {
    put(`.config/cb/${name}`, mode, keyFile(kind, 3));
    assert.deepEqual(LOAD[kind](undefined, environment), expected(kind, 3));

    put(`xdg/cb/${name}`, mode, keyFile(kind, 2));
    const xdg = { ...environment, XDG_CONFIG_HOME: join(home, "xdg") };
    assert.deepEqual(LOAD[kind](undefined, xdg), expected(kind, 2));

    put(`credentials/${name}`, 0o444, keyFile(kind, 1));
    const systemd = { ...xdg, CREDENTIALS_DIRECTORY: join(home, "credentials") };
    assert.deepEqual(LOAD[kind](undefined, systemd), expected(kind, 1));
  });

  test(`${LOAD[kind].name}() names every place where it looked, and the command that makes the key`, () => {
    const everywhere = { ...environment, CREDENTIALS_DIRECTORY: join(home, "credentials") };
    const places = [`${home}/credentials/${name}`, `${home}/.config/cb/${name}`, `/etc/cb/${name}`];
    const error = refusal(() => LOAD[kind](undefined, everywhere));
    assert.equal(
      error.message,
      `Cannot find the ${kind.replaceAll("-", " ")} key: looked for ${places.map((place) => `"${place}"`).join(", ")}`,
    );
    assert.match(error.hint ?? "", /cb-keygen/);
    assert.match(error.hint ?? "", new RegExp(`--${KEY_FILES[kind].option}$`));
  });

  test(`${LOAD[kind].name}() refuses every other kind, and names the file`, () => {
    for (const other of KINDS.filter((one) => one !== kind)) {
      const path = put(`wrong/${other}`, 0o600, keyFile(other, 1));
      const [holds, wants] = [other, kind].map((one) => `a ${one.replaceAll("-", " ")} key`);
      assert.equal(
        refusal(() => LOAD[kind](path, environment)).message,
        `Cannot use "${path}": it holds ${holds}, expected ${wants}`,
      );
    }
  });

  test(`${LOAD[kind].name}() does not look on behind a file that is damaged`, () => {
    put(`.config/cb/${name}`, mode, keyFile(kind, 1));
    const path = put(`credentials/${name}`, mode, keyFile(kind, 1).replace(/.\n$/, "\n"));
    const both = { ...environment, CREDENTIALS_DIRECTORY: join(home, "credentials") };
    assert.match(
      refusal(() => LOAD[kind](undefined, both)).message,
      new RegExp(`^Cannot use "${path}": line \\d+ is damaged`),
    );
  });

  test(`${LOAD[kind].name}() refuses a missing file that is named, a directory, and one that is too long`, () => {
    const missing = refusal(() => LOAD[kind](join(home, "none"), environment));
    assert.equal(missing.message, `Cannot read "${home}/none": no such file or directory`);
    assert.match(missing.hint ?? "", /cb-keygen/);
    assert.equal(
      refusal(() => LOAD[kind](home, environment)).message,
      `Cannot read "${home}": it is a directory`,
    );
    const long = put("long", mode, keyFile(kind, 1) + "#".repeat(65_536));
    assert.match(refusal(() => LOAD[kind](long, environment)).message, /longer than 65536 bytes$/);
  });
}

for (const kind of ["network-secret", "base-station-secret"] as const) {
  test(`${LOAD[kind].name}() refuses a file that others can read, with the chmod that mends it`, () => {
    const path = put("loose.key", 0o640, keyFile(kind, 1));
    assert.equal(
      refusal(() => LOAD[kind](path, environment)).message,
      `Cannot use "${path}": others can read it (mode 0640), run: chmod 600 ${path}`,
    );
    chmodSync(path, 0o600);
    assert.deepEqual(LOAD[kind](path, environment), expected(kind, 1));
  });
}

test("loadNetworkSecret() and loadStationPublics() read several keys", () => {
  const secrets = put("network.key", 0o600, keyFile("network-secret", 1) + keyFile("network-secret", 2));
  assert.equal(loadNetworkSecret(secrets, environment).length, 2);
  const stations = put(
    "base-station.pub",
    0o644,
    keyFile("base-station-public", 1) + keyFile("base-station-public", 2),
  );
  assert.equal(loadStationPublics(stations, environment).length, 2);
});

test("loadNetworkPublic() takes the first of several keys", () => {
  const path = put("network.pub", 0o644, keyFile("network-public", 2) + keyFile("network-public", 1));
  assert.deepEqual(loadNetworkPublic(path, environment), expected("network-public", 2));
});

test("loadStationSecret() refuses several keys", () => {
  const path = put(
    "base-station.key",
    0o600,
    keyFile("base-station-secret", 1) + keyFile("base-station-secret", 2),
  );
  assert.equal(
    refusal(() => loadStationSecret(path, environment)).message,
    `Cannot use "${path}": it holds 2 keys, expected one`,
  );
});

test("loadNetworkPublic() does not look on behind a file that it may not read", () => {
  const first = put("credentials/network.pub", 0o600, keyFile("network-public", 1));
  put(".config/cb/network.pub", 0o644, keyFile("network-public", 1));
  const script = put(
    "script.mjs",
    0o644,
    `import { loadNetworkPublic } from "${join(import.meta.dirname, "../../src/cli/key-files.ts")}";
     try { loadNetworkPublic(undefined, process.env); } catch (error) { console.log(error.message); }`,
  );
  const variables = { HOME: home, CREDENTIALS_DIRECTORY: join(home, "credentials") };
  const { stdout } = asNobody([process.execPath, script], variables);
  assert.equal(stdout, `Cannot read "${first}": permission denied\n`);
});

/** Runs a program for which modes count: as root they do not. */
function asNobody(command: readonly string[], variables: Environment) {
  const user = ["--reuid=65534", "--regid=65534", "--clear-groups"];
  const words = process.getuid?.() === 0 ? ["setpriv", ...user, "--", ...command] : [...command];
  if (process.getuid?.() !== 0) chmodSync(join(home, "credentials/network.pub"), 0o000);
  chmodSync(home, 0o755);
  return spawnSync(words[0] ?? "", words.slice(1), { env: { ...variables }, encoding: "utf8" });
}

function put(name: string, mode: number, text: string): string {
  const path = join(home, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

function keyFile(kind: FileKeyKind, fill: number): string {
  return (function text<Kind extends FileKeyKind>(one: Kind) {
    const key: KeyOf[Kind] = keyFromBytes(one, new Uint8Array(32).fill(fill)).key;
    return formatKeyFile(one, key, 0);
  })(kind);
}

function expected(kind: FileKeyKind, fill: number): unknown {
  const { key } = keyFromBytes(kind, new Uint8Array(32).fill(fill));
  return kind === "network-secret" || kind === "base-station-public" ? [key] : key;
}

function refusal(action: () => unknown): CbError {
  let error: unknown;
  assert.throws(action, (thrown) => {
    error = thrown;
    return true;
  });
  assert.ok(error instanceof CbError);
  assert.equal(error.code, "key");
  return error;
}
