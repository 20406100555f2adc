/** What becomes of results before they are posted; expectations of the server as seen with 5.25.2. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { clean } from "../../src/faraday/payload.ts";

type Fields = Readonly<Record<string, unknown>>;

const LIMIT = { maxBytes: 1_000_000 };
const NOTHING = { unknownKeys: 0, duplicates: 0, nul: 0, mended: 0 };

const vulnerability = (more: Fields = {}) => ({
  type: "Vulnerability",
  name: "n",
  severity: "high",
  ...more,
});
const web = (more: Fields = {}) => ({ type: "VulnerabilityWeb", name: "n", severity: "high", ...more });
const service = (more: Fields = {}) => ({ port: 80, protocol: "tcp", ...more });
const host = (more: Fields = {}) => ({ ip: "192.0.2.1", description: "", ...more });
const payload = (more: Fields = {}) => ({ hosts: [host(more)] });

/** One body and the counts that are not 0. */
function cleaned(value: unknown): { readonly body: Fields; readonly counts: Fields } {
  const result = clean(value, LIMIT);
  assert.ok(!("problem" in result), JSON.stringify(result));
  assert.equal(result.bodies.length, 1);
  const counts = Object.fromEntries(Object.entries(result.counts).filter(([, count]) => count > 0));
  return { body: result.bodies[0] as Fields, counts };
}

function vulnerabilitiesOf(value: unknown): readonly Fields[] {
  const { body } = cleaned(value);
  const [first] = body["hosts"] as readonly Fields[];
  const [inner = {}] = (first?.["services"] ?? []) as readonly Fields[];
  return (first?.["vulnerabilities"] ?? inner["vulnerabilities"]) as readonly Fields[];
}

/** A rich result, which has every kind of name. */
const RICH = {
  hosts: [
    {
      ...{
        ip: "192.0.2.20",
        description: "shop front end",
        os: "Linux",
        mac: null,
        owned: false,
        importance: 2,
      },
      hostnames: ["shop.example", "www.shop.example"],
      vulnerabilities: [
        vulnerability({
          ...{
            desc: "Version 4.4",
            status: "open",
            confirmed: false,
            resolution: "Upgrade",
            data: "uname output",
          },
          ...{ external_id: "cb:kernel:1", easeofresolution: "moderate" },
          impact: { accountability: false, availability: true, confidentiality: false, integrity: false },
          refs: [{ name: "https://kernel.example/adv/1", type: "patch" }],
          ...{ cve: ["CVE-2020-12345"], cwe: ["CWE-787"], policyviolations: ["old-os"] },
          cvss3: { vector_string: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H" },
          ...{ custom_fields: {}, run_date: 1767323045 },
        }),
      ],
      services: [
        {
          ...{
            name: "https",
            port: 443,
            protocol: "tcp",
            status: "open",
            version: "nginx 1.18",
            description: "",
          },
          vulnerabilities: [
            web({
              ...{ method: "GET", website: "https://shop.example", path: "/search", pname: "q", params: "q" },
              ...{
                query: "q=x",
                request: "GET /search?q=x",
                response: "200",
                status_code: 200,
                owasp: ["A03"],
              },
              credentials: [{ username: "demo", password: "demo1", endpoint: "https://shop.example/login" }],
            }),
          ],
        },
      ],
    },
  ],
  credentials: [{ username: "admin", password: "s3cret", endpoint: "ssh://192.0.2.20" }],
};

test("clean() leaves what is right as it is", () => {
  assert.deepEqual(clean(RICH, LIMIT), { bodies: [RICH], counts: NOTHING });
});

test("clean() takes away execution_id and command, which every post has of its own", () => {
  const { body, counts } = cleaned({ ...RICH, execution_id: 5, command: { tool: "x" } });
  assert.deepEqual([body, counts], [RICH, {}]);
});

/** Bodies that the server refuses or spoils, with what the server says to them: refused here, by path, for its 400. */
const REFUSED: readonly (readonly [string, unknown, string])[] = [
  ["{}", {}, "hosts: missing"],
  ["a list", [], "expected an object"],
  ["null", null, "expected an object"],
  ["hosts that are no list", { hosts: {} }, "hosts: expected a list of hosts, found an object"],
  ["a host without ip", { hosts: [{ description: "" }] }, "hosts[0].ip: missing"],
  ["a host whose ip is a number", payload({ ip: 5 }), "hosts[0].ip: expected a string, found a number"],
  ["a host that is a list", { hosts: [host(), []] }, "hosts[1]: expected an object, found a list"],
  [
    "a web vulnerability on a host",
    payload({ vulnerabilities: [web()] }),
    'hosts[0].vulnerabilities[0].type: expected "Vulnerability", a web vulnerability belongs to a service, found "VulnerabilityWeb"',
  ],
  [
    "a default_gateway list",
    payload({ default_gateway: ["192.0.2.254"] }),
    "hosts[0].default_gateway: expected a string, found a list",
  ],
  [
    "a bad severity",
    payload({ vulnerabilities: [vulnerability({ severity: "severe" })] }),
    'hosts[0].vulnerabilities[0].severity: expected one of unclassified, informational, info, low, medium, med, high, critical, found "severe"',
  ],
  [
    "a bad status of a vulnerability",
    payload({ services: [service({ vulnerabilities: [vulnerability(), web({ status: "x" })] })] }),
    'hosts[0].services[0].vulnerabilities[1].status: expected one of open, opened, closed, re-opened, risk-accepted, found "x"',
  ],
  [
    "a bad status of a service",
    payload({ services: [service({ status: "up" })] }),
    'hosts[0].services[0].status: expected one of open, closed, filtered, found "up"',
  ],
  [
    "a type that is none",
    payload({ vulnerabilities: [vulnerability({ type: "Bug" })] }),
    'hosts[0].vulnerabilities[0].type: expected one of Vulnerability, VulnerabilityWeb, found "Bug"',
  ],
  [
    "a vulnerability without a name",
    payload({ vulnerabilities: [{ type: "Vulnerability", severity: "low" }] }),
    "hosts[0].vulnerabilities[0].name: missing",
  ],
  [
    "an empty name",
    payload({ vulnerabilities: [vulnerability({ name: "" })] }),
    "hosts[0].vulnerabilities[0].name: expected a string that is not empty, found a string",
  ],
  [
    "a service without a port",
    payload({ services: [{ protocol: "tcp" }] }),
    "hosts[0].services[0].port: missing",
  ],
  [
    "a port below 0",
    payload({ services: [service({ port: -1 })] }),
    "hosts[0].services[0].port: expected an integer from 0 to 2147483647, found -1",
  ],
  [
    "a port that the server takes and loses",
    payload({ services: [service({ port: 2 ** 31 })] }),
    "hosts[0].services[0].port: expected an integer from 0 to 2147483647, found 2147483648",
  ],
  [
    "a password that is no text, without telling it",
    { hosts: [], credentials: [{ username: "u", password: 12345 }] },
    "credentials[0].password: expected a string, found a number",
  ],
  [
    "a blank username",
    payload({ vulnerabilities: [vulnerability({ credentials: [{ username: " ", password: "p" }] })] }),
    "hosts[0].vulnerabilities[0].credentials[0].username: expected a string that is not blank, found a string",
  ],
  [
    "custom_fields that the server answers with 500 for ever",
    payload({ vulnerabilities: [vulnerability({ custom_fields: "x" })] }),
    "hosts[0].vulnerabilities[0].custom_fields: expected an object, found a string",
  ],
  [
    "an impact that is a list",
    payload({ vulnerabilities: [vulnerability({ impact: [] })] }),
    "hosts[0].vulnerabilities[0].impact: expected an object, found a list",
  ],
];

for (const [what, value, problem] of REFUSED) {
  test(`clean() refuses ${what}`, () => {
    assert.deepEqual(clean(value, LIMIT), { problem });
  });
}

const inVulnerability = (more: Fields) => payload({ vulnerabilities: [vulnerability(more)] });
const inWeb = (more: Fields) => payload({ services: [service({ vulnerabilities: [web(more)] })] });

/** What the server refuses, or takes and loses, and we can mend: what it is, before, after, counts. */
const MENDED: readonly (readonly [string, unknown, unknown, Fields])[] = [
  ["an extra name at the top", { ...RICH, scan: 1, date: 2 }, RICH, { unknownKeys: 2 }],
  [
    "a NUL anywhere",
    payload({
      os: "a\0b",
      hostnames: ["\0"],
      services: [service({ "na\0me": "x" })],
      unknown: { a: ["\0\0"] },
    }),
    payload({ os: "ab", hostnames: [""], services: [service({ name: "x" })], unknown: { a: [""] } }),
    { nul: 4 },
  ],
  [
    "half of a surrogate pair",
    inVulnerability({ desc: "a\ud800b", data: "\udc00\0", resolution: "𝄞" }),
    inVulnerability({ desc: "a\ufffdb", data: "\ufffd", resolution: "𝄞" }),
    { mended: 2, nul: 1 },
  ],
  [
    "a host without description",
    { hosts: [{ ip: "x" }] },
    { hosts: [{ ip: "x", description: "" }] },
    { mended: 1 },
  ],
  ["a host description null", payload({ description: null }), payload({ description: "" }), { mended: 1 }],
  [
    "a service status null",
    payload({ services: [service({ status: null })] }),
    payload({ services: [service()] }),
    { mended: 1 },
  ],
  [
    "null where the server takes none",
    { ...payload({ os: null, hostnames: null, vulnerabilities: null, services: null }), credentials: null },
    payload(),
    { mended: 5 },
  ],
  [
    "null in vulnerabilities where the server takes none",
    inWeb({ desc: null, path: null, impact: null, cvss3: null, custom_fields: null, run_date: null }),
    inWeb({}),
    { mended: 6 },
  ],
  ["a type in lower case", inVulnerability({ type: "vulnerability" }), inVulnerability({}), { mended: 1 }],
  [
    "words in another case",
    inVulnerability({ severity: "HIGH", status: "Closed", easeofresolution: "Simple" }),
    inVulnerability({ severity: "high", status: "closed", easeofresolution: "simple" }),
    { mended: 3 },
  ],
  [
    "an easeofresolution that is empty",
    inVulnerability({ easeofresolution: "" }),
    inVulnerability({}),
    { mended: 1 },
  ],
  [
    "refs as strings",
    inVulnerability({ refs: ["http://a"] }),
    inVulnerability({ refs: [{ name: "http://a", type: "other" }] }),
    { mended: 1 },
  ],
  [
    "a wrong refs[].type",
    inVulnerability({
      refs: [
        { name: "a", type: "advisory" },
        { name: "b", type: null },
        { name: "c", type: "Patch" },
      ],
    }),
    inVulnerability({
      refs: [
        { name: "a", type: "other" },
        { name: "b", type: "other" },
        { name: "c", type: "patch" },
      ],
    }),
    { mended: 3 },
  ],
  [
    "a reference without a name, which costs all vulnerabilities of the host",
    inVulnerability({ refs: [{ type: "patch" }, { name: "a" }] }),
    inVulnerability({ refs: [{ name: "a" }] }),
    { mended: 1 },
  ],
  [
    "unknown names in impact",
    inVulnerability({ impact: { integrity: true, money: true, availability: null } }),
    inVulnerability({
      impact: { accountability: false, availability: false, confidentiality: false, integrity: true },
    }),
    { unknownKeys: 1, mended: 1 },
  ],
  [
    "names that are the server's own, which cost the object",
    payload({
      ...{ id: 1, command_id: 1, metadata: 5 },
      services: [service({ id: 1, vulnerabilities: [vulnerability({ id: 1, command_id: 2 })] })],
    }),
    payload({ services: [service({ vulnerabilities: [vulnerability()] })] }),
    { unknownKeys: 6 },
  ],
  ...["2026-01-01", "nan", "inf", 1767323045000, -1e12, [5], {}, true].map(
    (date) =>
      [
        `a run_date that is no time: ${JSON.stringify(date)}`,
        inVulnerability({ run_date: date }),
        inVulnerability({}),
        { mended: 1 },
      ] as const,
  ),
];

for (const [what, before, after, counts] of MENDED) {
  test(`clean() mends ${what}`, () => {
    assert.deepEqual(cleaned(before), { body: after, counts });
  });
}

/** What the server takes: it must not be refused here, nor changed. */
const TAKEN: readonly (readonly [string, unknown])[] = [
  ["no hosts", { hosts: [] }],
  ["port 99999", payload({ services: [service({ port: 99_999 })] })],
  [
    "a port as text",
    payload({ services: [service({ port: " 80 " }), service({ port: "+81" }), service({ port: 80.7 })] }),
  ],
  [
    "names of a host and a vulnerability that it does not know",
    payload({ tags: ["a"], vulnerabilities: [vulnerability({ tags: [], x: null })] }),
  ],
  ["an empty desc", inVulnerability({ desc: "" })],
  ...["medium", "informational", "unclassified"].map(
    (severity) => [`severity ${severity}`, inVulnerability({ severity })] as const,
  ),
  [
    "booleans as marshmallow reads them",
    payload({ owned: "Yes", vulnerabilities: [vulnerability({ confirmed: 1 })] }),
  ],
  [
    "null where it takes null",
    payload({
      mac: null,
      default_gateway: null,
      services: [service({ name: null, version: null, description: null })],
    }),
  ],
  [
    "null in vulnerabilities where it takes null",
    inWeb({ resolution: null, data: null, external_id: null, easeofresolution: null, status_code: null }),
  ],
  ["a status code as text", inWeb({ status_code: "200" })],
  [
    "vectors that are none",
    inVulnerability({ cvss2: {}, cvss3: { vector_string: "junk" }, cvss4: { vector_string: null } }),
  ],
  ["a run_date as digits", inVulnerability({ run_date: "1767323045.5" })],
  [
    "a plain vulnerability with names of a web one, of whatever type",
    payload({ services: [service({ vulnerabilities: [vulnerability({ method: 5 })] })] }),
  ],
  [
    "credentials without an endpoint",
    { hosts: [], credentials: [{ username: "u", password: "p", leak_date: "2026-01-01T00:00:00" }] },
  ],
  ["two hosts of one ip, which it merges", { hosts: [host(), host()] }],
];

for (const [what, value] of TAKEN) {
  test(`clean() passes ${what}`, () => {
    assert.deepEqual(cleaned(value), { body: value, counts: {} });
  });
}

test("clean() does not change what it is given", () => {
  const value = inVulnerability({ severity: "HIGH", refs: ["a"], desc: "\0" });
  const before = structuredClone(value);
  clean(value, LIMIT);
  assert.deepEqual(value, before);
});

test("clean() merges vulnerabilities of one identity, which would cost the host all of them", () => {
  const first = vulnerability({ desc: "d", severity: "low", cve: ["CVE-2020-1"], data: "" });
  const second = vulnerability({
    desc: "d",
    severity: "critical",
    cve: ["CVE-2020-1", "CVE-2020-2"],
    data: "x",
  });
  const value = payload({ vulnerabilities: [first, vulnerability({ desc: "D" }), second] });
  assert.deepEqual(cleaned(value).counts, { duplicates: 1 });
  const [merged, other, ...more] = vulnerabilitiesOf(value);
  assert.deepEqual(merged, { ...first, severity: "critical", cve: ["CVE-2020-1", "CVE-2020-2"], data: "x" });
  assert.equal(other?.["desc"], "D");
  assert.deepEqual(more, []);
});

const SAME: readonly (readonly [string, Fields, Fields])[] = [
  ["no desc and an empty one", vulnerability(), vulnerability({ desc: "" })],
  [
    "another severity, data and external_id",
    vulnerability({ data: "a" }),
    vulnerability({ external_id: "b", severity: "low" }),
  ],
  ["a method, where it is no web one", vulnerability({ method: "a" }), vulnerability({ method: "b" })],
  ["a NUL", vulnerability({ desc: "a" }), vulnerability({ desc: "a\0" })],
  [
    "another request, query and status",
    web({ request: "a", query: "x" }),
    web({ request: "b", status_code: 5 }),
  ],
];
for (const [what, one, other] of SAME) {
  test(`clean() takes vulnerabilities for one that differ in ${what}`, () => {
    assert.equal(
      vulnerabilitiesOf(payload({ services: [service({ vulnerabilities: [one, other] })] })).length,
      1,
    );
  });
}

const DIFFERENT: readonly (readonly [string, Fields, Fields])[] = [
  ["name, by case", vulnerability(), vulnerability({ name: "N" })],
  ["desc, by a space", vulnerability({ desc: "a" }), vulnerability({ desc: "a " })],
  ["type", vulnerability(), web()],
  ...["method", "pname", "path", "website"].map((name) => [name, web(), web({ [name]: "x" })] as const),
];
for (const [what, one, other] of DIFFERENT) {
  test(`clean() keeps vulnerabilities apart that differ in ${what}`, () => {
    assert.equal(
      vulnerabilitiesOf(payload({ services: [service({ vulnerabilities: [one, other] })] })).length,
      2,
    );
  });
}

test("clean() keeps one vulnerability on a host and on each of its services: they are posted apart", () => {
  const services = [
    service({ vulnerabilities: [vulnerability()] }),
    service({ vulnerabilities: [vulnerability()] }),
  ];
  assert.deepEqual(cleaned(payload({ vulnerabilities: [vulnerability()], services })).counts, {});
});

test("clean() gives all vulnerabilities of a batch the same names, as the server would fill them", () => {
  const batch = [
    vulnerability(),
    vulnerability({ name: "b", data: "x", external_id: "q", refs: [{ name: "a", type: "other" }] }),
    vulnerability({ name: "c", impact: { integrity: true }, status: "closed", run_date: 1, mine: 5 }),
  ];
  const impact = { accountability: false, availability: false, confidentiality: false, integrity: false };
  const all = { data: "", external_id: null, refs: [], impact, status: "open" };
  assert.deepEqual(vulnerabilitiesOf(payload({ vulnerabilities: batch })), [
    { ...all, ...batch[0] },
    { ...all, ...batch[1] },
    // What has no value that means nothing stays where it is.
    { ...all, ...batch[2], impact: { ...impact, integrity: true } },
  ]);
});

test("clean() gives web vulnerabilities names of their own kind alone", () => {
  const batch = [web({ path: "/a" }), web({ path: "/b", method: "GET" }), vulnerability({ data: "x" })];
  const [first, , plain] = vulnerabilitiesOf(payload({ services: [service({ vulnerabilities: batch })] }));
  assert.deepEqual(first, { ...batch[0], method: "" });
  assert.deepEqual(plain, batch[2]);
});

test("clean() splits by host, in order, below the size, the credentials with the first", () => {
  const hosts = Array.from({ length: 100 }, (_, number) =>
    host({ ip: `192.0.2.${number}`, os: "x".repeat(number) }),
  );
  const credentials = [{ username: "u", password: "p" }];
  const result = clean({ hosts, credentials }, { maxBytes: 1000 });
  assert.ok("bodies" in result);
  const bodies = result.bodies as readonly {
    readonly hosts: readonly object[];
    readonly credentials?: unknown;
  }[];
  assert.deepEqual(
    bodies.flatMap((body) => body.hosts),
    hosts,
  );
  assert.deepEqual(
    bodies.map((body) => body.credentials),
    [credentials, ...bodies.slice(1).map(() => undefined)],
  );
  for (const body of bodies) assert.ok(Buffer.byteLength(JSON.stringify(body)) <= 1000);
  // As few as fit.
  assert.ok(bodies.length < 20);
});

test("clean() leaves a host whole that is larger than a body may be", () => {
  const large = host({ ip: "large", os: "é".repeat(1000) });
  const result = clean({ hosts: [large, host(), large, host()] }, { maxBytes: 1000 });
  assert.ok("bodies" in result);
  const bodies = [large, host(), large, host()].map((one) => ({ hosts: [one] }));
  assert.deepEqual(result.bodies, bodies);
});

test("clean() refuses what is nested too deep, and survives names that mean something to JavaScript", () => {
  const deep = JSON.parse(`${"[".repeat(5000)}${"]".repeat(5000)}`);
  assert.deepEqual(clean(payload({ x: deep }), LIMIT), { problem: "nested deeper than 500 levels" });
  const odd = JSON.parse(
    '{"hosts":[{"ip":"x","description":"","__proto__":{"ip":5},"constructor":1}],"__proto__":1}',
  );
  const { body, counts } = cleaned(odd);
  assert.deepEqual(counts, { unknownKeys: 1 });
  assert.equal(
    JSON.stringify(body),
    '{"hosts":[{"ip":"x","description":"","__proto__":{"ip":5},"constructor":1}]}',
  );
});

// Values that fit often enough to come to the later steps.
const word = fc.constantFrom(
  ...[
    "a",
    "b",
    "",
    " ",
    "HIGH",
    "low",
    "Vulnerability",
    "vulnerabilityweb",
    "open",
    "other",
    "a\0",
    "\ud800",
  ],
);
const scalar = fc.oneof(word, fc.integer(), fc.double(), fc.boolean(), fc.constant(null));
const anyVulnerability = fc.record(
  {
    type: fc.constantFrom("Vulnerability", "VulnerabilityWeb", "vulnerability"),
    name: fc.constantFrom("a", "b", "a\0"),
    severity: fc.constantFrom("low", "HIGH", "critical"),
    ...{
      desc: scalar,
      status: scalar,
      data: scalar,
      path: scalar,
      run_date: scalar,
      id: scalar,
      x: fc.jsonValue(),
    },
    refs: fc.oneof(
      scalar,
      fc.array(fc.oneof(scalar, fc.record({ name: scalar, type: scalar }, { requiredKeys: [] }))),
    ),
    impact: fc.oneof(scalar, fc.dictionary(fc.constantFrom("integrity", "x"), scalar)),
    cve: fc.oneof(scalar, fc.array(word)),
  },
  { requiredKeys: ["type", "name", "severity"] },
);
const anyService = fc.record({
  port: fc.constantFrom(80, "80", 443),
  protocol: fc.constant("tcp"),
  vulnerabilities: fc.array(anyVulnerability, { maxLength: 4 }),
});
const anyHost = fc.record(
  {
    ...{ ip: word, description: scalar, os: scalar, mac: scalar },
    vulnerabilities: fc.oneof(scalar, fc.array(anyVulnerability, { maxLength: 4 })),
    services: fc.array(anyService, { maxLength: 2 }),
  },
  { requiredKeys: ["ip"] },
);
const anyPayload = fc.oneof(
  fc.jsonValue(),
  fc.record(
    { hosts: fc.array(anyHost, { maxLength: 3 }), credentials: scalar, x: scalar },
    { requiredKeys: ["hosts"] },
  ),
);

test("clean() never throws, and finds nothing to do in what it has cleaned", () => {
  let accepted = 0;
  fc.assert(
    fc.property(anyPayload, (value) => {
      const result = clean(value, LIMIT);
      if ("problem" in result) return;
      accepted += 1;
      const [body] = result.bodies;
      assert.deepEqual(clean(body, LIMIT), { bodies: [body], counts: NOTHING });
      assert.doesNotMatch(JSON.stringify(body), /\\u0000|\\ud[89a-f]/);
    }),
    { numRuns: 3000 },
  );
  assert.ok(accepted > 100, `${accepted} of 3000 were accepted`);
});

test("clean() takes names of vulnerabilities that every object has for names like any other", () => {
  const names = ["__proto__", "constructor", "hasOwnProperty", "toString", "valueOf"];
  const odd = names.map((name) => `{"type":"Vulnerability","name":"${name}","severity":"low","${name}":1}`);
  const value = JSON.parse(
    `{"hosts":[{"ip":"192.0.2.1","description":"","vulnerabilities":[${odd.join()}]}]}`,
  );
  const result = clean(value, LIMIT);
  assert.ok("bodies" in result);
  assert.deepEqual(JSON.parse(JSON.stringify(result.bodies)), [value]);
});
