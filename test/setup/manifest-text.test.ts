import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseManifest } from "../../src/exec/manifest.ts";
import { baseOf, PARAMETER_BASES, PARAMETER_TYPES } from "../../src/exec/parameter-types.ts";
import { EMPTY_MANIFEST, type ManifestSetup } from "../../src/setup/dispatcher-setup.ts";
import { manifestText } from "../../src/setup/manifest-text.ts";

const secretFile = (variable: string) => `/secrets/scan.${variable}`;

test("manifestText is a file that a person goes on with", () => {
  const manifest: ManifestSetup = {
    ...EMPTY_MANIFEST,
    comment: ["Made by hand.", "A line\nthat was broken."],
    description: "Scans",
    timeout: 3_600_000,
    checks: ["command -v nmap"],
    parameters: [
      {
        name: "TARGET",
        types: ["list"],
        base: "list",
        mandatory: true,
        secret: false,
        description: "What to scan",
        displayName: undefined,
      },
    ],
    environment: new Map([
      ["HOST", { value: "h" }],
      ["TOKEN", { secret: "s" }],
    ]),
  };
  assert.equal(
    manifestText(manifest, secretFile),
    `# Made by hand.
# A line that was broken.

description = "Scans"
timeout = 3600
checks = [ "command -v nmap" ]

[parameters.TARGET]
type = "list"
mandatory = true
description = "What to scan"

[environment]
HOST = "h"

[environment.TOKEN]
file = "/secrets/scan.TOKEN"
`,
  );
});

const text = fc.string({ minLength: 1 }).filter((value) => !value.includes("\0"));
const optionalText = fc.option(text, { nil: undefined });
const type = fc.constantFrom(...PARAMETER_TYPES);
const parameter = fc
  .record({
    name: fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,20}$/),
    types: fc
      .tuple(type, type)
      .map(([one, other]) => (one === other ? ([one] as const) : ([one, other] as const))),
    base: fc.option(fc.constantFrom(...PARAMETER_BASES)),
    mandatory: fc.boolean(),
    secret: fc.boolean(),
    description: optionalText,
    displayName: optionalText,
  })
  .map((found) => ({
    ...found,
    base: found.base ?? baseOf(found.types[0]),
    secret: found.secret || found.types.includes("password"),
  }));
const manifest: fc.Arbitrary<ManifestSetup> = fc.record({
  comment: fc.array(fc.string()),
  description: optionalText,
  category: optionalText,
  tool: optionalText,
  timeout: fc.option(
    fc.integer({ min: 1, max: 86_400 }).map((seconds) => seconds * 1000),
    { nil: undefined },
  ),
  concurrency: fc.option(fc.integer({ min: 1, max: 1000 }), { nil: undefined }),
  longestLine: fc.option(fc.integer({ min: 1, max: 1_000_000 }), { nil: undefined }),
  blankLine: fc.option(fc.constantFrom("ignore" as const, "end" as const), { nil: undefined }),
  checks: fc.array(text),
  official: fc.constantFrom(undefined, "nmap"),
  parameters: fc.uniqueArray(parameter, { selector: ({ name }) => name, maxLength: 4 }),
  environment: fc
    .dictionary(
      fc.stringMatching(/^X_[A-Z0-9]{1,8}$/),
      fc.oneof(
        text.map((value) => ({ value })),
        text.map((secret) => ({ secret })),
      ),
      { maxKeys: 4 },
    )
    .map((table) => new Map(Object.entries(table))),
});

test("manifestText: what exec/manifest.ts reads in it is what was to be written, and no secret is in it", () => {
  fc.assert(
    fc.property(manifest, (wanted) => {
      const written = manifestText(wanted, secretFile);
      const found = parseManifest(new TextEncoder().encode(written), "/run/scan.toml");
      const { comment: _, environment, parameters, ...rest } = wanted;
      assert.deepEqual(found, {
        ...rest,
        path: "/run/scan.toml",
        station: true,
        longestLine: rest.longestLine ?? 16 * 1024 * 1024,
        blankLine: rest.blankLine ?? "ignore",
        parameters: new Map(parameters.map((one) => [one.name, one])),
        environment: new Map(
          [...environment].map(([name, one]) => [
            name,
            "value" in one ? one.value : { file: secretFile(name) },
          ]),
        ),
      });
    }),
  );
});
