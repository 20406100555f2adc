import assert from "node:assert/strict";
import { test } from "node:test";
import { parseManifest } from "../../src/exec/manifest.ts";
import type { ParameterValue } from "../../src/exec/parameters.ts";
import { LinesWithoutSecrets, secretsOf, withoutSecrets } from "../../src/faraday/secrets.ts";

test("withoutSecrets() hides each secret wherever it stands, the longer one first", () => {
  assert.equal(withoutSecrets("key=s3cret-long, s3cret", ["s3cret", "s3cret-long"]), "key=***, ***");
});

test("withoutSecrets() takes a secret for text, not for a pattern", () => {
  assert.equal(withoutSecrets("a.c+ abcc", ["a.c+"]), "*** abcc");
});

test("withoutSecrets() leaves text alone in which a very short secret would be found everywhere", () => {
  assert.equal(withoutSecrets("a cat", ["", "a", "cat"]), "a cat");
});

test("withoutSecrets() hides each line of a secret that has several", () => {
  assert.equal(
    withoutSecrets("said begin-of-it\r\nend-of-it", ["begin-of-it\nend-of-it\n"]),
    "said ***\r\n***",
  );
});

test("secretsOf() gives what comes from files and secret parameters, a list also item by item, and nothing else", () => {
  const lines = [
    ...["[parameters.PASS]", 'type = "password"', "[parameters.KEYS]", 'type = "list"', "secret = true"],
    ...["[parameters.OPEN]", 'type = "string"', "[environment]", 'PLAIN = "plain"', 'API = { file = "/x" }'],
  ];
  const manifest = parseManifest(Buffer.from(lines.join("\n")), "scan.toml");
  const values = new Map<string, ParameterValue>([
    ["PASS", "horse"],
    ["KEYS", ["kéy1", "key2"]],
    ["OPEN", "open"],
  ]);
  const secrets = secretsOf(manifest, { PLAIN: "plain", API: "token" }, values);
  assert.deepEqual(new Set(secrets), new Set(["token", "horse", "kéy1", "key2", '["k\\u00e9y1", "key2"]']));
});

test("LinesWithoutSecrets gives complete lines, and finds a secret that comes in pieces", () => {
  const lines = new LinesWithoutSecrets(["correct-horse"]);
  assert.deepEqual(lines.push("first\nit is corr"), ["first"]);
  assert.deepEqual(lines.push("ect-ho"), []);
  assert.deepEqual(lines.push("rse\nla"), ["it is ***"]);
  assert.deepEqual([...lines.push("st"), ...lines.end()], ["last"]);
});

test("LinesWithoutSecrets holds no line for ever, and no half of a secret gets out where it cuts one", () => {
  const secret = "correct-horse";
  for (let shift = 0; shift <= secret.length; shift += 1) {
    const lines = new LinesWithoutSecrets([secret]);
    const text = "x".repeat(20_000 - shift) + secret;
    const said = [...lines.push(text.slice(0, 20_000)), ...lines.push(text.slice(20_000)), ...lines.end()];
    assert(said.length > 1 && (said[0]?.length ?? 0) > 8_000);
    assert.equal(said.join(""), `${"x".repeat(20_000 - shift)}***`);
  }
});
