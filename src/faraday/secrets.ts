/** Takes secrets out of what an executor says on stderr, before it reaches a log or the server. */
import type { Manifest } from "../exec/manifest.ts";
import { parameterEnvironment } from "../exec/parameter-environment.ts";
import type { ParameterValues } from "../exec/parameters.ts";

/** Shorter ones would be found in innocent text, and hide nothing: whoever guesses them has them. */
const SHORTEST = 4;
/** Characters of a line that are held until it ends. */
const MAX_HELD = 8 * 1024;

/**
 * What an executor is given in confidence: variables that come from files, and secret parameters.
 *
 * @param fixed the variables of the manifest, with their values
 */
export function secretsOf(
  { environment, parameters }: Pick<Manifest, "environment" | "parameters">,
  fixed: Readonly<Record<string, string>>,
  values: ParameterValues,
): readonly string[] {
  const fromFiles = [...environment].flatMap(([name, entry]) => {
    return typeof entry === "string" ? [] : [fixed[name] ?? ""];
  });
  const secret = [...values].filter(([key]) => parameters.get(key)?.secret ?? true);
  // A list is shown as a whole, or item by item.
  const items = secret.flatMap(([, value]) => value).map(String);
  return [...fromFiles, ...items, ...Object.values(parameterEnvironment(new Map(secret)))];
}

/** @param secrets the values themselves; of one with several lines each line is hidden, too */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets
    .flatMap((secret) => [secret, ...secret.split(/\r?\n/)])
    .filter(({ length }) => length >= SHORTEST)
    .sort((a, b) => b.length - a.length)
    .reduce((rest, secret) => rest.replaceAll(secret, "***"), text);
}

/** Lines of a text that comes in pieces, without secrets: also without one that is in two of the pieces. */
export class LinesWithoutSecrets {
  readonly #secrets: readonly string[];
  /** What a secret may have of the end of a text without being found there. */
  readonly #longest: number;
  #rest = "";

  constructor(secrets: readonly string[]) {
    this.#secrets = secrets;
    this.#longest = Math.max(0, ...secrets.map(({ length }) => length));
  }

  /** The lines that are complete, and of one that is very long the beginning. */
  push(text: string): readonly string[] {
    const lines = withoutSecrets(this.#rest + text, this.#secrets).split("\n");
    const rest = lines.pop() ?? "";
    const ready = rest.length > MAX_HELD + this.#longest ? rest.length - this.#longest : 0;
    this.#rest = rest.slice(ready);
    return ready === 0 ? lines : [...lines, rest.slice(0, ready)];
  }

  /** What is left of the last one. */
  end(): readonly string[] {
    return this.#rest === "" ? [] : [this.#rest];
  }
}
