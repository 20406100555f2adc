/** What all schedules share: a Redis, commands and what they print, and crypto that is ready. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Channel, CommandName, Identity } from "../../src/core/names.ts";
import { hex } from "../../src/protocol/bytes.ts";
import { cryptoReady, randomBytes } from "../../src/protocol/crypto.ts";
import type { Stream } from "../../src/protocol/reply.ts";
import { type RedisServer, startRedis } from "../support/redis-server.ts";

/** Besides the channel, no word of ours may be seen by the hub; each of these is looked for. */
export const WORD = "mulberry";
export const IDENTITIES = [`${WORD}1` as Identity, `${WORD}2` as Identity] as const;
/** An agent of the same keys on another channel. */
export const STRANGER = `${WORD}3` as Identity;

export const COMMANDS = {
  /** Prints on both streams, in bursts, some 30 KB. */
  bursts: `${WORD}-bursts` as CommandName,
  /** Prints a little and exits with 3. */
  fails: `${WORD}-fails` as CommandName,
  /** Prints a little, and again half a second later. */
  lingers: `${WORD}-lingers` as CommandName,
} as const;

/** One run of a command: its session id, the command, and who ran it. */
export type Run = { readonly session: string; readonly command: string; readonly identity: string };

export class Laboratory implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), "cb-hostile-"));
  readonly runDirectory = join(this.directory, "run.d");
  readonly redis: RedisServer;
  readonly #printed = new Map<string, Uint8Array>();

  private constructor(redis: RedisServer) {
    this.redis = redis;
    mkdirSync(this.runDirectory);
    for (const identity of [...IDENTITIES, STRANGER]) {
      this.#writeText(identity, "out-1", 40);
      this.#writeText(identity, "err-1", 10);
      this.#writeText(identity, "out-2", 500);
    }
    // Written before anything is run: a file that a child still has open for writing cannot be executed.
    const record = `echo "$CB_SESSION $CB_COMMAND $1" >> "${this.directory}/runs-$CB_CHANNEL"`;
    const print = (part: string) => `cat "${this.directory}/$1-${part}"`;
    this.#writeCommand(
      COMMANDS.bursts,
      record,
      print("out-1"),
      `${print("err-1")} >&2`,
      "sleep 0.02",
      print("out-2"),
    );
    this.#writeCommand(COMMANDS.fails, record, print("out-1"), "exit 3");
    this.#writeCommand(COMMANDS.lingers, record, print("out-1"), "sleep 0.5", print("out-2"));
  }

  static async open(): Promise<Laboratory> {
    await cryptoReady();
    return new Laboratory(await startRedis());
  }

  /** What a command prints when nothing goes wrong. */
  printed(command: string, identity: string, stream: Stream): Uint8Array {
    const part = (name: string) => this.#printed.get(`${identity}-${name}`) ?? new Uint8Array();
    if (stream === "stderr") return command === COMMANDS.bursts ? part("err-1") : new Uint8Array();
    return command === COMMANDS.fails ? part("out-1") : Buffer.concat([part("out-1"), part("out-2")]);
  }

  /** What was run on a channel so far. */
  runs(channel: Channel): readonly Run[] {
    const file = join(this.directory, `runs-${channel}`);
    const text = readFileSync(file, { flag: "a+" }).toString();
    return text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => {
        const [session = "", command = "", identity = ""] = line.split(" ");
        return { session, command, identity };
      });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.redis.stop();
    rmSync(this.directory, { recursive: true });
  }

  /** Every line is unlike every other, so that no part of it can stand for another. */
  #writeText(identity: string, part: string, lines: number): void {
    const text = Array.from({ length: lines }, () => `${WORD} ${hex(randomBytes(24))}\n`).join("");
    writeFileSync(join(this.directory, `${identity}-${part}`), text);
    this.#printed.set(`${identity}-${part}`, Buffer.from(text));
  }

  #writeCommand(name: CommandName, ...script: readonly string[]): void {
    writeFileSync(join(this.runDirectory, name), ["#!/bin/sh", ...script, ""].join("\n"), { mode: 0o755 });
  }
}
