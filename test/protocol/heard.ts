/** What `src/protocol` alone makes of the envelopes of a reply vector; turns and counts are the station's. */
import { CbError } from "../../src/core/errors.ts";
import { hex } from "../../src/protocol/bytes.ts";
import { networkKeyPair, type SessionKeyPair } from "../../src/protocol/keys.ts";
import { decodeReply, type Reply } from "../../src/protocol/reply.ts";
import {
  isHelloGenuine,
  openReply,
  readReplyFrame,
  replyOpeningKey,
} from "../../src/protocol/reply-envelope.ts";
import { unhex, type Vector } from "../support/vectors.ts";

/** The exit at which an envelope fails, or the reply that it holds. */
export type Heard = string | { readonly reply: Reply; readonly body: Uint8Array };

/** Steps 1, 2, 4 and 7 to 9 of PROTOCOL.md, section 6, for one envelope after the other. */
export function hear(vector: Vector): readonly Heard[] {
  // A session pair is an X25519 pair like the network's; only random ones have a maker of their own.
  const pair = networkKeyPair(unhex(vector.get("session-secret")));
  const session = pair as Uint8ArrayPair as SessionKeyPair;
  const challenge = vector.get("challenge");
  const opened = new Set<string>();
  return vector.all("envelope").map((envelope) => {
    const frame = readReplyFrame(unhex(envelope));
    if (frame === undefined) return "foreign";
    const known = opened.has(hex(frame.replyKey));
    if (!known && frame.sequence !== 0) return "no-hello";
    const key = replyOpeningKey(frame.replyKey, session);
    const body = key && openReply(frame, key);
    if (body === undefined) return known ? "altered" : "foreign";
    opened.add(hex(frame.replyKey));
    const reply = decoded(body);
    if (reply === undefined) return "malformed";
    if (reply.type === "hello") {
      if (hex(reply.challenge) !== challenge) return "wrong-challenge";
      if (!isHelloGenuine(reply, session.publicKey, frame.replyKey)) return "bad-signature";
    }
    return { reply, body };
  });
}

type Uint8ArrayPair = { readonly publicKey: Uint8Array; readonly secretKey: Uint8Array };

function decoded(body: Uint8Array): Reply | undefined {
  try {
    return decodeReply(body);
  } catch (error) {
    if (error instanceof CbError && error.code === "message-malformed") return undefined;
    throw error;
  }
}
