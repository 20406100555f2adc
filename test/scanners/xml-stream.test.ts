import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { attribute, childrenOf, type XmlElement, XmlStream } from "../../src/scanners/xml-stream.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

function read(text: string, longestChild?: number) {
  const stream = new XmlStream("root", longestChild);
  const elements = [...stream.push(bytes(text)), ...stream.end()];
  return { elements, names: elements.map(({ name }) => name), problem: stream.problem };
}

test("XmlStream gives each child of the root when it is complete", () => {
  const stream = new XmlStream("root");
  assert.deepEqual(stream.push(bytes("<root><a x='1")), []);
  const [a, ...more] = stream.push(bytes("'><b>t<![CDATA[<&]]></b></a><c>"));
  assert.equal(more.length, 0);
  assert.equal(attribute(a, "x"), "1");
  assert.equal(attribute(a, "y"), "");
  assert.equal(childrenOf(a, "b")[0]?.text, "t<&");
  assert.deepEqual(
    stream.push(bytes("</c>")).map(({ name }) => name),
    ["c"],
  );
  assert.deepEqual(stream.push(bytes("</root>")), []);
  assert.deepEqual(stream.end(), []);
  assert.equal(stream.problem, undefined);
});

const PROBLEMS: Readonly<Record<string, readonly [text: string, names: readonly string[], problem: RegExp]>> =
  {
    "another root": ["<other><a/></other>", [], /^expected <root>, found <other>$/],
    "nothing at all": ["", [], /^it is empty$/],
    "blanks alone": [" \n", [], /^it is empty$/],
    "an end in the middle": ["<root><a/><b><c/>", ["a"], /^it ends in the middle$/],
    "an end behind the last child": ["<root><a/>", ["a"], /^it ends in the middle$/],
    "markup that does not match": ["<root><a/><b></c></b></root>", ["a"], /unexpected close tag/],
    "an entity of its own": [
      '<!DOCTYPE root [<!ENTITY e "eeeeeeeeee">]><root><a/><b>&e;</b></root>',
      ["a"],
      /undefined entity/,
    ],
    "an entity of a file": [
      '<!DOCTYPE root [<!ENTITY e SYSTEM "file:///etc/passwd">]><root><a/><b x="&e;"/></root>',
      ["a"],
      /undefined entity/,
    ],
    "a character that XML has not": ["<root><a/><b x='&#1;'/></root>", ["a"], /malformed character/],
    "a second root": ["<root><a/></root><root><b/></root>", ["a"], /./],
    "text that is no XML": ["Starting Nmap", [], /./],
  };

for (const [what, [text, names, problem]] of Object.entries(PROBLEMS)) {
  test(`XmlStream names ${what}, and keeps what was complete before`, () => {
    const seen = read(text);
    assert.deepEqual(seen.names, names);
    assert.match(seen.problem ?? "", problem);
  });
}

test("XmlStream takes no child of the root that is too long, and no more memory for it", () => {
  const long = `<root><a/><b>${"x".repeat(2000)}</b></root>`;
  assert.deepEqual(read(long, 4000).names, ["a", "b"]);
  const stream = new XmlStream("root", 1000);
  const names = [];
  for (const piece of long.match(/.{1,100}/g) ?? [])
    names.push(...stream.push(bytes(piece)).map(({ name }) => name));
  assert.deepEqual(names, ["a"]);
  assert.equal(stream.problem, "an element is longer than 1000 characters");
});

test("XmlStream passes over what is nested too deep", () => {
  const deep = read(`<root><a>${"<x>".repeat(255)}t${"</x>".repeat(255)}<y/></a></root>`);
  assert.equal(deep.problem, undefined);
  let depth = 0;
  for (let element: XmlElement | undefined = deep.elements[0]; element !== undefined; depth++) {
    [element] = childrenOf(element, "x");
  }
  assert.equal(depth, 40);
  assert.equal(childrenOf(deep.elements[0], "y").length, 1);
});

test("XmlStream ends where elements are nested deeper than any report's, with what was complete before", () => {
  const limit = read(`<root><a/><b>${"<x>".repeat(256)}${"</x>".repeat(256)}</b></root>`);
  assert.deepEqual(limit.names, ["a"]);
  assert.equal(limit.problem, "elements are nested deeper than 256");
  const endless = read(`<root><a/>${"<x>".repeat(1_000_000)}`);
  assert.deepEqual(endless, limit);
});

test("XmlStream throws nothing whatever the bytes are, and gives the same however they are cut", () => {
  const pieces = [
    "<root>",
    "</root>",
    "<a b='c'>",
    "</a>",
    "<a/>",
    "&amp;",
    "&e;",
    "é",
    "\0",
    "<!--",
    "]]>",
    "<?x",
  ];
  const document = fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string()), { maxLength: 30 });
  const run = (parts: readonly Uint8Array[]) => {
    const stream = new XmlStream("root");
    const elements = [...parts.flatMap((part) => stream.push(part)), ...stream.end()];
    return { elements, hasProblem: stream.problem !== undefined };
  };
  fc.assert(
    fc.property(document, fc.nat(), (parts, at) => {
      const whole = bytes(parts.join(""));
      const cut = at % (whole.length + 1);
      assert.deepEqual(run([whole.subarray(0, cut), whole.subarray(cut)]), run([whole]));
    }),
    { numRuns: 2000 },
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (any) => void run([any])));
});
