/**
 * Whose state a directory holds: that of a service is its user's, and root, who may write anywhere, would leave files
 * there that the service cannot use.
 */
import { execFileSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { CbError } from "../core/errors.ts";
import { attempt, type Owner } from "../core/files.ts";
import type { Environment } from "../core/settings.ts";
import { shellWord } from "../core/shell-word.ts";
import { printable } from "../core/text.ts";

/** The user of `cb-dispatcher.service`. */
export const SERVICE_USER = "cb-dispatcher";
/** What the service reads. */
export const SERVICE_CONFIG = "/etc/cb/dispatcher.toml";

export type User = Owner & {
  /** Undefined for a number that the system has no name for. */
  readonly name: string | undefined;
  readonly home: string;
};

/** Where systemd puts the credentials of the service while it runs. */
const SERVICE_CREDENTIALS = `/run/credentials/${SERVICE_USER}.service`;

/**
 * Who a directory belongs to, where we are root and that is somebody else.
 *
 * @throws {CbError} `file`
 */
export function ownerBesidesRoot(directory: string): User | undefined {
  if (process.geteuid?.() !== 0 || !existsSync(directory)) return undefined;
  const stats = attempt("read", directory, () => statSync(directory));
  return stats.uid === 0 ? undefined : userOf(stats);
}

/** @throws {CbError} `usage` where we are root and it is another user's, with what to do instead */
export function refuseAnothersState(directory: string): void {
  const owner = ownerBesidesRoot(directory);
  if (owner === undefined) return;
  const { name } = owner;
  const start = name === SERVICE_USER ? `systemctl start ${SERVICE_USER}, or ` : "";
  const asOwner =
    name === undefined ? "it as that user" : `${start}runuser -u ${shellWord(name)} -- cb dispatcher run`;
  throw new CbError(
    "usage",
    `Cannot use "${printable(directory)}": it belongs to ${wordsOf(owner)}, who could not use what root leaves there`,
    { hint: `Run ${asOwner}, or take another --state-directory` },
  );
}

/** As sentences name them. */
export function wordsOf({ name, uid }: User): string {
  return name === undefined ? `the user ${uid}` : printable(name);
}

/**
 * Does something with files in a directory that is `owner`'s, as that user: root would follow a link that was laid there
 * to wherever it leads, and write.
 *
 * @param owner undefined for who asks
 * @param action must not wait, as the whole process is that user meanwhile
 */
export function actingAs<Result>(owner: Owner | undefined, action: () => Result): Result {
  if (owner === undefined || process.geteuid?.() !== 0 || owner.uid === 0) return action();
  const groups = process.getgroups?.() ?? [];
  // Deno has none: there root's further groups stay.
  process.setgroups?.([owner.gid]);
  process.setegid?.(owner.gid);
  process.seteuid?.(owner.uid);
  try {
    return action();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
    process.setgroups?.(groups);
  }
}

/**
 * Gives up root for good, and with it what only root could read or run.
 *
 * @returns the environment as it would be for that user
 */
export function become({ uid, gid, name, home }: User, environment: Environment): Environment {
  // Deno has neither; there root's further groups stay. Node's types lack the second.
  const { setgroups, initgroups }: NodeJS.Process & { initgroups?(user: string, group: number): void } =
    process;
  if (name === undefined) setgroups?.([gid]);
  else initgroups?.(name, gid);
  process.setgid?.(gid);
  process.setuid?.(uid);
  const isService = name === SERVICE_USER && environment["CREDENTIALS_DIRECTORY"] === undefined;
  return {
    ...environment,
    HOME: home,
    USER: name ?? String(uid),
    LOGNAME: name ?? String(uid),
    ...(isService && existsSync(SERVICE_CREDENTIALS) && { CREDENTIALS_DIRECTORY: SERVICE_CREDENTIALS }),
  };
}

/** By the system's own tables, which may be on another machine. A number without a name is its own. */
function userOf({ uid, gid }: Owner): User {
  try {
    const line = execFileSync("getent", ["passwd", String(uid)], { stdio: ["ignore", "pipe", "ignore"] });
    const [name = "", , , group = "", , home = ""] = line.toString().trimEnd().split(":");
    return { uid, gid: Number(group), name, home };
  } catch {
    return { uid, gid, name: undefined, home: "/" };
  }
}
