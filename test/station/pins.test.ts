import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Channel, Identity } from "../../src/core/names.ts";
import { cryptoReady } from "../../src/protocol/crypto.ts";
import { keyFromBytes, publicLine } from "../../src/protocol/key-text.ts";
import { type AgentPublicKey, agentKeyPair, newSeed } from "../../src/protocol/keys.ts";
import {
  EMPTY_PINS,
  formatPins,
  type PinFile,
  parsePins,
  pinsOn,
  withoutPins,
  withPins,
} from "../../src/station/pins.ts";
import { id } from "./scene.ts";

await cryptoReady();

const LAB = "lab" as Channel;
const KEYS: readonly AgentPublicKey[] = Array.from({ length: 4 }, () => agentKeyPair(newSeed()).publicKey);
const [K1, K2, K3] = KEYS as [AgentPublicKey, AgentPublicKey, AgentPublicKey];

function textOf(key: AgentPublicKey): string {
  return publicLine(keyFromBytes("agent-public", key));
}

function pins(...entries: readonly (readonly [string, AgentPublicKey])[]) {
  return new Map(entries.map(([identity, key]) => [id(identity), key]));
}

test("withPins() writes a line an agent, which parsePins() reads", () => {
  const { file, refused } = withPins(EMPTY_PINS, LAB, pins(["a1", K1], ["a2", K2]));
  assert.deepEqual(refused, []);
  const text = formatPins(file);
  assert.match(text, /^# .+\nlab a1 cb-agent-public1\w+\nlab a2 cb-agent-public1\w+\n$/);
  assert.deepEqual(pinsOn(LAB, parsePins(text, "/p")), pins(["a1", K1], ["a2", K2]));
  assert.deepEqual(pinsOn("other" as Channel, file), new Map());
});

test("parsePins() keeps comments, blank lines and layout as they are", () => {
  const text = `# mine\n\n  lab   a1\t${textOf(K1)}  \n# lab a2\n`;
  const file = parsePins(text, "/p");
  assert.deepEqual(pinsOn(LAB, file), pins(["a1", K1]));
  const more = formatPins(withPins(file, LAB, pins(["a2", K2])).file);
  assert.equal(more, `${text}lab a2 ${textOf(K2)}\n`);
  assert.equal(formatPins(withoutPins(parsePins(more, "/p"), LAB, [id("a2")])), text);
  assert.deepEqual(pinsOn(LAB, parsePins("", "/p")), new Map());
});

test("parsePins() names the line that is damaged, and shows nothing of it", () => {
  const good = `lab a1 ${textOf(K1)}`;
  const flipped = textOf(K2).replace(/.$/, (last) => (last === "q" ? "p" : "q"));
  const secret = textOf(K2).replace("public", "secret");
  const rows = [
    [`${good}\nlab a2\n`, "line 2 is not CHANNEL IDENTITY KEY"],
    [`${good}\nlab\n`, "line 2 is not CHANNEL IDENTITY KEY"],
    [`#\n\nlab a2 ${textOf(K2)} x`, "line 3 is not CHANNEL IDENTITY KEY"],
    [`the/lab a2 ${textOf(K2)}`, "line 1 is not CHANNEL IDENTITY KEY"],
    [`lab a:2 ${textOf(K2)}`, "line 1 is not CHANNEL IDENTITY KEY"],
    [`${good}\nlab a2 ${flipped}`, "the key in line 2 is damaged"],
    [`lab a2 ${textOf(K2).slice(0, -9)}`, "the key in line 1 is damaged"],
    [`lab a2 ${secret}`, "the key in line 1 is damaged"],
    ["lab a2 #", "the key in line 1 is damaged"],
    [`${good}\nlab a2 ${textOf(K2)}\nlab a1 ${textOf(K3)}`, "lines 1 and 3 are of the same agent"],
    [`${good}\n${good}`, "lines 1 and 2 are of the same agent"],
    [`${good}\nlab a2 ${textOf(K1)}`, "lines 1 and 2 are of the same key"],
    ["\u0000\u0001", "line 1 is not CHANNEL IDENTITY KEY"],
  ] as const;
  for (const [text, why] of rows) {
    assert.throws(() => parsePins(text, "/p"), { code: "key", message: `Cannot use "/p": ${why}` }, why);
  }
  // Channels are fleets apart.
  assert.equal(pinsOn("other" as Channel, parsePins(`${good}\nother a1 ${textOf(K1)}`, "/p")).size, 1);
});

test("withPins() never changes a pin, nor gives a key to a second agent, and says whom it refused", () => {
  const { file } = withPins(EMPTY_PINS, LAB, pins(["a1", K1]));
  const same = withPins(file, LAB, pins(["a1", K1]));
  assert.deepEqual([same.refused, formatPins(same.file)], [[], formatPins(file)]);
  const others = withPins(file, LAB, pins(["a1", K2], ["a2", K1], ["a3", K3]));
  assert.deepEqual(others.refused, ["a1", "a2"]);
  assert.deepEqual(pinsOn(LAB, others.file), pins(["a1", K1], ["a3", K3]));
  // Nor two agents that come together.
  const twins = withPins(EMPTY_PINS, LAB, pins(["a1", K1], ["a2", K1]));
  assert.deepEqual([twins.refused, [...pinsOn(LAB, twins.file).keys()]], [["a2"], ["a1"]]);
});

test("withPins() keeps every pin that is there, whatever comes, and what it writes is sound", () => {
  const fresh = fc
    .array(fc.tuple(fc.constantFrom("a1", "a2", "a3", "constructor").map(id), fc.constantFrom(...KEYS)))
    .map((entries) => new Map<Identity, AgentPublicKey>(entries));
  fc.assert(
    fc.property(fc.array(fresh, { maxLength: 4 }), (sessions) => {
      let file: PinFile = EMPTY_PINS;
      for (const session of sessions) {
        const before = pinsOn(LAB, file);
        const { file: next, refused } = withPins(file, LAB, session);
        const after = pinsOn(LAB, parsePins(formatPins(next), "/p"));
        for (const [identity, key] of before) assert.deepEqual(after.get(identity), key);
        for (const [identity, key] of session) {
          assert.equal(
            Buffer.compare(after.get(identity) ?? Buffer.of(), key) === 0,
            !refused.includes(identity),
          );
        }
        assert.deepEqual(withPins(next, LAB, after).file, next);
        file = next;
      }
    }),
  );
});

test("withoutPins() takes away those named, on this channel alone", () => {
  const one = withPins(EMPTY_PINS, LAB, pins(["a1", K1], ["a2", K2])).file;
  const both = withPins(one, "other" as Channel, pins(["a1", K1])).file;
  const left = withoutPins(both, LAB, [id("a1"), id("a9")]);
  assert.deepEqual([...pinsOn(LAB, left).keys()], ["a2"]);
  assert.equal(pinsOn("other" as Channel, left).size, 1);
});
