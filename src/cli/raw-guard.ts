/**
 * `--output raw` has the bytes of one agent: refused before anybody is asked, where it can be told that several are meant.
 *
 * Otherwise the command runs everywhere, and the output of all but one is lost: the end says so, which is late.
 */
import { CbError } from "../core/errors.ts";
import { foldNames } from "../core/name-set.ts";
import { abridged } from "../core/text.ts";
import { matchesTarget } from "../protocol/target.ts";
import type { KnownAgent } from "../station/agents-table.ts";
import type { Addressees } from "../station/messages.ts";

/** @throws {CbError} `usage` for several that were named, or are known and meant */
export function requireOneAgent({ target, named }: Addressees, known: readonly KnownAgent[]): void {
  const all = new Set(known.map(({ identity }) => identity));
  const meant = known.filter((agent) => matchesTarget(target, agent)).map(({ identity }) => identity);
  const strangers = [...named].filter((name) => !all.has(name));
  const names = [...meant, ...strangers];
  if (names.length <= 1) return;
  const who = abridged(foldNames(names).join(","));
  const why = `it shows one agent, and ${names.length} are meant: ${who}`;
  const hint = "Say which one with --to, or use --to-directory for the bytes of each";
  throw new CbError("usage", `Cannot use --output raw: ${why}`, { hint });
}
