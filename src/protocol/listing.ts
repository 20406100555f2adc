/**
 * What an agent answers to a `list`: the commands that the station may run there, as one message.
 *
 * It travels as the output of the list, so that it is cut into pieces, counted and checked like any output.
 * Source: PROTOCOL.md §6.
 */
import type { CommandName } from "../core/names.ts";
import { decodeCbor, encodeCbor, malformed } from "./cbor.ts";
import { Fields, fieldMap } from "./fields.ts";
import { DIGEST_BYTES, MAX_DETAIL_BYTES, MAX_LISTED, MAX_LISTING_BYTES } from "./limits.ts";
import { cutDetail, REFUSALS, type Refusal } from "./reply.ts";

export type ListedCommand = {
  readonly name: CommandName;
  /** Why it would be refused; without it it would be run. */
  readonly problem?: Refusal | undefined;
  /** For people; untrusted text, as the next one. */
  readonly detail?: string | undefined;
  readonly description?: string | undefined;
  /** SHA-256 of the executable; absent where the agent may run it and not read it, or where it has a problem. */
  readonly digest?: Uint8Array | undefined;
  /** SHA-256 of its manifest; absent where it has none. */
  readonly manifest?: Uint8Array | undefined;
};

export type Listing = {
  /** In ascending order of their names. */
  readonly commands: readonly ListedCommand[];
  /** How many there are besides. */
  readonly omitted: number;
};

/** The first of the commands, as many as a listing may have. */
export function encodeListing(commands: readonly ListedCommand[]): Uint8Array {
  const listed = commands
    .slice(0, MAX_LISTED)
    .map(({ detail, description, ...command }) =>
      fieldMap({ ...command, detail: cutDetail(detail), description: cutDetail(description) }),
    );
  const omitted = commands.length - listed.length;
  return encodeCbor(fieldMap({ commands: listed, omitted: omitted > 0 ? omitted : undefined }));
}

/** @throws {CbError} `message-malformed` for any bytes that `encodeListing` cannot produce */
export function decodeListing(bytes: Uint8Array): Listing {
  if (bytes.length > MAX_LISTING_BYTES) throw malformed("the listing is too long");
  const fields = new Fields(decodeCbor(bytes));
  let last = "";
  const commands = fields.maps("commands", MAX_LISTED).map((item) => {
    const command = readCommand(item);
    if (command.name <= last) throw malformed("commands are not sorted");
    last = command.name;
    return command;
  });
  const omitted = fields.has("omitted") ? fields.integer("omitted", { least: 1 }) : 0;
  fields.end();
  return { commands, omitted };
}

function readCommand(fields: Fields): ListedCommand {
  const text = (key: string) => (fields.has(key) ? fields.text(key, MAX_DETAIL_BYTES) : undefined);
  const digest = (key: string) => (fields.has(key) ? fields.bytes(key, DIGEST_BYTES) : undefined);
  const command = {
    name: fields.name<CommandName>("name"),
    problem: fields.has("problem") ? fields.choice("problem", REFUSALS) : undefined,
    detail: text("detail"),
    description: text("description"),
    digest: digest("digest"),
    manifest: digest("manifest"),
  };
  fields.end();
  return command;
}
