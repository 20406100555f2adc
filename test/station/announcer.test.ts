import assert from "node:assert/strict";
import { test } from "node:test";
import type { Request } from "../../src/protocol/request.ts";
import { Announcer } from "../../src/station/announcer.ts";
import { FAULTS } from "../../src/station/reply-reader.ts";
import { hello, id, listRequest, NOW, runRequest } from "./scene.ts";

/** What an announcer says while it is asked to. */
async function said(
  isErrorsOnly: boolean,
  ask: (announcer: Announcer) => Promise<void>,
  isTerminal = false,
): Promise<string> {
  const written: Uint8Array[] = [];
  const write = async (bytes: Uint8Array) => void written.push(bytes);
  await ask(new Announcer({ write, isTerminal, hasColors: false }, isErrorsOnly, () => 80));
  return Buffer.concat(written).toString();
}

test("Announcer.newcomer() names a new agent, unless errors alone are wanted", async () => {
  const newcomer = (announcer: Announcer) => announcer.newcomer(hello("web3"));
  assert.match(await said(false, newcomer), /^cb: new agent web3 \(eu,web\), key [0-9a-f]{16}\n$/);
  assert.equal(await said(true, newcomer), "");
});

test("Announcer.fault() names who is not who he says, and nothing that is not about that", async () => {
  for (const isErrorsOnly of [false, true]) {
    for (const fault of FAULTS) {
      const record = { fault, identity: id("web1"), detail: "why", times: 1, missing: 0 };
      const text = await said(isErrorsOnly, (announcer) => announcer.fault(record));
      if (fault === "pin-mismatch")
        assert.equal(text, "cb: web1 answers with another key than the one pinned: why\n");
      else if (fault === "conflict") assert.equal(text, "cb: identity conflict: why\n");
      else assert.equal(text, "", fault);
    }
  }
});

test("Announcer.missing() names missing agents: where errors alone are wanted, only if that is one", async () => {
  const missing = ["web8", "web9"].map((identity) => ({ identity: id(identity), lastSeen: NOW - 3000 }));
  const lines = "cb: web[8-9] (2 agents) are missing, last seen 3 seconds ago\n";
  const call = (failMissing: boolean) => (announcer: Announcer) =>
    announcer.missing({ missing, newcomers: [], failMissing, now: NOW });
  assert.equal(await said(false, call(false)), lines);
  assert.equal(await said(true, call(false)), "");
  assert.equal(await said(true, call(true)), lines);
  const named = missing.map((agent, index) => ({ ...agent, isNamed: index === 1 }));
  const one = (announcer: Announcer) =>
    announcer.missing({ missing: named, newcomers: [], failMissing: false, now: NOW });
  assert.equal(await said(true, one), "cb: web9 did not answer, last seen 3 seconds ago\n");
  const nobody = { missing: [], newcomers: [], failMissing: true, now: NOW };
  assert.equal(await said(false, (announcer) => announcer.missing(nobody)), "");
});

test("Announcer.missing() names on a terminal as many as it can show, those of one time in one line", async () => {
  const missing = Array.from({ length: 1000 }, (_, at) => ({
    identity: id(`web${at}`),
    lastSeen: NOW - (at < 500 ? 60_000 : at * 3_600_000),
  }));
  const call = (announcer: Announcer) =>
    announcer.missing({ missing, newcomers: [], failMissing: false, now: NOW });
  const lines = (await said(false, call, true)).trimEnd().split("\n");
  assert.ok(lines.length > 2 && lines.length <= 13, String(lines.length));
  assert.ok(lines.includes("cb: web[0-499] (500 agents) are missing, last seen 1 minute ago"));
  assert.match(lines.at(-1) ?? "", /^cb: … and \d+ more, about web\[500-/);
  const all = (await said(false, call)).trimEnd().split("\n");
  assert.ok(all.length < 30 && all.every((line) => line.length < 1000) === true, "folded to a file as well");
});

test("Announcer.latecomer() takes back that an agent is missing, wherever that was said", async () => {
  const answers = (failMissing: boolean) => (announcer: Announcer) =>
    announcer.latecomer(hello("web8"), failMissing);
  const line = "cb: web8 has answered after all\n";
  assert.equal(await said(false, answers(false)), line);
  assert.equal(await said(true, answers(false)), "");
  assert.equal(await said(true, answers(true)), line);
});

test("Announcer.remarks() says them, unless errors alone are wanted", async () => {
  const finding = { agents: [id("web1")], sentence: "web1 came back" };
  const remarks = (announcer: Announcer) => announcer.remarks([finding]);
  assert.equal(await said(false, remarks), "cb: web1 came back\n");
  assert.equal(await said(true, remarks), "");
});

test("Announcer.interrupted() tells whoever sits at a terminal what he waits for", async () => {
  const interrupted =
    (names: readonly string[], request: Request = runRequest()) =>
    (announcer: Announcer) =>
      announcer.interrupted(names.map(id), request);
  const both = interrupted(["web1", "web2"]);
  const them = "waits for them for 15 s at most, Ctrl-C again leaves at once\n";
  assert.equal(await said(false, both, true), `cb: asked 2 agents to end "reload" (web[1-2]): ${them}`);
  const it = them.replace("them", "it");
  assert.equal(
    await said(false, interrupted(["web1"]), true),
    `cb: asked 1 agent to end "reload" (web1): ${it}`,
  );
  const list = interrupted(["web1"], listRequest());
  assert.equal(await said(false, list, true), `cb: asked 1 agent to end what they do (web1): ${it}`);
  assert.equal(await said(false, interrupted([]), true), "", "there is nobody to be asked");
  assert.equal(await said(false, both), "", "a script asks for nothing");
  assert.equal(await said(true, both, true), "", "it is no error");
  const crowd = Array.from({ length: 1000 }, (_, at) => `host${at}-${"abc"[at % 3]}`);
  const line = await said(false, interrupted(crowd), true);
  assert.match(line, /^cb: asked 1000 agents to end "reload" \(.*, … and \d+ more\): waits for/);
  assert.ok(line.length < 250, line);
});

test("Announcer.hubSilent() and hubBack() say for how long nothing was heard, unless errors alone are wanted", async () => {
  const silent = (why?: string) => (announcer: Announcer) => announcer.hubSilent(3_012, why);
  const rest = "nobody counts as silent until it answers\n";
  assert.equal(await said(false, silent()), `cb: no sign of life from the hub for 3.01 s: ${rest}`);
  const refused = `cb: no sign of life from the hub for 3.01 s (connection refused): ${rest}`;
  assert.equal(await said(false, silent("connection refused")), refused);
  assert.equal(await said(true, silent()), "");
  const back = (announcer: Announcer) => announcer.hubBack(14_000);
  assert.equal(await said(false, back), "cb: the hub answers again, after 14.0 s\n");
  assert.equal(await said(true, back), "");
});
