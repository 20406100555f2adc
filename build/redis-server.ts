/**
 * The redis-server program of this machine, fetched with apt-get where that is allowed.
 *
 * Debian's redis-tools carries the whole server: /usr/bin/redis-check-rdb is a multi-call program that looks
 * at the name it was called by (argv[0]). The package redis-server only adds a link to it and a system
 * service, and a service is what a demo or a test must not leave running: so it is redis-tools that is
 * installed, and the name is given at the start of the process, without a link.
 */
import { findTool, tool } from "./tool.ts";

/** A program and the name to call it by (`argv0` of `spawn`). */
export type Program = { readonly file: string; readonly argv0: string };

/**
 * Finds redis-server; as root on Debian, installs it where it is missing.
 *
 * @throws {Failure} one line that says what to install
 */
export function redisServer(): Program {
  const advice = "install redis-server, or Debian's redis-tools, which has it without a system service";
  const file = findTool("redis-server") ?? tool("redis-check-rdb", "redis-tools", advice);
  return { file, argv0: "redis-server" };
}
