/** Steps 1 to 5 of PROTOCOL.md, section 5, by the functions of `src/protocol` alone. */
import { hasKeyId, networkKeyPair, type StationPublicKey } from "../../src/protocol/keys.ts";
import {
  type ClaimedRequest,
  isSignedBy,
  openRequestBox,
  readRequestFrame,
} from "../../src/protocol/request-envelope.ts";
import { unhex, type Vector } from "../support/vectors.ts";

/** What a station has signed, or the exit at which the envelope of a request vector fails. */
export function openVector(vector: Vector): ClaimedRequest | string {
  const frame = readRequestFrame(unhex(vector.get("envelope")));
  if (frame === undefined) return "not-a-request";
  const network = vector
    .all("network-secret")
    .map((secret) => networkKeyPair(unhex(secret)))
    .find(({ publicKey }) => hasKeyId("network-public", publicKey, frame.networkKeyId));
  if (network === undefined) return "unknown-network";
  const claimed = openRequestBox(frame, network);
  if (claimed === undefined) return "bad-box";
  const station = vector
    .all("station-public")
    .map((key) => unhex(key) as StationPublicKey)
    .find((key) => hasKeyId("base-station-public", key, claimed.stationKeyId));
  if (station === undefined) return "unknown-station";
  return isSignedBy(station, claimed) ? claimed : "bad-signature";
}
