import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { listCommands } from "../../src/agent/command-list.ts";

let first = "";
let second = "";
const signal = new AbortController().signal;
/** The digest of a file is its name here. */
const digests = { digest: async (path: string) => new TextEncoder().encode(path.replace(/^.*\//, "")) };

beforeEach(() => {
  const base = mkdtempSync(join(tmpdir(), "cb-list-"));
  [first, second] = [join(base, "first"), join(base, "second")];
  for (const directory of [first, second]) mkdirSync(directory, 0o755);
});
afterEach(() => rmSync(join(first, ".."), { recursive: true }));

function add(path: string, mode = 0o755, text = "#!/bin/sh\n"): void {
  writeFileSync(path, text);
  chmodSync(path, mode);
}

async function listed(isWanted: (name: string) => boolean = () => true) {
  const commands = await listCommands([first, second], isWanted, digests, signal);
  return commands.map(({ digest, manifest, ...rest }) => {
    const text = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);
    return JSON.parse(JSON.stringify({ ...rest, digest: text(digest), manifest: text(manifest) }));
  });
}

test("listCommands() gives each command once, in order, with what its manifest says", async () => {
  add(join(second, "reload"));
  add(join(first, "reload"));
  add(join(second, "Backup"));
  writeFileSync(join(second, "Backup.toml"), 'description = "Save it all"\n');
  assert.deepEqual(await listed(), [
    { name: "Backup", description: "Save it all", digest: "Backup", manifest: "Backup.toml" },
    { name: "reload", digest: "reload" },
  ]);
});

test("listCommands() says of each that cannot be run why, and never falls back to a weaker directory", async () => {
  for (const name of ["masked", "open", "plain", "broken", "shaky"]) add(join(second, name));
  symlinkSync("/dev/null", join(first, "masked"));
  add(join(first, "open"), 0o777);
  add(join(first, "plain"), 0o644);
  add(join(first, "broken"));
  writeFileSync(join(first, "broken.toml"), "colour = 1\n");
  symlinkSync(join(first, "nowhere"), join(first, "shaky"));
  symlinkSync("/bin/sh", join(first, "leaves"));
  const problems = (await listed()).map(({ name, problem, detail, digest }) => [
    name,
    problem,
    typeof detail,
    digest,
  ]);
  assert.deepEqual(problems, [
    ["broken", "manifest", "string", undefined],
    ["leaves", "outside-run-directory", "string", undefined],
    ["masked", "masked", "string", undefined],
    ["open", "writable-by-others", "string", undefined],
    ["plain", "not-executable", "string", undefined],
    ["shaky", "no-such-command", "string", undefined],
  ]);
});

test("listCommands() leaves out what nobody can mean: directories, hidden files, manifests, no names, Faraday's own", async () => {
  mkdirSync(join(first, "lib"));
  for (const name of [".hidden", "a b", "reload~", "-x"]) add(join(first, name));
  add(join(first, "README.toml"), 0o644, "");
  writeFileSync(join(first, "nmap.toml"), 'official = "nmap"\n');
  add(join(first, "odd.toml"));
  add(join(first, "reload"));
  assert.deepEqual(
    (await listed()).map(({ name }) => name),
    ["odd.toml", "reload"],
  );
  add(join(second, "nmap"));
  const names = (await listed()).map(({ name }) => name);
  assert.ok(!names.includes("nmap"), "a stronger directory has given that name away");
});

test("listCommands() looks at no command that is not wanted", async () => {
  add(join(first, "reload"));
  add(join(first, "secret"));
  assert.deepEqual(
    (await listed((name) => name !== "secret")).map(({ name }) => name),
    ["reload"],
  );
});

test("listCommands() finds none where there is no run-directory, and says where one cannot be read", async () => {
  rmSync(first, { recursive: true });
  assert.deepEqual(await listed(), []);
  writeFileSync(first, "");
  assert.deepEqual(await listed(), []);
  symlinkSync(second, `${second}/loop`);
  rmSync(first);
  symlinkSync(first, first);
  await assert.rejects(listed(), { name: "CbError", code: "file" });
});
