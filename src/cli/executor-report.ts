/** A scanner's report that is there already: a file, or standard input. */
import { createReadStream } from "node:fs";
import { CbError, systemCode } from "../core/errors.ts";
import { systemReason } from "../core/files.ts";
import { printable } from "../core/text.ts";

/**
 * @param path `-` for standard input
 * @throws {CbError} `file` where it cannot be read, and what `take` throws
 */
export async function readReport(path: string, take: (bytes: Uint8Array) => Promise<void>): Promise<void> {
  const input: AsyncIterable<Uint8Array> = path === "-" ? process.stdin : createReadStream(path);
  try {
    for await (const bytes of input) await take(bytes);
  } catch (cause) {
    // Our own are about the output, and have a code as well.
    if (cause instanceof CbError || systemCode(cause) === undefined) throw cause;
    throw new CbError("file", `Cannot read "${printable(path)}": ${systemReason(cause)}`, { cause });
  }
}
