/** Parameters of a command as they are typed: `--param NAME=VALUE`, again and again. */
import { isParameterName, PARAMETER_NAME_FORM } from "../../core/names.ts";
import { abridged } from "../../core/text.ts";
import { MAX_ALL_PARAMETER_BYTES, MAX_PARAMETER_BYTES, MAX_PARAMETERS } from "../../protocol/limits.ts";

/** What of it an agent would refuse whatever its manifest says is an error here, before anybody is asked. */
export function parseParameters(texts: readonly string[]): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  const keys = new Set<string>();
  let bytes = 0;
  for (const text of texts) {
    const equals = text.indexOf("=");
    if (equals < 0) throw new SyntaxError("expected a name, an equals sign and a value");
    const [name, value] = [text.slice(0, equals), text.slice(equals + 1)];
    if (!isParameterName(name)) throw new SyntaxError(`name "${abridged(name)}": ${PARAMETER_NAME_FORM}`);
    // Manifests and environments know upper case only.
    if (keys.has(name.toUpperCase())) throw new SyntaxError(`${name} is given twice, expected once`);
    const size = Buffer.byteLength(value);
    if (size > MAX_PARAMETER_BYTES) {
      throw new SyntaxError(
        `the value of ${name} has ${size} bytes, expected at most ${MAX_PARAMETER_BYTES}`,
      );
    }
    keys.add(name.toUpperCase());
    parameters.set(name, value);
    bytes += name.length + size;
  }
  if (parameters.size > MAX_PARAMETERS) {
    throw new SyntaxError(`${parameters.size} parameters given, expected at most ${MAX_PARAMETERS}`);
  }
  if (bytes > MAX_ALL_PARAMETER_BYTES) {
    throw new SyntaxError(`${bytes} bytes in all, expected at most ${MAX_ALL_PARAMETER_BYTES}`);
  }
  return parameters;
}
