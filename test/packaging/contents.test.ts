import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileLine } from "../../build/rpm.ts";
import { contents, type Entry, parseContents } from "../../build/stage.ts";

const ROOT = join(import.meta.dirname, "../..");

const read = (toml: string, artefact: Parameters<typeof contents>[0] = "deb") =>
  parseContents(new TextEncoder().encode(toml), artefact);
const paths = (entries: readonly Entry[]) => entries.map(({ to }) => to);
const sources = (entries: readonly Entry[]) =>
  entries.flatMap((entry) => (entry.kind === "file" ? [entry.from] : []));

test("contents() lists what is in the checkout, for all three artefacts", () => {
  for (const artefact of ["deb", "rpm", "image"] as const) {
    const checkedIn = sources(contents(artefact)).filter((from) => !/^(dist\/|\{cb\}$)/.test(from));
    assert.deepEqual(
      checkedIn.filter((from) => !existsSync(join(ROOT, from))),
      [],
      artefact,
    );
    assert.ok(paths(contents(artefact)).includes("/usr/bin/cb"), artefact);
  }
});

test("contents() forgets no executor, example, page, access list or completion", () => {
  const listed = new Set([...sources(contents("deb")), ...sources(contents("rpm"))]);
  const folders = "packaging/{run.d,executors,redis-acl,completions}/*";
  const pages = globSync("packaging/man/*.mdoc", { cwd: ROOT }).map((path) =>
    path.replace(/^packaging\/man\/(.+)\.mdoc$/, "dist/man/$1"),
  );
  const wanted = [...globSync(folders, { cwd: ROOT }), ...globSync("systemd/*", { cwd: ROOT }), ...pages];
  assert.ok(pages.length >= 9);
  assert.deepEqual(
    wanted.filter((path) => !listed.has(path)),
    [],
  );
});

test("contents() has executables, and no other file, executable for all", () => {
  const executables = contents("deb").filter(({ kind, mode }) => kind === "file" && mode === 0o755);
  assert.deepEqual(paths(executables), [
    "/usr/bin/cb",
    "/usr/lib/cb/run.d/nmap",
    "/usr/lib/cb/run.d/ping",
    "/usr/lib/cb/run.d/sslscan",
  ]);
  const odd = contents("deb").filter(({ kind, mode }) => kind === "file" && ![0o755, 0o644].includes(mode));
  assert.deepEqual(paths(odd), ["/etc/cb/dispatcher.toml"]);
});

test("contents() closes to all but a group what is that group's, and has none of it in the image", () => {
  const grouped = (artefact: Parameters<typeof contents>[0]) =>
    contents(artefact).flatMap((entry) =>
      entry.kind === "file" && entry.group !== "root" ? [[entry.to, entry.group, entry.mode]] : [],
    );
  const settings = ["/etc/cb/dispatcher.toml", "cb-dispatcher", 0o640];
  assert.deepEqual([grouped("deb"), grouped("rpm"), grouped("image")], [[settings], [settings], []]);
  // dpkg knows no names of groups: its script has to do it.
  const postinst = readFileSync(join(ROOT, "packaging/debian/postinst"), "utf8");
  assert.match(postinst, /\/etc\/cb\/dispatcher\.toml\n.* = 0:0:640 \]; then chgrp /);
});

test("contents() takes for configuration what is a file in /etc, and nothing else", () => {
  for (const artefact of ["deb", "rpm", "image"] as const) {
    for (const entry of contents(artefact)) {
      const isConfig = entry.kind === "file" && entry.isConfig;
      assert.equal(isConfig, entry.kind === "file" && entry.to.startsWith("/etc/"), entry.to);
    }
  }
});

test("contents() compresses the man pages and puts each into its section", () => {
  const pages = paths(contents("deb")).filter((to) => to.startsWith("/usr/share/man/"));
  assert.ok(pages.length >= 9);
  for (const page of pages) assert.match(page, /\/man(\d)\/[\w.-]+\.\1\.gz$/);
});

test("parseContents() gives an artefact its own tables and the common ones, parents first", () => {
  const toml = `
    [[rpm]]\nto = "/a/r"\ndirectory = true
    [[packages]]\nto = "/a"\ndirectory = true
    [[everywhere]]\nto = "/b"\nlink = "a"
    [[deb]]\nto = "/a/d"\ndirectory = true`;
  assert.deepEqual(paths(read(toml, "deb")), ["/a", "/a/d", "/b"]);
  assert.deepEqual(paths(read(toml, "rpm")), ["/a", "/a/r", "/b"]);
  assert.deepEqual(paths(read(toml, "image")), ["/b"]);
});

test("parseContents() reads modes as octal numbers", () => {
  const toml = '[[deb]]\nto = "/a"\nfrom = "a"\nmode = "0755"\n[[deb]]\nto = "/b"\nfrom = "b"';
  assert.deepEqual(
    read(toml).map(({ mode }) => mode),
    [0o755, 0o644],
  );
});

for (const [what, toml] of Object.entries({
  "an unknown table": '[[dep]]\nto = "/a"\nfrom = "a"',
  "a relative path": '[[deb]]\nto = "a"\nfrom = "a"',
  "a file and a link in one": '[[deb]]\nto = "/a"\nfrom = "a"\nlink = "b"',
  "nothing to install": '[[deb]]\nto = "/a"',
  "an unknown key": '[[deb]]\nto = "/a"\nfrom = "a"\nconf = true',
  "a mode that is a number": '[[deb]]\nto = "/a"\nfrom = "a"\nmode = 755',
  "a mode for a link": '[[deb]]\nto = "/a"\nlink = "b"\nmode = "0644"',
  "a group of a directory": '[[deb]]\nto = "/a"\ndirectory = true\ngroup = "b"',
  "a group that is a number": '[[deb]]\nto = "/a"\nfrom = "a"\ngroup = 7',
  "a link as configuration": '[[deb]]\nto = "/a"\nlink = "b"\nconfig = true',
  "two files of one path": '[[deb]]\nto = "/a"\nfrom = "a"\n[[packages]]\nto = "/a"\nfrom = "b"',
})) {
  test(`parseContents() refuses ${what}`, () => {
    assert.throws(() => read(toml), /^Failure: Cannot read packaging\/contents\.toml: /);
  });
}

test("fileLine() says of each entry what rpm has to know", () => {
  const lines = read(`
    [[deb]]\nto = "/a"\ndirectory = true
    [[deb]]\nto = "/b"\nlink = "a"
    [[deb]]\nto = "/c"\nfrom = "c"\nconfig = true
    [[deb]]\nto = "/d"\nfrom = "d"\nmode = "0755"
    [[deb]]\nto = "/e"\nfrom = "e"\nmode = "0640"\ngroup = "f"
    [[deb]]\nto = "/usr/share/licenses/cb/LICENSE"\nfrom = "LICENSE"`).map(fileLine);
  assert.deepEqual(lines, [
    "%dir %attr(755,root,root) /a\n",
    "/b\n",
    "%config(noreplace) %attr(644,root,root) /c\n",
    "%attr(755,root,root) /d\n",
    "%attr(640,root,f) /e\n",
    "%license %attr(644,root,root) /usr/share/licenses/cb/LICENSE\n",
  ]);
});

test("the changelogs of both packages begin with the version of package.json", () => {
  const text = (path: string) => readFileSync(join(ROOT, path), "utf8");
  const { version } = JSON.parse(text("package.json"));
  assert.ok(text("packaging/debian/changelog").startsWith(`cb (${version}) `));
  const [, entry] = /^%changelog\n(.*)$/m.exec(text("packaging/rpm/cb.spec")) ?? [];
  assert.ok(entry?.endsWith(` - ${version}-1`), entry);
  assert.match(text("CHANGELOG.md"), new RegExp(`^## ${version.replaceAll(".", "\\.")} `, "m"));
});
