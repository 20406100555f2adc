import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConnectionString } from "../../src/hub/connection-string.ts";
import { failureOf, failureOfReply, HubFailure, withLikelyCause } from "../../src/hub/failure.ts";

function systemError(code: string, more: object = {}): Error {
  return Object.assign(
    new Error("401D63:error:0A00045C:SSL routines:ssl3_read_bytes:/deps/ssl.c"),
    { code },
    more,
  );
}

// Codes as Node, Bun and Deno give them; the first three have been seen to differ.
const TLS: readonly (readonly [code: string, said: string])[] = [
  ["ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", "it wants a certificate of ours (--tls-cert)"],
  ["ERR_SSL_TLSV1_ALERT_CERTIFICATE_REQUIRED", "it wants a certificate of ours (--tls-cert)"],
  ["ERR_SSL_TLSV1_ALERT_UNKNOWN_CA", "it does not accept our certificate: alert unknown ca"],
  [
    "ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED",
    "it does not accept our certificate: alert certificate expired",
  ],
  ["ERR_SSL_WRONG_VERSION_NUMBER", "it does not speak TLS"],
  ["ERR_SSL_UNSUPPORTED_PROTOCOL", "TLS failed: unsupported protocol"],
  ["CERT_HAS_EXPIRED", "its certificate has expired"],
  ["CERT_NOT_YET_VALID", "its certificate is not valid yet"],
  ["SELF_SIGNED_CERT_IN_CHAIN", "its certificate is not from an authority that we trust (--tls-ca)"],
];

for (const [code, said] of TLS) {
  test(`failureOf() puts ${code} into words, without those of OpenSSL`, () => {
    assert.deepEqual(failureOf(systemError(code)), new HubFailure("connection", said));
  });
}

test("failureOf() says for which names a certificate is, harmlessly", () => {
  const named = (cert: object) => failureOf(systemError("ERR_TLS_CERT_ALTNAME_INVALID", { cert })).message;
  const said = "its certificate is for another name (--tls-server-name): ";
  assert.equal(named({ subjectaltname: "DNS:a, DNS:b" }), `${said}DNS:a, DNS:b`);
  assert.equal(named({ subjectaltname: "DNS:\u001b[2J" }), `${said}DNS:^[[2J`);
  assert.equal(named({}), `${said}it has none`);
});

test("withLikelyCause() guesses only where Redis hung up without a word", () => {
  const guess = (url: string, code: string, tls = {}) => {
    const connection = parseConnectionString(url);
    const withTls = connection.tls === undefined ? connection : { ...connection, tls };
    return withLikelyCause(failureOf(systemError(code)), withTls).message;
  };
  assert.equal(guess("redis://h", "ECONNRESET"), "connection reset, it may speak TLS (rediss://)");
  assert.equal(
    guess("rediss://h", "EPIPE"),
    "connection closed by Redis, it may want a certificate (--tls-cert)",
  );
  const identity = { certificate: "", key: "" };
  assert.equal(guess("rediss://h", "ECONNRESET", { identity }), "connection reset");
  assert.equal(guess("unix:///s", "ECONNRESET"), "connection reset");
  assert.equal(guess("redis://h", "ECONNREFUSED"), "connection refused");
});

test("failureOfReply() tells what may pass from what will not", () => {
  const kinds = {
    "OOM command not allowed": "passing",
    "LOADING Redis is loading": "passing",
    "NOPERM this user has no permissions": "denied",
    "NOAUTH Authentication required.": "connection",
    "WRONGTYPE Operation against a key": "refused",
  };
  for (const [text, kind] of Object.entries(kinds)) assert.equal(failureOfReply(text).kind, kind, text);
});
