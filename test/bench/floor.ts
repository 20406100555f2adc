/**
 * The programs that stand beside `cb station`, made into an executable as `cb` is. They are the bare work: the
 * same connections, cryptography and Redis commands, without codec, discovery, session and rendering.
 *
 *   floor station SOCKET AGENTS NETWORK-PUBLIC-KEY STATION-SEED     one request and all its replies (hex)
 *   floor push SOCKET LIST                                         standard input into a list
 *   floor pop SOCKET LIST                                          the list to standard output
 */
import { hex } from "../../src/protocol/bytes.ts";
import { cryptoReady, randomBytes, signKeyPair } from "../../src/protocol/crypto.ts";
import { CHANNEL, FloorReader, newRequest } from "./floor-wire.ts";
import { byteStrings, type Command, RespSocket } from "./resp.ts";

/** As `cb` does it: replies a round, bytes of output in one reply, and in one push. */
const BATCH = 100;
const CHUNK = 64 * 1024;
const PUSH = 2 * CHUNK;

async function station(socketPath: string, agents: number, network: Uint8Array, seed: Uint8Array) {
  await cryptoReady();
  const [commands, replies] = [await RespSocket.open(socketPath), await RespSocket.open(socketPath)];
  const address = randomBytes(16);
  const [list, presence] = [`floor:reply:${hex(address)}`, `floor:station:${hex(address)}`];
  await commands.ask(["SET", presence, "1", "EX", 30]);
  const sent = newRequest(network, signKeyPair(seed), address);
  await commands.ask(["PUBLISH", CHANNEL, sent.request]);
  const reader = new FloorReader(sent);
  for (let received = 0; reader.finished < agents; ) {
    const trim: readonly Command[] = received > 0 ? [["LTRIM", list, received, -1]] : [];
    const answer = await replies.ask(
      ...trim,
      ["BLMOVE", list, list, "LEFT", "LEFT", 5],
      ["LRANGE", list, 0, BATCH - 1],
    );
    const batch = byteStrings(answer);
    for (const envelope of batch) reader.read(envelope);
    received = batch.length;
  }
  await commands.ask(["DEL", list, presence]);
  commands.destroy();
  replies.destroy();
}

async function push(socketPath: string, list: string) {
  const redis = await RespSocket.open(socketPath);
  let waiting: Uint8Array[] = [];
  let size = 0;
  for await (const data of process.stdin as AsyncIterable<Uint8Array>) {
    waiting.push(data);
    size += data.length;
    if (size < PUSH) continue;
    await redis.ask(["RPUSH", list, ...chunks(Buffer.concat(waiting))]);
    waiting = [];
    size = 0;
  }
  await redis.ask(["RPUSH", list, ...chunks(Buffer.concat(waiting)), ""]); // the end
  redis.destroy();
}

function chunks(bytes: Uint8Array): readonly Uint8Array[] {
  const count = Math.ceil(bytes.length / CHUNK);
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * CHUNK, (index + 1) * CHUNK));
}

async function pop(socketPath: string, list: string) {
  const redis = await RespSocket.open(socketPath);
  for (let isOver = false; !isOver; ) {
    const answer = await redis.ask(["BLMPOP", 5, 1, list, "LEFT", "COUNT", BATCH]);
    const [, items] = Array.isArray(answer) ? answer : [];
    const batch = byteStrings(items ?? null);
    isOver = batch.at(-1)?.length === 0;
    await new Promise<void>((resolve) => process.stdout.write(Buffer.concat(batch), () => resolve()));
  }
  redis.destroy();
}

async function main([role, socketPath = "", name = "", ...keys]: readonly string[]): Promise<void> {
  const [network, seed] = keys.map((key) => new Uint8Array(Buffer.from(key, "hex")));
  if (role === "push") return push(socketPath, name);
  if (role === "pop") return pop(socketPath, name);
  if (role !== "station" || network === undefined || seed === undefined) throw new Error("no such part");
  return station(socketPath, Number(name), network, seed);
}

void main(process.argv.slice(2));
