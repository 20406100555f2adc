/** How an agent that is running here is, asked from outside. */
import type { Server } from "node:net";
import { join } from "node:path";
import { CbError } from "../core/errors.ts";
import type { Channel, Identity } from "../core/names.ts";
import { printable } from "../core/text.ts";
import { askAt, serveAnswers } from "./unix-answers.ts";

export type Health = {
  /** Whether requests reach the agent, and Redis answers it. */
  readonly isHealthy: boolean;
  /** `channel default at redis://…, 0 running`, or what is wrong. */
  readonly status: string;
};

export function healthSocket(stateDirectory: string, channel: Channel, identity: Identity): string {
  return join(stateDirectory, channel, identity, "health.sock");
}

/** @throws {CbError} as `serveAnswers` */
export async function serveHealth(path: string, ask: () => Promise<Health>): Promise<Server> {
  return serveAnswers(path, ask);
}

/** @throws {CbError} `file` where no agent answers */
export async function askHealth(path: string): Promise<Health> {
  const { isHealthy, status } = ((await askAt(path, "agent", "health")) ?? {}) as Partial<Health>;
  if (typeof isHealthy === "boolean" && typeof status === "string") return { isHealthy, status };
  throw new CbError(
    "file",
    `Cannot ask the agent at "${printable(path)}": it does not answer as an agent does`,
  );
}
