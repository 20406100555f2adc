/**
 * Watches what comes from Redis before anybody buffers or believes it.
 *
 * Whoever speaks for Redis may announce a bulk of half a gigabyte, or an array of a billion, and ioredis would
 * begin to store it. It also trusts the shape of what it reads: an answer that nobody asked for, or a message
 * without a body, is an exception in the middle of its parser, which would end the process. So every byte
 * passes here first, and the first one that is out of order closes the connection. A header line goes on only when
 * it is whole and in order: ioredis takes the `-` of `$-1` for a null before the rest of the line has come.
 *
 * Only framing is looked at: a header line is `<type><number or text>CR LF`, a bulk is as long as its header
 * says plus CR LF. RESP2 is spoken (no HELLO), so RESP3's types are out of order too. The two must agree on
 * where a line ends: ioredis looks for the CR, we for the LF, hence a bare CR is refused.
 * Source: https://redis.io/docs/latest/develop/reference/protocol-spec/
 */
import { failureOfReply, HubFailure } from "./failure.ts";

/** Bytes of a header line; the longest in practice, the error of protected mode, has 900. */
const MAX_LINE_BYTES = 4096;
/** Elements of one answer with all that is nested in it; the largest is a batch of replies. */
const MAX_ELEMENTS = 128;

const LINE_FEED = 0x0a;
const TYPES = Buffer.from("+-:$*");

export class BulkGuard {
  readonly #maxBulkBytes: number;
  /** Answers that commands still wait for. */
  #expected = 0;
  #subscribed = false;

  /** The header line read so far, none of which has gone on. */
  #line = "";
  /** Bytes of the present bulk and its CR LF that are still to come. */
  #bulkBytes = 0;
  /** Elements begun and still to begin of the present answer. */
  #begun = 0;
  #toBegin = 0;

  constructor(maxBulkBytes: number) {
    this.#maxBulkBytes = maxBulkBytes;
  }

  /** So many commands go out, each with one answer. */
  expect(answers: number): void {
    this.#expected += answers;
  }

  /** SUBSCRIBE goes out: from here on messages come, unasked. */
  expectMessages(): void {
    this.#subscribed = true;
  }

  /** @returns the bytes that may go on, or why the connection must be closed without any of them */
  scan(chunk: Uint8Array): Uint8Array | HubFailure {
    const held = this.#line;
    let at = 0;
    let passed = 0;
    while (at < chunk.length) {
      if (this.#bulkBytes > 0) {
        const step = Math.min(this.#bulkBytes, chunk.length - at);
        this.#bulkBytes -= step;
        at += step;
        passed = at;
        continue;
      }
      if (this.#line === "" && !TYPES.includes(chunk[at] ?? 0)) return notRedis();
      const end = chunk.indexOf(LINE_FEED, at);
      const next = end === -1 ? chunk.length : end + 1;
      if (this.#line.length + next - at > MAX_LINE_BYTES) {
        return new HubFailure("connection", `line of more than ${MAX_LINE_BYTES} bytes is over the limit`);
      }
      this.#line += Buffer.from(chunk.buffer, chunk.byteOffset + at, next - at).toString("latin1");
      at = next;
      if (end === -1) break;
      const failure = this.#header(this.#line);
      if (failure !== undefined) return failure;
      this.#line = "";
      passed = at;
    }
    const whole = chunk.subarray(0, passed);
    return held === "" || passed === 0 ? whole : Buffer.concat([Buffer.from(held, "latin1"), whole]);
  }

  #header(line: string): HubFailure | undefined {
    if (line.indexOf("\r") !== line.length - 2) return notRedis();
    const type = line.charAt(0);
    const text = line.slice(1, -2);
    const size = type === "$" || type === "*" ? parseSize(text) : 0;
    if (size === undefined) return notRedis();
    return this.#begin(type, size, text) ?? this.#measure(type, size);
  }

  /** Whether an element of this type may come here. */
  #begin(type: string, size: number, text: string): HubFailure | undefined {
    const position = this.#begun;
    if (this.#toBegin > 0) {
      this.#toBegin -= 1;
      this.#begun += 1;
      // ["message" or "subscribe", channel, body or number]: what ioredis takes for granted.
      if (this.#subscribed && !(type === "$" && size >= 0) && !(type === ":" && position === 3)) {
        return notRedis();
      }
      return undefined;
    }
    this.#begun = 1;
    if (this.#subscribed) {
      if (type === "-") return failureOfReply(text);
      return type === "*" && size === 3 ? undefined : notRedis();
    }
    if (this.#expected === 0) {
      // Redis says farewell so: too many clients, protected mode.
      if (type === "-") return failureOfReply(text);
      return new HubFailure("connection", "an answer came that nobody asked for");
    }
    this.#expected -= 1;
    return undefined;
  }

  #measure(type: string, size: number): HubFailure | undefined {
    if (type === "*" && size > 0) {
      this.#toBegin += size;
      const elements = this.#begun + this.#toBegin;
      if (elements > MAX_ELEMENTS + 1) {
        return new HubFailure("connection", `answer of ${elements - 1} elements is over the limit`);
      }
    }
    if (type === "$" && size >= 0) {
      if (size > this.#maxBulkBytes) {
        return new HubFailure("connection", `bulk of ${size} bytes is over the limit`);
      }
      this.#bulkBytes = size + 2;
    }
    return undefined;
  }
}

/** The number of a bulk or an array, -1 for null. */
function parseSize(text: string): number | undefined {
  return /^(-1|\d{1,12})$/.test(text) ? Number(text) : undefined;
}

function notRedis(): HubFailure {
  return new HubFailure("connection", "the answer is not in the protocol of Redis");
}
