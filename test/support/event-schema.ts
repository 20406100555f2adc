/** The schema of `--output ndjson`, made strict: what it does not name is an error, so that nothing goes unsaid. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv } from "ajv";
import { ROOT } from "../../build/paths.ts";

type Node = { [key: string]: unknown };

function strict(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(strict);
  if (typeof node !== "object" || node === null) return node;
  const copy: Node = {};
  for (const [key, value] of Object.entries(node)) copy[key] = strict(value);
  if (copy["properties"] !== undefined && copy["additionalProperties"] === undefined)
    copy["additionalProperties"] = false;
  return copy;
}

/** @returns what is wrong with each event, as a sentence; nothing where all is well */
export function eventProblems(): (events: readonly unknown[]) => readonly string[] {
  const schema = JSON.parse(readFileSync(join(ROOT, "src/station/ndjson.schema.json"), "utf8")) as Node;
  const formats = { "date-time": /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/ };
  const validate = new Ajv({ allErrors: true, formats, strictTypes: false }).compile(
    strict(schema) as object,
  );
  return (events) => {
    return events.flatMap((event) => {
      if (validate(event)) return [];
      const kind = `#/definitions/${(event as Node)["type"]}/`;
      const why = validate.errors?.filter(({ schemaPath }) => schemaPath.startsWith(kind));
      return [`${JSON.stringify(event)}: ${JSON.stringify(why)}`];
    });
  };
}
