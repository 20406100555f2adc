/** Tables: the length of padding, the ids of keys and sessions. */
import { concat, hex, seed } from "./bytes.ts";
import { encode, type Fields, type Value } from "./cbor.ts";
import { vectorText } from "./vector.ts";
import { boxPair, type KeyKind, keyId, paddedLength, sessionId, signPair } from "./wire.ts";

export function tables(): [name: string, text: string][] {
  return [
    ["padding", padding()],
    ["key-id", keyIds()],
    ["session-id", sessionIds()],
    ["target", targets()],
    ["listing", listings()],
  ];
}

/** Both sides of every step between 508 bytes and 4 KiB, and of some further up. */
function padding(): string {
  const edges = new Set([0, 1, 72, 507, 508, 65_536, 65_600, 70_000, 81_000]);
  for (let length = 509; length < 4096; length = paddedLength(length) - 3) {
    edges.add(length).add(paddedLength(length) - 4);
  }
  for (const power of [13, 14, 15, 16]) {
    for (const total of [2 ** power, 2 ** power + 2 ** (power - 3), 2 ** power + 2 ** (power - 1)]) {
      for (const length of [total - 5, total - 4, total - 3]) edges.add(length);
    }
  }
  const lengths = [...edges].sort((one, other) => one - other);
  return vectorText([
    ["expect", "table"],
    ["comment", "a length in bytes, and the length of its padded form"],
    ...lengths.map((length) => ["length", `${length} ${paddedLength(length)}`] as const),
  ]);
}

function keyIds(): string {
  const kinds: readonly KeyKind[] = ["network-public", "base-station-public", "agent-public"];
  const keys = [boxPair("network").publicKey, signPair("base station").publicKey, new Uint8Array(32)];
  const rows = kinds.flatMap((kind) => keys.map((key) => `${kind} ${hex(key)} ${hex(keyId(kind, key))}`));
  return vectorText([
    ["expect", "table"],
    ["comment", "kind, public key and key id"],
    ...rows.map((row) => ["id", row] as const),
  ]);
}

function sessionIds(): string {
  const high = concat(new Uint8Array(31), Uint8Array.of(0x80));
  const keys = [boxPair("session").publicKey, boxPair("other session").publicKey, seed("any", 32), high];
  return vectorText([
    ["expect", "table"],
    ["comment", "session public key and session id"],
    ...keys.map((key) => ["id", `${hex(key)} ${hex(sessionId(key))}`] as const),
  ]);
}

/** Targets, and whether each means the agent web1, which has the tags eu and web. */
function targets(): string {
  const meant: readonly Fields[] = [
    { tags: ["web"] },
    { tags: ["eu", "web"] },
    { "excluded-tags": ["db"] },
    { tags: ["eu"], "excluded-tags": ["WEB", "we"] },
    { identities: ["web1"] },
    { identities: ["db1", "web1", "web2"] },
    { identities: ["*"] },
    { identities: ["web?"] },
    { identities: ["w*1"] },
    { identities: ["web1*"] },
    { "excluded-identities": ["web2"] },
    { "excluded-identities": ["Web1", "web", "web11", "web1?"] },
    { tags: ["web"], "excluded-tags": ["us"], identities: ["web*"], "excluded-identities": ["web2"] },
  ];
  const notMeant: readonly Fields[] = [
    { tags: ["db"] },
    { tags: ["db", "web"] },
    { "excluded-tags": ["eu"] },
    { "excluded-tags": ["db", "web"] },
    { tags: ["web"], "excluded-tags": ["web"] },
    { identities: ["web2"] },
    { identities: ["WEB1"] },
    { identities: ["web"] },
    { identities: ["eb1"] },
    { identities: ["web??"] },
    { identities: ["eu"] },
    { "excluded-identities": ["web1"] },
    { "excluded-identities": ["*"] },
    { identities: ["web1"], "excluded-identities": ["w*"] },
    { identities: ["web1"], tags: ["db"] },
    { identities: ["web1"], "excluded-tags": ["eu"] },
  ];
  const row = (word: string) => (target: Fields) => ["target", `${word} ${hex(encode(target))}`] as const;
  return vectorText([
    ["expect", "table"],
    ["comment", "whether a target means the agent web1, which has the tags eu and web"],
    ...meant.map(row("meant")),
    ...notMeant.map(row("not-meant")),
  ]);
}

/** Listings of commands, sound and not. */
function listings(): string {
  const digest = seed("executable", 32);
  const reload = { name: "reload", digest };
  const named = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ name: `c${10_000 + index}` }));
  const sound: readonly Fields[] = [
    { commands: [] },
    { commands: [reload] },
    { commands: [{ ...reload, manifest: seed("manifest", 32), description: "Reload nginx" }] },
    { commands: [{ name: "scan" }] },
    { commands: [{ name: "B" }, { name: "a", problem: "masked", detail: "link to /dev/null" }] },
    { commands: [{ name: "a", problem: "manifest", detail: "ü".repeat(128) }] },
    { commands: [reload], omitted: 1 },
    { commands: named(4096), omitted: Number.MAX_SAFE_INTEGER },
  ];
  const one = (change: Fields): Value => ({ commands: [{ ...reload, ...change }] });
  const malformed: readonly Value[] = [
    {},
    { commands: {} },
    { commands: "reload" },
    { commands: ["reload"] },
    { commands: [{}] },
    { commands: [{ digest }] },
    { commands: [reload, reload] },
    { commands: [reload, { name: "a" }] },
    { commands: named(4097) },
    { commands: [reload], omitted: 0 },
    { commands: [reload], omitted: "1" },
    { commands: [reload], more: 1 },
    one({ name: "../x" }),
    one({ name: "reload now" }),
    one({ digest: digest.subarray(0, 31) }),
    one({ digest: "00".repeat(32) }),
    one({ manifest: seed("manifest", 33) }),
    one({ description: "d".repeat(257) }),
    one({ detail: "d".repeat(257) }),
    one({ description: 1 }),
    one({ problem: "ugly" }),
    one({ problem: true }),
    one({ colour: "red" }),
  ];
  const row = (word: string) => (value: Value) => ["listing", `${word} ${hex(encode(value))}`] as const;
  return vectorText([
    ["expect", "table"],
    ["comment", "the commands that an agent has, sound and malformed"],
    ...sound.map(row("sound")),
    ...malformed.map(row("malformed")),
  ]);
}
