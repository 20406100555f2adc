import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseProxyText, parseServerText, serverUrl, withoutPassword } from "../../src/setup/server-text.ts";

test("parseServerText() takes a whole URL, or a host with what else there is", () => {
  const whole = { scheme: "https", host: "faraday.example", port: undefined, path: "/" };
  assert.deepEqual(parseServerText(" https://faraday.example "), whole);
  assert.deepEqual(parseServerText("HTTP://10.0.0.1:5985/base/"), {
    scheme: "http",
    host: "10.0.0.1",
    port: "5985",
    path: "/base/",
  });
  const bare = { scheme: undefined, host: "faraday", port: undefined, path: undefined };
  assert.deepEqual(parseServerText("faraday"), bare);
  assert.deepEqual(parseServerText("faraday:80/x"), { ...bare, port: "80", path: "/x" });
  assert.deepEqual(parseServerText("[::1]:5985"), { ...bare, host: "[::1]", port: "5985" });
});

test("parseServerText() says what it expects, and never what it was given", () => {
  const wrong: Readonly<Record<string, RegExp>> = {
    "": /^expected a host, or a URL/,
    "a b": /^expected a host/,
    "faraday:99999": /^expected a host/,
    "faraday:port": /^expected a host/,
    "::1": /^expected a host/,
    "ftp://faraday": /^expected http:\/\/ or https:\/\/$/,
    "http://me:secret@faraday": /^expected no name or password in it$/,
    "me:secret@faraday": /^expected no name or password in it$/,
    "http://faraday/?x": /^expected no "\?" and "#" in it$/,
  };
  for (const [text, message] of Object.entries(wrong))
    assert.throws(() => parseServerText(text), { name: "SyntaxError", message }, text);
});

test("serverUrl() gives a URL without a slash at its end, and without the port of its scheme", () => {
  const url = (text: string) => serverUrl(parseServerText(text));
  assert.equal(url("https://faraday.example:443/"), "https://faraday.example");
  assert.equal(url("http://faraday.example:5985/base//"), "http://faraday.example:5985/base");
  assert.equal(url("https://[::1]"), "https://[::1]");
});

test("parseServerText() takes any text for a server that is a URL, or throws SyntaxError", () => {
  const texts = fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.webUrl(), fc.domain(), fc.ipV6());
  fc.assert(
    fc.property(texts, (text) => {
      try {
        const url = serverUrl(parseServerText(text));
        const again = serverUrl(parseServerText(url));
        assert.equal(again, url);
        assert.match(new URL(url).protocol, /^https?:$/);
      } catch (error) {
        assert.equal((error as Error).name, "SyntaxError", String(error));
      }
    }),
  );
});

test("parseProxyText() takes a proxy without its scheme, and none with a password", () => {
  assert.equal(parseProxyText("proxy:3128").href, "http://proxy:3128/");
  assert.equal(parseProxyText("https://me@proxy").href, "https://me@proxy/");
  for (const text of ["", "socks5://proxy:1", "http://proxy/path", "http://me:secret@proxy", "a b"]) {
    assert.throws(
      () => parseProxyText(text),
      (error: Error) => {
        assert.match(error.message, /^expected /);
        assert(!error.message.includes("secret@"));
        return error instanceof SyntaxError;
      },
    );
  }
});

test("withoutPassword() leaves everything but a password", () => {
  assert.equal(withoutPassword("http://me:secret@proxy:3128/"), "http://me@proxy:3128");
  assert.equal(withoutPassword("none"), "none");
});
