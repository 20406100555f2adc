/** Arbitrary messages and arbitrary damage, for the properties of this room. */
import fc from "fast-check";
import type { NamePattern } from "../../src/core/name-pattern.ts";
import type { Channel, CommandName, Identity, Tag } from "../../src/core/names.ts";
import type { AgentPublicKey } from "../../src/protocol/keys.ts";
import {
  DECLINATIONS,
  type Disposition,
  ENDINGS,
  type Exit,
  type Hello,
  type Output,
  REFUSALS,
  type Reply,
  STATES,
  STREAMS,
} from "../../src/protocol/reply.ts";
import type { CancelRequest, GoRequest, Request } from "../../src/protocol/request.ts";
import type { Target } from "../../src/protocol/target.ts";

const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
const identities = name as fc.Arbitrary<Identity>;
const times = fc.maxSafeNat();
const tagLists = (minLength: number) =>
  fc.uniqueArray(name, { minLength, maxLength: 64 }).map((tags) => tags.sort() as Tag[]);

function bytes(length: number) {
  return fc.uint8Array({ minLength: length, maxLength: length });
}

/** Text of at most `most` bytes in UTF-8, of which a character takes up to four. */
function text(most: number) {
  return fc.string({ unit: "binary", maxLength: most / 4 });
}

const head = {
  version: fc.constant(1),
  channel: name as fc.Arbitrary<Channel>,
  issued: times,
  expires: times,
  challenge: bytes(32),
  replyAddress: bytes(16),
};

export function requests(): fc.Arbitrary<Request> {
  const common = {
    ...head,
    sequence: fc.constant(0),
    station: identities,
    target: fc.option(targets(), { nil: undefined }),
    census: fc.boolean(),
  };
  return fc
    .oneof(
      fc.record({ ...common, type: fc.constantFrom("ping" as const, "list" as const) }),
      fc.record({
        ...common,
        type: fc.constant("run" as const),
        command: name as fc.Arbitrary<CommandName>,
        limit: fc.option(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), { nil: undefined }),
        parameters: parameters(),
        isHeld: fc.boolean(),
      }),
    )
    .map(held);
}

/** A run that waits for its release does so for an hour at most, and as long as it is valid at least. */
function held(request: Request & { readonly isHeld?: boolean }): Request {
  const { isHeld = false, ...rest } = request;
  if (rest.type !== "run" || !isHeld) return rest;
  const expires = Math.min(rest.expires, rest.issued + 3_600_000);
  return { ...rest, expires, holdUntil: Math.min(rest.issued + 3_600_000, Number.MAX_SAFE_INTEGER) };
}

export function goes(): fc.Arbitrary<GoRequest> {
  return fc.record({
    ...head,
    type: fc.constant("go" as const),
    sequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    identities: fc
      .uniqueArray(identities, { minLength: 1, maxLength: 20 })
      .map((names) => names.toSorted((one, other) => (one < other ? -1 : 1))),
  });
}

export function targets(): fc.Arbitrary<Target> {
  const patterns = fc
    .uniqueArray(fc.stringMatching(/^[A-Za-z0-9*?][A-Za-z0-9._*?-]{0,63}$/), { minLength: 1, maxLength: 9 })
    .map((list) => list.sort() as NamePattern[]);
  const some = <List>(lists: fc.Arbitrary<List>) => fc.option(lists, { nil: undefined });
  return fc
    .record({
      tags: some(tagLists(1)),
      excludedTags: some(tagLists(1)),
      identities: some(patterns),
      excludedIdentities: some(patterns),
    })
    .filter((target) => Object.values(target).some((list) => list !== undefined));
}

function parameters() {
  const names = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/);
  return fc
    .uniqueArray(names, { maxLength: 32 })
    .chain((keys) =>
      fc
        .array(text(4096), { minLength: keys.length, maxLength: keys.length })
        .map((values) => new Map(keys.map((key, index) => [key, values[index] ?? ""]))),
    );
}

export function cancels(): fc.Arbitrary<CancelRequest> {
  return fc.record({
    ...head,
    type: fc.constant("cancel" as const),
    sequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    runExpires: times,
  });
}

export function replies(): fc.Arbitrary<Reply> {
  return fc.oneof(
    hellos(),
    outputs(),
    exits(),
    fc.constantFrom(...STATES).map((state) => ({ type: "state", state }) as const),
  );
}

function hellos(): fc.Arbitrary<Hello> {
  return fc.record({
    type: fc.constant("hello" as const),
    identity: identities,
    tags: tagLists(0),
    software: text(64),
    time: times,
    challenge: bytes(32),
    agentKey: bytes(32) as fc.Arbitrary<AgentPublicKey>,
    signature: bytes(64),
    disposition: dispositions(),
  });
}

function dispositions(): fc.Arbitrary<Disposition> {
  return fc.oneof(
    fc.record({ is: fc.constantFrom("running" as const, "queued", "held", "present", "not-targeted") }),
    fc.record({ is: fc.constant("declined" as const), reason: fc.constantFrom(...DECLINATIONS) }),
    fc.record({
      is: fc.constant("refused" as const),
      reason: fc.constantFrom(...REFUSALS),
      detail: fc.option(text(256), { nil: undefined }),
      bound: fc.option(times, { nil: undefined }),
    }),
  );
}

function outputs(): fc.Arbitrary<Output> {
  return fc.record({
    type: fc.constant("output" as const),
    stream: fc.constantFrom(...STREAMS),
    offset: times,
    data: fc.uint8Array({ minLength: 1, maxLength: 300 }),
  });
}

function exits(): fc.Arbitrary<Exit> {
  const exit = fc.record({
    type: fc.constant("exit" as const),
    ending: fc.constantFrom(...ENDINGS),
    status: fc.nat({ max: 255 }),
    signal: text(16),
    runTime: times,
    stdout: times,
    stderr: times,
    dropped: times,
    leftOpen: fc.boolean(),
    detail: fc.option(text(256), { nil: undefined }),
  });
  return exit.map(({ status, signal, ...rest }) => ({
    ...rest,
    status: rest.ending === "exited" ? status : undefined,
    signal: rest.ending === "signalled" ? signal : undefined,
  }));
}

/** The bytes with a few of them turned, put in or taken out, each at a place that is a fraction of the length. */
export function damaged(valid: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const place = fc.double({ min: 0, max: 1, noNaN: true });
  const change = fc.record({
    kind: fc.constantFrom("turn", "insert", "delete", "repeat"),
    place,
    byte: fc.nat({ max: 255 }),
  });
  return fc.tuple(valid, fc.array(change, { minLength: 1, maxLength: 3 })).map(([bytes, changes]) => {
    const list = [...bytes];
    for (const { kind, place, byte } of changes) {
      const at = Math.floor(place * list.length);
      if (kind === "turn") list[at] = byte;
      if (kind === "insert") list.splice(at, 0, byte);
      if (kind === "delete") list.splice(at, 1);
      if (kind === "repeat") list.splice(at, 0, ...list.slice(at, at + 1 + (byte % 16)));
    }
    return Uint8Array.from(list);
  });
}
