/**
 * Text that may come from outside, made harmless before a person's terminal or log sees it.
 *
 * Control characters move cursors, rewrite titles and answer back (CVE-2003-0063 and its many heirs), and
 * bidirectional overrides show a line other than it is (CVE-2021-42574). They are shown, never passed on.
 */

// C0 without tab, DEL, C1; then the format characters that reorder or hide text.
const UNSAFE =
  /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/gu;

/**
 * One line of text with every control and reordering character made visible, as `cat -v` shows them:
 * ESC is `^[`, NUL is `^@`, DEL is `^?`; anything above U+007F is `<U+202E>`. Tabs stay.
 */
export function printable(text: string): string {
  return text.replace(UNSAFE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (code === 0x7f) return "^?";
    if (code < 0x20) return `^${String.fromCharCode(code + 0x40)}`;
    return `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
  });
}

/**
 * JSON of one line for programs, which may come by a terminal all the same: of the characters above, `JSON.stringify`
 * escapes those below U+0020 alone, and U+009B is a terminal's CSI. The value is the same.
 */
export function harmlessJson(value: object): string {
  return JSON.stringify(value).replace(UNSAFE, (characters) => {
    return characters
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join("");
  });
}

/** Characters of a value that an error quotes, at most: enough for every name, with one letter too many. */
const MAX_QUOTED = 80;

/** `printable`, and of a long text the beginning: what is wrong with it stands behind it, and must be seen. */
export function abridged(text: string): string {
  const characters = Array.from(printable(text));
  if (characters.length <= MAX_QUOTED) return characters.join("");
  return `${characters.slice(0, MAX_QUOTED - 1).join("")}…`;
}

/** One harmless line of what somebody else wrote, of a length for a sentence. */
export function shortened(text: string): string {
  const line = printable(text);
  return line.length <= 200 ? line : `${line.slice(0, 200)}…`;
}

/** Milliseconds as an operator reads them: `0.05 s`, `12.4 s`. */
export function seconds(milliseconds: number): string {
  const value = milliseconds / 1000;
  return `${value < 10 ? value.toFixed(2) : value.toFixed(1)} s`;
}

/** `1 agent`, `2 agents`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

const UNITS = ["kB", "MB", "GB", "TB"] as const;

/** `812 bytes`, `1.2 kB`, `104 MB`: a thousand of one are one of the next. */
export function bytesText(bytes: number): string {
  if (bytes < 1000) return count(bytes, "byte");
  let [value, at] = [bytes / 1000, 0];
  // As it is shown, not as it is: 999 999 bytes are 1.0 MB.
  while (value >= 999.5 && at < UNITS.length - 1) [value, at] = [value / 1000, at + 1];
  return `${value < 9.95 ? value.toFixed(1) : value.toFixed(0)} ${UNITS[at]}`;
}
