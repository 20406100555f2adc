/** What the tests of the hub share: a Redis of their own, both sides of it, and a third party that looks on. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CbError } from "../../src/core/errors.ts";
import { type Channel, parseName } from "../../src/core/names.ts";
import { type AgentHub, type HubState, openAgentHub } from "../../src/hub/agent-hub.ts";
import { type Connection, parseConnectionString } from "../../src/hub/connection-string.ts";
import { type Command, RedisConnection } from "../../src/hub/redis-connection.ts";
import { type RedisServer, startRedis } from "../support/redis-server.ts";

export const channel = parseName<Channel>("test");
export const never = new AbortController().signal;

/** A reply address that no other test uses. */
export function newAddress(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(16));
}

export function numbered(number: number, length = 8): Uint8Array {
  const bytes = new Uint8Array(length);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}

export function numberOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
}

export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await condition()); tries += 1) {
    assert.ok(tries < 1_000, `${what} has not come true`);
    await sleep(10);
  }
}

/** The CbError that a promise must end in. */
export async function hubErrorOf(promise: Promise<unknown>): Promise<CbError> {
  const error = await promise.then(
    () => assert.fail("expected a CbError"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof CbError, String(error));
  assert.equal(error.code, "hub");
  return error;
}

export class Fixture implements AsyncDisposable {
  readonly #directory = mkdtempSync(join(tmpdir(), "cb-hub-"));
  readonly #cleanups: (() => unknown)[] = [];
  readonly states: HubState[] = [];
  dropped = 0;
  #server: RedisServer | undefined;

  static async start(extraArgs: readonly string[] = []): Promise<Fixture> {
    const fixture = new Fixture();
    await fixture.startRedis(extraArgs);
    return fixture;
  }

  get url(): string {
    return `unix://${this.#directory}/redis.sock`;
  }

  get connection(): Connection {
    return parseConnectionString(this.url);
  }

  async startRedis(extraArgs: readonly string[] = []): Promise<void> {
    this.#server = await startRedis({ directory: this.#directory, extraArgs });
  }

  /** As by SIGKILL, with everything in it gone. */
  async killRedis(): Promise<void> {
    await this.#server?.stop();
  }

  signalRedis(signal: NodeJS.Signals): void {
    process.kill(this.#server?.pid ?? assert.fail(), signal);
  }

  /** An agent's hub that is closed with the fixture. */
  agent(connection = this.connection): AgentHub {
    const hub = openAgentHub(connection, channel, {
      onState: (state) => this.states.push(state),
      onRequestDropped: () => {
        this.dropped += 1;
      },
    });
    this.#cleanups.push(() => hub.close());
    return hub;
  }

  /** Commands of a third party. */
  async redis(...commands: readonly Command[]): Promise<readonly unknown[]> {
    const redis = await RedisConnection.open(this.connection, 1024 * 1024, never);
    try {
      return await redis.send(...commands);
    } finally {
      redis.end();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const cleanup of this.#cleanups) await cleanup();
    await this.#server?.stop();
    rmSync(this.#directory, { recursive: true });
  }
}
