/** The signals by which a person or a supervisor ends a program, as one abort signal. */

export type Stop = {
  /** Aborts at the first of them. */
  readonly signal: AbortSignal;
  /** Aborts at the second: somebody is in a hurry. */
  readonly again: AbortSignal;
  /** The exit status that tells which it was: 128 and its number (bash(1), EXIT STATUS); 0 before any came. */
  readonly status: () => number;
  /** From here on the signals do what they do by default. */
  readonly release: () => void;
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
  let status = 0;
  const onSignal = (name: NodeJS.Signals) => {
    status ||= 128 + NUMBERS[name as StopName];
    (first.signal.aborted ? second : first).abort();
  };
  for (const name of names) process.on(name, onSignal);
  const onBug = () => {
    first.abort();
    second.abort();
  };
  bug.addEventListener("abort", onBug, { once: true });
  return {
    signal: first.signal,
    again: second.signal,
    status: () => status,
    release: () => {
      for (const name of names) process.off(name, onSignal);
    },
  };
}
