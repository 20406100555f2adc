/** An operator's own connection to a fleet's Redis. */
import { parseConnectionString } from "../../src/hub/connection-string.ts";
import { type Command, RedisConnection } from "../../src/hub/redis-connection.ts";
import type { Fleet } from "./fleet.ts";

export class RedisAdmin implements AsyncDisposable {
  readonly #redis: RedisConnection;

  private constructor(redis: RedisConnection) {
    this.#redis = redis;
  }

  static async connect(fleet: Fleet): Promise<RedisAdmin> {
    const { signal } = new AbortController();
    return new RedisAdmin(await RedisConnection.open(parseConnectionString(fleet.redis.url), 65_536, signal));
  }

  async ask(...command: Command): Promise<unknown> {
    return (await this.#redis.send(command))[0];
  }

  async number(...command: Command): Promise<number> {
    return Number(await this.ask(...command));
  }

  async keys(pattern: string): Promise<readonly string[]> {
    const keys = await this.ask("KEYS", pattern);
    return Array.isArray(keys) ? keys.map(String) : [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#redis.end();
  }
}
