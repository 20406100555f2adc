/** Takes secrets out of what an executor says on stderr, before it reaches a log or the server. */

/** Shorter ones would be found in innocent text, and hide nothing: whoever guesses them has them. */
const SHORTEST = 4;

/** @param secrets the values themselves, of secret parameters and of environment variables from files */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return [...secrets]
    .filter(({ length }) => length >= SHORTEST)
    .sort((a, b) => b.length - a.length)
    .reduce((rest, secret) => rest.replaceAll(secret, "***"), text);
}
