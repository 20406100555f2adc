/**
 * Starts one child process in its surroundings; the only file that knows execa.
 *
 * What holds for every command: no shell, `$0` is its path, stdin /dev/null, only the given environment, a
 * session and process group of its own (so no terminal, and a signal to the group reaches what it forked; the
 * tools of an executor, tool.ts, are the exception), default signal dispositions. What this file cannot do, as the
 * runtimes are:
 *
 * - The umask is that of the whole process and is inherited: the agent program sets 022 when it starts.
 * - Descriptors that the agent itself was born with stay out of the child in Bun; Node keeps out those up to
 *   15, Deno none. Those that a runtime opens itself are close-on-exec in all three.
 * - A signal that the agent was told to ignore (nohup) is ignored by its commands under Deno, not elsewhere.
 * - stdout and stderr are sockets in Bun and Node, not pipes. A script's `>&2` works on them, but opening
 *   them again by `> /dev/stderr` fails with ENXIO, as it does under systemd's journal.
 * - An exit by a real-time signal (SIGRTMIN…) is reported as status 0 by Node and Bun, which have no name
 *   for it; Deno throws where nobody can catch.
 * - If the agent is killed, its commands live on: execa's `cleanup` does nothing for a detached child, and
 *   no exit handler runs on SIGKILL anyway. The service manager ends them with the agent's control group.
 */
import { closeSync, constants, openSync, readSync } from "node:fs";
import type { Readable } from "node:stream";
import { execa } from "execa";
import { systemCode } from "../core/errors.ts";

/** How the process itself ended: one of the two is set. */
type Exit = { readonly status: number | undefined; readonly signal: string | undefined };

type Child = {
  readonly started: true;
  /** Also the id of its process group and session, unless it shares ours. */
  readonly pid: number;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when the process itself has ended, whoever still holds its streams; never rejects. */
  readonly exited: Promise<Exit>;
  /** It is not waited for any more: if it lives on, this program ends all the same. */
  readonly abandon: () => void;
};

type NotStarted = { readonly started: false; readonly detail: string };

/** What a child finds when it starts. */
export type Surroundings = {
  /** Behind `$0`. */
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Where it starts. */
  readonly directory: string;
  /** Whether it stays in the process group and session of this program: what ends all of that then ends it, too. */
  readonly sharesGroup?: boolean;
};

/** Starts `path`, an executor or the interpreter of one. The streams must be read, or paused, in the same turn. */
export async function startChild(path: string, surroundings: Surroundings): Promise<Child | NotStarted> {
  if (!hasKnownFormat(path)) return notStarted("ENOEXEC");
  if (hasLongVariable(surroundings.environment)) return notStarted("E2BIG");
  if (!hasSpareDescriptors()) return notStarted("EMFILE");

  const subprocess = launch(path, surroundings);
  // Bun throws most errors where Node emits them, and execa 9.6 then stumbles over Bun's read-only
  // `stdin` with a TypeError of its own: the system's reason (ETXTBSY, E2BIG, …) is lost.
  if (subprocess === undefined) return notStarted(undefined);
  if (subprocess.pid === undefined) return notStarted(systemCode((await subprocess).cause));

  const exited = new Promise<Exit>((resolve) => {
    subprocess.once("exit", (status, signal) => {
      resolve({ status: status ?? undefined, signal: signal ?? undefined });
    });
  });
  const { pid, stdout, stderr } = subprocess;
  return { started: true, pid, stdout, stderr, exited, abandon: () => subprocess.unref() };
}

function launch(path: string, { arguments: words, environment, directory, sharesGroup }: Surroundings) {
  try {
    return execa(path, words, {
      cwd: directory,
      env: environment,
      extendEnv: false,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      detached: sharesGroup !== true,
      // We read the streams ourselves and end the group ourselves. execa's own promise waits for the last
      // holder of a stream, which may be a daemon that lives for months; with `reject: false` it is harmless.
      buffer: false,
      cleanup: false,
      reject: false,
    });
  } catch {
    return undefined;
  }
}

/**
 * Whether the kernel starts this file by itself: `#!` or ELF.
 *
 * For anything else execve(2) says ENOEXEC, and there Node and Deno (libc's execvp) feed the file to /bin/sh
 * line by line, while Bun refuses. Never a shell: so all three refuse. It costs the formats of binfmt_misc,
 * and an ELF file of another machine still reaches the shell in Node and Deno, which makes nothing of it.
 */
function hasKnownFormat(path: string): boolean {
  let file: number | undefined;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const head = new Uint8Array(4);
    readSync(file, head, 0, head.length, 0);
    const text = String.fromCharCode(...head);
    return text.startsWith("#!") || text === "\x7fELF";
  } catch {
    return true; // a program may be executable and not readable: the kernel decides
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** What a start takes for a moment: two socket pairs, /dev/null, and what the runtime needs to watch the child. */
const SPARE_DESCRIPTORS = 12;

/**
 * Whether a child can be started without running out of descriptors (nothing else runs between here and there).
 *
 * Bun reports their lack by an `error` event of a child that execa has already dropped: uncaught, it would end
 * the agent.
 */
function hasSpareDescriptors(): boolean {
  const opened: number[] = [];
  try {
    for (let count = 0; count < SPARE_DESCRIPTORS; count++)
      opened.push(openSync("/dev/null", constants.O_RDONLY));
    return true;
  } catch {
    return false;
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}

/** Bytes of `NAME=value` and the NUL behind it that the kernel takes (execve(2), MAX_ARG_STRLEN). */
const MAX_VARIABLE = 128 * 1024;

/** Whether the system would refuse it; what Bun then throws does not say why. */
function hasLongVariable(environment: Readonly<Record<string, string>>): boolean {
  return Object.entries(environment).some(
    ([name, value]) => Buffer.byteLength(name) + Buffer.byteLength(value) + 2 > MAX_VARIABLE,
  );
}

const DETAILS: Readonly<Record<string, string>> = {
  E2BIG: "environment too long",
  EACCES: "permission denied to it or its interpreter",
  EAGAIN: "too many processes",
  EMFILE: "too many open files",
  ENOENT: "it or its interpreter does not exist",
  ENOEXEC: "exec format error",
  ENOMEM: "out of memory",
  ETXTBSY: "file is being written",
};

function notStarted(code: string | undefined): NotStarted {
  return { started: false, detail: code === undefined ? "refused by the system" : (DETAILS[code] ?? code) };
}
