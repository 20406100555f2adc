/** What dist/ says of its own contents: sbom.cdx.json and THIRD-PARTY-LICENSES, beside the bundle itself. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { bundledPackages } from "../../build/bundled-packages.ts";
import { thirdPartyLicenses } from "../../build/licenses.ts";
import { BUNDLE, LICENSES, ROOT, SBOM } from "../../build/paths.ts";

type Locked = { readonly version: string; readonly integrity: string; readonly license: string };

const LOCKED: Readonly<Record<string, Locked>> = JSON.parse(
  readFileSync(join(ROOT, "package-lock.json"), "utf8"),
).packages;

/** The paths of the packages of which a file is in the bundle, by the comments that esbuild leaves there. */
function packagesInBundle(): readonly string[] {
  const comments = readFileSync(BUNDLE, "utf8").matchAll(
    /^ *\/\/ (node_modules\/(?:.*\/node_modules\/)?(?:@[^/\n]+\/)?[^/\n]+)\/.*$/gm,
  );
  return [...new Set([...comments].map(([, path = ""]) => path))].sort();
}

const BUNS = ["node_modules/@oven/bun-linux-aarch64", "node_modules/@oven/bun-linux-x64"];

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
}

function purl(path: string): string {
  return `pkg:npm/${nameOf(path).replace("@", "%40")}@${LOCKED[path]?.version}`;
}

test("sbom.cdx.json lists the packages of which there is code in the bundle, and Bun, as locked", () => {
  const paths = packagesInBundle();
  for (const one of ["ioredis", "libsodium", "pino"]) assert.ok(paths.includes(`node_modules/${one}`), one);
  assert.ok(!paths.includes("node_modules/debug"));
  const { components } = JSON.parse(readFileSync(SBOM, "utf8"));
  const listed = components.map(
    (one: {
      readonly purl: string;
      readonly hashes: readonly [{ readonly content: string }];
      readonly licenses: readonly [{ readonly license: { readonly id: string } }];
    }) => [one.purl, one.hashes[0].content, one.licenses[0].license.id],
  );
  const expected = [...paths, ...BUNS].map((path) => {
    const { integrity = "", license } = LOCKED[path] ?? {};
    return [purl(path), Buffer.from(integrity.slice("sha512-".length), "base64").toString("hex"), license];
  });
  assert.deepEqual(listed.toSorted(), expected.toSorted());
});

/** CycloneDX 1.6: what its schema requires of the parts that we write, and allows in them. */
test("sbom.cdx.json is a CycloneDX 1.6 document whose references lead somewhere", () => {
  const bom = JSON.parse(readFileSync(SBOM, "utf8"));
  const { $schema, bomFormat, specVersion, serialNumber, version, metadata, components, ...rest } = bom;
  const { dependencies, ...unknown } = rest;
  assert.deepEqual(unknown, {});
  assert.equal($schema, "http://cyclonedx.org/schema/bom-1.6.schema.json");
  assert.deepEqual([bomFormat, specVersion, version], ["CycloneDX", "1.6", 1]);
  assert.match(
    serialNumber,
    /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  assert.match(metadata.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/);
  assert.deepEqual([metadata.component.type, metadata.component.name], ["application", "cb"]);

  const all = [metadata.component, ...components];
  for (const one of all) {
    assert.ok(["application", "library", "platform"].includes(one.type), one.name);
    assert.ok(one.name && one.version && one["bom-ref"], JSON.stringify(one));
    assert.match(one.purl, /^pkg:(npm|generic)\/(%40[\w.-]+\/)?[\w.-]+@\d[\w.+-]*$/);
    for (const { alg, content } of one.hashes ?? []) {
      assert.equal(alg, "SHA-512");
      assert.match(content, /^[0-9a-f]{128}$/);
    }
    const [{ license }, ...others] = one.licenses;
    assert.deepEqual(others, []);
    assert.ok(
      ["Apache-2.0", "BSD-3-Clause", "ISC", "MIT"].includes(license.id),
      `${one.name}: ${license.id}`,
    );
  }
  const references = all.map((one) => one["bom-ref"]);
  assert.equal(new Set(references).size, references.length);
  const edges: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[] = dependencies;
  assert.deepEqual(edges.map(({ ref }) => ref).toSorted(), references.toSorted());
  const targets = new Set(edges.flatMap(({ dependsOn }) => dependsOn));
  // Everything is there because of something, and the program because of nothing.
  assert.deepEqual([...targets].toSorted(), references.slice(1).toSorted());
  const ofIoredis = edges.find(({ ref }) => ref === purl("node_modules/ioredis"))?.dependsOn;
  assert.ok(ofIoredis?.includes(purl("node_modules/redis-errors")), String(ofIoredis));
});

test("THIRD-PARTY-LICENSES has the licence of each of them, and of Bun", () => {
  const text = readFileSync(LICENSES, "utf8");
  const headings = [...text.matchAll(/^={80}\n(\S+) (\S+) \((.+)\)\n={80}\n\n(.)/gm)].map(
    ([, name, version, license]) => `${name} ${version} ${license}`,
  );
  const expected = packagesInBundle().map((path) => {
    const { version, license } = LOCKED[path] ?? {};
    return `${nameOf(path)} ${version} ${license}`;
  });
  const bun = LOCKED["node_modules/@oven/bun-linux-x64"]?.version;
  assert.deepEqual(headings, [...expected, `bun ${bun} MIT`]);
  assert.ok(text.includes(readFileSync(join(ROOT, "node_modules/pino/LICENSE"), "utf8").trim()));
  // What is known of Bun was written for one version: look again before this is changed.
  assert.ok(text.includes(`\nBun ${bun} (commit `));
});

test("thirdPartyLicenses() refuses a package that comes without a licence", () => {
  const directory = mkdtempSync(join(tmpdir(), "cb-licenses-"));
  try {
    const path = "node_modules/lawless";
    const lawless = { name: "lawless", version: "1.0.0", license: "MIT", sha512: "", path };
    mkdirSync(join(directory, path), { recursive: true });
    writeFileSync(join(directory, path, "README.md"), "Licence: MIT");
    const licenses = () => thirdPartyLicenses([lawless], { ...lawless, name: "bun" }, directory);
    assert.throws(licenses, {
      name: "Failure",
      message: "Cannot ship lawless: its package holds no licence",
    });
    writeFileSync(join(directory, path, "licence"), "Do what is right.");
    assert.match(licenses(), /^lawless 1\.0\.0 \(MIT\)\n=+\n\nDo what is right\.$/m);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("bundledPackages() leaves out files that esbuild read and did not need, and follows imports", () => {
  const input = (...paths: readonly string[]) => ({
    bytes: 1,
    imports: paths.map((path) => ({ path, kind: "import-statement" as const })),
  });
  const inputs = {
    "src/main.ts": input("node_modules/a/index.js", "node_modules/c/index.js"),
    "node_modules/a/index.js": input("node_modules/a/lib.js", "node_modules/a/node_modules/@s/b/index.js"),
    "node_modules/a/lib.js": input("node_modules/c/index.js"),
    "node_modules/a/node_modules/@s/b/index.js": input(),
    "node_modules/c/index.js": input(),
  };
  const bytes = (bytesInOutput: number) => ({ bytesInOutput });
  const output = {
    bytes: 1,
    imports: [],
    exports: [],
    inputs: Object.fromEntries(
      Object.keys(inputs).map((path) => [path, bytes(path.includes("/c/") ? 0 : 1)]),
    ),
  };
  const integrity = `sha512-${Buffer.from([1, 2]).toString("base64")}`;
  const locked = { version: "1.0.0", license: "MIT", integrity };
  const lock = { packages: { "node_modules/a": locked, "node_modules/a/node_modules/@s/b": locked } };
  const known = { version: "1.0.0", license: "MIT", sha512: "0102" };
  const metafile = { inputs, outputs: { "cb.cjs": output } };
  assert.deepEqual(bundledPackages(metafile, lock), {
    packages: [
      { ...known, name: "a", path: "node_modules/a", imports: ["node_modules/a/node_modules/@s/b"] },
      { ...known, name: "@s/b", path: "node_modules/a/node_modules/@s/b", imports: [] },
    ],
    imports: ["node_modules/a"],
  });
  assert.throws(() => bundledPackages(metafile, { packages: { "node_modules/a": locked } }), {
    name: "Failure",
    message: /^Cannot describe "node_modules\/a\/node_modules\/@s\/b": /,
  });
});
