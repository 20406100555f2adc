import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import sodium from "libsodium-wrappers";
import { boxKey } from "../vectors/generator/curves.ts";
import { vectorFiles } from "../vectors/generator/files.ts";
import { boxPair } from "../vectors/generator/wire.ts";

const FOLDER = join(import.meta.dirname, "../vectors");
const paths = readdirSync(FOLDER, { recursive: true, encoding: "utf8" });

test("the generator of the vectors gives the files that are checked in, byte for byte", async () => {
  const files = await vectorFiles();
  const checkedIn = paths.filter((path) => path.endsWith(".txt"));
  assert.deepEqual(checkedIn.sort(), [...files.keys()].sort());
  for (const [path, text] of files) assert.ok(readFileSync(join(FOLDER, path), "utf8") === text, path);
});

test("the generator of the vectors imports nothing of src/", () => {
  const sources = paths.filter((path) => path.endsWith(".ts"));
  assert.ok(sources.includes("generate.ts") && sources.length > 10);
  for (const path of sources) {
    const imports = readFileSync(join(FOLDER, path), "utf8").matchAll(
      /(?:from|import|require)\s*\(?\s*"([^"]+)"/g,
    );
    for (const [, name = ""] of imports) {
      const own = name === "./generator/files.ts" || /^\.\/[a-z-]+\.ts$/.test(name);
      assert.ok(own || name === "libsodium-wrappers" || name.startsWith("node:"), `${path} imports ${name}`);
    }
  }
});

test("boxKey() of the generator makes what crypto_box makes of a shared secret", async () => {
  await sodium.ready;
  const [one, other] = [boxPair("one"), boxPair("other")];
  assert.deepEqual(
    boxKey(sodium.crypto_scalarmult(one.secretKey, other.publicKey)),
    sodium.crypto_box_beforenm(other.publicKey, one.secretKey),
  );
});
