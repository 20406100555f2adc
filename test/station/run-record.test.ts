import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CbError } from "../../src/core/errors.ts";
import type { CommandName } from "../../src/core/names.ts";
import {
  formatRunRecord,
  keepRecord,
  parseRunRecord,
  type RunRecord,
  toRepeat,
} from "../../src/station/run-record.ts";
import type { Verdict } from "../../src/station/verdict.ts";
import { id, pingRequest, runRequest } from "./scene.ts";

const VERDICTS: readonly Verdict[] = ["ok", "failed", "refused", "not run", "unfinished", "not targeted"];

function kept(request = runRequest()): RunRecord {
  const records: RunRecord[] = [];
  const keep = (record: RunRecord) => {
    records.push(record);
    return ["a sentence"];
  };
  const agents = VERDICTS.map((verdict, index) => ({ identity: id(`web${index}`), verdict, status: 0 }));
  assert.deepEqual(keepRecord(keep, request, { agents }, [{ identity: id("web9") }]), ["a sentence"]);
  return records[0] ?? assert.fail("nothing was kept");
}

test("keepRecord() keeps of a run who was meant and what became of it there, and no parameter", () => {
  const record = kept(runRequest({ parameters: new Map([["target", "s3cret"]]) }));
  assert.equal(record.command, "reload");
  assert.deepEqual(Object.fromEntries(record.agents), {
    web0: "ok",
    web1: "failed",
    web2: "refused",
    web3: "not run",
    web4: "unfinished",
    web9: "missing",
  });
  assert.doesNotMatch(formatRunRecord(record), /s3cret|target/);
});

test("keepRecord() keeps nothing of a ping, nor where nobody keeps anything", () => {
  const keep = () => assert.fail("it was kept");
  assert.deepEqual(keepRecord(keep, pingRequest(), { agents: [] }, []), []);
  assert.deepEqual(keepRecord(undefined, runRequest(), { agents: [] }, []), []);
});

test("toRepeat() names all where it did not go well, or not at all", () => {
  assert.deepEqual([...toRepeat(kept())].sort(), ["web1", "web2", "web3", "web4", "web9"]);
});

test("parseRunRecord() inverts formatRunRecord(), and takes nothing else", () => {
  const record = kept();
  assert.deepEqual(parseRunRecord(formatRunRecord(record), "x.json"), record);
  const text = formatRunRecord({ command: "reload" as CommandName, agents: new Map([[id("web1"), "ok"]]) });
  const damaged = [
    "",
    "[]",
    "null",
    text.slice(0, -3),
    text.replace('"version": 1', '"version": 2'),
    text.replace('"reload"', '"../reload"'),
    text.replace('"reload"', "7"),
    text.replace('"ok"', '"well"'),
    text.replace('"web1"', '"web*"'),
    text.replace(/"agents": \{[^}]*\}/, '"agents": []'),
  ];
  for (const one of damaged)
    assert.throws(
      () => parseRunRecord(one, "x.json"),
      { name: "CbError", code: "file", message: /^Cannot use "x.json": expected/ },
      one,
    );
  fc.assert(
    fc.property(fc.json(), (json) => {
      try {
        parseRunRecord(json, "x.json");
      } catch (error) {
        assert.ok(error instanceof CbError);
      }
    }),
  );
});
