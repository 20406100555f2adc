import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { describeConnection, parseConnectionString } from "../../src/hub/connection-string.ts";

const tcp = (host: string, port = 6379) => ({ kind: "tcp", host, port });
const unix = (path: string) => ({ kind: "unix", path });
const ACCEPTED: readonly (readonly [string, object, number?, (string | undefined)?, string?])[] = [
  ["redis://localhost", tcp("localhost")],
  ["redis://localhost:6380/", tcp("localhost", 6380)],
  ["redis://hub.example.org/12", tcp("hub.example.org"), 12],
  ["redis://[::1]:7000/3", tcp("::1", 7000), 3],
  ["redis://:secret@10.0.0.1", tcp("10.0.0.1"), 0, undefined, "secret"],
  ["redis://web:p%40ss%2Fw%23%25@h/1", tcp("h"), 1, "web", "p@ss/w#%"],
  ["redis://nopass@h", tcp("h"), 0, "nopass"],
  ["unix:///run/redis.sock", unix("/run/redis.sock")],
  ["unix:///run/a%20b%3F.sock?db=4", unix("/run/a b?.sock"), 4],
  ["redis+unix:///run/r.sock?pass=p%26q&user=u&db=2", unix("/run/r.sock"), 2, "u", "p&q"],
];

for (const [text, address, database = 0, user, password] of ACCEPTED) {
  test(`parseConnectionString() reads ${text}`, () => {
    assert.deepEqual(parseConnectionString(text), { address, database, user, password, tls: undefined });
  });
}

test("parseConnectionString() reads rediss:// as redis:// with TLS", () => {
  const plain = parseConnectionString("redis://web:p%40ss@[::1]:7000/3");
  assert.deepEqual(parseConnectionString("rediss://web:p%40ss@[::1]:7000/3"), { ...plain, tls: {} });
});

const REFUSED = [
  "",
  "localhost:6379",
  "http://localhost",
  "redis://",
  "redis:///1",
  "redis://h:0",
  "redis://h:65536",
  "redis://h/one",
  "redis://h/1/2",
  "redis://h/-1",
  "redis://h?db=1",
  "rediss://",
  "rediss://h?tls-ca=x",
  "redis://:pass#word@h",
  "redis://:pass%word@h",
  "unix://run/redis.sock",
  "unix:///",
  "unix:///run/",
  "unix:///run/redis.sock?db=x",
  "unix:///run/redis.sock?database=1",
  "unix:///run/redis.sock?db=1&db=2",
  "unix:///run/%00",
  `unix:///${"x".repeat(107)}`,
];

for (const text of REFUSED) {
  test(`parseConnectionString() refuses "${text.slice(0, 40)}"`, () => {
    assert.throws(() => parseConnectionString(text), SyntaxError);
  });
}

test("parseConnectionString() never says a password, escaped or bare, where it fails", () => {
  const forms: readonly ((password: string) => string)[] = [
    (password) => `redis://:${password}@h/x`,
    (password) => `redis://user:${password}@`,
    (password) => `redis://${password}`,
    (password) => `unix:///s?pass=${password}&db=x`,
    (password) => `rediss://:${password}@h/x`,
    (password) => password,
  ];
  const odd = fc.string({ minLength: 3, maxLength: 12, unit: fc.constantFrom(..."QXZ7@:/?#%&[]$\u00e9 ") });
  fc.assert(
    fc.property(odd, fc.constantFrom(...forms), fc.boolean(), (tail, form, escaped) => {
      const password = `Zq${tail}`;
      try {
        parseConnectionString(form(escaped ? encodeURIComponent(password) : password));
      } catch (error) {
        assert.ok(error instanceof SyntaxError);
        assert.ok(!error.message.includes("Zq"), error.message);
        assert.equal(error.cause, undefined);
      }
    }),
  );
});

test("describeConnection() shows the address without user and password", () => {
  const shown = (text: string) => describeConnection(parseConnectionString(text));
  assert.equal(shown("redis://user:secret@h"), "redis://h:6379");
  assert.equal(shown("redis://user:secret@[fe80::1]:1/2"), "redis://[fe80::1]:1/2");
  assert.equal(shown("rediss://user:secret@h/1"), "rediss://h:6379/1");
  assert.equal(shown("unix:///run/r.sock?user=u&pass=p&db=2"), "unix:///run/r.sock?db=2");
  assert.equal(shown("unix:///run/%1b[2Jr.sock"), "unix:///run/^[[2Jr.sock");
});
