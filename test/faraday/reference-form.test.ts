import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { wantsReferenceTexts, withReferenceTexts } from "../../src/faraday/reference-form.ts";

function converted(value: unknown): unknown {
  return JSON.parse(Buffer.from(withReferenceTexts(Buffer.from(JSON.stringify(value)))).toString());
}

test("withReferenceTexts() puts names in place of references, of hosts and of services", () => {
  const vulnerability = (refs: unknown) => ({ name: "v", refs });
  const post = (refs: unknown) => ({
    execution_id: 1,
    hosts: [
      {
        ip: "a",
        vulnerabilities: [vulnerability(refs), { name: "none" }],
        services: [{ port: 1, vulnerabilities: [vulnerability(refs)] }, { port: 2 }],
      },
    ],
  });
  assert.deepEqual(converted(post([{ name: "http://a", type: "other" }, "b"])), post(["http://a", "b"]));
});

test("withReferenceTexts() leaves everything else as it is, and throws for nothing", () => {
  const name = fc.constantFrom("hosts", "services", "vulnerabilities", "refs", "name", "x");
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { depthSize: "small" },
      fc.jsonValue(),
      fc.array(tie("tree")),
      fc.dictionary(name, tie("tree")),
    ),
  }));
  fc.assert(
    fc.property(tree, (value) => {
      const isPost = typeof value === "object" && value !== null && "hosts" in value;
      const result = converted(value);
      if (!isPost) assert.deepEqual(result, JSON.parse(JSON.stringify(value)));
    }),
  );
});

test("withReferenceTexts() gives back what is no JSON", () => {
  const bytes = Uint8Array.of(0xff, 0x7b);
  assert.equal(withReferenceTexts(bytes), bytes);
});

const SAID =
  '{"messages":{"json":{"hosts":{"0":{"vulnerabilities":{"refs":{"0":["Not a valid string."]}}}}}}}\n';

test("wantsReferenceTexts() knows the refusal of Faraday 3, and no other", () => {
  const answer = (status: number, text: string) => ({
    status,
    text,
    mediaType: "",
    headers: {},
    isCut: false,
  });
  assert.equal(wantsReferenceTexts(answer(400, SAID)), true);
  assert.equal(wantsReferenceTexts(answer(500, SAID)), false);
  const today = SAID.replace('["Not a valid string."]', '{"name":["Not a valid string."]}');
  assert.equal(wantsReferenceTexts(answer(400, today)), false);
  assert.equal(wantsReferenceTexts(answer(400, SAID.replace("refs", "cve"))), false);
});
