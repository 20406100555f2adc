/**
 * dist/sbom.cdx.json: what the executables are made of, as CycloneDX 1.6 has it.
 *
 * The packages whose code esbuild put into the bundle, and Bun; not what is installed, of which much is left
 * out. The same commit gives the same bytes: the time is the commit's, and the serial number is a hash of all else.
 * Source: https://cyclonedx.org/docs/1.6/json/ and, for purls, https://github.com/package-url/purl-spec
 */
import { createHash } from "node:crypto";
import type { Metafile } from "esbuild";
import { bundledPackages, bunPackage, type Package } from "./bundled-packages.ts";
import type { LockFile } from "./lock.ts";
import { ARCHITECTURES } from "./paths.ts";
import type { Revision } from "./revision.ts";

type Program = { readonly name: string; readonly version: string; readonly license: string };

/** @param program the checkout's package.json */
export function sbom(
  program: Program,
  metafile: Metafile,
  lock: LockFile,
  { commit, date }: Revision,
): string {
  const { packages, imports } = bundledPackages(metafile, lock);
  const buns = ARCHITECTURES.map((architecture) => bunPackage(architecture, lock));
  const installed = new Map(packages.map((one) => [one.path, purl(one)]));
  const purlsOf = (paths: readonly string[]) => paths.flatMap((path) => installed.get(path) ?? []).sort();
  const root = `pkg:generic/${program.name}@${program.version}`;
  const content = {
    metadata: {
      ...(date !== undefined && { timestamp: new Date(date * 1000).toISOString() }),
      component: {
        type: "application",
        "bom-ref": root,
        name: program.name,
        version: program.version,
        licenses: licenses(program.license),
        purl: root,
        properties: [{ name: "cb:commit", value: commit ?? "unknown" }],
      },
    },
    components: [
      ...packages.map((one) => component("library", one)),
      // One of the two is in each executable.
      ...buns.map((one) => component("platform", one)),
    ],
    dependencies: [
      { ref: root, dependsOn: [...purlsOf(imports), ...buns.map(purl)] },
      ...packages.map((one) => ({ ref: purl(one), dependsOn: purlsOf(one.imports) })),
      ...buns.map((one) => ({ ref: purl(one), dependsOn: [] })),
    ],
  };
  const document = {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${uuid(JSON.stringify(content))}`,
    version: 1,
    ...content,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function component(type: "library" | "platform", one: Package) {
  const [, group, name] = /^(?:(@[^/]+)\/)?(.+)$/.exec(one.name) ?? [];
  return {
    type,
    "bom-ref": purl(one),
    ...(group !== undefined && { group }),
    name,
    version: one.version,
    hashes: [{ alg: "SHA-512", content: one.sha512 }],
    licenses: licenses(one.license),
    purl: purl(one),
  };
}

/** An expression such as `MIT OR Apache-2.0` has another key than a single identifier. */
function licenses(license: string) {
  return [license.includes(" ") ? { expression: license } : { license: { id: license } }];
}

function purl({ name, version }: Package): string {
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}

/** A UUID of version 8, whose bits are the application's own (RFC 9562 §5.8). */
function uuid(text: string): string {
  const hash = createHash("sha256").update(text).digest("hex");
  const digits = `${hash.slice(0, 12)}8${hash.slice(13, 16)}8${hash.slice(17, 32)}`;
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
