/**
 * `cb-keygen show FILE`: what a key file holds, as far as it may be shown.
 */
import { ExitStatus } from "../core/errors.ts";
import { openToOthers } from "../core/files.ts";
import { printable } from "../core/text.ts";
import { cryptoReady } from "../protocol/crypto.ts";
import { isSecretKind, kindNoun } from "../protocol/key-forms.ts";
import { parseKeyLines, publicLine } from "../protocol/key-text.ts";
import type { Invocation } from "./command.ts";
import { readKeyText } from "./key-files.ts";
import { write } from "./output.ts";
import type { outputSettings } from "./settings/common.ts";

export async function showKeys({
  operands: [path = ""],
  context,
}: Invocation<typeof outputSettings>): Promise<number> {
  await cryptoReady();
  const { text, mode } = readKeyText(path);
  const keys = parseKeyLines(text, path);
  const blocks = keys.map(
    (line) => `kind:   ${kindNoun(line.kind)}\nid:     ${line.id}\npublic: ${publicLine(line)}\n`,
  );
  await write(context.stdout, blocks.join("\n"));
  const warning = openToOthers(path, mode, context.environment);
  if (warning !== undefined && keys.some((line) => isSecretKind(line.kind))) {
    await write(context.stderr, `cb: warning: "${printable(path)}": ${warning}\n`);
  }
  return ExitStatus.ok;
}
