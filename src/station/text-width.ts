/** Columns that text takes on a terminal: wide characters two, combining ones none. The only door to the library. */
import fastStringTruncatedWidth from "fast-string-truncated-width";

export function widthOf(text: string): number {
  return fastStringTruncatedWidth(text).width;
}

/** A text cut to so many columns, with a `…` where something is missing. */
export function fitting(text: string, columns: number): string {
  const { index, truncated } = fastStringTruncatedWidth(text, { limit: columns, ellipsis: "…" });
  if (!truncated) return text;
  let kept = text.slice(0, index);
  // Behind a letter like Ā the library counts one more than fits.
  while (widthOf(kept) >= columns && kept !== "") kept = Array.from(kept).slice(0, -1).join("");
  return `${kept}…`;
}

/** A text as lines of at most so many columns, where it has blanks to break it at; no blank is lost but those. */
export function wrapped(text: string, columns: number): readonly string[] {
  const lines: string[] = [];
  let [line, width] = ["", 0];
  for (const word of text.split(" ")) {
    const its = widthOf(word);
    if (line !== "" && width + 1 + its > columns) {
      lines.push(line);
      [line, width] = [word, its];
    } else [line, width] = line === "" ? [word, its] : [`${line} ${word}`, width + 1 + its];
  }
  return [...lines, line];
}
