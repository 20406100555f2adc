/** What is going to be written, in lines for a person; of what is secret there is nothing. */
import { printable } from "../core/text.ts";
import { withoutPassword } from "./server-text.ts";
import type { Draft, OutlinedFile, Trust } from "./work.ts";

/**
 * @param now what `dispatcher.toml` says, for what changes
 * @param agent who is registered, in a few words
 */
export function summaryLines(
  { connection, name, description, executors, python }: Draft,
  now: ReadonlyMap<string, string>,
  files: readonly OutlinedFile[],
  agent: string,
): readonly string[] {
  const { server, proxy, trust } = connection;
  const rows: readonly (readonly [string, string | undefined])[] = [
    ["server", server],
    ["proxy", proxy === undefined ? undefined : withoutPassword(proxy)],
    ["TLS", server.startsWith("http:") ? "none" : trustWords(trust)],
    ["name", name],
    ["description", description === "" ? undefined : description],
    ["executors", executors.join(", ")],
    ["python", python],
    ["agent", agent],
  ];
  const width = Math.max(...rows.map(([key]) => key.length));
  const lines = rows.flatMap(([key, value]) => {
    const before = now.get(key);
    const was = before === undefined || before === (value ?? "") ? "" : ` (was ${withoutPassword(before)})`;
    if (value === undefined && was === "") return [];
    return [`${key.padEnd(width)}   ${printable(value ?? "none")}${printable(was)}`];
  });
  const written = files.map(({ path, isNew }) => `${isNew ? "new    " : "changed"}   ${printable(path)}`);
  return [...lines, "", ...(written.length === 0 ? ["No file changes"] : written)];
}

function trustWords(trust: Trust): string {
  switch (trust.kind) {
    case "system":
      return "verified";
    case "file":
      return `verified, by ${trust.path}`;
    case "certificate":
    case "fingerprint":
      return "verified, by the certificate that it has shown";
    case "insecure":
      return "NOT verified: whoever is in between reads everything";
  }
}
