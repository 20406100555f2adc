import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Identity, Tag } from "../../src/core/names.ts";
import { decodeCbor, encodeCbor } from "../../src/protocol/cbor.ts";
import { Fields } from "../../src/protocol/fields.ts";
import {
  isTargetKnown,
  matchesTarget,
  readTarget,
  type Target,
  targetMap,
} from "../../src/protocol/target.ts";
import { readVector, unhex } from "../support/vectors.ts";
import { targets } from "./arbitraries.ts";

const WEB1 = { identity: "web1" as Identity, tags: ["eu", "web"] as readonly string[] as readonly Tag[] };

test("matchesTarget() and readTarget() hold for every row of the vector target", () => {
  const rows = readVector("target.txt").all("target");
  assert.ok(rows.length > 20);
  for (const row of rows) {
    const [word, hex = ""] = row.split(" ");
    const fields = new Fields(decodeCbor(unhex(hex)));
    assert.ok(isTargetKnown(fields), row);
    assert.equal(matchesTarget(readTarget(fields), WEB1), word === "meant", row);
  }
});

test("matchesTarget() takes everybody without a target", () => {
  assert.ok(matchesTarget(undefined, { identity: WEB1.identity, tags: [] }));
});

test("matchesTarget() wants all that a target says, each part for itself", () => {
  const names = fc.constantFrom("web1", "web2", "db1", "a");
  const agents = fc.record({ identity: names, tags: fc.uniqueArray(fc.constantFrom("eu", "us", "web")) });
  const lists = <Item extends string>(...items: Item[]) =>
    fc.option(fc.uniqueArray(fc.constantFrom(...items), { minLength: 1 }), { nil: undefined });
  const target = fc.record({
    tags: lists("eu", "us", "web"),
    excludedTags: lists("eu", "us", "web"),
    identities: lists("web1", "web?", "*1", "a"),
    excludedIdentities: lists("web1", "d*", "b"),
  });
  fc.assert(
    fc.property(agents, target, (agent, parts) => {
      const whole = matchesTarget(parts as Target, agent as never);
      const each = Object.entries(parts).map(([key, list]) =>
        matchesTarget({ [key]: list } as Target, agent as never),
      );
      assert.equal(whole, each.every(Boolean));
    }),
  );
});

test("readTarget() inverts targetMap(), and readTarget() takes no target that says nothing", () => {
  fc.assert(
    fc.property(targets(), (target) => {
      const fields = new Fields(decodeCbor(encodeCbor(targetMap(target))));
      assert.ok(isTargetKnown(fields));
      assert.deepEqual(readTarget(fields), { ...target });
    }),
  );
  assert.throws(() => readTarget(new Fields(new Map())), { code: "message-malformed" });
});

test("targetMap() writes a target of tags as it was before there was anything else", () => {
  const map = targetMap({ tags: ["web" as Tag], identities: undefined });
  assert.deepEqual([...map.keys()], ["tags"]);
});
