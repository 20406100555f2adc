/** What the wizard has done between two questions: it looks at things, and changes none, but for `register`. */
import type { CommandName } from "../core/names.ts";
import type { ShownCertificate } from "../faraday/shown-certificates.ts";
import type { ExecutorSetup, VariableSetup } from "./dispatcher-setup.ts";

/** Whom the server's certificate must be from. */
export type Trust =
  | { readonly kind: "system" }
  | { readonly kind: "file"; readonly path: string }
  /** One that the server shows itself. */
  | { readonly kind: "certificate"; readonly pem: string }
  /** The same, but we have only its SHA-256. */
  | { readonly kind: "fingerprint"; readonly sha256: string }
  | { readonly kind: "insecure" };

export type Connection = {
  /** With the base route, without a slash at the end. */
  readonly server: string;
  /** A URL, perhaps with a password; `none` for no proxy, undefined for that of the environment. */
  readonly proxy: string | undefined;
  readonly trust: Trust;
};

/** All that was agreed on. */
export type Draft = {
  readonly connection: Connection;
  readonly name: string;
  readonly description: string;
  readonly executors: readonly CommandName[];
  /** Those of them that are made. */
  readonly made: readonly ExecutorSetup[];
  readonly python: string | undefined;
};

export type Work =
  | { readonly do: "reach"; readonly connection: Connection }
  | { readonly do: "find"; readonly python: string | undefined }
  | {
      readonly do: "check";
      readonly executor: FoundExecutor;
      /** Of an official executor that is not set up yet. */
      readonly variables: ReadonlyMap<string, VariableSetup>;
      readonly python: string | undefined;
    }
  | { readonly do: "outline"; readonly draft: Draft }
  | { readonly do: "register"; readonly draft: Draft; readonly code: string };

export type Results = {
  readonly reach: Reach;
  readonly find: Inventory;
  readonly check: Check;
  readonly outline: readonly OutlinedFile[];
  readonly register: Registered;
};

export type Reach =
  /** `trust` as it was, or the certificate that belongs to a fingerprint. */
  | { readonly kind: "reached"; readonly words: string; readonly trust: Trust }
  | { readonly kind: "failed"; readonly reason: string }
  | {
      readonly kind: "untrusted";
      readonly reason: string;
      /** The server's own first. */
      readonly shown: readonly ShownCertificate[];
      /** Those that would do. */
      readonly candidates: readonly ShownCertificate[];
    };

export type FoundExecutor = {
  readonly name: CommandName;
  readonly about: string;
  /** Why it cannot be used; undefined where it can. */
  readonly problem: string | undefined;
  /** Of one of Faraday's own. */
  readonly official: string | undefined;
  /** Variables that one of Faraday's own wants and that nobody has set up yet. */
  readonly wants: readonly string[] | undefined;
};

export type Inventory = {
  /** Where was looked. */
  readonly places: readonly string[];
  /** The Python that has Faraday's executors; undefined where none was found. */
  readonly python: { readonly path: string; readonly version: string } | undefined;
  /** Why the one that was named has none. */
  readonly problem: string | undefined;
  readonly executors: readonly FoundExecutor[];
};

export type Check = { readonly ok: boolean; readonly detail: string };

export type OutlinedFile = { readonly path: string; readonly isNew: boolean };

export type Registered =
  | { readonly ok: true; readonly token: string; readonly id: number | undefined }
  | { readonly ok: false; readonly problem: string; readonly hint: string | undefined };
