/** From what was agreed on to what is written. */
import type { EditableValue } from "../core/toml-edit.ts";
import type { Draft } from "./work.ts";

/**
 * The keys of `dispatcher.toml`.
 *
 * @param certificate where a certificate goes that the server has shown
 * @param now the keys that it has: what is not needed any more is taken away, and not spelled out where it never was
 */
export function wizardSettings(
  { connection, name, description, executors, python }: Draft,
  certificate: string,
  now: { readonly has: (key: string) => boolean },
): ReadonlyMap<string, EditableValue | undefined> {
  const { server, proxy, trust } = connection;
  const authorities =
    trust.kind === "file" ? trust.path : trust.kind === "certificate" ? certificate : undefined;
  const settings: readonly (readonly [string, EditableValue | undefined])[] = [
    ["server", server],
    ["proxy", proxy],
    ["tls-ca", authorities],
    ["insecure", trust.kind === "insecure" && server.startsWith("https:") ? true : undefined],
    ["name", name],
    ["description", description === "" ? undefined : description],
    ["executors", executors],
    ...(python === undefined ? [] : ([["python", python]] as const)),
  ];
  return new Map(settings.filter(([key, value]) => value !== undefined || now.has(key)));
}
