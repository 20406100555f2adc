/**
 * Parameters as an executor finds them: texts in its environment, as Python writes values.
 *
 * `EXECUTOR_CONFIG_X` is the name that executors for Faraday read, `CB_PARAM_X` is ours; the text is the same.
 * A list is JSON as `json.dumps` writes it, with a blank behind each comma and nothing but ASCII; everything else
 * is as `str()` gives it. Source: what Faraday's agent 3.9.1 passes, on Python 3.11.
 */
import type { ParameterValue, ParameterValues } from "./parameters.ts";

const PREFIXES = ["EXECUTOR_CONFIG_", "CB_PARAM_"] as const;

export function parameterEnvironment(values: ParameterValues): Readonly<Record<string, string>> {
  const variables = [...values].flatMap(([name, value]) => {
    const text = textOf(value);
    return PREFIXES.map((prefix) => [`${prefix}${name}`, text] as const);
  });
  return Object.fromEntries(variables);
}

function textOf(value: ParameterValue): string {
  switch (typeof value) {
    case "string":
      return value;
    case "boolean":
      return value ? "True" : "False";
    case "number":
      return numberText(value);
    default:
      return `[${value.map((item) => (typeof item === "number" ? numberText(item) : jsonText(item))).join(", ")}]`;
  }
}

function jsonText(value: string | boolean): string {
  const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  // By UTF-16 unit, so that what lies above U+FFFF becomes a pair.
  return JSON.stringify(value).replaceAll(/[\x7f-\uffff]/g, escaped);
}

/** Digits for as long as they are exact; what is larger has been rounded, and is shown as the float that it is. */
function numberText(value: number): string {
  const [mantissa = "", exponent = ""] = value.toExponential().split("e");
  const power = Number(exponent);
  // JavaScript, too, writes digits here; outside Python has an exponent, of two digits at least.
  if (Number.isSafeInteger(value) || (power >= -4 && power < 16)) return String(value);
  return `${mantissa}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}
