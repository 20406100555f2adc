/**
 * Reads a tree of sources and says where it breaks the rules of the house.
 *
 * Every way to name another module counts, type-only ones too: what a file must know about is what ties it to
 * a room, whether or not something is loaded at run time.
 */
import { globSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { type Node, parseSync, Visitor } from "oxc-parser";

export type Rules = {
  /** Each folder and the folders that it may import from, besides itself. */
  readonly rooms: Readonly<Record<string, readonly string[]>>;
  /** Each npm package and the rooms of which one single file may import it. */
  readonly doors: Readonly<Record<string, readonly string[]>>;
  /** Rooms and files that do no I/O and have no clock of their own. */
  readonly pure: readonly string[];
  /** Files longer than `maxLines`, each with the reason. */
  readonly longFiles: Readonly<Record<string, string>>;
  readonly maxLines: number;
};

type Source = {
  /** Relative to the tree, such as `agent/open.ts`. */
  readonly path: string;
  readonly room: string;
  readonly lines: number;
  readonly imports: readonly Import[];
  /** `object.property` of each access to a global's property, such as `process.exit`. */
  readonly globals: readonly Use[];
};
type Use = { readonly name: string; readonly line: number };
type Import = { readonly specifier: string; readonly line: number };

/** One line for each breach, with file and line; none where the house is in order. */
export function breaches(directory: string, rules: Rules): readonly string[] {
  const sources = globSync("**/*.ts", { cwd: directory })
    .sort()
    .map((path) => readSource(directory, path));
  return [
    ...sources.flatMap((source) => breachesOfArrows(source, rules)),
    ...breachesOfDoors(sources, rules),
    ...sources.flatMap((source) => breachesOfPurity(source, rules)),
    ...sources.flatMap((source) => breachesOfManners(source)),
    ...breachesOfLength(sources, rules),
    ...cycles(sources),
  ];
}

function breachesOfArrows(source: Source, { rooms }: Rules): readonly string[] {
  const allowed = rooms[source.room];
  if (allowed === undefined) return [`${source.path}: is in no room`];
  return source.imports.filter(isRelative).flatMap(({ specifier, line }) => {
    const room = roomOf(target(source, specifier));
    if (room === source.room || allowed.includes(room)) return [];
    return [`${source.path}:${line}: ${source.room} may not import ${target(source, specifier)}`];
  });
}

function breachesOfDoors(sources: readonly Source[], { doors }: Rules): readonly string[] {
  const importers = new Map<string, string[]>();
  const found: string[] = [];
  for (const { path, room, imports } of sources) {
    for (const { specifier, line } of imports) {
      const name = packageName(specifier);
      if (name === undefined) continue;
      if (doors[name] === undefined) found.push(`${path}:${line}: no door is known for ${specifier}`);
      else if (!doors[name].includes(room))
        found.push(`${path}:${line}: the door to ${name} is not in ${room}`);
      const files = importers.get(name) ?? [];
      if (!files.includes(path)) importers.set(name, [...files, path]);
    }
  }
  for (const [name, files] of importers) {
    if (files.length > 1) found.push(`${name}: has ${files.length} doors, ${files.join(" and ")}`);
  }
  return found;
}

const CLOCKS_AND_SURROUNDINGS = /^(Date\.now|performance\.\w+|process\.\w+)$/;

function breachesOfPurity({ path, room, imports, globals }: Source, { pure }: Rules): readonly string[] {
  if (!pure.includes(room) && !pure.includes(path)) return [];
  const impure = [
    ...imports
      .filter(({ specifier }) => isNode(specifier))
      .map(({ specifier, line }) => ({ name: specifier, line })),
    ...globals.filter(({ name }) => CLOCKS_AND_SURROUNDINGS.test(name)),
  ];
  return impure.map(({ name, line }) => `${path}:${line}: is pure and may not use ${name}`);
}

/** Output goes through a writer or the log, and only `process.exitCode` lets a pipe drain before the end. */
function breachesOfManners({ path, imports, globals }: Source): readonly string[] {
  return [
    ...globals.filter(({ name }) => /^(console\.\w+|process\.(exit|reallyExit|abort))$/.test(name)),
    ...imports
      .filter(({ specifier }) => /^node:(console|process)$/.test(specifier))
      .map(({ specifier, line }) => ({ name: specifier, line })),
  ].map(({ name, line }) => `${path}:${line}: uses ${name}`);
}

function breachesOfLength(sources: readonly Source[], { longFiles, maxLines }: Rules): readonly string[] {
  const tooLong = sources.filter(({ lines }) => lines > maxLines).map(({ path, lines }) => ({ path, lines }));
  return [
    ...tooLong
      .filter(({ path }) => !longFiles[path])
      .map(
        ({ path, lines }) => `${path}: has ${lines} lines, more than ${maxLines}, and no reason is listed`,
      ),
    ...Object.keys(longFiles)
      .filter((path) => !tooLong.some((source) => source.path === path))
      .map((path) => `${path}: is listed as long and is not`),
  ];
}

/** Each cycle once, from its alphabetically first file. */
function cycles(sources: readonly Source[]): readonly string[] {
  const arrows = new Map(
    sources.map((source) => [
      source.path,
      source.imports.filter(isRelative).map(({ specifier }) => target(source, specifier)),
    ]),
  );
  const finished = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, way: readonly string[]) => {
    if (way.includes(path)) found.push(`cycle: ${[...way.slice(way.indexOf(path)), path].join(" → ")}`);
    if (way.includes(path) || finished.has(path)) return;
    for (const next of arrows.get(path) ?? []) visit(next, [...way, path]);
    finished.add(path);
  };
  for (const path of arrows.keys()) visit(path, []);
  return found;
}

function readSource(directory: string, path: string): Source {
  const text = readFileSync(join(directory, path), "utf8");
  const { program, errors } = parseSync(path, text);
  if (errors[0] !== undefined) throw new Error(`Cannot parse "${path}": ${errors[0].message}`);
  const lineOf = ({ start }: Node) => text.slice(0, start).split("\n").length;
  const imports: Import[] = [];
  const globals: Use[] = [];
  const addImport = (node: Node, source: Node | null | undefined) => {
    if (!source) return;
    const isText = source.type === "Literal" && typeof source.value === "string";
    imports.push({ specifier: isText ? String(source.value) : "a computed name", line: lineOf(node) });
  };
  new Visitor({
    ImportDeclaration: (node) => addImport(node, node.source),
    ExportNamedDeclaration: (node) => addImport(node, node.source),
    ExportAllDeclaration: (node) => addImport(node, node.source),
    ImportExpression: (node) => addImport(node, node.source),
    TSImportType: (node) => addImport(node, node.source),
    CallExpression: (node) => {
      if (node.callee.type === "Identifier" && node.callee.name === "require")
        addImport(node, node.arguments[0]);
    },
    MemberExpression: (node) => {
      const name = accessName(node);
      if (name !== undefined) globals.push({ name, line: lineOf(node) });
    },
  }).visit(program);
  return { path, room: roomOf(path), lines: text.split("\n").length - 1, imports, globals };
}

/** `a.b` of `a.b`, `a["b"]` and `globalThis.a.b`; undefined for anything longer or computed. */
function accessName(node: Extract<Node, { type: "MemberExpression" }>): string | undefined {
  const { object, property } = node;
  const last =
    property.type === "Identifier" && !node.computed
      ? property.name
      : property.type === "Literal" && typeof property.value === "string"
        ? property.value
        : undefined;
  if (last === undefined) return undefined;
  if (object.type === "Identifier") return `${object.name}.${last}`;
  const first = object.type === "MemberExpression" ? accessName(object) : undefined;
  return first?.startsWith("globalThis.") ? `${first.slice("globalThis.".length)}.${last}` : undefined;
}

function isRelative({ specifier }: Import): boolean {
  return specifier.startsWith(".");
}

/** The path of a relatively imported file, relative to the tree; it may lead out of it. */
function target({ path }: Source, specifier: string): string {
  return posix.join(posix.dirname(path), specifier);
}

function roomOf(path: string): string {
  return path.includes("/") ? path.slice(0, path.indexOf("/")) : "";
}

function isNode(specifier: string): boolean {
  return specifier.startsWith("node:");
}

/** `@scure/base` of `@scure/base/index.js`; undefined for what is no package. A bare `fs` passes for one. */
function packageName(specifier: string): string | undefined {
  if (specifier.startsWith(".") || isNode(specifier)) return undefined;
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}
