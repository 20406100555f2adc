/** What a hub can do to envelopes, without any key: those that pass, those it has kept, and some of its own making. */
import type { Channel, CommandName, Identity } from "../../src/core/names.ts";
import { requestChannel } from "../../src/hub/names.ts";
import { concat, hex, utf8 } from "../../src/protocol/bytes.ts";
import { randomBytes } from "../../src/protocol/crypto.ts";
import {
  agentKeyPair,
  type NetworkPublicKey,
  newReplyKeyPair,
  newSeed,
  newSessionKeyPair,
  type SessionPublicKey,
  type StationKeyPair,
  type StationPublicKey,
  stationKeyPair,
} from "../../src/protocol/keys.ts";
import { encodeReply } from "../../src/protocol/reply.ts";
import { ReplySealer, signHello } from "../../src/protocol/reply-envelope.ts";
import { encodeRequest } from "../../src/protocol/request.ts";
import { sealRequest } from "../../src/protocol/request-envelope.ts";
import type { Dice } from "./dice.ts";
import type { Change, Kept, Passage } from "./lies.ts";

/** What a hub may well have learnt: nothing of it is secret. */
export type PublicKnowledge = {
  readonly network: NetworkPublicKey;
  readonly station: StationPublicKey;
  readonly channel: Channel;
  readonly command: CommandName;
  readonly identities: readonly Identity[];
};

export const drop: Change = { what: "drop", apply: () => [] };

export function repeat(dice: Dice): Change {
  const milliseconds = dice.pick([0, 0, 20, 100]);
  return {
    what: `repeat after ${milliseconds} ms`,
    apply(envelope, { later }) {
      if (milliseconds === 0) return [envelope, envelope];
      later(envelope, milliseconds);
      return [envelope];
    },
  };
}

export function delay(milliseconds: number): Change {
  return {
    what: `delay by ${milliseconds} ms`,
    apply(envelope, { later }) {
      later(envelope, milliseconds);
      return [];
    },
  };
}

export function truncate(dice: Dice): Change {
  const share = dice.fraction();
  const isLonger = dice.chance(0.2);
  const more = dice.bytes(dice.between(1, 40));
  if (isLonger) return { what: `lengthen by ${more.length}`, apply: (envelope) => [concat(envelope, more)] };
  return {
    what: `truncate to ${Math.round(share * 100)} %`,
    apply: (envelope) => [envelope.subarray(0, Math.floor(share * envelope.length))],
  };
}

export function flipBit(dice: Dice): Change {
  // The head is short and has more to break.
  const share = dice.chance(0.5) ? dice.fraction() : undefined;
  const at = dice.between(0, 75);
  const bit = dice.between(0, 7);
  return {
    what: `flip bit ${bit} of byte ${share === undefined ? at : `at ${Math.round(share * 100)} %`}`,
    apply(envelope) {
      const place =
        share === undefined ? Math.min(at, envelope.length - 1) : Math.floor(share * envelope.length);
      return [withFlipped(envelope, place, bit)];
    },
  };
}

/**
 * Flips the one bit of a session or reply key that X25519 does not look at (RFC 7748 §5): the box still opens, as
 * it were from somebody else. Only the signatures tell.
 */
export function rename(dice: Dice): Change {
  const alone = dice.chance(0.5);
  return {
    what: `rename the key${alone ? "" : ", besides"}`,
    apply: (envelope, passage) => {
      const renamed = renamedEnvelope(envelope, isRequestPoint(passage) ? "request" : "reply");
      return alone ? [renamed] : [envelope, renamed];
    },
  };
}

export function renamedEnvelope(envelope: Uint8Array, kind: "request" | "reply"): Uint8Array {
  const keyAt = kind === "request" ? 12 : 4;
  return withFlipped(envelope, keyAt + 31, 7);
}

export function replay(dice: Dice): Change {
  const share = dice.fraction();
  const place = dice.pick(["before", "after", "instead"] as const);
  return {
    what: `replay from ${Math.round(share * 100)} % of the recording, ${place}`,
    apply: (envelope, passage) => {
      const kept = recording(passage.kept, isRequestPoint(passage));
      return put(kept[Math.floor(share * kept.length)], place, envelope);
    },
  };
}

/** Sends a request back as a reply, or a reply as a request; now and then with the magic of the other kind. */
export function reflect(dice: Dice): Change {
  const share = dice.fraction();
  const place = dice.pick(["before", "after", "instead"] as const);
  const isDisguised = dice.chance(0.5);
  return {
    what: `reflect from ${Math.round(share * 100)} % of the recording, ${place}${isDisguised ? ", disguised" : ""}`,
    apply: (envelope, passage) => {
      const kept = recording(passage.kept, !isRequestPoint(passage));
      const one = kept[Math.floor(share * kept.length)];
      const disguised = one && concat(envelope.subarray(0, 4), one.subarray(4));
      return put(isDisguised ? disguised : one, place, envelope);
    },
  };
}

export function foreign(dice: Dice): Change {
  const length = dice.pick([0, 1, 4, 43, 44, 60, 61, 500, 4_000, 81_920, 81_921]);
  const junk = dice.bytes(length);
  const times = dice.pick([1, 1, 2, 30]);
  const isDisguised = dice.chance(0.5);
  const place = dice.pick(["before", "after"] as const);
  return {
    what: `push ${times} foreign items of ${length} bytes ${place}${isDisguised ? ", disguised" : ""}`,
    apply(envelope) {
      const one = isDisguised ? concat(envelope.subarray(0, Math.min(4, length)), junk.subarray(4)) : junk;
      const all = Array.from({ length: times }, () => one);
      return place === "before" ? [...all, envelope] : [envelope, ...all];
    },
  };
}

/** Makes a request or a whole session of replies of the hub's own, as well as it can with what everybody knows. */
export function forge(dice: Dice, known: PublicKnowledge): Change {
  const identity = dice.pick([...known.identities, "vantage9" as Identity]);
  const place = dice.pick(["before", "after"] as const);
  return {
    what: `forge, as ${identity}, ${place}`,
    apply(envelope, passage) {
      const forged = isRequestPoint(passage) ? [forgedRequest(known)] : forgedReplies(passage.kept, identity);
      return place === "before" ? [...forged, envelope] : [envelope, ...forged];
    },
  };
}

/** Says something that proves nobody alive, again and again, for longer than any station waits. */
export function keepTalking(dice: Dice, { identities }: PublicKnowledge): Change {
  const what = dice.pick(["forged hellos", "junk", "repeats", "altered"] as const);
  const identity = dice.pick(identities);
  return {
    what: `push ${what} for 8 s`,
    apply(envelope, { kept, later }) {
      const talk = (): Uint8Array | undefined => {
        switch (what) {
          case "forged hellos":
            return forgedReplies(kept, identity)[0];
          case "junk":
            return randomBytes(100);
          case "repeats":
            return envelope;
          case "altered":
            return withFlipped(envelope, envelope.length - 1, 0);
        }
      };
      for (let after = 200; after <= 8_000; after += 200) {
        const one = talk();
        if (one !== undefined) later(one, after);
      }
      return [envelope];
    },
  };
}

/** Lets a request be heard on another channel, too. */
export function crossOver(channel: Channel): Change {
  return {
    what: "publish on another channel, too",
    apply(envelope, { publish }) {
      publish(requestChannel(0, channel), envelope);
      return [envelope];
    },
  };
}

/** All that is right in it is public: who signed it, under the name of the genuine station, is not. */
export function forgedRequest({ network, station, channel, command }: PublicKnowledge): Uint8Array {
  const now = Date.now();
  const body = encodeRequest({
    version: 1,
    type: "run",
    channel,
    sequence: 0,
    issued: now,
    expires: now + 60_000,
    challenge: randomBytes(32),
    replyAddress: randomBytes(16),
    station: "hub" as Identity,
    target: undefined,
    census: false,
    command,
    limit: undefined,
    parameters: new Map(),
  });
  const { secretKey } = stationKeyPair(newSeed());
  const signer = { publicKey: station, secretKey } as StationKeyPair;
  return sealRequest(body, { network, station: signer, session: newSessionKeyPair() });
}

/** A hello, output and an exit that open at the station, since its session key is there for everybody to see. */
function forgedReplies(kept: Kept, identity: Identity): readonly Uint8Array[] {
  const session = kept.published.at(-1)?.envelope.subarray(12, 44) as SessionPublicKey;
  const agent = agentKeyPair(newSeed());
  const reply = newReplyKeyPair();
  const challenge = randomBytes(32);
  const { publicKey: replyKey } = reply;
  const sealer = new ReplySealer(session, reply);
  const data = utf8("forged\n");
  const replies = [
    sealer.seal(
      encodeReply({
        type: "hello",
        identity,
        tags: [],
        software: "0.1.0",
        time: Date.now(),
        challenge,
        agentKey: agent.publicKey,
        signature: signHello({ session, replyKey, challenge, identity }, agent),
        disposition: { is: "running" },
      }),
    ),
    sealer.seal(encodeReply({ type: "output", stream: "stdout", offset: 0, data })),
    sealer.seal(
      encodeReply({
        type: "exit",
        ending: "exited",
        status: 0,
        signal: undefined,
        runTime: 1,
        stdout: data.length,
        stderr: 0,
        dropped: 0,
        leftOpen: false,
        detail: undefined,
      }),
    ),
  ];
  if (replies[0] !== undefined) kept.forged.add(hex(replies[0]));
  return replies;
}

function isRequestPoint({ point }: Passage): boolean {
  return point === "publish" || point === "deliver";
}

function recording(kept: Kept, ofRequests: boolean): readonly Uint8Array[] {
  return (ofRequests ? kept.published : kept.pushed).map(({ envelope }) => envelope);
}

function put(
  one: Uint8Array | undefined,
  place: "before" | "after" | "instead",
  envelope: Uint8Array,
): readonly Uint8Array[] | undefined {
  if (one === undefined) return undefined;
  if (place === "instead") return [one];
  return place === "before" ? [one, envelope] : [envelope, one];
}

function withFlipped(bytes: Uint8Array, at: number, bit: number): Uint8Array {
  const flipped = Uint8Array.from(bytes);
  flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
  return flipped;
}
