/**
 * `cb-keygen show FILE`: what a key file holds, as far as it may be shown.
 */
import { ExitStatus } from "../core/errors.ts";
import { openToOthers } from "../core/files.ts";
import { printable } from "../core/text.ts";
import { cryptoReady } from "../protocol/crypto.ts";
import { isSecretKind, kindNoun } from "../protocol/key-forms.ts";
import { parseKeyLines, publicLine } from "../protocol/key-text.ts";
import { defineCommand } from "./command.ts";
import { readKeyText } from "./key-files.ts";
import { write } from "./output.ts";
import { outputSettings } from "./settings/common.ts";

export const showCommand = defineCommand({
  words: ["keygen", "show"],
  operands: [{ name: "file" }],
  summary: "Show kind, id and public part of the keys in a file",
  description: ["Of a secret key its public half is shown, as a line for a public key file."],
  examples: ["cb-keygen show /etc/cb/network.key"],
  settings: outputSettings,
  async run({ operands: [path = ""], context }) {
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
  },
});
