/** The signals by which a person or a supervisor ends a program, as one abort signal. */

export type Stop = {
  /** Aborts at the first of them. */
  readonly signal: AbortSignal;
  /** The exit status that tells which it was: 128 and its number (bash(1), EXIT STATUS); 0 before any came. */
  readonly status: () => number;
  /** From here on the signals do what they do by default. */
  readonly release: () => void;
};

const NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
type Name = keyof typeof NUMBERS;

/** @param bug aborts as well when something else has gone wrong */
export function stopSignal(bug: AbortSignal): Stop {
  const controller = new AbortController();
  let status = 0;
  const onSignal = (name: NodeJS.Signals) => {
    status ||= 128 + NUMBERS[name as Name];
    controller.abort();
  };
  const names = Object.keys(NUMBERS) as Name[];
  for (const name of names) process.on(name, onSignal);
  bug.addEventListener("abort", () => controller.abort(), { once: true });
  return {
    signal: controller.signal,
    status: () => status,
    release: () => {
      for (const name of names) process.off(name, onSignal);
    },
  };
}
