/** No key may be in anything that is handed out. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { BUNDLE, EXECUTABLE, ROOT } from "../../build/paths.ts";
import { keyMaterial } from "../support/key-material.ts";

test("bundle, executable and packaging/ hold no key", () => {
  const packaging = readdirSync(join(ROOT, "packaging"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  for (const path of [BUNDLE, EXECUTABLE, ...packaging]) {
    assert.equal(keyMaterial(readFileSync(path)), undefined, path);
  }
});

test("keyMaterial() finds every key that cb-keygen writes, and private keys in PEM", () => {
  const directory = mkdtempSync(join(tmpdir(), "cb-keys-"));
  try {
    execFileSync(EXECUTABLE, ["keygen", "--directory", directory]);
    const files = readdirSync(directory);
    assert.equal(files.length, 4);
    const around = Buffer.alloc(3, 0xff);
    for (const file of files) {
      const bytes = readFileSync(join(directory, file));
      assert.match(keyMaterial(Buffer.concat([around, bytes, around])) ?? "", /^cb-/i, file);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
  const { privateKey } = generateKeyPairSync("ed25519");
  const pem = privateKey.export({ type: "pkcs8", format: "pem" });
  assert.match(keyMaterial(Buffer.from(`x${pem}`)) ?? "", /^-----BEGIN PRIVATE KEY/);
});
