// The parts of the extension that need no VS Code: where the server is looked for, and what counts as one.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = path.resolve(import.meta.dirname, "..");
const dir = mkdtempSync(path.join(tmpdir(), "ckpt-unit-"));
after(() => rmSync(dir, { recursive: true }));

const load = async (name) => {
  const outfile = path.join(dir, `${name}.mjs`);
  await build({ entryPoints: [path.join(root, "src", `${name}.ts`)], bundle: true, platform: "node", format: "esm", outfile, logLevel: "warning" });
  return import(pathToFileURL(outfile).href);
};
const { candidates } = await load("find");
const { probe } = await load("probe");
const { page } = await load("picture");

const surroundings = {
  platform: "linux",
  env: { PATH: "/usr/bin:relative:/opt/bin", VIRTUAL_ENV: "/env/active" },
  trusted: true,
  setting: "~/bin/ckpt-lsp",
  folders: ["/work"],
  environment: "/env/selected",
  extension: "/ext",
};
const files = (changes) => candidates({ ...surroundings, ...changes }).map(({ file }) => file);

test("the setting, the environments, PATH, then what is bundled", () => {
  const home = process.env.HOME;
  assert.deepEqual(files({}), [
    `${home}/bin/ckpt-lsp`,
    "/env/selected/bin/ckpt-lsp",
    "/env/active/bin/ckpt-lsp",
    "/work/.venv/bin/ckpt-lsp",
    "/work/venv/bin/ckpt-lsp",
    "/usr/bin/ckpt-lsp",
    "/opt/bin/ckpt-lsp",
    "/ext/bundled/bin/ckpt-lsp",
  ]);
});

test("in a workspace that is not trusted, nothing but what is bundled", () => {
  assert.deepEqual(files({ trusted: false }), ["/ext/bundled/bin/ckpt-lsp"]);
});

test("settings with variables, relative ones, none; each place once", () => {
  assert.equal(files({ setting: "${workspaceFolder}/tools/ckpt-lsp" })[0], "/work/tools/ckpt-lsp");
  assert.equal(files({ setting: "tools/ckpt-lsp" })[0], "/work/tools/ckpt-lsp");
  assert.equal(files({ setting: "" })[0], "/env/selected/bin/ckpt-lsp");
  assert.equal(files({ setting: "/usr/bin/ckpt-lsp" }).filter((file) => file === "/usr/bin/ckpt-lsp").length, 1);
  assert.deepEqual(files({ setting: "", env: {}, folders: [], environment: undefined }), ["/ext/bundled/bin/ckpt-lsp"]);
});

test("the pictures of the extension's page are files of the repository", () => {
  const vsix = path.join(dir, "extension.vsix");
  execFileSync("npx", ["vsce", "package", "--no-dependencies", "--skip-license", "--out", vsix], { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
  const page = execFileSync("unzip", ["-p", vsix, "extension/readme.md"], { encoding: "utf8" });
  const { vsce, repository } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  const pictures = [...page.matchAll(/!\[[^\]]*\]\(([^)]+)\)/g)].map(([, picture]) => picture);
  assert.ok(pictures.length > 0);
  assert.equal(vsce.baseImagesUrl, `${repository.url.replace(/\.git$/, "")}/raw/HEAD/${repository.directory}`);
  for (const picture of pictures) {
    assert.ok(picture.startsWith(`${vsce.baseImagesUrl}/`), picture);
    const file = path.join(repository.directory, picture.slice(vsce.baseImagesUrl.length));
    assert.equal(execFileSync("git", ["ls-files", file], { cwd: path.resolve(root, "../.."), encoding: "utf8" }).trim(), file);
  }
});

test("the timeline's page runs no script, loads nothing, and says as text what the server says", () => {
  const text = "for <epoch> in range('x' & \"y\")\n</pre><script>alert(1)</script>";
  const html = page({ title: "Timeline of <b>.py", svg: "<svg><title>picture</title></svg>", text }, { command: "ckptLsp.x", says: "again" });
  assert.ok(html.includes("<svg><title>picture</title></svg>"));
  assert.ok(!html.includes("<script") && !html.includes("<b>"), html);
  assert.match(html, /Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/);
  assert.ok(html.includes("&lt;epoch&gt; in range(&#39;x&#39; &amp; &quot;y&quot;)"));
  assert.ok(html.includes('<a href="command:ckptLsp.x">again</a>'));
});

test("on Windows, Scripts and .exe", () => {
  const found = files({ platform: "win32", setting: "" });
  assert.ok(found.some((file) => file.endsWith(path.join("selected", "Scripts", "ckpt-lsp.exe"))), found.join("\n"));
  assert.ok(found.at(-1).endsWith("ckpt-lsp.exe"));
});

test("only what answers as ckpt-lsp does is a server", async () => {
  const script = (name, text) => {
    const file = path.join(dir, name);
    writeFileSync(file, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    return file;
  };
  assert.deepEqual(await probe(script("good", "echo ckpt-lsp 1.2.3")), { version: "1.2.3" });
  assert.match((await probe(script("other", "echo ruff 0.1"))).problem, /does not answer/);
  assert.match((await probe(script("failing", "exit 3"))).problem, /failed/i);
  assert.match((await probe(script("hanging", "exec sleep 60"), 300)).problem, /within/);
  assert.match((await probe(path.join(dir, "missing"))).problem, /ENOENT/);
  assert.match((await probe(process.env.CKPT_LSP_CLI)).version, /./);
});
