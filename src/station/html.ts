/**
 * HTML out of templates in which every value is text unless it was made here: what an agent prints, or is called,
 * can neither open a tag nor end an attribute.
 *
 *     html`<b title="${name}">${name}</b>`
 *
 * Control characters and those that reorder text are made visible first (core/text.ts). Source: HTML Living Standard
 * §13.1.2.3 (attribute values in double quotes), §13.1.4 (character references).
 */
import { printable } from "../core/text.ts";

export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Value = string | number | Html | readonly Html[];

/** @param values texts of one line each, numbers, or HTML that was made the same way */
export function html(literals: TemplateStringsArray, ...values: readonly Value[]): Html {
  const parts = literals.map((literal, index) => {
    const value = values[index];
    return value === undefined ? literal : literal + markup(value);
  });
  return new Html(parts.join(""));
}

/** Text or source that stands between its own tags, such as that of a style or script of ours. */
export function verbatim(text: string): Html {
  return new Html(text);
}

function markup(value: Value): string {
  if (value instanceof Html) return value.text;
  if (typeof value === "object") return value.map(({ text }) => text).join("");
  return escaped(printable(String(value)));
}

const REFERENCES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => REFERENCES[character] ?? character);
}
