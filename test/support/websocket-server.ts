/**
 * The server's side of a WebSocket, by hand: for servers that lie, and for one whose order of frames matters, which a
 * library would not let out of its hands (RFC 6455).
 */
import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

export const Opcode = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** A frame of a server's, which are not masked (5.2). */
export function frame(
  payload: Uint8Array | string,
  opcode: number = Opcode.text,
  isCompressed = false,
): Uint8Array {
  const bytes = Buffer.from(payload);
  const head = Buffer.alloc(10);
  head[0] = 0x80 | opcode | (isCompressed ? 0x40 : 0);
  head[1] = 127;
  head.writeBigUInt64BE(BigInt(bytes.length), 2);
  if (bytes.length > 125) return Buffer.concat([head, bytes]);
  head[1] = bytes.length;
  return Buffer.concat([head.subarray(0, 2), bytes]);
}

/** A close frame with a code and a reason. */
export function closeFrame(code: number, reason: string): Uint8Array {
  const payload = Buffer.concat([Buffer.alloc(2), Buffer.from(reason)]);
  payload.writeUInt16BE(code);
  return frame(payload, Opcode.close);
}

/** The answer to the request for a WebSocket. */
export function switchingProtocols({ headers }: IncomingMessage, extensions?: string): string {
  const proof = `${headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const lines = [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${createHash("sha1").update(proof).digest("base64")}`,
    ...(extensions === undefined ? [] : [`Sec-WebSocket-Extensions: ${extensions}`]),
  ];
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** Calls `onFrame` with each whole frame of a client's, which are masked. */
export function readFrames(socket: Duplex, onFrame: (opcode: number, payload: Uint8Array) => void): void {
  let rest = Buffer.alloc(0);
  socket.on("data", (chunk: Uint8Array) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      if (rest.length < 2) return;
      const short = (rest[1] ?? 0) & 0x7f;
      const start = short === 127 ? 10 : short === 126 ? 4 : 2;
      if (rest.length < start) return;
      const length =
        short === 127 ? Number(rest.readBigUInt64BE(2)) : short === 126 ? rest.readUInt16BE(2) : short;
      if (rest.length < start + 4 + length) return;
      const mask = rest.subarray(start, start + 4);
      const payload = rest.subarray(start + 4, start + 4 + length);
      const opcode = (rest[0] ?? 0) & 0x0f;
      onFrame(
        opcode,
        payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0)),
      );
      rest = rest.subarray(start + 4 + length);
    }
  });
}
