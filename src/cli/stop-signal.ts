/** The signals by which a person or a supervisor ends a program, as one abort signal. */
import { readFileSync } from "node:fs";

export type Stop = {
  /** Aborts at the first of them. */
  readonly signal: AbortSignal;
  /** Aborts at the second: somebody is in a hurry. */
  readonly again: AbortSignal;
  /** The exit status that tells which it was: 128 and its number (bash(1), EXIT STATUS); 0 before any came. */
  readonly status: () => number;
  /** From here on the signals do what they do by default. */
  readonly release: () => void;
  /** Ends the process by the first signal that came; nothing where none came. */
  readonly end: () => void;
};

const NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
type StopName = keyof typeof NUMBERS;

/**
 * @param bug aborts as well when something else has gone wrong
 * @param names the signals; an agent takes SIGHUP for something else
 */
export function stopSignal(
  bug: AbortSignal,
  names: readonly StopName[] = ["SIGHUP", "SIGINT", "SIGTERM"],
): Stop {
  const first = new AbortController();
  const second = new AbortController();
  let came: StopName | undefined;
  const onSignal = (name: NodeJS.Signals) => {
    came ??= name as StopName;
    (first.signal.aborted ? second : first).abort();
  };
  const heard = names.filter((name) => name !== "SIGHUP" || !isHangUpIgnored());
  for (const name of heard) process.on(name, onSignal);
  const onBug = () => {
    first.abort();
    second.abort();
  };
  bug.addEventListener("abort", onBug, { once: true });
  const release = () => {
    for (const name of heard) process.off(name, onSignal);
  };
  return {
    signal: first.signal,
    again: second.signal,
    status: () => (came === undefined ? 0 : 128 + NUMBERS[came]),
    release,
    end: () => {
      if (came === undefined) return;
      release();
      process.kill(process.pid, came);
    },
  };
}

/**
 * Whether whoever started us has it ignored (nohup(1)): then it stays ignored, or a logout would end a command on a
 * whole fleet. From the mask of ignored signals in proc(5), as no runtime tells; under Node it is always empty, as
 * Node sets all signals to their defaults first.
 */
function isHangUpIgnored(): boolean {
  try {
    const mask = /^SigIgn:\s+(\S+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
    return (BigInt(`0x${mask}`) & 1n) === 1n;
  } catch {
    return false;
  }
}
