/** What is said of an old configuration, line by line: what became of each thing that it has. */

/**
 * - `taken`: it means here what it meant there
 * - `changed`: it is taken, and not as it stood
 * - `left`: it did nothing there either, or has no use here
 * - `lost`: the old agent used it, and the new one does not have it
 */
export type NoteKind = "taken" | "changed" | "left" | "lost";

export type Note = {
  /** From 1 on. */
  readonly line: number;
  readonly kind: NoteKind;
  /** What it is about, such as `server.host`; as it stands in the file. */
  readonly key: string;
  /** Never with a value that may be a secret. */
  readonly text: string;
};

export class Notes {
  readonly #notes: Note[] = [];

  add(kind: NoteKind, line: number, key: string, text: string): void {
    this.#notes.push({ line, kind, key, text });
  }

  /** By their lines; of one line in the order in which they were made. */
  get all(): readonly Note[] {
    return this.#notes.toSorted((one, other) => one.line - other.line);
  }
}
