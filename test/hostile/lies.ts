/**
 * What a lie is, and the forms that it can take; each has its place, which is fixed before anything happens.
 *
 * Envelopes pass at four points, answers of Redis and bare bytes besides:
 *
 *   station ──"publish"──▶ ┌─────┐ ──"deliver"──▶ agent
 *                          │ hub │
 *   station ◀──"read"───── └─────┘ ◀──"push"───── agent
 */
import { encode, type Value } from "./resp.ts";

export type Point = "publish" | "deliver" | "push" | "read";
/** To Redis, or back. */
export type Direction = "in" | "out";
/** Bytes, the end of the connection, or milliseconds in which nothing passes. */
export type Piece = Uint8Array | "cut" | number;

export type Lie = {
  /** What it does and where, for whoever must find out what went wrong. */
  readonly what: string;
  readonly hasFired: boolean;
  /** What arrives in place of an envelope. */
  readonly envelope?: (envelope: Uint8Array, passage: Passage) => readonly Uint8Array[];
  /** What a client gets in place of an answer. */
  readonly answer?: (answer: Value, name: string, door: string) => Value;
  /** What passes in place of bytes. */
  readonly bytes?: (chunk: Uint8Array, direction: Direction, door: string) => readonly Piece[];
};

/** An envelope on its way. */
export type Passage = {
  readonly point: Point;
  /** Whose it is, or who is to have it. */
  readonly door: string;
  readonly kept: Kept;
  /** Lets an envelope go the same way after so many milliseconds. */
  readonly later: (envelope: Uint8Array, milliseconds: number) => void;
  /** Publishes an envelope on any channel. */
  readonly publish: (channel: string, envelope: Uint8Array) => void;
};

/** What a hub has kept of what passed, as it was before any lie. */
export type Kept = {
  /** What stations have published, in order. */
  readonly published: { readonly door: string; readonly envelope: Uint8Array }[];
  /** What agents have pushed, in order. */
  readonly pushed: { readonly door: string; readonly list: string; readonly envelope: Uint8Array }[];
  /** By a station's door, the list that it reads. */
  readonly lists: Map<string, string>;
  /** By a station's door, how many receivers it was told that its request has. */
  readonly counts: Map<string, number>;
  /** First replies of the hub's own that open at the station, in hexadecimal digits. */
  readonly forged: Set<string>;
};

/** What becomes of one envelope. */
export type Change = {
  readonly what: string;
  /** @returns what arrives in its place; undefined where this one does not lend itself to it */
  readonly apply: (envelope: Uint8Array, passage: Passage) => readonly Uint8Array[] | undefined;
};

/** Where envelopes pass, and how many of them before it happens. */
export type Place = { readonly point: Point; readonly door: string; readonly ahead: number };

/** Changes one envelope: the first from the given place on that lends itself to it. */
export function changeEnvelope({ point, door, ahead }: Place, { what, apply }: Change): Lie {
  let left = ahead;
  const lie = {
    what: `${what}: envelope ${ahead} at "${point}" of ${door}`,
    hasFired: false,
    envelope(envelope: Uint8Array, passage: Passage): readonly Uint8Array[] {
      if (lie.hasFired || passage.point !== point || passage.door !== door) return [envelope];
      left -= 1;
      const changed = left < 0 ? apply(envelope, passage) : undefined;
      if (changed === undefined) return [envelope];
      lie.hasFired = true;
      return changed;
    },
  };
  return lie;
}

/**
 * Holds one envelope until the next passes at the same point, and lets both go together.
 *
 * @param release whose next, and whether the held one then goes in front of it
 */
export function holdEnvelope(
  { point, door, ahead }: Place,
  release: { readonly door: string; readonly heldFirst: boolean },
): Lie {
  let left = ahead;
  let held: Uint8Array | undefined;
  const lie = {
    what: `hold until the next of ${release.door}: envelope ${ahead} at "${point}" of ${door}`,
    hasFired: false,
    envelope(envelope: Uint8Array, passage: Passage): readonly Uint8Array[] {
      if (lie.hasFired || passage.point !== point) return [envelope];
      if (held === undefined) {
        if (passage.door === door) left -= 1;
        if (left >= 0) return [envelope];
        held = envelope;
        return [];
      }
      if (passage.door !== release.door) return [envelope];
      lie.hasFired = true;
      return release.heldFirst ? [held, envelope] : [envelope, held];
    },
  };
  return lie;
}

/**
 * Gives another answer to a command, once or from then on.
 *
 * @param name in capitals; of a command in a transaction, where EXEC answers it
 */
export function changeAnswer(
  name: string,
  door: string,
  value: Value,
  lasts: boolean,
  onFirst = () => {},
): Lie {
  const said = JSON.stringify(Buffer.from(encode(value).subarray(0, 40)).toString("latin1"));
  const lie = {
    what: `answer ${said} to ${lasts ? "every" : "one"} ${name} of ${door}`,
    hasFired: false,
    answer(answer: Value, asked: string, asking: string): Value {
      const isQueued = answer !== null && "line" in answer && answer.line === "+QUEUED";
      if (asked !== name || asking !== door || isQueued) return answer;
      if (lie.hasFired && !lasts) return answer;
      if (!lie.hasFired) onFirst();
      lie.hasFired = true;
      return value;
    },
  };
  return lie;
}

/** Which way, behind which door, and how many bytes before it happens. */
export type BytePlace = { readonly direction: Direction; readonly door: string; readonly ahead: number };

/**
 * Does something to the bytes behind a door at one of them, whatever it belongs to.
 *
 * @param change gets a chunk and where in it that byte is
 */
export function changeBytes(
  what: string,
  { direction, door, ahead }: BytePlace,
  change: (chunk: Uint8Array, at: number) => readonly Piece[],
): Lie {
  let left = ahead;
  const lie = {
    what: `${what}: byte ${ahead} ${direction === "in" ? "from" : "to"} ${door}`,
    hasFired: false,
    bytes(chunk: Uint8Array, way: Direction, whose: string): readonly Piece[] {
      if (lie.hasFired || way !== direction || whose !== door) return [chunk];
      const at = left;
      left -= chunk.length;
      if (left >= 0) return [chunk];
      lie.hasFired = true;
      return change(chunk, at);
    },
  };
  return lie;
}
