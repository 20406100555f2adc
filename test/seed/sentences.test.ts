import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../../build/paths.ts";
import { SEEDS, TABLE_FILE, testsBySentence, withTables } from "./table.ts";

const read = (path: string) => readFileSync(join(ROOT, path), "utf8").replaceAll(/\s+/g, " ");

test("every sentence has a test or is coming, and every number that a test carries is a sentence", () => {
  const tests = testsBySentence();
  const numbers = SEEDS.flatMap(({ sentences }) => Object.keys(sentences));
  const coming = SEEDS.flatMap((seed) => Object.keys(seed.coming));
  assert.deepEqual(
    numbers.filter((number) => tests.has(number) === coming.includes(number)),
    [],
  );
  assert.deepEqual(
    [...tests.keys(), ...coming].filter((number) => !numbers.includes(number)),
    [],
  );
});

test("test/README.md has the tables as they are (npm run sentences)", () => {
  const text = readFileSync(TABLE_FILE, "utf8");
  assert.equal(text, withTables(text));
});

test("PROTOCOL.md and README state the limitations and the warning [S22] [S23] [S24]", () => {
  const protocol = read("src/protocol/PROTOCOL.md");
  assert.match(protocol, /Requests have no forward secrecy/);
  assert.match(protocol, /total sizes within 12 % are visible/);
  for (const text of [protocol, read("README.md")])
    assert.match(text, /not (?:been )?audited by a professional/);
});

test("PROTOCOL.md defines the parties and their key pairs [S1] [S10] [S14] [S15]", () => {
  const protocol = read("src/protocol/PROTOCOL.md");
  assert.match(protocol, /There is no handshake at run time/);
  assert.match(
    protocol,
    /network key pair\*\* \(public half at the station, secret half shared by all agents\)/,
  );
  assert.match(
    protocol,
    /base station key pair\*\* \(secret half at the station, public half at every agent\)/,
  );
});
