/**
 * A seed: the sentences of which a part of the product grew, in our own words, by their numbers.
 *
 * A test that shows one carries its number in its name, as `[S12]`; a definition, a warning or a limitation is shown
 * by the document that states it.
 */
export type Seed = {
  readonly title: string;
  readonly sentences: Readonly<Record<string, string>>;
  /** Numbers of sentences that no test can show yet, each with what it waits for. */
  readonly coming: Readonly<Record<string, string>>;
};
