import assert from "node:assert/strict";
import { test } from "node:test";
import type { NamePattern } from "../../src/core/name-pattern.ts";
import type { CommandName } from "../../src/core/names.ts";
import { newNetworkKeyPair, newSeed, newSessionKeyPair, stationKeyPair } from "../../src/protocol/keys.ts";
import { encodeRequest } from "../../src/protocol/request.ts";
import { sealRequest } from "../../src/protocol/request-envelope.ts";
import type { Target } from "../../src/protocol/target.ts";
import { checkRequest, newRequest, type Task } from "../../src/station/messages.ts";
import { id, NOW, runRequest, target } from "./scene.ts";

const clock = { wall: () => NOW, monotonic: () => 0 };
const PING: Task = { type: "ping" };

function request(meant: Target | undefined, named: readonly string[] = [], known = 0) {
  const { station: identity, channel } = runRequest();
  return newRequest(PING, { identity, channel, clock, target: meant, named: new Set(named.map(id)) }, known);
}

function names(...identities: readonly string[]): Target {
  return { identities: identities as readonly NamePattern[] };
}

test("newRequest() asks for a census where there is a target and not too many are known", () => {
  assert.equal(request(undefined).census, false);
  assert.equal(request(target("web")).census, true);
  assert.equal(request(target("web"), [], 1000).census, true);
  assert.equal(request(target("web"), [], 1001).census, false);
});

test("newRequest() asks for no census where each that is meant was named, and nothing else was said", () => {
  assert.equal(request(names("web1", "web2"), ["web1", "web2"]).census, false);
  assert.equal(request(names("web1", "web2"), ["web1"]).census, true);
  assert.equal(request(names("w*", "web1"), ["web1"]).census, true);
  assert.equal(request({ ...names("web1"), ...target("eu") }, ["web1"]).census, true);
  assert.equal(request({ ...names("web1"), tags: undefined }, ["web1"]).census, false);
  assert.equal(request({ excludedIdentities: ["web1" as NamePattern] }).census, true);
});

function check(meant: Target | undefined, named: readonly string[], task = PING): void {
  const { station: identity, channel } = runRequest();
  checkRequest(task, { identity, channel, clock, target: meant, named: new Set(named.map(id)) });
}

test("checkRequest() says of a list of names that no envelope holds how much too long it is", () => {
  const list = (count: number) => Array.from({ length: count }, (_, number) => `server-${100_000 + number}`);
  check(names(...list(4200)), list(4200));
  assert.throws(() => check(names(...list(5000)), list(5000)), {
    name: "CbError",
    code: "usage",
    message: /^Cannot ask 5000 agents by name at once: it has 7\d{4} bytes, expected at most 63412$/,
  });
});

test("checkRequest() lets pass what sealRequest() takes, and nothing longer", () => {
  const keys = { network: newNetworkKeyPair().publicKey, station: stationKeyPair(newSeed()) };
  const session = newSessionKeyPair();
  const length = (list: readonly string[]) => encodeRequest(request(names(...list))).length;
  const list = Array.from({ length: 1600 }, (_, number) => `n${1000 + number}`.padEnd(40, "x"));
  while (length(list) > 63_412 - 40) list.pop();
  const room = 63_412 - length(list);
  for (const excess of [0, 1]) {
    // A name of 24 to 255 bytes has a head of two.
    const all = [...list, "z".repeat(room - 2 + excess)];
    assert.equal(length(all), 63_412 + excess);
    const seal = () => sealRequest(encodeRequest(request(names(...all))), { ...keys, session });
    if (excess === 0) check(names(...all), []);
    else assert.throws(() => check(names(...all), []), { code: "usage" });
    if (excess === 0) seal();
    else assert.throws(seal, RangeError);
  }
});

test("checkRequest() says so of parameters, too", () => {
  const parameters = new Map(Array.from({ length: 16 }, (_, number) => [`p${number}`, "x".repeat(4096)]));
  const task: Task = { type: "run", command: "reload" as CommandName, limit: undefined, parameters };
  assert.throws(() => check(undefined, [], task), { message: /^Cannot send the request: it has \d+ bytes/ });
});
