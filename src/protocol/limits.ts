/**
 * The numbers of the protocol. Those of the first group are part of the wire format and change only with its
 * version; those of the second are this program's own prudence. Source: PROTOCOL.md §3.
 */

// Specification
/** The one version that this program speaks. */
export const PROTOCOL_VERSION = 1;
/** A request envelope, at most. */
export const MAX_REQUEST_BYTES = 64 * 1024;
/** A reply envelope, at most. */
export const MAX_REPLY_BYTES = 80 * 1024;
/** The bytes of one output message. */
export const MAX_OUTPUT_BYTES = 64 * 1024;
/** A reason's free text, in UTF-8. */
export const MAX_DETAIL_BYTES = 256;
/** The parameters of one run. */
export const MAX_PARAMETERS = 32;
/** The value of one parameter, in UTF-8. */
export const MAX_PARAMETER_BYTES = 4 * 1024;
/** Identities and patterns of them in each list of a target. */
export const MAX_IDENTITIES = 8192;
/** Commands in one listing. */
export const MAX_LISTED = 4096;
/** A listing, as it is put together: more than so many of the longest commands. */
export const MAX_LISTING_BYTES = 2 * 1024 * 1024;
/** Of an executable or a manifest: SHA-256, which people can compare with what sha256sum(1) says. */
export const DIGEST_BYTES = 32;
/** How long a request may be valid, in milliseconds. */
export const MAX_VALIDITY = 10 * 60_000;
/** How far ahead of the agent's clock a request may be issued, in milliseconds. */
export const MAX_FUTURE = 30_000;
/** How long after its issue a run may wait to be released, in milliseconds. */
export const MAX_HOLD = 60 * 60_000;
/** How long a release may be valid, in milliseconds. */
export const GO_VALIDITY = 10_000;
/** How many agents one `go` may release. */
export const MAX_RELEASED = 512;
export const KEY_ID_BYTES = 8;
export const CHALLENGE_BYTES = 32;
export const REPLY_ADDRESS_BYTES = 16;
export const SESSION_ID_BYTES = 16;

/** The body of a request: what is left of an envelope of 64 KiB by its padding, header, key id and signature. */
export const MAX_REQUEST_BODY_BYTES = 63_488 - 4 - 8 - 64;

// Implementation
/** Names and values of all parameters of a request of ours: with the most and longest tags it still fits. */
export const MAX_ALL_PARAMETER_BYTES = 48 * 1024;
/** How long a request of ours is valid, in milliseconds. */
export const DEFAULT_VALIDITY = 60_000;
