/** Answers a `list` behind its hello: the listing in pieces, as output, and an exit. */
import type { Clock } from "../core/clock.ts";
import { CbError } from "../core/errors.ts";
import { MAX_OUTPUT_BYTES } from "../protocol/limits.ts";
import { encodeListing, type ListedCommand } from "../protocol/listing.ts";
import type { Exit, Reply } from "../protocol/reply.ts";

type Parts = {
  readonly list: () => Promise<readonly ListedCommand[]>;
  readonly send: (reply: Reply) => Promise<void>;
  readonly clock: Clock;
};

/**
 * @param end gives up; its reason is `"cancelled"` or `"stopped"`
 * @returns what is to be sent last
 */
export async function answerList({ list, send, clock }: Parts, end: AbortSignal): Promise<Exit> {
  const startedAt = clock.monotonic();
  const exit = (ending: Exit["ending"], stdout: number, detail?: string): Exit => ({
    type: "exit",
    ending,
    status: ending === "exited" ? 0 : undefined,
    signal: undefined,
    runTime: Math.round(clock.monotonic() - startedAt),
    stdout,
    stderr: 0,
    dropped: 0,
    leftOpen: false,
    detail,
  });
  let listing: Uint8Array;
  try {
    listing = encodeListing(await list());
  } catch (error) {
    if (end.aborted) return exit(end.reason === "cancelled" ? "cancelled" : "stopped", 0);
    if (error instanceof CbError) return exit("not-started", 0, error.message);
    throw error;
  }
  for (let offset = 0; offset < listing.length; offset += MAX_OUTPUT_BYTES) {
    if (end.aborted) return exit(end.reason === "cancelled" ? "cancelled" : "stopped", offset);
    const data = listing.subarray(offset, offset + MAX_OUTPUT_BYTES);
    await send({ type: "output", stream: "stdout", offset, data });
  }
  return exit("exited", listing.length);
}
